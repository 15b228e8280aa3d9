//! Merging the shards of a sweep.
//!
//! Leaves out running anything: missing runs are named, and the sweep's own command does them in
//! the merged directory.

use std::path::{Path, PathBuf};

use super::folder::{SweepFolderError, difference};
use super::{RunOutcome, SweepFolder, SweepHead};
use crate::stats::WarmUp;

/// A merged sweep.
#[derive(Debug)]
pub struct MergedSweep {
    /// Its directory.
    pub folder: SweepFolder,
    /// Runs that came from the shards; one that several of them have counts once.
    pub taken: u64,
}

/// Merges `shards` into `out`, which may hold a part of the same sweep already. Its figures leave
/// out `warm_up`, or the warm-up of the shards.
///
/// # Errors
/// A shard is of another sweep than the first, they leave out different warm-ups and none is
/// given, two have different results of the same run, or a file cannot be read or written.
pub fn merge(
    out: &Path,
    shards: &[PathBuf],
    warm_up: Option<WarmUp>,
) -> Result<MergedSweep, SweepFolderError> {
    let shards: Vec<SweepFolder> =
        shards.iter().map(|dir| SweepFolder::open(dir)).collect::<Result<_, _>>()?;
    let first = shards.first().ok_or_else(|| {
        SweepFolderError::new(
            out,
            "has no shards to be made of",
            "name the directories of the shards",
        )
    })?;
    for shard in &shards[1..] {
        if let Some(difference) = difference(first.head(), shard.head()) {
            let why = format!("does not belong to {}: {difference}", first.dir().display());
            return Err(SweepFolderError::new(shard.dir(), why, "merge shards of one sweep only"));
        }
    }
    let head = SweepHead { warm_up: warm_up_of(&shards, warm_up)?, ..first.head().clone() };
    let folder = SweepFolder::begin(out, head)?;
    let mut taken = 0;
    for key in folder.keys() {
        let mut there = folder.read(key)?;
        let was_there = there.is_some();
        for shard in &shards {
            let Some(found) = shard.read(key)? else { continue };
            match &there {
                // A run that failed in one shard and came to its end in another did so since.
                None | Some(RunOutcome::Failed(_)) => {
                    if there.as_ref() != Some(&found) {
                        folder.write(&found)?;
                    }
                    there = Some(found);
                }
                Some(RunOutcome::Run(_)) if matches!(found, RunOutcome::Failed(_)) => {}
                Some(run) if *run == found => {}
                Some(_) => {
                    let why = format!("has another result of {key} than a shard before it");
                    let fix = "the same version gives the same results: find out which of them was changed";
                    return Err(SweepFolderError::new(shard.dir(), why, fix));
                }
            }
        }
        taken += u64::from(there.is_some() && !was_there);
    }
    Ok(MergedSweep { folder, taken })
}

