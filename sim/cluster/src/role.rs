//! Roles of a cluster's hosts, which give them their names and addresses.
//!
//! Leaves out real addresses: these mean something only within a cluster.

use std::net::Ipv4Addr;

/// Role of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostRole {
    /// Storage node.
    Node,
    /// Proxy.
    Proxy,
    /// Worker.
    Worker,
    /// Client.
    Client,
}

impl HostRole {
    /// Name of the host of this role with that index, from 0: `node:1`.
    #[must_use]
    pub fn host_name(self, index: u32) -> String {
        let role = match self {
            Self::Node => "node",
            Self::Proxy => "proxy",
            Self::Worker => "worker",
            Self::Client => "client",
        };
        format!("{role}:{}", index + 1)
    }

    /// Address of the host of this role with that index, from 0: `10.1.0.1` for the first node.
    #[must_use]
    pub const fn host_ip(self, index: u32) -> Ipv4Addr {
        let role = match self {
            Self::Node => 1,
            Self::Proxy => 2,
            Self::Worker => 3,
            Self::Client => 4,
        };
        let [_, _, high, low] = (index + 1).to_be_bytes();
        Ipv4Addr::new(10, role, high, low)
    }
}
