//! File of a cluster: its nodes, its secrets and its ring.
//!
//! A cluster of several processes has it made by `stayput cluster new`, and copied to every
//! machine. A single process makes it in its directory, as that of a cluster of one node without an
//! address. It holds the ring itself and not what that could be computed from, so that a later
//! version of this program finds what an earlier one stored. Addresses may be changed in it, in all
//! copies; everything else stays. Leaves out nodes that are added or go for good.

use std::collections::BTreeSet;
use std::fs;
use std::net::IpAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use stayput_cluster::{ClusterRing, build_ring, served_device};
use stayput_ring::{HashSecret, Ring};
use stayput_server::{PeerSecret, Peers};

use super::cluster_data_error::{ClusterDataError, DEVICES_MAX};
use super::node_address::{NodeAddress, NodeAddressError};
use super::private_file::write_first;
use super::secret::Secret;
use super::version1;

/// Version of the format that is written. Version 1 can be read as well.
pub(super) const VERSION: u32 = 2;
/// Nodes of a cluster.
const NODES_MAX: u32 = 64;
/// Processes with proxies: the more, the further apart are the timestamps that each of them can
/// give.
const PROXIES_MAX: u32 = 32;
/// Least part power: some 250 partitions on each of a dozen devices with three replicas.
const PART_POWER_MIN: u32 = 10;
/// Partitions of each device, at least.
const PARTITIONS: u32 = 100;
/// Digits of a cluster's id.
const ID_DIGITS: usize = 32;

const HEAD: &str = "\
# Written by `stayput cluster new`: what all processes of a cluster share. Copy it to each of their machines, and keep it to yourself: the
# hash secrets are part of where everything lies, whoever has the token secret can make tokens, and whoever has the peer secret can ask
# nodes for anything. When a node moves to another machine, change its address in `nodes`, in every copy; leave all else as it is.
";

/// Shape of a new cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterShape {
    /// Address of each node's process; empty if one process serves the whole cluster.
    pub nodes: Vec<NodeAddress>,
    /// Devices of each node.
    pub devices_per_node: u32,
    /// Copies of everything that is stored, on different nodes as far as there are so many. `None`
    /// is three, or one on each device.
    pub replicas: Option<u32>,
    /// Maximal number of processes with proxies.
    pub proxies: u32,
}

/// Content of the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ClusterContent {
    pub(super) version: u32,
    pub(super) id: String,
    pub(super) nodes: Vec<NodeAddress>,
    pub(super) devices_per_node: u32,
    pub(super) replicas: u32,
    pub(super) proxies: u32,
    pub(super) hash_prefix: Secret,
    pub(super) hash_suffix: Secret,
    pub(super) token_secret: Secret,
    pub(super) peer_secret: Secret,
    pub(super) ring: String,
}

/// A cluster on real machines.
#[derive(Debug)]
pub struct ClusterFile {
    content: ClusterContent,
    ring: Ring,
}

impl ClusterFile {
    /// Makes a cluster of several processes, and writes it to `path`, which nobody but this user
    /// can read.
    ///
    /// # Errors
    /// The file exists, cannot be written, or the shape is impossible.
    pub fn make(path: &Path, shape: ClusterShape) -> Result<Self, ClusterDataError> {
        if path.try_exists().map_err(ClusterDataError::file(path, "look for it"))? {
            return Err(ClusterDataError::Exists { path: path.to_owned() });
        }
        let nodes = u32::try_from(shape.nodes.len()).unwrap_or(u32::MAX);
        ClusterDataError::check_count("nodes", nodes, NODES_MAX)?;
        let made = Self::new(path, shape)?;
        let (folder, name) = folder_and_name(path)?;
        write_first(&folder, name, made.text(path, HEAD)?.as_bytes())?;
        Ok(made)
    }

