//! The real disk by itself: whose directory it is, odd names, what is shared, and a full disk.
//!
//! Leaves out what every disk must do, which the seam's contract suite asks of it, and kills, which
//! are in `tests/all`.

use std::future::Future;
use std::num::NonZeroUsize;
use std::path::Path;
use std::rc::Rc;

use bytes::Bytes;
use futures_util::future::join_all;
use stayput_host::{Batch, Disk, DiskError};

use super::{DiskOptions, DiskPool, OpenError, RealDisk};

pub(super) fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(future)
}

fn pool() -> DiskPool {
    let size = |n| NonZeroUsize::new(n).unwrap();
    DiskPool::new(size(4), size(64)).unwrap()
}

fn open(root: &Path) -> Result<Rc<dyn Disk>, OpenError> {
    RealDisk::open_with(root, &pool(), DiskOptions { reserve_bytes: 0, ..DiskOptions::default() })
}

async fn write(disk: &Rc<dyn Disk>, path: &str, data: &'static [u8]) -> Result<(), DiskError> {
    let file = disk.create(path).await?;
    file.append(Bytes::from_static(data)).await?;
    file.sync().await
}

async fn read(disk: &Rc<dyn Disk>, path: &str) -> Result<Bytes, DiskError> {
    let file = disk.open(path).await?;
    file.read_at(0, file.len()).await
}

#[test]
fn what_a_disk_holds_is_there_when_it_is_opened_again() {
    let root = tempfile::tempdir().unwrap();
    let at = root.path().join("new/d1");
    let disk = open(&at).unwrap();
    block_on(async {
        write(&disk, "tmp/1", b"hello").await.unwrap();
        disk.rename("tmp/1", "objects/7/abc/1.data").await.unwrap();
        disk.sync_dir("objects/7/abc").await.unwrap();
        let mut batch = Batch::new();
        batch.put("key", "value");
        disk.commit(batch).await.unwrap();
    });
    drop(disk);
    let disk = open(&at).unwrap();
    block_on(async {
        assert_eq!(read(&disk, "objects/7/abc/1.data").await.unwrap(), "hello");
        assert_eq!(disk.get(b"key").await.unwrap().unwrap(), "value");
        assert_eq!(disk.list("").await.unwrap(), ["objects", "tmp"]);
    });
}

#[test]
fn a_directory_has_one_user_at_a_time_and_is_given_back() {
    let root = tempfile::tempdir().unwrap();
    let disk = open(root.path()).unwrap();
    let refused = open(root.path()).err().expect("it is in use");
    assert!(matches!(refused, OpenError::InUse { .. }), "{refused}");
    assert!(refused.to_string().contains(root.path().to_str().unwrap()), "{refused}");
    drop(disk);
    open(root.path()).expect("nobody has it any more");
}

#[test]
fn a_directory_in_which_something_is_not_durable_says_so_until_it_is() {
    let root = tempfile::tempdir().unwrap();
    let undone = || std::fs::metadata(root.path().join("lock")).unwrap().len() > 0;
    let disk = open(root.path()).unwrap();
    assert!(undone(), "it may be killed from now on");
    block_on(write(&disk, "new/file", b"data")).unwrap();
    drop(disk);
    assert!(undone(), "the new directory is not durable");
    let disk = open(root.path()).unwrap();
    block_on(async {
        write(&disk, "newer/file", b"data").await.unwrap();
        disk.sync_dir("newer").await.unwrap();
    });
    drop(disk);
    assert!(!undone());
}

#[test]
fn a_directory_of_somebody_else_or_of_another_version_is_left_alone() {
    let root = tempfile::tempdir().unwrap();
    std::fs::write(root.path().join("thesis.txt"), "five years").unwrap();
    let refused = open(root.path()).err().expect("it is no disk");
    assert!(matches!(refused, OpenError::Foreign { .. }), "{refused}");
    assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 1, "nothing was added");
    let root = tempfile::tempdir().unwrap();
    std::fs::write(root.path().join("layout"), "stayput disk 2\n").unwrap();
    let refused = open(root.path()).err().expect("it is newer");
    assert!(refused.to_string().contains("\"stayput disk 2\""), "{refused}");
}

#[test]
fn a_start_that_was_cut_off_is_begun_again() {
    let root = tempfile::tempdir().unwrap();
    std::fs::write(root.path().join("layout.new"), "stay").unwrap();
    std::fs::write(root.path().join("lock"), "").unwrap();
    std::fs::create_dir(root.path().join("files")).unwrap();
    drop(open(root.path()).expect("there is nothing in it"));
    open(root.path()).expect("it is a disk now");
}

