//! Version 1 of the directory of a cluster in one process: `cluster.toml` without a ring, which
//! lies in `ring.json` beside it.
//!
//! It is read and never written: the directory stays as it is. Version 1 of the file of several
//! processes has the fields of version 2 and needs nothing here.

use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::cluster_data_error::ClusterDataError;
use super::cluster_file::{ClusterContent, VERSION, new_id};
use super::secret::Secret;

pub(super) const RING_FILE: &str = "ring.json";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Version1 {
    /// Known already.
    #[serde(rename = "version")]
    _version: u32,
    devices: u32,
    replicas: u32,
    hash_prefix: Secret,
    hash_suffix: Secret,
    token_secret: Secret,
}

/// Keys that tell the versions apart.
#[derive(Deserialize)]
struct VersionKeys {
    version: u32,
    devices: Option<IgnoredAny>,
}

/// Content of the file at `path`, with that text, as the present version has it; `None` if it is of
/// another form than version 1 of a directory.
///
/// # Errors
/// It is of that form and flawed, or its ring cannot be read.
pub(super) fn content(path: &Path, text: &str) -> Result<Option<ClusterContent>, ClusterDataError> {
    match toml::from_str(text) {
        Ok(VersionKeys { version: 1, devices: Some(_) }) => {}
        _ => return Ok(None),
    }
    let old: Version1 =
        toml::from_str(text).map_err(|error| ClusterDataError::flawed(path, error.message()))?;
    let ring_path = path.with_file_name(RING_FILE);
    let ring = fs::read_to_string(&ring_path);
    let ring = ring.map_err(ClusterDataError::file(&ring_path, "read it"))?;
    Ok(Some(ClusterContent {
        version: VERSION,
        // One process needs neither an id nor a secret of peers.
        id: new_id()?,
        peer_secret: Secret::drawn()?,
        nodes: Vec::new(),
        devices_per_node: old.devices,
        replicas: old.replicas,
        proxies: 1,
        hash_prefix: old.hash_prefix,
        hash_suffix: old.hash_suffix,
        token_secret: old.token_secret,
        ring,
    }))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::cluster_file::ClusterFile;
    use super::super::data_dir::DataDir;
    use super::*;

    const CLUSTER: &str = include_str!("version1/cluster.toml");
    const RING: &str = include_str!("version1/ring.json");
    const SEVERAL: &str = include_str!("version1/several.toml");

    fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
        let named = fs::read_dir(dir).unwrap().map(|entry| {
            let entry = entry.unwrap();
            (entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path()).unwrap())
        });
        named.collect()
    }

    #[test]
    fn a_directory_of_version_1_opens_and_stays_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("cluster.toml"), CLUSTER).unwrap();
        fs::write(dir.path().join(RING_FILE), RING).unwrap();
        fs::write(dir.path().join("lock"), "").unwrap();
        let before = files(dir.path());
        let (data, cluster) = DataDir::of_cluster(dir.path(), (None, None)).unwrap();
        assert_eq!((cluster.device_count(), cluster.replicas(), cluster.node_count()), (2, 2, 1));
        assert!(CLUSTER.contains(&String::from(cluster.token_secret().clone())));
        let devices = dir.path().join("devices");
        assert_eq!(data.devices(), [devices.join("d1"), devices.join("d2")]);
        assert_eq!(files(dir.path()), before);
    }

    #[test]
    fn a_directory_of_version_1_without_its_ring_is_no_cluster() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("cluster.toml"), CLUSTER).unwrap();
        let error = |ring: Option<&str>| {
            if let Some(ring) = ring {
                fs::write(dir.path().join(RING_FILE), ring).unwrap();
            }
            DataDir::of_cluster(dir.path(), (None, None)).unwrap_err().to_string()
        };
        assert!(error(None).contains("ring.json: cannot read it"));
        assert!(error(Some(&RING[..RING.len() / 2])).contains("ring.json: ring: "));
        let other = RING.replace("\"d2\"", "\"d3\"");
        assert!(error(Some(&other)).contains("ring.json: its ring is not that"));
    }

    #[test]
    fn a_file_of_several_processes_of_version_1_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("several.toml");
        fs::write(&path, SEVERAL).unwrap();
        let cluster = ClusterFile::read(&path).unwrap();
        assert_eq!((cluster.node_count(), cluster.device_count(), cluster.replicas()), (2, 2, 2));
        assert!(SEVERAL.contains(cluster.id()));
        assert_eq!(cluster.nodes()[1].to_string(), "127.0.0.1:18442");
    }
}
