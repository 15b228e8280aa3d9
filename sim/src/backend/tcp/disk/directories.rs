//! Directories of a real disk: made with their files, listed, and made durable with all above them.
//!
//! A directory that was made is itself a name in the one above it, which a loss of power takes away with all that is in it. So
//! it is remembered which directories got new ones, until they are synced. Leaves out taking away empty directories.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use super::pool::lock;

/// The directories below one root.
pub(super) struct Directories {
    root: PathBuf,
    /// Directories in which directories were made since they were last synced, with the number of the newest.
    unsynced: Mutex<Unsynced>,
}

#[derive(Default)]
struct Unsynced {
    made: u64,
    newest: BTreeMap<PathBuf, u64>,
}

impl Directories {
    pub(super) fn new(root: &Path) -> Self {
        Self { root: root.to_owned(), unsynced: Mutex::default() }
    }

    /// Makes a directory and what is missing above it.
    pub(super) fn make(&self, directory: &Path) -> io::Result<()> {
        let missing = |above: &&Path| *above != self.root && !above.is_dir();
        let mut missing: Vec<&Path> = directory.ancestors().take_while(missing).collect();
        while let Some(directory) = missing.pop() {
            let above = directory.parent().unwrap_or(&self.root);
            // Before it is there: whoever finds it there must find this too.
            self.note(above);
            match fs::create_dir(directory) {
                Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    fn note(&self, above: &Path) {
        let mut unsynced = lock(&self.unsynced);
        unsynced.made += 1;
        let newest = unsynced.made;
        unsynced.newest.insert(above.to_owned(), newest);
    }

    /// Whether every directory that was made is durable.
    pub(super) fn all_synced(&self) -> bool {
        lock(&self.unsynced).newest.is_empty()
    }

    /// Makes the names in a directory durable, and its own.
    pub(super) fn sync(&self, directory: &Path) -> io::Result<()> {
        match File::open(directory).and_then(|open| open.sync_all()) {
            // Nothing was ever in it.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            synced => synced?,
        }
        for above in directory.ancestors() {
            let newest = lock(&self.unsynced).newest.get(above).copied();
            if let Some(newest) = newest {
                File::open(above)?.sync_all()?;
                let unsynced = &mut lock(&self.unsynced).newest;
                // One that was made meanwhile may not be covered.
                if unsynced.get(above) == Some(&newest) {
                    unsynced.remove(above);
                }
            }
            if above == self.root {
                break;
            }
        }
        Ok(())
    }
}

/// The names in a directory, sorted; none if it is not there. Names that are no text are nobody's here.
pub(super) fn list(directory: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(directory) {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        entries => entries?,
    };
    let mut names = Vec::new();
    for entry in entries {
        names.extend(entry?.file_name().into_string().ok());
    }
    names.sort_unstable();
    Ok(names)
}
