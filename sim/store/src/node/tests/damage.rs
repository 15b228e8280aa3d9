//! Damaged files, and the store's interface for jobs.

use std::rc::Rc;

use bytes::Bytes;
use stayput_host::Disk;

use super::world::{Cluster, run};
use crate::http::Method;
use crate::node::{NodeError, OpenObject, error_status};
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

/// Changes the object's only file.
async fn rewrite(cluster: &Cluster, change: impl FnOnce(&mut Vec<u8>)) {
    let disk = cluster.disk(0);
    let mut path = "objects/7".to_owned();
    for _level in ["suffix", "hash", "file"] {
        path = only_child(&disk, &path).await;
    }
    let file = disk.open(&path).await.unwrap();
    let mut content = file.read_at(0, file.len()).await.unwrap().to_vec();
    change(&mut content);
    let changed = disk.create("changed").await.unwrap();
    changed.append(Bytes::from(content)).await.unwrap();
    disk.rename("changed", &path).await.unwrap();
}

/// Flips a bit of the object's only file, `from_end` bytes before its end.
async fn flip_bit(cluster: &Cluster, from_end: usize) {
    rewrite(cluster, |content| {
        let place = content.len() - from_end;
        content[place] ^= 1;
    })
    .await;
}

fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at * 31 % 251) as u8).collect()
}

/// A range of the object as a reader gets it; nothing if it is refused or breaks off.
async fn part(cluster: &Cluster, first: usize, last: usize) -> Option<Vec<u8>> {
    let range = format!("bytes={first}-{last}");
    let reply = cluster.object(Method::GET, &[("range", &*range)], b"").await;
    if reply.status == 206 { reply.body } else { None }
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

/// Lengths of a block and less, of blocks that are full, and of more than a reader takes at a time.
const LENGTHS: [usize; 5] = [1_000, 65_536, 65_537, 131_072, 700_001];

#[test]
fn a_range_of_a_whole_object_is_what_was_put() {
    run(1, vec![], |cluster| async move {
        for (second, len) in (1..).zip(LENGTHS) {
            let (body, at) = (pattern(len), format!("{second}.0"));
            cluster.object(Method::PUT, &[("x-timestamp", &*at)], &body).await;
            let edges = [0, 1, 65_535, 65_536, 65_537, 131_071, 262_144, 262_145, len - 2, len - 1];
            for first in edges.into_iter().filter(|first| *first < len) {
                for last in edges.into_iter().filter(|last| (first..len).contains(last)) {
                    let got = part(&cluster, first, last).await;
                    assert!(got.as_deref() == Some(&body[first..=last]), "{first}-{last} of {len}");
                }
            }
            assert_eq!(cluster.get().await.body, Some(body));
        }
    });
}

#[test]
fn no_flipped_bit_of_an_object_reaches_the_reader_of_a_range() {
    run(1, vec![], |cluster| async move {
        let mut second = 0;
        for len in LENGTHS {
            let body = pattern(len);
            for flipped in [0, len / 3, len / 2, len - 1] {
                for (first, last) in [(0, len / 2), (len / 4, len - 2), (flipped, flipped), (1, 1)]
                {
                    second += 1;
                    let at = format!("{second}.0");
                    let put = cluster.object(Method::PUT, &[("x-timestamp", &*at)], &body).await;
                    assert_eq!(put.status, 201);
                    rewrite(&cluster, |content| content[flipped] ^= 0x10).await;
                    let got = part(&cluster, first, last).await;
                    let case = format!("{first}-{last} of {len} with byte {flipped} flipped");
                    if let Some(got) = got {
                        let is_beside =
                            flipped / 65_536 < first / 65_536 || flipped / 65_536 > last / 65_536;
                        assert!(is_beside && got == body[first..=last], "{case}");
                    } else {
                        assert_eq!(
                            cluster.object(Method::HEAD, &[], b"").await.status,
                            404,
                            "{case}"
                        );
                    }
                }
            }
        }
        let aside = cluster.disk(0).list("quarantined").await.unwrap();
        assert!(aside.len() > 40, "{} were put aside", aside.len());
    });
}

#[test]
fn a_damaged_checksum_of_a_block_tells_no_lie() {
    run(1, vec![], |cluster| async move {
        let body = pattern(200_000);
        put(&cluster, &body).await;
        rewrite(&cluster, |content| content[200_000 + 3] ^= 1).await;
        assert_eq!(cluster.get().await.body, Some(body.clone()), "its MD5 tells that it is whole");
        assert_eq!(part(&cluster, 70_000, 70_010).await.as_deref(), Some(&body[70_000..=70_010]));
        assert_eq!(part(&cluster, 10, 20).await, None);
    });
}

#[test]
fn a_file_that_is_older_than_sums_of_blocks_is_read_and_verified() {
    run(1, vec![], |cluster| async move {
        let body = pattern(200_000);
        let older = |content: &mut Vec<u8>| {
            content.drain(200_000..200_000 + 4 * 8);
            *content.last_mut().expect("it is a digit") = b'1';
        };
        put(&cluster, &body).await;
        rewrite(&cluster, older).await;
        assert_eq!(part(&cluster, 70_000, 150_000).await.as_deref(), Some(&body[70_000..=150_000]));
        assert_eq!(part(&cluster, 70_000, 70_000).await.as_deref(), Some(&body[70_000..=70_000]));
        assert_eq!(cluster.get().await.body, Some(body));
        rewrite(&cluster, |content| content[0] ^= 1).await;
        assert_eq!(part(&cluster, 70_000, 150_000).await, None, "its MD5 is not right");
        assert_eq!(cluster.get().await.status, 404);
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
        assert_eq!(error_status(&other).as_u16(), 409);
        let elsewhere = open(&cluster, "d9", 1).await.err().expect("no such device");
        assert_eq!(error_status(&elsewhere).as_u16(), 507);
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
