//! Directories of data: made once, found again, and nobody else's.

use super::super::node_address::NodeAddress;
use super::*;

const ANY: (Option<u32>, Option<u32>) = (None, None);

fn open(dir: &Path) -> (DataDir, ClusterFile) {
    DataDir::of_cluster(dir, ANY).unwrap()
}

fn error(dir: &Path, asked: (Option<u32>, Option<u32>)) -> String {
    DataDir::of_cluster(dir, asked).unwrap_err().to_string()
}

fn cluster(dir: &Path, name: &str) -> ClusterFile {
    let nodes = ["a:1", "b:1"].map(|node| NodeAddress::parse(node).unwrap()).to_vec();
    let shape = ClusterShape { nodes, devices_per_node: 2, replicas: Some(2), proxies: 1 };
    ClusterFile::make(&dir.join(name), shape).unwrap()
}

#[test]
fn a_cluster_that_was_made_is_found_again_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let (data, made) = DataDir::of_cluster(dir.path(), (Some(5), Some(2))).unwrap();
    let text = fs::read_to_string(dir.path().join(CLUSTER_FILE)).unwrap();
    drop(data);
    let (data, found) = open(dir.path());
    assert_eq!((found.id(), found.device_count(), found.replicas()), (made.id(), 5, 2));
    assert_eq!(data.devices().len(), 5);
    assert_eq!(fs::read_to_string(dir.path().join(CLUSTER_FILE)).unwrap(), text);
}

#[test]
fn a_directory_is_served_once_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let first = open(dir.path());
    assert!(error(dir.path(), ANY).contains("being served already"));
    drop(first);
    open(dir.path());
}

#[test]
fn another_shape_than_that_which_is_there_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()));
    assert!(error(dir.path(), (Some(6), None)).contains("has 4 devices, not 6"));
    assert!(error(dir.path(), (None, Some(2))).contains("has 3 replicas, not 2"));
    DataDir::of_cluster(dir.path(), (Some(4), Some(3))).unwrap();
}

#[test]
fn a_directory_of_somebody_elses_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("thesis.tex"), "x").unwrap();
    assert!(error(dir.path(), ANY).contains("holds other things"));
    assert!(!dir.path().join(CLUSTER_FILE).exists());
}

#[test]
fn a_cluster_whose_making_was_cut_off_is_made_again() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(RING_FILE), "{}").unwrap();
    fs::write(dir.path().join("cluster.toml.new"), "version").unwrap();
    open(dir.path());
}

#[test]
fn secrets_are_their_owners_alone_whatever_lay_in_their_place() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let elsewhere = tempfile::tempdir().unwrap();
    let target = elsewhere.path().join("theirs");
    let holds = |prepare: &dyn Fn(&Path)| {
        let dir = tempfile::tempdir().unwrap();
        prepare(&dir.path().join("cluster.toml.new"));
        drop(open(dir.path()));
        let found = fs::symlink_metadata(dir.path().join(CLUSTER_FILE)).unwrap();
        assert!(found.is_file());
        assert_eq!(found.permissions().mode() & 0o777, 0o600);
    };
    holds(&|left| symlink(&target, left).unwrap());
    holds(&|left| {
        fs::write(left, "version").unwrap();
        fs::set_permissions(left, fs::Permissions::from_mode(0o666)).unwrap();
    });
    assert!(!target.exists(), "it was written through the link");
}

#[test]
fn a_flawed_file_is_named_with_what_is_wrong() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()));
    let path = dir.path().join(CLUSTER_FILE);
    let whole = fs::read_to_string(&path).unwrap();
    let changed = |from: &str, to: &str| {
        assert!(whole.contains(from), "{from}");
        fs::write(&path, whole.replace(from, to)).unwrap();
        error(dir.path(), ANY)
    };
    assert!(changed("\"d4\"", "\"d5\"").contains("its ring is not that"));
    assert!(changed("devs", "dev").contains("cluster.toml: ring: "));
    assert!(changed("version = 2", "version = 3").contains("its version is 3"));
    let several = changed("nodes = []", "nodes = [\"a:1\"]");
    assert!(several.contains("of several processes"), "{several}");
    fs::write(&path, "version = 1\ndevices = \"four\"").unwrap();
    assert!(error(dir.path(), ANY).contains("cluster.toml: "));
}

#[test]
fn no_cluster_is_made_that_cannot_be() {
    let dir = tempfile::tempdir().unwrap();
    for asked in [(Some(0), None), (Some(65), None), (Some(2), Some(0)), (Some(2), None)] {
        assert!(error(dir.path(), asked).contains("use"), "{asked:?}");
        assert!(!dir.path().join(CLUSTER_FILE).exists());
    }
}

#[test]
fn a_nodes_directory_is_that_nodes_of_that_cluster_for_ever() {
    let (files, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (ours, theirs) = (cluster(files.path(), "ours"), cluster(files.path(), "theirs"));
    let made = DataDir::of_node(dir.path(), &ours, 2).unwrap();
    let devices = dir.path().join("devices");
    assert_eq!(made.devices(), [devices.join("d3"), devices.join("d4")]);
    let refused = |cluster: &ClusterFile, node| {
        DataDir::of_node(dir.path(), cluster, node).unwrap_err().to_string()
    };
    assert!(refused(&ours, 2).contains("being served already"));
    drop(made);
    let other = refused(&ours, 1);
    assert!(other.contains("belongs to node 2 of cluster"), "{other}");
    let other = refused(&theirs, 2);
    assert!(other.contains(ours.id()) && other.contains(theirs.id()), "{other}");
    DataDir::of_node(dir.path(), &ours, 2).unwrap();
}

#[test]
fn a_whole_clusters_directory_is_no_nodes_and_the_other_way_round() {
    let (files, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let cluster = cluster(files.path(), "ours");
    drop(open(dir.path()));
    let refused = DataDir::of_node(dir.path(), &cluster, 1).unwrap_err().to_string();
    assert!(refused.contains("no node.toml"), "{refused}");
    let single = ClusterFile::read(&dir.path().join(CLUSTER_FILE)).unwrap_err().to_string();
    assert!(single.contains("in one process"), "{single}");
    let dir = tempfile::tempdir().unwrap();
    drop(DataDir::of_node(dir.path(), &cluster, 1).unwrap());
    assert!(error(dir.path(), ANY).contains("no cluster.toml"));
}
