//! The file of a cluster of several processes: made once, and copied to every machine.
//!
//! It holds the ring itself and not what that could be computed from, so that a later version of
//! this program finds what an earlier one stored. Addresses may be changed in it, in all copies;
//! everything else stays. Leaves out nodes that are added or go for good.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use stayput_cluster::{ClusterRing, HostRole, build_ring, served_device};
use stayput_ring::{HashSecret, Ring};

use stayput_server::{PeerSecret, Peers};

use super::layout::{DEVICES_MAX, LayoutError, PART_POWER, flawed, within, write_first};
use super::secret::Secret;

/// The format that this version writes and reads.
const VERSION: u32 = 1;
/// Nodes of a cluster.
const NODES_MAX: u32 = 64;
/// Processes with proxies: the more, the further apart are the timestamps that each of them can
/// give.
const PROXIES_MAX: u32 = 32;
/// Partitions of each device, at least.
const PARTITIONS: u32 = 100;
/// Digits of what a cluster is called.
const ID_DIGITS: usize = 32;

const HEAD: &str = "\
# Written by `stayput cluster new`: what all processes of a cluster share. Copy it to each of their machines, and keep it to yourself: the
# hash secrets are part of where everything lies, whoever has the token secret can make tokens, and whoever has the peer secret can ask
# nodes for anything. When a node moves to another machine, change its address in `nodes`, in every copy; leave all else as it is.
";

/// Address of a node's process: `HOST:PORT`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NodeAddress(String);

/// An address at which no node can be reached.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a node's address cannot be {address:?}: {why} (write HOST:PORT, such as 10.0.0.1:7000)")]
pub struct BadNode {
    address: String,
    why: &'static str,
}

impl NodeAddress {
    /// The address that is written so.
    ///
    /// # Errors
    /// It has no host or no port, or is one that others cannot connect to.
    pub fn parse(address: &str) -> Result<Self, BadNode> {
        let bad = |why| BadNode { address: address.to_owned(), why };
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

    /// Address to listen at, to be reached so.
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
    type Error = BadNode;

    fn try_from(text: String) -> Result<Self, BadNode> {
        Self::parse(&text)
    }
}

/// Shape of a new cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterShape {
    /// Address of each node's process.
    pub nodes: Vec<NodeAddress>,
    /// Devices of each node.
    pub devices_per_node: u32,
    /// Copies of everything that is stored, on different nodes as far as there are so many. `None`
    /// is three, or one on each device.
    pub replicas: Option<u32>,
    /// Processes with proxies that there can be.
    pub proxies: u32,
}

/// Content of the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    version: u32,
    id: String,
    nodes: Vec<NodeAddress>,
    devices_per_node: u32,
    replicas: u32,
    proxies: u32,
    hash_prefix: Secret,
    hash_suffix: Secret,
    token_secret: Secret,
    peer_secret: Secret,
    ring: String,
}

/// A cluster of several processes.
#[derive(Debug)]
pub struct ClusterFile {
    content: Content,
    ring: Ring,
}

impl ClusterFile {
    /// Makes a cluster, and writes it to `path`, which nobody but this user can read.
    ///
    /// # Errors
    /// The file is there, cannot be written, or there is no such cluster.
    pub fn make(path: &Path, shape: ClusterShape) -> Result<Self, LayoutError> {
        let cannot_look = |source| file_error(path, "look for it", source);
        if path.try_exists().map_err(cannot_look)? {
            return Err(LayoutError::Exists { path: path.to_owned() });
        }
        let ClusterShape { nodes, devices_per_node, replicas, proxies } = shape;
        let devices = check(&nodes, devices_per_node, proxies)?;
        let replicas = replicas.unwrap_or(devices.min(3));
        let power = part_power(devices, replicas);
        let seed = Secret::drawn()?.seed();
        let in_order = (0..devices).map(|index| served_device(index, devices_per_node));
        let ring = build_ring(in_order, replicas, power, seed)?;
        let text = ring.to_json().map_err(|error| flawed(path, &error.to_string()))?;
        let mut id = String::from(Secret::drawn()?);
        id.truncate(ID_DIGITS);
        let content = Content {
            version: VERSION,
            id,
            nodes,
            devices_per_node,
            replicas,
            proxies,
            hash_prefix: Secret::drawn()?,
            hash_suffix: Secret::drawn()?,
            token_secret: Secret::drawn()?,
            peer_secret: Secret::drawn()?,
            ring: String::from_utf8_lossy(&text).into_owned(),
        };
        let text = toml::to_string(&content).map_err(|error| flawed(path, &error.to_string()))?;
        let (folder, name) = folder_and_name(path)?;
        write_first(&folder, name, format!("{HEAD}{text}").as_bytes())?;
        Ok(Self { content, ring })
    }

