//! Damaged files, and the store's interface for jobs.

use std::rc::Rc;

use bytes::Bytes;

use super::world::{Cluster, run};
use crate::host::Disk;
use crate::http::Method;
use crate::node::{NodeError, OpenObject};
use crate::swift::{Path, Timestamp};

fn object() -> Path {
    Path::object_of("a", "c", "o").unwrap()
}

fn at(seconds: u64) -> Timestamp {
    format!("{seconds}.0").parse().unwrap()
}

async fn put(cluster: &Cluster, body: &[u8]) {
    let stored = cluster.object(Method::PUT, &[("x-timestamp", "1.0")], body).await;
    assert_eq!(stored.status, 201);
}

async fn open(cluster: &Cluster, device: &str, want: u64) -> Result<OpenObject, NodeError> {
    cluster.node(0).objects().open_version(device, 7, &object(), at(want)).await
}

async fn only_child(disk: &Rc<dyn Disk>, dir: &str) -> String {
    let names = disk.list(dir).await.unwrap();
    assert_eq!(names.len(), 1, "{dir}: {names:?}");
    format!("{dir}/{}", names[0])
}

/// Flips a bit of the object's only file, `from_end` bytes before its end.
async fn flip_bit(cluster: &Cluster, from_end: usize) {
    let disk = cluster.disk(0);
    let mut path = "objects/7".to_owned();
    for _level in ["suffix", "hash", "file"] {
        path = only_child(&disk, &path).await;
    }
    let file = disk.open(&path).await.unwrap();
    let mut content = file.read_at(0, file.len()).await.unwrap().to_vec();
    let place = content.len() - from_end;
    content[place] ^= 1;
    let damaged = disk.create("damaged").await.unwrap();
    damaged.append(Bytes::from(content)).await.unwrap();
    disk.rename("damaged", &path).await.unwrap();
}

#[test]
fn a_body_that_fails_its_md5_breaks_off_and_is_put_aside() {
    run(1, vec![], |cluster| async move {
        put(&cluster, &vec![5; 1_000_000]).await;
        flip_bit(&cluster, 900_000).await;
        let broken = cluster.get().await;
        assert_eq!((broken.status, broken.body), (200, None));
        assert_eq!(cluster.get().await.status, 404);
        assert_eq!(cluster.disk(0).list("quarantined").await.unwrap().len(), 1);
        let again = cluster.object(Method::PUT, &[("x-timestamp", "1.0")], b"whole").await;
        assert_eq!(again.status, 201, "another replica's copy is taken");
        assert_eq!(cluster.get().await.text(), "whole");
    });
}

#[test]
fn metadata_that_fails_its_checksum_is_never_answered_from() {
    run(1, vec![], |cluster| async move {
        put(&cluster, b"hello").await;
        flip_bit(&cluster, 30).await;
        assert_eq!(cluster.object(Method::HEAD, &[], b"").await.status, 404);
        assert_eq!(cluster.disk(0).list("quarantined").await.unwrap().len(), 1);
    });
}

#[test]
fn a_job_opens_the_version_it_was_told_and_no_other() {
    run(1, vec![], |cluster| async move {
        put(&cluster, b"hello").await;
        let opened = open(&cluster, "d1", 1).await.expect("it is there");
        assert_eq!(opened.metadata().length, 5);
        assert_eq!(&opened.read_at(1, 100).await.unwrap()[..], b"ello");
        assert!(opened.read_at(5, 1).await.unwrap().is_empty(), "the trailer is not the object's");
        opened.verify_etag().await.expect("it is whole");
        let other = open(&cluster, "d1", 2).await.err().expect("another version");
        let path = object().to_string();
        assert_eq!(other, NodeError::OtherVersion { path, has: at(1), wants: at(2) });
        assert_eq!(other.status().as_u16(), 409);
        let elsewhere = open(&cluster, "d9", 1).await.err().expect("no such device");
        assert_eq!(elsewhere.status().as_u16(), 507);
        let newer = cluster.object(Method::PUT, &[("x-timestamp", "3.0")], b"newer").await;
        assert_eq!(newer.status, 201);
        assert_eq!(&opened.read_at(0, 5).await.unwrap()[..], b"hello", "it stays readable");
    });
}

#[test]
fn verifying_a_damaged_object_puts_it_aside() {
    run(1, vec![], |cluster| async move {
        put(&cluster, &vec![5; 600_000]).await;
        flip_bit(&cluster, 500_000).await;
        let opened = open(&cluster, "d1", 1).await.expect("its metadata is whole");
        let damaged = opened.verify_etag().await.expect_err("a bit is flipped");
        assert!(matches!(damaged, NodeError::Damaged { .. }), "{damaged}");
        assert_eq!(cluster.get().await.status, 404);
    });
}
