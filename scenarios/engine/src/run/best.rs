//! `best-found`: for each job the best of all places, tried by replaying the whole run. It is what
//! other policies are measured against.
//!
//! First every job goes to the same kind of place: to the first of its replicas, to the second, and
//! so on, to the proxy, to the workers. Then each goes where it ended soonest, and they meet again;
//! and every rule has its turn. What is reported of a job is its best over all these runs: a bound
//! by what was found, which no rule is below, and not a run that could happen, for jobs are in each
//! other's way, and a job's best may have been while the others were elsewhere. Bytes, fuel,
//! makespan and faults are those of the run in which each goes where it was best. Leaves out other
//! tables than that one.

use sha2::{Digest, Sha256};

use super::{Progress, RunError, Wanted, run_once};
use crate::plan::RunPlan;
use crate::record::{JobEnd, JobPlacement, JobRecord, PolicyRecord, hex};
use crate::scenario::Policy;

/// Replicas of a job's input that are tried, by their rank.
const RANKS_MAX: u32 = 8;

/// Requested place of each job, by its number, as its client writes it to the proxy.
pub(super) type Places = Vec<String>;

/// Runs the plan once for each kind of place, and once more with the best of each job.
pub(super) fn run(
    plan: &RunPlan,
    progress: &mut dyn FnMut(Progress),
    wanted: Wanted<'_>,
) -> Result<PolicyRecord, RunError> {
    let counts = &plan.scenario.cluster;
    let memo = wanted.memo;
    let again = || Wanted { memo, ..Wanted::default() };
    let ranks = (1..=counts.replicas.min(RANKS_MAX)).map(|rank| format!("node:{rank}"));
    let worker = (counts.workers > 0).then(|| "worker".to_owned());
    let mut found = Found::default();
    for place in ranks.chain(["proxy".to_owned()]).chain(worker) {
        let places = vec![place; plan.jobs.len()];
        let run = run_once(plan, (Policy::BestFound, &places), progress, again())?;
        found.add_places(run, &places);
    }
    let places = found.table.iter().map(|(place, _)| place.clone()).collect();
    let last = run_once(plan, (Policy::BestFound, &places), progress, wanted)?;
    found.add_places(last.clone(), &places);
    let rules = Policy::rules(&plan.scenario.known_policies);
    for rule in rules.filter(|rule| counts.workers > 0 || !rule.placement().needs_workers()) {
        let run = run_once(plan, (rule, &Places::new()), progress, again())?;
        found.add(run, |_| rule.name().to_owned());
    }
    Ok(found.bound(last))
}

/// The best that was found so far.
#[derive(Default)]
struct Found {
    /// Of each job, over all runs.
    jobs: Vec<JobRecord>,
    /// The same over the runs in which jobs ask for places, and which one it was.
    table: Vec<(String, JobRecord)>,
    hashes: Option<Sha256>,
    broken: Vec<String>,
}

impl Found {
    /// Adds a run in which jobs asked for places.
    fn add_places(&mut self, run: PolicyRecord, places: &Places) {
        for (at, (job, place)) in run.jobs.iter().zip(places).enumerate() {
            match self.table.get_mut(at) {
                None => self.table.push((place.clone(), job.clone())),
                Some(known) if is_better(job, &known.1) => *known = (place.clone(), job.clone()),
                Some(_) => {}
            }
        }
        self.add(run, |at| places[at].replace(':', "-"));
    }

    /// Adds any run, with the reason for the place of each job by number.
    fn add(&mut self, run: PolicyRecord, reason: impl Fn(usize) -> String) {
        self.hashes.get_or_insert_default().update(run.trace_hash.unwrap_or_default());
        self.broken.extend(run.broken);
        for (at, job) in run.jobs.into_iter().enumerate() {
            let put_down = |ran: JobPlacement| JobPlacement { reason: reason(at), ..ran };
            let job = JobRecord { placement: job.placement.map(put_down), ..job };
            match self.jobs.get_mut(at) {
                None => self.jobs.push(job),
                Some(known) if is_better(&job, known) => *known = job,
                Some(_) => {}
            }
        }
    }

    fn bound(self, last: PolicyRecord) -> PolicyRecord {
        let hash = self.hashes.unwrap_or_default().finalize();
        PolicyRecord {
            trace_hash: last.trace_hash.is_some().then(|| hex(&hash)),
            jobs: self.jobs,
            broken: self.broken,
            ..last
        }
    }
}

/// A wrong answer is kept wherever it comes from; a right one is better than none, and an earlier
/// one better than a later one.
fn is_better(job: &JobRecord, than: &JobRecord) -> bool {
    let rank = |job: &JobRecord| match job.end {
        JobEnd::Wrong { .. } => 0,
        JobEnd::Ok => 1,
        JobEnd::Failed { .. } => 2,
    };
    (rank(job), job.latency()) < (rank(than), than.latency())
}
