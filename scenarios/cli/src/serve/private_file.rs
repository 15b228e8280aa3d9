//! Files that are written whole or not at all, and that only their owner can read.
//!
//! Leaves out what is in them.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use super::cluster_data_error::ClusterDataError;

/// Ending of the name of a file that is not written to its end.
const UNFINISHED: &str = ".new";

/// True if it is the name of a file whose writing was cut off.
pub(super) fn is_unfinished(name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| name.ends_with(UNFINISHED))
}

/// Writes a file whole or not at all, and durably. Only its owner can read it. `dir` is locked:
/// nobody else writes there.
pub(super) fn write(dir: &Path, name: &str, content: &[u8]) -> Result<(), ClusterDataError> {
    let path = dir.join(name);
    let write = || {
        let unfinished = dir.join(format!("{name}{UNFINISHED}"));
        write_new(&unfinished, content)?;
        fs::rename(&unfinished, &path)?;
        File::open(dir)?.sync_all()
    };
    write().map_err(ClusterDataError::file(&path, "write it"))
}

/// Writes a file as [`write`], in a directory that others may write to, and never over another
/// file, not even one that is made at the same time.
///
/// # Errors
/// [`ClusterDataError::Exists`] if something is there.
pub(super) fn write_first(dir: &Path, name: &str, content: &[u8]) -> Result<(), ClusterDataError> {
    let path = dir.join(name);
    let write = || {
        // Another process that does the same has a file of its own.
        let unfinished = dir.join(format!("{name}.{}{UNFINISHED}", std::process::id()));
        write_new(&unfinished, content)?;
        // Unlike a rename, a link is never made over something.
        let linked = fs::hard_link(&unfinished, &path);
        fs::remove_file(&unfinished)?;
        linked?;
        File::open(dir)?.sync_all()
    };
    write().map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => ClusterDataError::Exists { path: path.clone() },
        _ => ClusterDataError::file(&path, "write it")(source),
    })
}

/// Writes a new file, so that its rights are those that it is created with. An old one is removed
/// first: a crash left it, or somebody put a link there for the secrets to go elsewhere.
fn write_new(path: &Path, content: &[u8]) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = File::options();
    options.create_new(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_file_is_never_written_over() {
        let dir = tempfile::tempdir().unwrap();
        write_first(dir.path(), "c", b"one").unwrap();
        let error = write_first(dir.path(), "c", b"another").unwrap_err();
        assert!(matches!(error, ClusterDataError::Exists { .. }), "{error}");
        assert_eq!(fs::read(dir.path().join("c")).unwrap(), b"one");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
