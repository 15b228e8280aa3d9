//! A cluster that real clients use: its directory or its file, its users, its certificate, its log
//! and its metrics.
//!
//! ```text
//! one process:        DIR/cluster.toml      what the cluster is made of, and its secrets
//!                     DIR/ring.json         where things belong
//!                     DIR/devices/d1 …      what is stored
//! several processes:  FILE                  shared by all, with the address of each node
//!                     DIR/node.toml         which node of which cluster a directory belongs to
//!                     DIR/devices/d3 …      what that node stores
//! ```
//! The cluster itself is `stayput_server::served`. Leaves out options and signals, which are the
//! command's.

mod cluster;
mod layout;
mod logs;
mod metrics;
mod metrics_endpoint;
mod node;
mod secret;
mod tls;
mod users;

pub use self::cluster::{BadNode, ClusterFile, ClusterShape, NodeAddress};
pub use self::layout::{Layout, LayoutError, Shape};
pub use self::logs::{BadLogFilter, LogFilter, LogForm, Logs};
pub use self::metrics::{CONTENT_TYPE as METRICS_TYPE, Metrics, Parts};
pub use self::metrics_endpoint::{MetricsEndpoint, Watcher};
pub use self::node::NodeDir;
pub use self::secret::{NoRandomness, Secret};
pub use self::tls::{TlsFileError, tls};
pub use self::users::{KNOWN_USER, LogIns, UsersError, users};
