//! Claims about a disk's files and its table.

use bytes::Bytes;

use super::ContractBackend;
use super::script::start_reporting;
use crate::{Batch, DiskError, Host};

async fn write_file(host: &Host, path: &str, parts: &[&'static [u8]]) -> Result<(), DiskError> {
    let disk = host.disk("d1").expect("the host has it");
    let file = disk.create(path).await?;
    for part in parts {
        file.append(Bytes::from_static(part)).await?;
    }
    file.sync().await
}

/// Claims that files are created once, renamed, listed, and read back as they were written.
pub fn files_read_back_what_was_appended(backend: &mut dyn ContractBackend) {
    let report = start_reporting(backend, 0, |host| async move {
        let disk = host.disk("d1").expect("the host has it");
        assert!(host.disk("other").is_none());
        write_file(&host, "tmp/x", &[b"hello ", b"world"]).await.expect("it can be written");
        let exists = disk.create("tmp/x").await.map(drop).expect_err("it is there");
        assert!(matches!(exists, DiskError::Exists { .. }), "{exists}");
        disk.rename("tmp/x", "a/b/x").await.expect("it is there");
        disk.sync_dir("a/b").await.expect("it can be synced");
        let gone = disk.open("tmp/x").await.map(drop).expect_err("it was renamed");
        assert!(matches!(gone, DiskError::NotFound { .. }), "{gone}");
        let file = disk.open("a/b/x").await.expect("it is there");
        assert_eq!(file.len(), 11);
        let read = file.read_at(4, 100).await.expect("it can be read");
        (read, disk.list("a").await, disk.list("none").await)
    });
    let (read, list, none) = report.wait(backend);
    assert_eq!(&read[..], b"o world");
    assert_eq!(list.as_deref(), Ok(&["b".to_owned()][..]));
    assert_eq!(none.as_deref(), Ok(&[][..]));
}

/// Claims that an open file outlives its name.
pub fn a_removed_file_stays_readable_while_it_is_open(backend: &mut dyn ContractBackend) {
    let read = start_reporting(backend, 0, |host| async move {
        write_file(&host, "x", &[b"kept"]).await.expect("it can be written");
        let disk = host.disk("d1").expect("the host has it");
        let open = disk.open("x").await.expect("it is there");
        disk.remove("x").await.expect("it is there");
        assert!(disk.open("x").await.is_err());
        open.read_at(0, 100).await
    });
    assert_eq!(read.wait(backend), Ok(Bytes::from_static(b"kept")));
}

/// Claims that the last change of a key in a batch counts, and that scans are ordered and bounded.
pub fn a_batch_changes_the_table_in_order(backend: &mut dyn ContractBackend) {
    let report = start_reporting(backend, 0, |host| async move {
        let disk = host.disk("d1").expect("the host has it");
        let mut batch = Batch::new();
        for key in ["c", "a", "b", "d"] {
            batch.put(key, Bytes::from(key.to_uppercase()));
        }
        batch.delete("b");
        disk.commit(batch).await.expect("it can be written");
        let rows = disk.scan(b"a", b"d", 10).await.expect("it can be read");
        let one = disk.scan(b"a", b"z", 1).await.expect("it can be read");
        (rows, one, disk.get(b"b").await, disk.get(b"d").await)
    });
    let (rows, one, b, d) = report.wait(backend);
    let row = |key: &str, value: &'static str| (key.as_bytes().to_vec(), Bytes::from(value));
    assert_eq!(rows, [row("a", "A"), row("c", "C")]);
    assert_eq!(one, [row("a", "A")]);
    assert_eq!((b, d), (Ok(None), Ok(Some(Bytes::from_static(b"D")))));
}
