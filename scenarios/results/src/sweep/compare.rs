//! Comparison of two sweeps: the same runs in another version or on other machines.
//!
//! Runs of different workloads are refused. Leaves out two policies of one sweep, which its summary
//! compares.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use stayput_engine::record::RunRecord;

use super::{RunOutcome, SweepFolder, SweepFolderError};
use crate::stats::{PairGathered, PairPoint, WarmUp};

/// Comparison of two sweeps.
#[derive(Clone, Debug, PartialEq)]
pub struct SweepComparison {
    /// The points that both have, in the first one's order.
    pub points: Vec<ComparedPoint>,
    /// Runs that only one of them has a result of.
    pub alone: u64,
}

/// Point of both sweeps: a scenario with its settings.
#[derive(Clone, Debug, PartialEq)]
pub struct ComparedPoint {
    /// The scenario's name.
    pub scenario: String,
    /// The values of the axes.
    pub settings: BTreeMap<String, String>,
    /// Comparison of the sweeps for each policy that both have.
    pub policies: Vec<PairPoint>,
}

type Gathered = BTreeMap<String, PairGathered>;

/// Compares the runs that both sweeps have.
///
/// # Errors
/// A record cannot be read, a run did other work in the one than in the other, or they have no
/// run in common.
pub fn compare(
    one: &SweepFolder,
    other: &SweepFolder,
    warm_up: WarmUp,
) -> Result<SweepComparison, SweepFolderError> {
    let mut points: Vec<(ComparedPoint, Gathered, bool)> = Vec::new();
    let (mut alone, mut common) = (0, 0);
    for key in one.keys() {
        let (mine, theirs) = (result(one.read(key)?), result(other.read(key)?));
        let (Some(mine), Some(theirs)) = (&mine, &theirs) else {
            alone += u64::from(mine.is_some() != theirs.is_some());
            continue;
        };
        if mine.workload != theirs.workload {
            let why = format!(
                "did other work in {key} than {} (objects, jobs or faults)",
                one.dir().display()
            );
            let fix = "compare sweeps of the same scenario, with the same files and seeds";
            return Err(SweepFolderError::new(other.dir(), why, fix));
        }
        let fits = |point: &(ComparedPoint, Gathered, bool)| {
            point.0.scenario == key.scenario && point.0.settings == key.settings
        };
        let at = points.iter().rposition(fits).unwrap_or_else(|| {
            let (scenario, settings) = (key.scenario.clone(), key.settings.clone());
            let point = ComparedPoint { scenario, settings, policies: Vec::new() };
            points.push((point, BTreeMap::new(), false));
            points.len() - 1
        });
        let (_, gathered, closed_loop) = &mut points[at];
        *closed_loop |= mine.closed_loop;
        common += add(gathered, mine, theirs, warm_up);
    }
    let mine: BTreeSet<_> = one.keys().iter().collect();
    for key in other.keys().iter().filter(|key| !mine.contains(key)) {
        alone += u64::from(result(other.read(key)?).is_some());
    }
    if common == 0 {
        let why = format!("has no run in common with {}", one.dir().display());
        let fix = "compare sweeps with the same scenarios, settings, seeds and policies";
        return Err(SweepFolderError::new(other.dir(), why, fix));
    }
    let points = points.into_iter().map(|(point, gathered, closed)| {
        let policies = gathered.iter().map(|(policy, pair)| {
            let name = |folder: &SweepFolder| format!("{policy} in {}", shown(folder.dir()));
            pair.point(&name(one), &name(other), closed)
        });
        ComparedPoint { policies: policies.collect(), ..point }
    });
    Ok(SweepComparison { points: points.collect(), alone })
}

