//! Directories of a real disk: made with their files, listed, and made durable with all above them.
//!
//! A directory that was made is itself a name in the one above it, which a loss of power takes away
//! with all that is in it. So it is remembered which directories got new ones, until they are
//! synced. Leaves out taking away empty directories.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use super::pool::lock;

/// The directories below one root.
pub(super) struct Directories {
    root: PathBuf,
    unsynced: Mutex<Unsynced>,
}

/// Directories in which directories were made since they were last synced.
#[derive(Default)]
struct Unsynced {
    /// Counts what was begun and ended.
    steps: u64,
    by_path: BTreeMap<PathBuf, Making>,
}

/// Names made in a directory.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Making {
    /// Directories that somebody is making in it now.
    under_way: u32,
    /// Generation of the last change, begun or ended.
    step: u64,
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
            // Begun before it is there: whoever finds it there must find this too.
            self.step(above, |making| making.under_way += 1);
            let made = fs::create_dir(directory);
            self.step(above, |making| making.under_way -= 1);
            match made {
                Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    fn step(&self, above: &Path, change: impl FnOnce(&mut Making)) {
        let unsynced = &mut *lock(&self.unsynced);
        unsynced.steps += 1;
        let making = unsynced.by_path.entry(above.to_owned()).or_default();
        making.step = unsynced.steps;
        change(making);
    }

    /// True if every directory that was made is durable.
    pub(super) fn all_synced(&self) -> bool {
        lock(&self.unsynced).by_path.is_empty()
    }

    /// Directories to sync for the names in a directory, and its own, to be durable.
    pub(super) fn due(&self, directory: &Path) -> Vec<PathBuf> {
        let unsynced = lock(&self.unsynced);
        let mut due = vec![directory.to_owned()];
        for above in directory.ancestors().skip(1) {
            if !above.starts_with(&self.root) {
                break;
            }
            if unsynced.by_path.contains_key(above) {
                due.push(above.to_owned());
            }
        }
        due
    }

    /// Makes the names in one directory durable.
    pub(super) fn sync(&self, directory: &Path) -> io::Result<()> {
        let making = || lock(&self.unsynced).by_path.get(directory).copied();
        let before = making().filter(|making| making.under_way == 0);
        match File::open(directory).and_then(|open| open.sync_all()) {
            // Nothing was ever in it.
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            synced => synced?,
        }
        let unsynced = &mut lock(&self.unsynced).by_path;
        // One that was made meanwhile may not be covered.
        if before.is_some() && unsynced.get(directory).copied() == before {
            unsynced.remove(directory);
        }
        Ok(())
    }
}

/// The names in a directory, sorted; none if it is not there. Names that are no text are nobody's
/// here.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_directory_is_due_with_all_that_are_new_above_it_until_they_are_synced() {
        let root = tempfile::tempdir().unwrap();
        let (root, directories) = (root.path(), Directories::new(root.path()));
        let path = root.join("a/b/c");
        directories.make(&path).unwrap();
        let due = [path.clone(), root.join("a/b"), root.join("a"), root.to_owned()];
        assert_eq!(directories.due(&path), due);
        directories.make(&root.join("a/b/d")).unwrap();
        for directory in &due {
            directories.sync(directory).unwrap();
        }
        assert!(directories.all_synced());
        assert_eq!(directories.due(&path), [path]);
        assert_eq!(directories.due(root), [root]);
    }

    #[test]
    fn a_sync_does_not_cover_what_is_being_made_meanwhile() {
        let root = tempfile::tempdir().unwrap();
        let (root, directories) = (root.path(), Directories::new(root.path()));
        let path = root.join("new");
        directories.step(root, |making| making.under_way += 1);
        directories.sync(root).unwrap();
        assert_eq!(directories.due(&path), [path.clone(), root.to_owned()]);
        directories.step(root, |making| making.under_way -= 1);
        assert_eq!(directories.due(&path), [path.clone(), root.to_owned()]);
        directories.sync(root).unwrap();
        assert_eq!(directories.due(&path), [path]);
    }
}