/// The warm-up that is given, or that of all the sweeps.
///
/// # Errors
/// No warm-up is given, and the sweeps have different ones.
pub fn warm_up_of(
    sweeps: &[SweepFolder],
    given: Option<WarmUp>,
) -> Result<WarmUp, SweepFolderError> {
    if let Some(given) = given {
        return Ok(given);
    }
    let Some(first) = sweeps.first() else { return Ok(WarmUp::default()) };
    let own = first.head().warm_up;
    let other = sweeps.iter().find(|sweep| sweep.head().warm_up != own);
    other.map_or(Ok(own), |other| {
        let why = format!(
            "leaves out a warm-up of {}, and {} one of {own}",
            other.head().warm_up,
            first.dir().display()
        );
        Err(SweepFolderError::new(other.dir(), why, "give one --warm-up for all of them"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{head, policy, record};
    use crate::sweep::{FailedRun, collect};

    /// A directory with the runs of these numbers.
    fn shard(dir: &Path, runs: &[usize], latency: u64) -> PathBuf {
        let folder = SweepFolder::begin(dir, head()).unwrap();
        for at in runs {
            let run = record(folder.keys()[*at].clone(), &[policy("on-storage", &[Some(latency)])]);
            folder.write(&RunOutcome::Run(Box::new(run))).unwrap();
        }
        dir.to_owned()
    }

    fn files(folder: &SweepFolder) -> Vec<Vec<u8>> {
        collect(folder, WarmUp::default()).unwrap();
        let files =
            ["summary.json", "runs.parquet", "jobs.parquet", "ledger.csv", "latencies.hlog"];
        files.map(|file| std::fs::read(folder.dir().join(file)).unwrap()).to_vec()
    }

    #[test]
    fn shards_together_are_the_whole() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let whole = SweepFolder::open(&shard(&at("whole"), &[0, 1, 2, 3], 5)).unwrap();
        let shards = [shard(&at("1"), &[0, 2], 5), shard(&at("2"), &[1, 3], 5)];
        let merged = merge(&at("merged"), &shards, None).unwrap();
        assert_eq!(merged.taken, 4);
        assert_eq!(files(&merged.folder), files(&whole));
        assert_eq!(merge(&at("merged"), &shards, None).unwrap().taken, 0, "all is there");
    }

    #[test]
    fn what_no_shard_has_is_missing_and_may_come_later() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let merged = merge(&at("merged"), &[shard(&at("1"), &[0, 2], 5)], None).unwrap();
        assert_eq!(collect(&merged.folder, WarmUp::default()).unwrap().runs.missing, 2);
        let merged = merge(&at("merged"), &[shard(&at("2"), &[1, 3], 5)], None).unwrap();
        assert_eq!(merged.taken, 2);
        assert_eq!(collect(&merged.folder, WarmUp::default()).unwrap().runs.missing, 0);
    }

    #[test]
    fn what_does_not_belong_together_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let first = shard(&at("1"), &[0, 1], 5);
        let other = shard(&at("2"), &[1], 6);
        let error = merge(&at("a"), &[first.clone(), other], None).unwrap_err().to_string();
        assert!(error.contains("another result of banana seed 1"), "{error}");
        let mut seeds = head();
        seeds.seeds = "0..5".to_owned();
        SweepFolder::begin(&at("3"), seeds).unwrap();
        let error = merge(&at("b"), &[first, at("3")], None).unwrap_err().to_string();
        assert!(error.contains("does not belong to") && error.contains("0..4"), "{error}");
        assert!(!at("b").exists(), "nothing is begun before all is known to fit");
        assert!(merge(&at("c"), &[], None).is_err());
        assert!(merge(&at("c"), &[at("nowhere")], None).is_err());
    }

    #[test]
    fn shards_with_different_warm_ups_are_merged_once_it_is_said_which_holds() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let first = shard(&at("1"), &[0, 2], 5);
        let other = SweepHead { warm_up: WarmUp::Percent(30), ..head() };
        SweepFolder::begin(&at("2"), other).unwrap();
        let shards = [first, at("2")];
        let error = merge(&at("a"), &shards, None).unwrap_err().to_string();
        assert!(error.contains("30 %") && error.contains("--warm-up"), "{error}");
        assert!(!at("a").exists());
        let merged = merge(&at("b"), &shards, Some(WarmUp::Percent(20))).unwrap();
        assert_eq!(merged.folder.head().warm_up, WarmUp::Percent(20));
        assert_eq!(
            merge(&at("c"), &shards[1..], None).unwrap().folder.head().warm_up,
            WarmUp::Percent(30)
        );
    }

    #[test]
    fn a_result_takes_the_place_of_a_failure() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let failed = SweepFolder::begin(&at("1"), head()).unwrap();
        let key = failed.keys()[0].clone();
        let stuck = FailedRun { key: key.clone(), no_progress: true, why: "stuck".to_owned() };
        failed.write(&RunOutcome::Failed(stuck.clone())).unwrap();
        let done = shard(&at("2"), &[0], 5);
        for (name, shards) in [("a", [at("1"), done.clone()]), ("b", [done, at("1")])] {
            let merged = merge(&at(name), &shards, None).unwrap().folder;
            assert!(matches!(merged.read(&key).unwrap(), Some(RunOutcome::Run(_))), "{name}");
        }
        let merged = merge(&at("c"), &[at("1")], None).unwrap().folder;
        assert_eq!(merged.read(&key).unwrap(), Some(RunOutcome::Failed(stuck)));
    }
}
