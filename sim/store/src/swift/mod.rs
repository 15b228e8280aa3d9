//! Vocabulary of storage nodes, proxies, workers and clients: timestamps, names, ports and headers,
//! as Swift has them.
//!
//! # Between a proxy and a node
//! Paths are `/device/partition/account[/container[/object]]`, each part percent-encoded, on one
//! port for each of the three services ([`Service`]). The headers are Swift's: see [`header`].
//! Unlike in Swift, one ring serves all three services.
//!
//! Leaves out requests and answers, which are `node`'s and `proxy`'s.

pub mod date;
pub mod header;
mod names;
mod ring_lookup;
mod timestamp;
mod xml;

pub use names::{
    ACCOUNT_LEN_MAX, BadName, CONTAINER_LEN_MAX, OBJECT_LEN_MAX, Path, decode_path, encode_part,
    encode_query,
};
pub use ring_lookup::{ReplicaTarget, RingLookup};
pub use timestamp::{BadTimestamp, Timestamp};
pub use xml::escape_xml;

/// Service of a storage node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// Objects.
    Object,
    /// Listings of containers.
    Container,
    /// Listings of accounts.
    Account,
}

impl Service {
    /// Port of the service, from the one in the ring (the object service's).
    #[must_use]
    pub const fn port(self, ring_port: u16) -> u16 {
        match self {
            Self::Object => ring_port,
            Self::Container => ring_port + 1,
            Self::Account => ring_port + 2,
        }
    }
}

/// Port of a storage node's job service, from the one in the ring.
#[must_use]
pub const fn job_port(ring_port: u16) -> u16 {
    ring_port + 3
}

/// Port of the object service on storage nodes, as in rings.
pub const NODE_PORT: u16 = 6200;
/// Port of proxies for clients.
pub const PROXY_PORT: u16 = 8080;
/// Port of workers for jobs.
pub const WORKER_PORT: u16 = 8081;
