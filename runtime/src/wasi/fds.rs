//! Table of open files: descriptors, their rights, flags and positions.
//!
//! Leaves out contents, which are the tree's and the devices'.

use super::errno::Errno;
use super::tree::Ino;
use crate::device::DeviceIndex;
use crate::limits::LISTED_BYTES_MAX;
use std::sync::Arc;

pub(crate) const RIGHT_READ: u64 = 1 << 1;
pub(crate) const RIGHT_SEEK: u64 = 1 << 2;
pub(crate) const RIGHT_TELL: u64 = 1 << 5;
pub(crate) const RIGHT_WRITE: u64 = 1 << 6;
const RIGHT_ALLOCATE: u64 = 1 << 8;
pub(crate) const RIGHT_READDIR: u64 = 1 << 14;
pub(crate) const RIGHT_PATH_SET_SIZE: u64 = 1 << 19;
const RIGHT_SET_SIZE: u64 = 1 << 22;
/// Rights to create, open, link, rename and stat by path.
const RIGHTS_PATHS: u64 = (0x1f << 9) | (0x3f << 15) | (7 << 24);
/// Rights of sockets.
const RIGHTS_SOCKETS: u64 = (1 << 28) | (1 << 29);
/// All rights that preview 1 has, sockets included.
pub(crate) const RIGHTS_ALL: u64 = (1 << 30) - 1;
/// Rights that make sense for a file.
pub(crate) const RIGHTS_FILE: u64 = RIGHTS_ALL & !(RIGHTS_PATHS | RIGHT_READDIR | RIGHTS_SOCKETS);
/// Rights that make sense for a directory, which has neither bytes nor a size.
pub(crate) const RIGHTS_DIRECTORY: u64 = RIGHTS_ALL
    & !(RIGHT_READ | RIGHT_SEEK | RIGHT_TELL | RIGHT_WRITE)
    & !(RIGHT_ALLOCATE | RIGHT_SET_SIZE | RIGHTS_SOCKETS);

pub(crate) const FLAG_APPEND: u16 = 1;
/// All flags of an open file.
pub(crate) const FLAGS_ALL: u32 = 0x1f;

/// Preopened directories: the first descriptors after the three standard ones.
pub(crate) const PREOPENS: [&str; 2] = ["/", "/dev"];

/// Open file.
#[derive(Clone)]
pub(crate) struct File {
    pub(crate) target: Target,
    pub(crate) position: u64,
    pub(crate) flags: u16,
    pub(crate) rights: u64,
    pub(crate) inheriting: u64,
    /// Name of a preopened directory, wherever it is renumbered to.
    pub(crate) preopen: Option<&'static str>,
    /// Snapshot of a directory's names, taken when its reading began.
    pub(crate) listing: Option<Arc<Listing>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// A standard stream without a device: empty, or to be discarded.
    Nothing,
    Device(DeviceIndex),
    Node(Ino),
}

impl File {
    pub(crate) fn new(target: Target, rights: u64, inheriting: u64, flags: u16) -> Self {
        let preopen = None;
        Self { target, position: 0, flags, rights, inheriting, preopen, listing: None }
    }

    /// Checks that the file was opened with `right`.
    pub(crate) fn demand(&self, right: u64) -> Result<(), Errno> {
        if self.rights & right == right { Ok(()) } else { Err(Errno::Badf) }
    }
}

/// Names of a directory, and the memory that they take.
pub(crate) struct Listing {
    pub(crate) names: Vec<(String, Ino)>,
    bytes: usize,
}

impl Listing {
    pub(crate) fn new(names: Vec<(String, Ino)>) -> Self {
        let bytes = names.iter().map(|entry| size_of_val(entry) + entry.0.len()).sum();
        Self { names, bytes }
    }
}

pub(crate) struct Fds {
    open: Vec<Option<File>>,
    open_max: usize,
}

impl Fds {
    pub(crate) fn new(open_max: usize) -> Self {
        Self { open: Vec::new(), open_max }
    }

    pub(crate) fn get(&self, fd: u32) -> Result<&File, Errno> {
        self.open.get(fd as usize).and_then(Option::as_ref).ok_or(Errno::Badf)
    }

    pub(crate) fn get_mut(&mut self, fd: u32) -> Result<&mut File, Errno> {
        self.open.get_mut(fd as usize).and_then(Option::as_mut).ok_or(Errno::Badf)
    }

    /// Adds `file` under the lowest free number.
    pub(crate) fn insert(&mut self, file: File) -> Result<u32, Errno> {
        let free = self.open.iter().position(Option::is_none).unwrap_or(self.open.len());
        if free >= self.open_max {
            return Err(Errno::Mfile);
        }
        if free == self.open.len() {
            self.open.push(None);
        }
        self.open[free] = Some(file);
        Ok(free as u32)
    }

    pub(crate) fn remove(&mut self, fd: u32) -> Result<File, Errno> {
        self.open.get_mut(fd as usize).and_then(Option::take).ok_or(Errno::Badf)
    }

    /// Keeps a directory's listing for its reader, if all listings together stay within bounds.
    pub(crate) fn keep_listing(&mut self, fd: u32, listing: Arc<Listing>) -> Result<(), Errno> {
        self.get_mut(fd)?.listing = None;
        let kept = self.open.iter().flatten().filter_map(|file| file.listing.as_ref());
        let bytes: usize = kept.map(|listing| listing.bytes).sum();
        if bytes + listing.bytes > LISTED_BYTES_MAX {
            return Err(Errno::Nomem);
        }
        self.get_mut(fd)?.listing = Some(listing);
        Ok(())
    }

    /// Moves `from` to the number of `to`, which is open, and returns the file that was there.
    pub(crate) fn renumber(&mut self, from: u32, to: u32) -> Result<Option<File>, Errno> {
        self.get(from)?;
        self.get(to)?;
        if from == to {
            return Ok(None);
        }
        let file = self.remove(from)?;
        Ok(self.open[to as usize].replace(file))
    }
}
