//! The file of a cluster: made once, read as it was made, refused with a reason.

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
    assert_eq!(
        (&read.ring, read.text(&path, "").unwrap()),
        (&made.ring, made.text(&path, "").unwrap())
    );
    assert_eq!((read.device_count(), read.replicas(), read.proxies()), (6, 3, 2));
    assert_eq!((read.devices_of(1), read.devices_of(3)), (0..2, 4..6));
}

#[test]
fn copies_of_anything_are_on_different_nodes() {
    let dir = tempfile::tempdir().unwrap();
    let cluster = ClusterFile::read(&made(dir.path())).unwrap();
    for partition in cluster.ring.partitions() {
        let zones: BTreeSet<u32> =
            cluster.ring.primaries(partition).iter().map(|device| device.zone.0).collect();
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
    assert!(changed("version = 2", "version = 3").contains("its version is 3"));
    assert!(changed("replicas = 3", "replicas = 2").contains("its ring"));
    assert!(changed("devices_per_node = 2", "devices_per_node = 3").contains("its ring"));
    assert!(changed("\"a:1\"", "\"a\"").contains("no port"));
    assert!(changed(secret, &secret[..60]).contains("cluster: "));
    assert!(changed("proxies", "proxy").contains("unknown field"));
}
