//! One plan of a cluster, and one assembly of it: a ring over the disks of storage nodes, proxies,
//! workers, and clients that somebody programs, on any backend.
//!
//! ```text
//! role    names and addresses of hosts
//! ring    ring of a cluster, built and looked up
//! plan    hosts and settings of a cluster, simulated or served
//! hosts   main functions of a plan's nodes, proxies and workers
//! assembly  all of a plan's hosts added to one backend
//! ```
//! Leaves out running it, what the clients do, and which hosts a real machine runs
//! (`stayput-server`).

mod assembly;
mod hosts;
mod plan;
mod ring;
mod role;

pub use self::assembly::{ClientMain, ClientSide, Cluster};
pub use self::plan::{ClusterPlan, ClusterSpec, served_device};
pub use self::ring::{ClusterError, ClusterRing, RingDevice, build_ring};
pub use self::role::HostRole;

/// Account of the clients of a simulated cluster.
pub const ACCOUNT: &str = "AUTH_stayput";
/// Auth token of [`ACCOUNT`].
pub const TOKEN: &str = "stayput-token";
/// Another account, which has nothing to do with the first: for what must be kept apart.
pub const OTHER_ACCOUNT: &str = "AUTH_neighbour";
/// Auth token of [`OTHER_ACCOUNT`].
pub const OTHER_TOKEN: &str = "neighbour-token";
