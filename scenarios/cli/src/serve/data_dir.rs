//! Directory of a process's data: the devices of a whole cluster, or of one of its nodes.
//!
//! It is made when it is first used, read ever after, and used by one process at a time. The file
//! that says whose it is is written once, before anything is stored, and synced: a crash leaves
//! either nothing or a whole directory. One that is served as another node's would have things that
//! do not belong there, and lack those that do. Leaves out changing the shape of a cluster that
//! holds something.

use std::fs::{self, File, TryLockError};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use stayput_cluster::served_device;

use super::cluster_data_error::ClusterDataError;
use super::cluster_file::{ClusterFile, ClusterShape};
use super::private_file::{is_unfinished, write};
use super::version1::RING_FILE;

const CLUSTER_FILE: &str = "cluster.toml";
const NODE_FILE: &str = "node.toml";
/// Version of the format of [`NODE_FILE`].
const NODE_VERSION: u32 = 1;
const LOCK_FILE: &str = "lock";
const DEVICES: &str = "devices";
/// Default devices and replicas of a cluster in one process, as Swift's documents have them.
const USUAL_SHAPE: (u32, u32) = (4, 3);

const CLUSTER_HEAD: &str = "\
# Written by `stayput serve` when it first used this directory. Keep it with the data and to yourself: the hash secrets are part of where
# everything lies, and whoever has the token secret can make tokens.
";
const NODE_HEAD: &str = "\
# Written by `stayput serve --role node` when it first used this directory: whose it is.
";

/// Content of [`NODE_FILE`].
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct NodeContent {
    version: u32,
    cluster: String,
    node: u32,
}

/// Directory of data, which no other process can open as long as this lives.
#[derive(Debug)]
pub struct DataDir {
    devices: Vec<PathBuf>,
    lock: File,
}

impl DataDir {
    /// Opens the directory of a cluster in one process, or makes it if it is new or empty. Devices
    /// and replicas of an existing cluster must be the `asked` ones.
    ///
    /// # Errors
    /// See [`ClusterDataError`].
    pub fn of_cluster(
        dir: &Path,
        asked: (Option<u32>, Option<u32>),
    ) -> Result<(Self, ClusterFile), ClusterDataError> {
        let lock = lock(dir)?;
        let path = dir.join(CLUSTER_FILE);
        let cluster = match read(&path)? {
            Some(text) => ClusterFile::parse(&path, &text)?,
            None => make_cluster(dir, asked)?,
        };
        if !cluster.is_single() {
            let why = "it is the file of a cluster of several processes: serve one with --role";
            return Err(ClusterDataError::flawed(&path, why));
        }
        let (devices, replicas) = (cluster.device_count(), cluster.replicas());
        for (what, there, asked) in [("devices", devices, asked.0), ("replicas", replicas, asked.1)]
        {
            if let Some(asked) = asked.filter(|asked| *asked != there) {
                let path = dir.to_owned();
                return Err(ClusterDataError::Shape { path, what, there, asked });
            }
        }
        Ok((Self { devices: device_dirs(dir, 0..devices), lock }, cluster))
    }

    /// Opens the directory of node number `node` (from 1) of `cluster`, or makes it if it is new or
    /// empty.
    ///
    /// # Errors
    /// See [`ClusterDataError`].
    pub fn of_node(dir: &Path, cluster: &ClusterFile, node: u32) -> Result<Self, ClusterDataError> {
        let lock = lock(dir)?;
        let asked = NodeContent { version: NODE_VERSION, cluster: cluster.id().to_owned(), node };
        let path = dir.join(NODE_FILE);
        let flawed = |why: &str| ClusterDataError::flawed(&path, why);
        if let Some(text) = read(&path)? {
            let there: NodeContent =
                toml::from_str(&text).map_err(|error| flawed(error.message()))?;
            if there.version != NODE_VERSION {
                let why = format!("its version is {}, not {NODE_VERSION}", there.version);
                return Err(flawed(&why));
            }
            if there != asked {
                let (there, asked) = (there.shown(), asked.shown());
                return Err(ClusterDataError::Another { path: dir.to_owned(), there, asked });
            }
        } else {
            check_is_new(dir, NODE_FILE)?;
            let text = toml::to_string(&asked).map_err(|error| flawed(&error.to_string()))?;
            write(dir, NODE_FILE, format!("{NODE_HEAD}{text}").as_bytes())?;
        }
        Ok(Self { devices: device_dirs(dir, cluster.devices_of(node)), lock })
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

impl NodeContent {
    fn shown(&self) -> String {
        format!("node {} of cluster {}", self.node, self.cluster)
    }
}

/// Makes a cluster in a directory that holds none.
fn make_cluster(
    dir: &Path,
    (devices, replicas): (Option<u32>, Option<u32>),
) -> Result<ClusterFile, ClusterDataError> {
    check_is_new(dir, CLUSTER_FILE)?;
    let shape = ClusterShape {
        nodes: Vec::new(),
        devices_per_node: devices.unwrap_or(USUAL_SHAPE.0),
        replicas: Some(replicas.unwrap_or(USUAL_SHAPE.1)),
        proxies: 1,
    };
    let path = dir.join(CLUSTER_FILE);
    let cluster = ClusterFile::new(&path, shape)?;
    write(dir, CLUSTER_FILE, cluster.text(&path, CLUSTER_HEAD)?.as_bytes())?;
    Ok(cluster)
}

fn device_dirs(dir: &Path, devices: Range<u32>) -> Vec<PathBuf> {
    let folder = dir.join(DEVICES);
    devices.map(|index| folder.join(served_device(index, 1).name)).collect()
}

/// Text of a file; `None` if there is none.
fn read(path: &Path) -> Result<Option<String>, ClusterDataError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(ClusterDataError::file(path, "read it")(error)),
    }
}

/// Makes the directory if there is none, and locks it.
fn lock(dir: &Path) -> Result<File, ClusterDataError> {
    fs::create_dir_all(dir).map_err(ClusterDataError::file(dir, "make it"))?;
    let path = dir.join(LOCK_FILE);
    let failed = ClusterDataError::file(&path, "lock it");
    let file = File::options().create(true).append(true).open(&path).map_err(&failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(ClusterDataError::Served { path: dir.to_owned() }),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

/// Checks that `dir`, which lacks the file `lacking`, holds nothing that was not left by a crash
/// while it was made.
fn check_is_new(dir: &Path, lacking: &'static str) -> Result<(), ClusterDataError> {
    let failed = ClusterDataError::file(dir, "list it");
    for entry in fs::read_dir(dir).map_err(&failed)? {
        let name = entry.map_err(&failed)?.file_name();
        // Version 1 wrote its ring first.
        let is_left = (lacking == CLUSTER_FILE && name == RING_FILE) || is_unfinished(&name);
        if name != LOCK_FILE && !is_left {
            return Err(ClusterDataError::Foreign { path: dir.to_owned(), what: lacking });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