#[test]
fn a_name_that_leads_elsewhere_is_refused_by_every_call() {
    let root = tempfile::tempdir().unwrap();
    let disk = open(&root.path().join("d1")).unwrap();
    std::fs::write(root.path().join("secret"), "not ours").unwrap();
    block_on(async {
        write(&disk, "here", b"ours").await.unwrap();
        for name in ["../secret", "a/../../../secret", "/etc/passwd", "x\0y"] {
            let refused = |result: Result<(), DiskError>| {
                assert!(matches!(result, Err(DiskError::Failed { .. })), "{name:?}: {result:?}");
            };
            refused(disk.create(name).await.map(drop));
            refused(disk.open(name).await.map(drop));
            refused(disk.rename(name, "stolen").await);
            refused(disk.rename("here", name).await);
            refused(disk.remove(name).await);
            refused(disk.list(name).await.map(drop));
            refused(disk.sync_dir(name).await);
        }
        assert_eq!(read(&disk, "here").await.unwrap(), "ours");
        let long = disk.open(&"x".repeat(300)).await.map(drop);
        assert!(matches!(long, Err(DiskError::Failed { .. })), "{long:?}");
        let odd = "\u{202e}-rf ~ %2e%2e \\.. \u{fffd}\n";
        write(&disk, odd, b"odd").await.unwrap();
        assert_eq!(disk.list("").await.unwrap().len(), 2);
        assert_eq!(read(&disk, odd).await.unwrap(), "odd");
    });
    assert_eq!(std::fs::read(root.path().join("secret")).unwrap(), b"not ours");
}

#[test]
fn what_is_asked_of_directories_and_of_what_is_not_there_fails_as_it_should() {
    let root = tempfile::tempdir().unwrap();
    let disk = open(root.path()).unwrap();
    block_on(async {
        write(&disk, "a/b", b"file").await.unwrap();
        let not_found = |result: Result<(), DiskError>, of: &str| {
            assert_eq!(result, Err(DiskError::NotFound { path: of.to_owned() }));
        };
        not_found(disk.open("a/c").await.map(drop), "a/c");
        not_found(disk.open("a/b/c").await.map(drop), "a/b/c");
        not_found(disk.remove("c").await, "c");
        not_found(disk.rename("c", "new/d").await, "c");
        assert!(matches!(disk.open("a").await.map(drop), Err(DiskError::Failed { .. })));
        assert!(matches!(disk.remove("a").await, Err(DiskError::Failed { .. })));
        assert_eq!(disk.list("a/b").await, Ok(Vec::new()), "a file has no names in it");
        assert_eq!(disk.sync_dir("never/was").await, Ok(()));
        assert_eq!(disk.list("").await.unwrap(), ["a"], "and nothing was made");
    });
}

#[test]
fn below_its_reserve_a_disk_is_full_and_deleting_works() {
    let root = tempfile::tempdir().unwrap();
    let disk = open(root.path()).unwrap();
    let mut batch = Batch::new();
    batch.put("key", "value");
    block_on(async {
        write(&disk, "old", b"data").await.unwrap();
        disk.commit(batch.clone()).await.unwrap();
    });
    drop(disk);
    let options = DiskOptions { reserve_bytes: u64::MAX, ..DiskOptions::default() };
    let disk = RealDisk::open_with(root.path(), &pool(), options).unwrap();
    block_on(async {
        assert_eq!(disk.create("new").await.map(drop), Err(DiskError::NoSpace));
        assert_eq!(disk.commit(batch).await, Err(DiskError::NoSpace));
        assert_eq!(read(&disk, "old").await.unwrap(), "data");
        assert_eq!(disk.list("").await.unwrap(), ["old"]);
        let mut fewer = Batch::new();
        fewer.delete("key");
        disk.commit(fewer).await.expect("it needs no room");
        assert_eq!(disk.get(b"key").await, Ok(None));
        disk.remove("old").await.expect("it makes room");
    });
}

#[test]
fn batches_that_are_committed_together_are_all_there_and_in_their_order() {
    let root = tempfile::tempdir().unwrap();
    let disk = open(root.path()).unwrap();
    let all = block_on(async {
        let commits = (0..200_u32).map(|number| {
            let mut batch = Batch::new();
            batch.put(number.to_be_bytes(), "each");
            batch.put("last", number.to_string());
            disk.commit(batch)
        });
        for done in join_all(commits).await {
            done.unwrap();
        }
        disk.scan(b"\0", b"\x01", 1_000).await.unwrap()
    });
    assert_eq!(all.len(), 200);
    assert_eq!(block_on(disk.get(b"last")).unwrap().unwrap(), "199");
}
