//! A cluster on this machine that real clients use: its directory, its users, its log and its metrics.
//!
//! ```text
//! DIR/cluster.toml      what the cluster is made of, and its secrets
//! DIR/ring.json         where things belong
//! DIR/devices/d1 …      what is stored
//! ```
//! The cluster itself is `stayput_sim::cluster::served`. Leaves out several processes, and signals, which are the command's.

mod layout;
mod logs;
mod metrics;
mod secret;
mod users;
mod watch;

pub use self::layout::{Layout, LayoutError, Shape};
pub use self::logs::{BadLogFilter, LogFilter, LogForm, Logs};
pub use self::metrics::{CONTENT_TYPE as METRICS_TYPE, Metrics, Parts};
pub use self::secret::{NoRandomness, Secret};
pub use self::users::{KNOWN_USER, UsersError, users};
pub use self::watch::{Told, Watcher};
