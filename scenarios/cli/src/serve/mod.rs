//! A cluster that real clients use: its directory or its file, its users, its certificate, its log
//! and its metrics.
//!
//! ```text
//! one process:        DIR/cluster.toml      file of the cluster: nodes, secrets and ring
//!                     DIR/devices/d1 …      what is stored
//! several processes:  FILE                  file of the cluster, shared by all
//!                     DIR/node.toml         node and cluster that a directory belongs to
//!                     DIR/devices/d3 …      what that node stores
//! ```
//! The cluster itself is `stayput_server::served`. Leaves out options and signals, which are the
//! command's.

mod cluster_data_error;
mod cluster_file;
mod data_dir;
mod logs;
mod metrics;
mod metrics_endpoint;
mod node_address;
mod private_file;
mod secret;
mod tls;
mod users;
mod version1;

pub use self::cluster_data_error::ClusterDataError;
pub use self::cluster_file::{ClusterFile, ClusterShape};
pub use self::data_dir::DataDir;
pub use self::logs::{BadLogFilter, LogFilter, LogForm, Logs};
pub use self::metrics::{CONTENT_TYPE as METRICS_TYPE, MetricSources, Metrics};
pub use self::metrics_endpoint::{MetricsEndpoint, Watcher};
pub use self::node_address::{NodeAddress, NodeAddressError};
pub use self::secret::{NoRandomness, Secret};
pub use self::tls::{TlsFileError, tls};
pub use self::users::{KNOWN_USER, LogIns, TokenLifeError, UsersError, users};
