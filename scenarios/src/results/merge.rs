//! Puts the shards of a sweep together.
//!
//! Leaves out running anything: what no shard did is told, and can be done in the merged directory by the sweep's own command.

use std::path::{Path, PathBuf};

use super::folder::{FolderError, difference};
use super::{Folder, Kept};

/// What was put together.
#[derive(Debug)]
pub struct Merged {
    /// The whole.
    pub folder: Folder,
    /// Runs that were taken from the shards; what several of them have counts once.
    pub taken: u64,
}

/// Puts what `shards` have into `out`, which may hold a part of the same sweep already.
///
/// # Errors
/// When a shard is of another sweep than the first, two have different results of the same run, or a file cannot be read or
/// written.
pub fn merge(out: &Path, shards: &[PathBuf]) -> Result<Merged, FolderError> {
    let shards: Vec<Folder> =
        shards.iter().map(|dir| Folder::open(dir)).collect::<Result<_, _>>()?;
    let first = shards.first().ok_or_else(|| {
        FolderError::new(out, "has no shards to be made of", "name the directories of the shards")
    })?;
    for shard in &shards[1..] {
        if let Some(difference) = difference(first.head(), shard.head()) {
            let why = format!("does not belong to {}: {difference}", first.dir().display());
            return Err(FolderError::new(shard.dir(), why, "merge shards of one sweep only"));
        }
    }
    let folder = Folder::begin(out, first.head().clone())?;
    let mut taken = 0;
    for key in folder.keys() {
        let mut there = folder.read(key)?;
        let was_there = there.is_some();
        for shard in &shards {
            let Some(found) = shard.read(key)? else { continue };
            match &there {
                // A run that failed in one shard and came to its end in another did so since.
                None | Some(Kept::Failed(_)) => {
                    if there.as_ref() != Some(&found) {
                        folder.write(&found)?;
                    }
                    there = Some(found);
                }
                Some(Kept::Run(_)) if matches!(found, Kept::Failed(_)) => {}
                Some(run) if *run == found => {}
                Some(_) => {
                    let why = format!("has another result of {key} than a shard before it");
                    let fix = "the same version gives the same results: find out which of them was changed";
                    return Err(FolderError::new(shard.dir(), why, fix));
                }
            }
        }
        taken += u64::from(there.is_some() && !was_there);
    }
    Ok(Merged { folder, taken })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::fixtures::{head, policy, record};
    use crate::results::statistics::WarmUp;
    use crate::results::{FailedRun, collect};

    /// A directory with the runs of these numbers.
    fn shard(dir: &Path, runs: &[usize], latency: u64) -> PathBuf {
        let folder = Folder::begin(dir, head()).unwrap();
        for at in runs {
            let run = record(folder.keys()[*at].clone(), &[policy("on-storage", &[Some(latency)])]);
            folder.write(&Kept::Run(Box::new(run))).unwrap();
        }
        dir.to_owned()
    }

    fn files(folder: &Folder) -> Vec<Vec<u8>> {
        collect(folder, WarmUp::default()).unwrap();
        let files = ["summary.json", "runs.parquet", "jobs.parquet", "ledger.csv"];
        files.map(|file| std::fs::read(folder.dir().join(file)).unwrap()).to_vec()
    }

    #[test]
    fn shards_together_are_the_whole() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let whole = Folder::open(&shard(&at("whole"), &[0, 1, 2, 3], 5)).unwrap();
        let shards = [shard(&at("1"), &[0, 2], 5), shard(&at("2"), &[1, 3], 5)];
        let merged = merge(&at("merged"), &shards).unwrap();
        assert_eq!(merged.taken, 4);
        assert_eq!(files(&merged.folder), files(&whole));
        assert_eq!(merge(&at("merged"), &shards).unwrap().taken, 0, "all is there");
    }

    #[test]
    fn what_no_shard_has_is_missing_and_may_come_later() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let merged = merge(&at("merged"), &[shard(&at("1"), &[0, 2], 5)]).unwrap();
        assert_eq!(collect(&merged.folder, WarmUp::default()).unwrap().runs.missing, 2);
        let merged = merge(&at("merged"), &[shard(&at("2"), &[1, 3], 5)]).unwrap();
        assert_eq!(merged.taken, 2);
        assert_eq!(collect(&merged.folder, WarmUp::default()).unwrap().runs.missing, 0);
    }

    #[test]
    fn what_does_not_belong_together_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let first = shard(&at("1"), &[0, 1], 5);
        let other = shard(&at("2"), &[1], 6);
        let error = merge(&at("a"), &[first.clone(), other]).unwrap_err().to_string();
        assert!(error.contains("another result of banana seed 1"), "{error}");
        let mut seeds = head();
        seeds.seeds = "0..5".to_owned();
        Folder::begin(&at("3"), seeds).unwrap();
        let error = merge(&at("b"), &[first, at("3")]).unwrap_err().to_string();
        assert!(error.contains("does not belong to") && error.contains("0..4"), "{error}");
        assert!(!at("b").exists(), "nothing is begun before all is known to fit");
        assert!(merge(&at("c"), &[]).is_err());
        assert!(merge(&at("c"), &[at("nowhere")]).is_err());
    }

    #[test]
    fn a_result_takes_the_place_of_a_failure() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let failed = Folder::begin(&at("1"), head()).unwrap();
        let key = failed.keys()[0].clone();
        let stuck = FailedRun { key: key.clone(), no_progress: true, why: "stuck".to_owned() };
        failed.write(&Kept::Failed(stuck.clone())).unwrap();
        let done = shard(&at("2"), &[0], 5);
        for (name, shards) in [("a", [at("1"), done.clone()]), ("b", [done, at("1")])] {
            let merged = merge(&at(name), &shards).unwrap().folder;
            assert!(matches!(merged.read(&key).unwrap(), Some(Kept::Run(_))), "{name}");
        }
        let merged = merge(&at("c"), &[at("1")]).unwrap().folder;
        assert_eq!(merged.read(&key).unwrap(), Some(Kept::Failed(stuck)));
    }
}
