//! Address of a node's process, as the other processes of its cluster reach it.
//!
//! Leaves out whether anything answers there.

use std::fmt;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};

use serde::{Deserialize, Serialize};

/// Address of a node's process: `HOST:PORT`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NodeAddress(String);

/// Error of an address at which no node can be reached.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a node's address cannot be {address:?}: {why} (write HOST:PORT, such as 10.0.0.1:7000)")]
pub struct NodeAddressError {
    address: String,
    why: &'static str,
}

impl NodeAddressError {
    /// Error of an address that two nodes have.
    pub(super) fn twice(address: &NodeAddress) -> Self {
        Self { address: address.0.clone(), why: "another node has it" }
    }
}

impl NodeAddress {
    /// Parses an address.
    ///
    /// # Errors
    /// It has no host or no port, or is one that others cannot connect to.
    pub fn parse(address: &str) -> Result<Self, NodeAddressError> {
        let bad = |why| NodeAddressError { address: address.to_owned(), why };
        let (host, port) = address.rsplit_once(':').ok_or_else(|| bad("it has no port"))?;
        let port: u16 = port.parse().map_err(|_| bad("its port is no number below 65,536"))?;
        if port == 0 {
            return Err(bad("others cannot know which port 0 is"));
        }
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        match bare.unwrap_or(host).parse::<IpAddr>() {
            Ok(ip) if ip.is_unspecified() => Err(bad("others cannot connect to it")),
            Ok(IpAddr::V6(_)) if bare.is_none() => Err(bad("brackets belong round IPv6")),
            Ok(_) => Ok(Self(address.to_owned())),
            Err(_) => {
                let is_good = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
                if bare.is_some() || host.is_empty() || !host.bytes().all(is_good) {
                    return Err(bad("it has no host"));
                }
                Ok(Self(address.to_owned()))
            }
        }
    }

    /// Resolves it to a socket address to listen at.
    ///
    /// # Errors
    /// Its host is not known here.
    pub fn resolve(&self) -> std::io::Result<SocketAddr> {
        let nowhere = || std::io::ErrorKind::NotFound.into();
        self.0.to_socket_addrs()?.next().ok_or_else(nowhere)
    }
}

impl fmt::Display for NodeAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<NodeAddress> for String {
    fn from(address: NodeAddress) -> Self {
        address.0
    }
}

impl TryFrom<String> for NodeAddress {
    type Error = NodeAddressError;

    fn try_from(text: String) -> Result<Self, NodeAddressError> {
        Self::parse(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_others_cannot_use_is_refused_with_a_reason() {
        for (address, why) in [
            ("", "no port"),
            ("host", "no port"),
            ("host:", "no number"),
            ("host:70000", "no number"),
            ("host:0", "port 0"),
            (":7000", "no host"),
            ("a b:7000", "no host"),
            ("http://a:7000", "no host"),
            ("[a]:7000", "no host"),
            ("0.0.0.0:7000", "cannot connect"),
            ("[::]:7000", "cannot connect"),
            ("::1:7000", "brackets"),
        ] {
            let error = NodeAddress::parse(address).unwrap_err().to_string();
            assert!(error.contains(why) && error.contains("HOST:PORT"), "{address}: {error}");
        }
        for address in ["host:7000", "10.0.0.1:1", "[::1]:65535", "node-1.example.com:7000"] {
            assert_eq!(NodeAddress::parse(address).unwrap().to_string(), address);
        }
    }
}
