//! This machine as a backend of the seam: hosts on threads, with sockets, disks, cores and TLS.
//!
//! ```text
//! server    threads, each with a reactor and some of the hosts, which stay there
//!           switchboard → pipe, loopback   hosts reach each other in memory, or over sockets
//! accept    one socket for clients → the proxy with fewest connections; tls
//! peers     hosts of other processes, through one port of each process, by those who know the
//!           cluster's secret
//! cores     job steps, on threads of their own
//! disk      directories of this machine
//! served    the hosts of a cluster's plan on a server, for clients from outside
//! backend   a server whose hosts are added one by one, for runs in real time
//! ```
//! Nothing above the seam knows the difference to the simulated machine room, which this crate does
//! not know, as that does not know it. It keeps no meters of a run beside its counters.

mod accept;
#[cfg(unix)]
mod backend;
mod clock;
mod cores;
#[cfg(unix)]
pub mod disk;
mod loopback;
mod machine;
mod meters;
mod peers;
mod pipe;
pub mod served;
mod server;
mod shared;
mod shutdown;
mod start;
mod stream;
mod switchboard;
#[cfg(test)]
mod tests;
mod thread;
mod tls;

pub use self::accept::Door;
#[cfg(unix)]
pub use self::backend::{LoopbackError, LoopbackServer};
pub use self::clock::{ServerClock, UnsetClockError};
pub use self::meters::Meters;
pub use self::peers::{PeerError, PeerSecret, Peers};
pub use self::server::Server;
pub use self::start::{Actor, OpenDisk, StartError, Starting};
pub use self::tls::{BadTls, Tls};