    /// Draws the secrets of a cluster and builds its ring, for the file at `path`.
    ///
    /// # Errors
    /// The shape is impossible.
    pub(super) fn new(path: &Path, shape: ClusterShape) -> Result<Self, ClusterDataError> {
        let ClusterShape { nodes, devices_per_node, replicas, proxies } = shape;
        let devices = check(&nodes, devices_per_node, proxies)?;
        let replicas = replicas.unwrap_or(devices.min(3));
        // Each device of a single process is in a zone of its own, else those of a node are in one.
        let per_zone = if nodes.is_empty() { 1 } else { devices_per_node };
        let in_order = (0..devices).map(|index| served_device(index, per_zone));
        let power = part_power(devices, replicas);
        let ring = build_ring(in_order, replicas, power, Secret::drawn()?.seed())?;
        let text = ring.to_json();
        let text = text.map_err(|error| ClusterDataError::flawed(path, &error.to_string()))?;
        let content = ClusterContent {
            version: VERSION,
            id: new_id()?,
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
        Ok(Self { content, ring })
    }

    /// Text of the file, for `path`.
    ///
    /// # Errors
    /// Never: all of it can be written as TOML.
    pub(super) fn text(&self, path: &Path, head: &str) -> Result<String, ClusterDataError> {
        let text = toml::to_string(&self.content);
        let text = text.map_err(|error| ClusterDataError::flawed(path, &error.to_string()))?;
        Ok(format!("{head}{text}"))
    }

    /// Reads the cluster of several processes of the file at `path`.
    ///
    /// # Errors
    /// It cannot be read, is flawed, or is that of a single process.
    pub fn read(path: &Path) -> Result<Self, ClusterDataError> {
        let text = fs::read_to_string(path).map_err(ClusterDataError::file(path, "read it"))?;
        let read = Self::parse(path, &text)?;
        if read.is_single() {
            let why = "it is the file of a cluster in one process: serve its directory";
            return Err(ClusterDataError::flawed(path, why));
        }
        Ok(read)
    }

    /// Parses the text of the file at `path`.
    ///
    /// # Errors
    /// The text is flawed.
    pub(super) fn parse(path: &Path, text: &str) -> Result<Self, ClusterDataError> {
        let (content, ring_path) = match version1::content(path, text)? {
            Some(converted) => (converted, path.with_file_name(version1::RING_FILE)),
            None => (content(path, text)?, path.to_owned()),
        };
        let devices = check(&content.nodes, content.devices_per_node, content.proxies)?;
        let ring = Ring::from_json(content.ring.as_bytes());
        let ring =
            ring.map_err(|error| ClusterDataError::flawed(&ring_path, &format!("ring: {error}")))?;
        let found = ring.devices().map(|it| (it.ip, it.device.as_str().to_owned()));
        let expected = (0..devices).map(|index| {
            let device = served_device(index, 1);
            (IpAddr::V4(device.ip), device.name)
        });
        let replicas = usize::try_from(content.replicas).unwrap_or(0);
        if !found.eq(expected) || ring.replica_count() != replicas {
            let why = "its ring is not that of its nodes, devices and replicas";
            return Err(ClusterDataError::flawed(&ring_path, why));
        }
        Ok(Self { content, ring })
    }

    /// True if one process serves the whole cluster.
    #[must_use]
    pub fn is_single(&self) -> bool {
        self.content.nodes.is_empty()
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

    /// Number of nodes.
    #[must_use]
    pub fn node_count(&self) -> u32 {
        node_count(&self.content.nodes)
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

    /// Maximal number of processes with proxies.
    #[must_use]
    pub fn proxies(&self) -> u32 {
        self.content.proxies
    }

    /// Indexes of a node's devices, from 0. Nodes count from 1.
    #[must_use]
    pub fn devices_of(&self, node: u32) -> Range<u32> {
        let each = self.content.devices_per_node;
        (node - 1) * each..node * each
    }

    /// Ring and hash secret.
    #[must_use]
    pub fn ring(&self) -> ClusterRing {
        let ClusterContent { hash_prefix, hash_suffix, .. } = &self.content;
        let secret = HashSecret::new(*hash_prefix.bytes(), *hash_suffix.bytes());
        ClusterRing::new(self.ring.clone(), secret)
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
        let addresses = others.flat_map(|(node, address)| {
            let address: Arc<str> = Arc::from(address.to_string());
            let ip_of = |index| IpAddr::V4(served_device(index, 1).ip);
            self.devices_of(node).map(move |index| (ip_of(index), Arc::clone(&address)))
        });
        Peers::new(PeerSecret::new(*self.content.peer_secret.bytes()), addresses)
    }
}

/// Draws the unique name of a cluster.
pub(super) fn new_id() -> Result<String, ClusterDataError> {
    let mut id = String::from(Secret::drawn()?);
    id.truncate(ID_DIGITS);
    Ok(id)
}

/// Content of a file of any version that has the fields of this one.
pub(super) fn content(path: &Path, text: &str) -> Result<ClusterContent, ClusterDataError> {
    // The whole message would show the line, and there are secrets in it.
    let content: ClusterContent =
        toml::from_str(text).map_err(|error| ClusterDataError::flawed(path, error.message()))?;
    if !(1..=VERSION).contains(&content.version) {
        let why = format!("its version is {}, not {VERSION}", content.version);
        return Err(ClusterDataError::flawed(path, &why));
    }
    Ok(content)
}

fn node_count(nodes: &[NodeAddress]) -> u32 {
    u32::try_from(nodes.len()).unwrap_or(u32::MAX).max(1)
}

/// Number of devices of such nodes together.
fn check(nodes: &[NodeAddress], each: u32, proxies: u32) -> Result<u32, ClusterDataError> {
    let count = node_count(nodes);
    ClusterDataError::check_count("nodes", count, NODES_MAX)?;
    let whose = if nodes.is_empty() { "devices" } else { "devices of a node" };
    ClusterDataError::check_count(whose, each, DEVICES_MAX)?;
    ClusterDataError::check_count("proxies", proxies, PROXIES_MAX)?;
    let mut seen = BTreeSet::new();
    match nodes.iter().find(|address| !seen.insert(*address)) {
        Some(address) => Err(NodeAddressError::twice(address).into()),
        None => Ok(count * each),
    }
}

/// Enough partitions that devices come out equally full.
fn part_power(devices: u32, replicas: u32) -> u32 {
    let wanted = devices * PARTITIONS / replicas.max(1);
    wanted.next_power_of_two().trailing_zeros().max(PART_POWER_MIN)
}

fn folder_and_name(path: &Path) -> Result<(PathBuf, &str), ClusterDataError> {
    let nameless = || {
        let invalid = std::io::ErrorKind::InvalidFilename.into();
        ClusterDataError::file(path, "write it")(invalid)
    };
    let name = path.file_name().and_then(|name| name.to_str()).ok_or_else(nameless)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    Ok((folder.unwrap_or(Path::new(".")).to_owned(), name))
}

#[cfg(test)]
mod tests;