    /// The cluster that `path` says.
    ///
    /// # Errors
    /// It cannot be read, or says something that it cannot.
    pub fn read(path: &Path) -> Result<Self, LayoutError> {
        let text = fs::read_to_string(path);
        let text = text.map_err(|source| file_error(path, "read it", source))?;
        // What it says of a flaw would show the line, and there are secrets in it.
        let content: Content =
            toml::from_str(&text).map_err(|error| flawed(path, error.message()))?;
        if content.version != VERSION {
            let why = format!("its version is {}, not {VERSION}", content.version);
            return Err(flawed(path, &why));
        }
        let devices = check(&content.nodes, content.devices_per_node, content.proxies)?;
        let ring = Ring::from_json(content.ring.as_bytes());
        let ring = ring.map_err(|error| flawed(path, &format!("ring: {error}")))?;
        let found = ring.devices().map(|it| (it.ip, it.device.as_str().to_owned()));
        let expected = (0..devices).map(|index| {
            let device = served_device(index, 1);
            (IpAddr::V4(device.ip), device.name)
        });
        let replicas = usize::try_from(content.replicas).unwrap_or(0);
        if !found.eq(expected) || ring.replica_count() != replicas {
            return Err(flawed(path, "its ring is not that of its nodes, devices and replicas"));
        }
        Ok(Self { content, ring })
    }

    /// Unique name of the cluster.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.content.id
    }

    /// Address of each node's process.
    #[must_use]
    pub fn nodes(&self) -> &[NodeAddress] {
        &self.content.nodes
    }

    /// Number of them.
    #[must_use]
    pub fn node_count(&self) -> u32 {
        u32::try_from(self.content.nodes.len()).unwrap_or(u32::MAX)
    }

    /// Devices, of all nodes.
    #[must_use]
    pub fn device_count(&self) -> u32 {
        self.node_count() * self.content.devices_per_node
    }

    /// Copies of everything that is stored.
    #[must_use]
    pub fn replicas(&self) -> u32 {
        self.content.replicas
    }

    /// Processes with proxies that there can be.
    #[must_use]
    pub fn proxies(&self) -> u32 {
        self.content.proxies
    }

    /// The numbers of a node's devices, from 0. Nodes count from 1.
    #[must_use]
    pub fn devices_of(&self, node: u32) -> Range<u32> {
        let each = self.content.devices_per_node;
        (node - 1) * each..node * each
    }

    /// Ring.
    #[must_use]
    pub fn ring(&self) -> &Ring {
        &self.ring
    }

    /// Ring and hash secret.
    #[must_use]
    pub fn cluster_ring(&self) -> ClusterRing {
        ClusterRing::new(self.ring.clone(), self.hash_secret())
    }

    /// Of the ring's hashes.
    #[must_use]
    pub fn hash_secret(&self) -> HashSecret {
        let Content { hash_prefix, hash_suffix, .. } = &self.content;
        HashSecret::new(*hash_prefix.bytes(), *hash_suffix.bytes())
    }

    /// Secret that seals tokens.
    #[must_use]
    pub fn token_secret(&self) -> &Secret {
        &self.content.token_secret
    }

    /// The nodes' processes, but for that of `own` if this is a node's.
    #[must_use]
    pub fn peers_of(&self, own: Option<u32>) -> Peers {
        let others = (1..).zip(self.nodes()).filter(|(node, _)| Some(*node) != own);
        let ways = others.flat_map(|(node, address)| {
            let way: Arc<str> = Arc::from(address.0.as_str());
            self.devices_of(node)
                .map(move |index| (IpAddr::V4(HostRole::Node.host_ip(index)), Arc::clone(&way)))
        });
        Peers::new(PeerSecret::new(*self.content.peer_secret.bytes()), ways)
    }
}

fn file_error(path: &Path, action: &'static str, source: std::io::Error) -> LayoutError {
    LayoutError::File { path: path.to_owned(), action, source }
}

/// Number of devices of such nodes together.
fn check(nodes: &[NodeAddress], each: u32, proxies: u32) -> Result<u32, LayoutError> {
    let count = u32::try_from(nodes.len()).unwrap_or(u32::MAX);
    within("nodes", count, NODES_MAX)?;
    within("devices of a node", each, DEVICES_MAX)?;
    within("proxies", proxies, PROXIES_MAX)?;
    let mut seen = BTreeSet::new();
    for NodeAddress(address) in nodes {
        if !seen.insert(address) {
            let why = "another node has it";
            return Err(BadNode { address: address.clone(), why }.into());
        }
    }
    Ok(count * each)
}

