//! The directory of a disk before it is used: it is ours, nobody else uses it, and what a killed
//! process left is durable.
//!
//! ```text
//! lock     held by the process that uses the directory; not empty until it leaves nothing undone
//! layout   what the directory is, and the version of this layout
//! table    the rows
//! files/   the files, by their names
//! ```
//! Leaves out uploads that a crash cut off: the node knows their names and removes them when it
//! starts.

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use stayput_host::{DiskError, HostStartError};

const LOCK: &str = "lock";
const LAYOUT: &str = "layout";
/// Content of the layout file.
const LAYOUT_TEXT: &str = "stayput disk 1\n";
/// A layout file is not read further than this.
const LAYOUT_BYTES_MAX: u64 = 100;
pub(super) const TABLE: &str = "table";
pub(super) const FILES: &str = "files";

/// Error of a directory that cannot be a disk.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process uses it, or this one does.
    #[error(
        "{} is in use: stop the server that has it, or give this one a directory of its own",
        .root.display()
    )]
    InUse {
        /// The directory.
        root: PathBuf,
    },
    /// It holds something else.
    #[error(
        "{} is no disk of stayput and not empty: give an empty directory, or one that does not exist",
        .root.display()
    )]
    Foreign {
        /// The directory.
        root: PathBuf,
    },
    /// It was written by another version.
    #[error(
        "{} has the layout {found:?}, this version knows {known:?}: use the version that wrote it",
        .root.display()
    )]
    OtherLayout {
        /// The directory.
        root: PathBuf,
        /// Version in its layout file.
        found: String,
        /// Version that this program writes.
        known: &'static str,
    },
    /// The system refused something.
    #[error("{} cannot be a disk: {source}", .path.display())]
    Io {
        /// The directory, or what is in it.
        path: PathBuf,
        /// Error of the system.
        source: io::Error,
    },
    /// The table in it cannot be opened.
    #[error(
        "the table {} cannot be opened: {source}. If it is damaged, remove the whole directory: other replicas have what it holds",
        .path.display()
    )]
    Table {
        /// Its file.
        path: PathBuf,
        /// Flaw.
        source: DiskError,
    },
}

impl From<OpenError> for HostStartError {
    fn from(error: OpenError) -> Self {
        Self::Disk(Box::new(error))
    }
}

/// A directory that is ours until this is dropped.
pub(super) struct Held {
    /// The system takes the lock back when it is closed, however the process ends.
    lock: File,
}

impl Held {
    /// Says that all that was done in the directory is durable: who opens it next has nothing to
    /// settle.
    pub(super) fn leave(&self) {
        // If it fails, there is more to do next time than there must be.
        let _emptied = self.lock.set_len(0);
    }
}

/// Makes `root` a disk, or finds that it is one, and holds it.
pub(super) fn hold(root: &Path) -> Result<Held, OpenError> {
    let io = |path: &Path| {
        let path = path.to_owned();
        move |source| OpenError::Io { path, source }
    };
    fs::create_dir_all(root).map_err(io(root))?;
    let begun = is_layout(root)?;
    if !begun && !is_empty(root).map_err(io(root))? {
        return Err(OpenError::Foreign { root: root.to_owned() });
    }
    let path = root.join(LOCK);
    let open = File::options().read(true).write(true).create(true).truncate(false).open(&path);
    let lock = open.map_err(io(&path))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(OpenError::InUse { root: root.to_owned() }),
        Err(TryLockError::Error(source)) => return Err(OpenError::Io { path, source }),
    }
    if !begun {
        make(root).map_err(io(root))?;
    }
    settle(root, &lock).map_err(io(root))?;
    Ok(Held { lock })
}

/// True if the layout file is there. One that says something else is an error.
fn is_layout(root: &Path) -> Result<bool, OpenError> {
    use io::Read;
    let path = root.join(LAYOUT);
    let mut found = String::new();
    let read =
        File::open(&path).and_then(|file| file.take(LAYOUT_BYTES_MAX).read_to_string(&mut found));
    match read {
        Ok(_) if found == LAYOUT_TEXT => Ok(true),
        Ok(_) => {
            let (root, found) = (root.to_owned(), found.trim_end().to_owned());
            Err(OpenError::OtherLayout { root, found, known: LAYOUT_TEXT.trim_end() })
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(source) => Err(OpenError::Io { path, source }),
    }
}

/// True if nothing is in it but what [`make`] may have left when it was cut off, and what file
/// systems have at their top.
fn is_empty(root: &Path) -> io::Result<bool> {
    let ours = [LOCK, FILES, "layout.new", "lost+found"];
    for entry in fs::read_dir(root)? {
        let entry = entry?;
        let known = ours.iter().any(|name| entry.file_name() == **name);
        let used = entry.file_name() == *FILES && fs::read_dir(entry.path())?.next().is_some();
        if !known || used {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Makes a new disk: its layout file comes last.
fn make(root: &Path) -> io::Result<()> {
    match fs::create_dir(root.join(FILES)) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let new = root.join("layout.new");
    let mut file = File::create(&new)?;
    file.write_all(LAYOUT_TEXT.as_bytes())?;
    file.sync_all()?;
    fs::rename(&new, root.join(LAYOUT))?;
    // Its own name as well, and those of directories above it that were made for it.
    root.canonicalize()?.ancestors().try_for_each(|above| match File::open(above) {
        Ok(directory) => directory.sync_all(),
        // Directories that may be passed and not read were there before.
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(()),
        Err(error) => Err(error),
    })
}

/// Makes durable what a process wrote and was killed before it synced: those who try again are told
/// that it is there. If it was the power that went, what was not synced is not there, and this does
/// nothing that matters.
fn settle(root: &Path, mut lock: &File) -> io::Result<()> {
    if lock.metadata()?.len() > 0 {
        let disk = root.display();
        tracing::warn!(%disk, "a disk was not left in order: what a killed process wrote is being synced");
        sync_all_of(&File::open(root)?)?;
        lock.set_len(0)?;
    }
    lock.write_all(b"in use\n")
}

#[cfg(target_os = "linux")]
fn sync_all_of(directory: &File) -> io::Result<()> {
    Ok(rustix::fs::syncfs(directory)?)
}

#[cfg(not(target_os = "linux"))]
fn sync_all_of(_directory: &File) -> io::Result<()> {
    rustix::fs::sync();
    Ok(())
}
