//! Calls that do not block because what they ask for is in memory: they save two changes of
//! threads.
//!
//! Linux says of a read and of an open whether it can be done at once. Elsewhere, and where a
//! kernel or its sandbox does not know the calls, everything goes to the pool. Leaves out writing,
//! which may always block.

use std::fs;
use std::path::Path;

use bytes::Bytes;

/// More names than these are listed on another thread.
#[cfg(target_os = "linux")]
const NAMES_MAX: usize = 64;

/// A file or directory for reading, if the system knows its whole path by heart.
#[cfg(target_os = "linux")]
pub(super) fn open(path: &Path) -> Option<fs::File> {
    use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let opened = openat2(CWD, path, flags, Mode::empty(), ResolveFlags::CACHED);
    // Whatever is wrong, the call that may block will say it again.
    opened.ok().map(fs::File::from)
}

/// `len` bytes at `offset` of a file, if all of them are in memory.
#[cfg(target_os = "linux")]
pub(super) fn read(file: &fs::File, offset: u64, len: usize) -> Option<Bytes> {
    use std::io::IoSliceMut;

    use rustix::io::{ReadWriteFlags, preadv2};
    let mut data = vec![0; len];
    let read = preadv2(file, &mut [IoSliceMut::new(&mut data)], offset, ReadWriteFlags::NOWAIT);
    (read == Ok(len)).then(|| data.into())
}

/// The names in a directory, sorted, if they are few and the system knows its whole path by heart.
#[cfg(target_os = "linux")]
pub(super) fn list(path: &Path) -> Option<Vec<String>> {
    let mut names = Vec::new();
    for entry in rustix::fs::Dir::new(open(path)?).ok()? {
        let entry = entry.ok()?;
        match entry.file_name().to_str() {
            Ok("." | "..") | Err(_) => {}
            Ok(_) if names.len() == NAMES_MAX => return None,
            Ok(name) => names.push(name.to_owned()),
        }
    }
    names.sort_unstable();
    Some(names)
}

#[cfg(not(target_os = "linux"))]
pub(super) fn list(_path: &Path) -> Option<Vec<String>> {
    None
}

#[cfg(not(target_os = "linux"))]
pub(super) fn open(_path: &Path) -> Option<fs::File> {
    None
}

#[cfg(not(target_os = "linux"))]
pub(super) fn read(_file: &fs::File, _offset: u64, _len: usize) -> Option<Bytes> {
    None
}