/// Enough partitions that devices come out equally full.
fn part_power(devices: u32, replicas: u32) -> u32 {
    let wanted = devices * PARTITIONS / replicas.max(1);
    wanted.next_power_of_two().trailing_zeros().max(PART_POWER)
}

fn folder_and_name(path: &Path) -> Result<(PathBuf, &str), LayoutError> {
    let nameless = || file_error(path, "write it", std::io::ErrorKind::InvalidFilename.into());
    let name = path.file_name().and_then(|name| name.to_str()).ok_or_else(nameless)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    Ok((folder.unwrap_or(Path::new(".")).to_owned(), name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(nodes: &[&str]) -> ClusterShape {
        let nodes = nodes.iter().map(|node| NodeAddress::parse(node).unwrap()).collect();
        ClusterShape { nodes, devices_per_node: 2, replicas: None, proxies: 2 }
    }

    fn made(dir: &Path) -> PathBuf {
        let path = dir.join("cluster");
        ClusterFile::make(&path, shape(&["a:1", "10.0.0.2:7000", "[::1]:7"])).unwrap();
        path
    }

    #[test]
    fn a_cluster_reads_back_as_it_was_made() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cluster");
        let made = ClusterFile::make(&path, shape(&["a:1", "b:1", "c:1"])).unwrap();
        let read = ClusterFile::read(&path).unwrap();
        assert_eq!((read.id(), read.nodes()), (made.id(), made.nodes()));
        assert_eq!((read.ring(), read.hash_secret()), (made.ring(), made.hash_secret()));
        assert_eq!((read.device_count(), read.replicas(), read.proxies()), (6, 3, 2));
        assert_eq!((read.devices_of(1), read.devices_of(3)), (0..2, 4..6));
    }

    #[test]
    fn copies_of_anything_are_on_different_nodes() {
        let dir = tempfile::tempdir().unwrap();
        let cluster = ClusterFile::read(&made(dir.path())).unwrap();
        for partition in cluster.ring().partitions() {
            let zones: BTreeSet<u32> =
                cluster.ring().primaries(partition).iter().map(|device| device.zone.0).collect();
            assert_eq!(zones.len(), 3, "{partition:?}");
        }
    }

    #[test]
    fn a_file_that_is_there_is_never_written_over() {
        let dir = tempfile::tempdir().unwrap();
        let path = made(dir.path());
        let before = fs::read(&path).unwrap();
        let error = ClusterFile::make(&path, shape(&["a:1"])).unwrap_err().to_string();
        assert!(error.contains("is there already"), "{error}");
        assert_eq!(fs::read(&path).unwrap(), before);
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_can_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let mode = fs::metadata(made(dir.path())).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

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

    #[test]
    fn no_cluster_is_made_that_cannot_be() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cluster");
        let good = shape(&["a:1", "b:1"]);
        for (bad, why) in [
            (shape(&[]), "0 nodes"),
            (shape(&["a:1", "a:1"]), "another node has it"),
            (ClusterShape { devices_per_node: 0, ..good.clone() }, "0 devices"),
            (ClusterShape { proxies: 33, ..good.clone() }, "33 proxies"),
            (ClusterShape { replicas: Some(5), ..good.clone() }, "no more replicas than devices"),
            (ClusterShape { replicas: Some(0), ..good }, "no more replicas than devices"),
        ] {
            let error = ClusterFile::make(&path, bad).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
            assert!(!path.exists());
        }
    }

    #[test]
    fn a_flawed_file_is_named_with_what_is_wrong_and_shows_no_secret() {
        let dir = tempfile::tempdir().unwrap();
        let path = made(dir.path());
        let text = fs::read_to_string(&path).unwrap();
        let secret = text.lines().find(|line| line.starts_with("peer_secret")).unwrap();
        let changed = |from: &str, to: &str| {
            assert!(text.contains(from), "{from}");
            fs::write(&path, text.replace(from, to)).unwrap();
            let error = ClusterFile::read(&path).unwrap_err().to_string();
            assert!(error.contains(&path.display().to_string()), "{error}");
            assert!(!error.contains(&secret[15..40]), "{error}");
            error
        };
        assert!(changed("version = 1", "version = 2").contains("its version is 2"));
        assert!(changed("replicas = 3", "replicas = 2").contains("its ring"));
        assert!(changed("devices_per_node = 2", "devices_per_node = 3").contains("its ring"));
        assert!(changed("\"a:1\"", "\"a\"").contains("no port"));
        assert!(changed(secret, &secret[..60]).contains("cluster: "));
        assert!(changed("proxies", "proxy").contains("unknown field"));
    }
}
