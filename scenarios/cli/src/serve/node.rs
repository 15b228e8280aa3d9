//! The directory of one node of a cluster of several processes: it remembers whose it is.
//!
//! A directory that is served as another node's would have things that do not belong there, and
//! lack those that do. Leaves out what the cluster is, which is its file's.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use stayput_cluster::served_device;

use super::cluster::ClusterFile;
use super::layout::{DEVICES, LayoutError, flawed, has_nothing_else, lock, write};

/// The format of [`NODE_FILE`] that this version writes and reads.
const VERSION: u32 = 1;
const NODE_FILE: &str = "node.toml";

const HEAD: &str = "\
# Written by `stayput serve --role node` when it first used this directory: whose it is.
";

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct NodeFile {
    version: u32,
    cluster: String,
    node: u32,
}

/// The directory of a node, which is this process's alone as long as this lives.
#[derive(Debug)]
pub struct NodeDir {
    devices: Vec<PathBuf>,
    lock: File,
}

impl NodeDir {
    /// Opens the directory of node number `node` (from 1) of `cluster`, or makes it if it is new or
    /// empty.
    ///
    /// # Errors
    /// See [`LayoutError`].
    pub fn open(dir: &Path, cluster: &ClusterFile, node: u32) -> Result<Self, LayoutError> {
        let failed = |path: &Path, action| {
            let path = path.to_owned();
            move |source| LayoutError::File { path, action, source }
        };
        fs::create_dir_all(dir).map_err(failed(dir, "make it"))?;
        let lock = lock(dir)?;
        let own = NodeFile { version: VERSION, cluster: cluster.id().to_owned(), node };
        let path = dir.join(NODE_FILE);
        match fs::read_to_string(&path) {
            Ok(text) => {
                let there: NodeFile =
                    toml::from_str(&text).map_err(|error| flawed(&path, error.message()))?;
                if there.version != VERSION {
                    let why = format!("its version is {}, not {VERSION}", there.version);
                    return Err(flawed(&path, &why));
                }
                if there != own {
                    let (there, asked) = (there.shown(), own.shown());
                    return Err(LayoutError::Another { path: dir.to_owned(), there, asked });
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                has_nothing_else(dir, &[], NODE_FILE)?;
                let text = toml::to_string(&own);
                let text = text.map_err(|error| flawed(&path, &error.to_string()))?;
                write(dir, NODE_FILE, format!("{HEAD}{text}").as_bytes())?;
            }
            Err(error) => return Err(failed(&path, "read it")(error)),
        }
        let folder = dir.join(DEVICES);
        let devices = cluster.devices_of(node);
        let devices = devices.map(|index| folder.join(served_device(index, 1).name)).collect();
        Ok(Self { devices, lock })
    }

    /// Lock that keeps other servers out, as long as it lives.
    #[must_use]
    pub fn into_lock(self) -> File {
        self.lock
    }

    /// The directory of each device, in their order.
    #[must_use]
    pub fn devices(&self) -> &[PathBuf] {
        &self.devices
    }
}

impl NodeFile {
    fn shown(&self) -> String {
        format!("node {} of cluster {}", self.node, self.cluster)
    }
}

#[cfg(test)]
mod tests {
    use super::super::cluster::{ClusterShape, NodeAddress};
    use super::super::layout::Layout;
    use super::*;

    fn cluster(dir: &Path, name: &str) -> ClusterFile {
        let nodes = ["a:1", "b:1"].map(|node| NodeAddress::parse(node).unwrap()).to_vec();
        let shape = ClusterShape { nodes, devices_per_node: 2, replicas: Some(2), proxies: 1 };
        ClusterFile::make(&dir.join(name), shape).unwrap()
    }

    #[test]
    fn a_nodes_directory_is_that_nodes_of_that_cluster_for_ever() {
        let (files, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (ours, theirs) = (cluster(files.path(), "ours"), cluster(files.path(), "theirs"));
        let made = NodeDir::open(dir.path(), &ours, 2).unwrap();
        let devices = dir.path().join("devices");
        assert_eq!(made.devices(), [devices.join("d3"), devices.join("d4")]);
        let refused = |cluster: &ClusterFile, node| {
            NodeDir::open(dir.path(), cluster, node).unwrap_err().to_string()
        };
        assert!(refused(&ours, 2).contains("being served already"));
        drop(made);
        let other = refused(&ours, 1);
        assert!(other.contains("belongs to node 2 of cluster"), "{other}");
        let other = refused(&theirs, 2);
        assert!(other.contains(ours.id()) && other.contains(theirs.id()), "{other}");
        NodeDir::open(dir.path(), &ours, 2).unwrap();
    }

    #[test]
    fn a_whole_clusters_directory_is_no_nodes_and_the_other_way_round() {
        let (files, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let cluster = cluster(files.path(), "ours");
        drop(Layout::open(dir.path(), (None, None)).unwrap());
        let error = NodeDir::open(dir.path(), &cluster, 1).unwrap_err().to_string();
        assert!(error.contains("no node.toml"), "{error}");
        let dir = tempfile::tempdir().unwrap();
        drop(NodeDir::open(dir.path(), &cluster, 1).unwrap());
        let error = Layout::open(dir.path(), (None, None)).unwrap_err().to_string();
        assert!(error.contains("no cluster.toml"), "{error}");
    }
}
