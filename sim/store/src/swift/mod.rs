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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_services_of_a_node_and_its_jobs_have_ports_of_their_own() {
        let services = [Service::Object, Service::Container, Service::Account];
        let ports = services.map(|service| service.port(NODE_PORT));
        let all: BTreeSet<u16> = ports.into_iter().chain([job_port(NODE_PORT)]).collect();
        assert_eq!(all.len(), 4);
        assert_eq!(ports[0], NODE_PORT, "rings name the port of the objects");
        assert!(!all.contains(&PROXY_PORT) && !all.contains(&WORKER_PORT));
        let ip = std::net::IpAddr::from([10, 0, 0, 1]);
        let target = ReplicaTarget { ip, port: NODE_PORT, device: "d1".to_owned() };
        for (service, port) in services.into_iter().zip(ports) {
            assert_eq!(target.address(service), std::net::SocketAddr::new(ip, port));
        }
    }

    #[test]
    fn headers_that_are_no_text_or_no_timestamp_are_not_there() {
        let mut headers = hyper::HeaderMap::new();
        let name = header::X_TIMESTAMP;
        assert_eq!(header::text(&headers, &name), None);
        for (value, text, is_timestamp) in [
            (&b"1704067200.00042"[..], Some("1704067200.00042"), true),
            (b"soon", Some("soon"), false),
            (b"", Some(""), false),
            (b"\xe9", None, false),
        ] {
            let value = hyper::header::HeaderValue::from_bytes(value).expect("it may stand there");
            headers.insert(&name, value);
            assert_eq!(header::text(&headers, &name), text);
            assert_eq!(header::timestamp(&headers, &name).is_some(), is_timestamp, "{text:?}");
        }
    }
}