/// Adds the policies that both runs have, and returns their number.
fn add(gathered: &mut Gathered, mine: &RunRecord, theirs: &RunRecord, warm_up: WarmUp) -> u64 {
    let mut added = 0;
    for one in &mine.policies {
        let Some(other) = theirs.policies.iter().find(|other| other.policy == one.policy) else {
            continue;
        };
        let pair = gathered.entry(one.policy.clone()).or_default();
        pair.add(one, other, warm_up, !mine.closed_loop);
        added += 1;
    }
    added
}

fn result(kept: Option<RunOutcome>) -> Option<Box<RunRecord>> {
    match kept {
        Some(RunOutcome::Run(run)) => Some(run),
        Some(RunOutcome::Failed(_)) | None => None,
    }
}

fn shown(dir: &Path) -> String {
    dir.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{head, policy, record};

    /// Eight seeds whose jobs take `latency` and more.
    fn sweep(dir: &Path, latency: u64, change: impl Fn(&mut RunRecord)) -> SweepFolder {
        let mut head = head();
        head.seeds = "0..8".to_owned();
        head.version = format!("version of {latency}");
        let folder = SweepFolder::begin(dir, head).unwrap();
        for key in folder.keys() {
            let jobs = [Some(latency + key.seed)];
            let mut run =
                record(key.clone(), &[policy("on-storage", &jobs), policy("download", &jobs)]);
            change(&mut run);
            folder.write(&RunOutcome::Run(Box::new(run))).unwrap();
        }
        folder
    }

    #[test]
    fn the_same_work_is_compared_policy_by_policy() {
        let dir = tempfile::tempdir().unwrap();
        let one = sweep(&dir.path().join("a"), 100, |_| {});
        let other = sweep(&dir.path().join("b"), 40, |run| {
            if run.key.seed == 7 {
                run.policies.pop();
            }
        });
        let comparison = compare(&one, &other, WarmUp::Percent(0)).unwrap();
        assert_eq!((comparison.points.len(), comparison.alone), (1, 0));
        let [download, near] = comparison.points[0].policies.as_slice() else {
            panic!("two policies")
        };
        assert_eq!((near.seeds, download.seeds), (8, 7));
        assert_eq!(near.figures["latency_p50_us"].difference.low, Some(60.0));
        assert!(near.verdict.contains("median latency higher"), "{}", near.verdict);
        assert!(near.verdict.contains("no difference shown in body bytes"), "{}", near.verdict);
    }

    #[test]
    fn other_work_is_refused_with_the_run() {
        let dir = tempfile::tempdir().unwrap();
        let one = sweep(&dir.path().join("a"), 100, |_| {});
        let other = sweep(&dir.path().join("b"), 40, |run| {
            if run.key.seed == 3 {
                run.workload.push('x');
            }
        });
        let error = compare(&one, &other, WarmUp::Percent(0)).unwrap_err().to_string();
        assert!(error.contains("other work in banana seed 3"), "{error}");
    }

    #[test]
    fn nothing_in_common_is_refused_and_what_is_alone_is_counted() {
        let dir = tempfile::tempdir().unwrap();
        let one = sweep(&dir.path().join("a"), 100, |_| {});
        let other = sweep(&dir.path().join("b"), 40, |run| run.policies.clear());
        let error = compare(&one, &other, WarmUp::Percent(0)).unwrap_err().to_string();
        assert!(error.contains("no run in common"), "{error}");
        let mut more = head();
        more.seeds = "6..12".to_owned();
        let more = SweepFolder::begin(&dir.path().join("c"), more).unwrap();
        for key in &more.keys()[..4] {
            let run = record(key.clone(), &[policy("on-storage", &[Some(5)])]);
            more.write(&RunOutcome::Run(Box::new(run))).unwrap();
        }
        let comparison = compare(&one, &more, WarmUp::Percent(0)).unwrap();
        // Seeds 6 and 7 are in both, 0 to 5 in the one, 8 and 9 in the other.
        assert_eq!(comparison.points[0].policies[0].seeds, 2);
        assert_eq!(comparison.alone, 8);
    }
}
