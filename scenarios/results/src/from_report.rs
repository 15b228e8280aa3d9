//! The record of a run, from the report on it.
//!
//! Leaves out what the report says for people only: its answers, and what was saved.

use std::collections::BTreeMap;
use std::time::Duration;

use stayput_engine::plan::RunPlan;
use stayput_engine::record::{ByteCounts, JobEnd, JobRecord, LatencySplit, PolicyRun};
use stayput_engine::scenario::Fault;
use stayput_host::Time;

use super::{
    ByteRecord, ExpectRecord, FaultRecord, JobRow, PolicyRecord, RunKey, RunRecord, SplitRecord,
    workload,
};
use crate::report::{ExpectVerdict, FaultVerdict, RunReport};

/// The record of `report`, which is on the run of `plan` that `key` names.
#[must_use]
pub fn record(key: RunKey, plan: &RunPlan, report: &RunReport) -> RunRecord {
    let sizes = plan.objects.iter().map(|object| {
        (format!("{}/{}", object.container, object.object), object.content.len() as u64)
    });
    let sizes: BTreeMap<String, u64> = sizes.collect();
    let faults = plan.scenario.faults.iter().zip(&report.faults);
    RunRecord {
        key,
        trace_hash: report.trace_hash.clone().unwrap_or_default(),
        workload: workload::digest(plan),
        closed_loop: report.closed_loop,
        policies: report.runs.iter().map(|run| policy(run, plan, &sizes)).collect(),
        faults: faults.map(|(fault, verdict)| fault_record(fault, verdict)).collect(),
        expect: report.expect.iter().map(expect_record).collect(),
        broken: report.broken.clone(),
    }
}

fn policy(run: &PolicyRun, plan: &RunPlan, sizes: &BTreeMap<String, u64>) -> PolicyRecord {
    let start = run.jobs.iter().map(|job| job.intended).min().unwrap_or_default();
    PolicyRecord {
        policy: run.policy.name().to_owned(),
        trace_hash: run.trace_hash.clone().unwrap_or_default(),
        makespan_us: micros(run.makespan),
        fuel: run.fuel,
        bytes: bytes(&run.bytes),
        ledger: run.ledger.clone(),
        hosts: run.hosts.clone(),
        jobs: run.jobs.iter().map(|job| job_row(job, start, plan, sizes)).collect(),
    }
}

fn bytes(counts: &ByteCounts) -> ByteRecord {
    ByteRecord {
        body: counts.body,
        payload: counts.payload,
        wire: counts.wire,
        lost: counts.lost,
        in_flight: counts.in_flight,
        end_to_end: counts.end_to_end,
        cross_zone: counts.cross_zone,
    }
}

fn job_row(job: &JobRecord, start: Time, plan: &RunPlan, sizes: &BTreeMap<String, u64>) -> JobRow {
    let (end, reason) = match &job.end {
        JobEnd::Ok => ("ok", ""),
        JobEnd::Wrong { .. } => ("wrong", ""),
        JobEnd::Failed { reason } => ("failed", reason.as_str()),
    };
    let work = plan.jobs.get(job.index as usize).map_or(0, |planned| planned.work);
    let (intended_us, finished_us) =
        (micros(job.intended.since(start)), micros(job.finished.since(start)));
    JobRow {
        index: job.index,
        client: job.client + 1,
        work: u32::try_from(work + 1).unwrap_or(u32::MAX),
        object: job.object.clone(),
        object_bytes: sizes.get(&job.object).copied().unwrap_or_default(),
        end: end.to_owned(),
        reason: reason.to_owned(),
        intended_us,
        finished_us,
        split: split(&job.split, finished_us - intended_us),
        answer_bytes: job.answer.len() as u64,
        place: job.place.clone(),
        decision: job.decision.clone(),
    }
}

/// Parts are rounded down, and what that leaves is under way, so that they add up to the latency.
fn split(split: &LatencySplit, latency_us: u64) -> SplitRecord {
    let (queue_us, disk_us) = (micros(split.queue), micros(split.disk));
    let (compute_us, retry_us) = (micros(split.compute), micros(split.retry));
    let transfer_us = latency_us.saturating_sub(queue_us + disk_us + compute_us + retry_us);
    SplitRecord { queue_us, disk_us, transfer_us, compute_us, retry_us }
}

fn fault_record(fault: &Fault, verdict: &FaultVerdict) -> FaultRecord {
    let by_policy = verdict.by_policy.iter();
    FaultRecord {
        what: verdict.what.clone(),
        at_us: micros(fault.at),
        for_us: micros(fault.for_),
        by_policy: by_policy.map(|(name, effect)| ((*name).to_owned(), effect.clone())).collect(),
        bit: verdict.bit,
    }
}

fn expect_record(verdict: &ExpectVerdict) -> ExpectRecord {
    ExpectRecord {
        figure: verdict.expectation.figure.key().to_owned(),
        wanted: verdict.expectation.comparison.to_string(),
        found: verdict.found.clone(),
        holds: verdict.holds,
    }
}

fn micros(length: Duration) -> u64 {
    u64::try_from(length.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixtures::{good_runs, plan};

    fn recorded(runs: Vec<PolicyRun>) -> RunRecord {
        let plan = plan();
        let key = RunKey { scenario: "banana".to_owned(), settings: BTreeMap::new(), seed: 1 };
        record(key, &plan, &RunReport::new(&plan, runs))
    }

    #[test]
    fn times_count_from_the_first_job_and_people_count_from_one() {
        let mut runs = good_runs();
        for job in &mut runs[0].jobs {
            job.intended = job.intended + Duration::from_secs(77);
            job.finished = job.finished + Duration::from_secs(77);
        }
        let record = recorded(runs);
        assert_eq!(record.policies[0].jobs, record.policies[1].jobs);
        let first = &record.policies[0].jobs[0];
        assert_eq!((first.intended_us, first.finished_us), (0, 20_000));
        assert_eq!((first.index, first.client, first.work), (0, 1, 1));
        assert_eq!(
            (record.policies[0].policy.as_str(), record.policies[0].bytes.body),
            ("on-storage", 3_400_000)
        );
        assert_eq!(record.faults.len(), plan().scenario.faults.len());
        assert_eq!(record.faults[0].at_us, 500_000);
        assert_eq!(record.expect[0].holds, Some(true));
    }

    #[test]
    fn parts_of_a_latency_add_up_to_it_after_rounding() {
        let mut runs = good_runs();
        let odd = Duration::from_nanos(1_700);
        let job = &mut runs[0].jobs[0];
        job.finished = job.intended + odd * 5;
        job.split = LatencySplit { queue: odd, disk: odd, transfer: odd, compute: odd, retry: odd };
        let row = &recorded(runs).policies[0].jobs[0];
        let split = row.split;
        let rounded = [split.queue_us, split.disk_us, split.compute_us, split.retry_us];
        assert_eq!(rounded, [1, 1, 1, 1]);
        assert_eq!(row.finished_us - row.intended_us, 8);
        assert_eq!(split.transfer_us, 4);
    }

    #[test]
    fn a_failure_keeps_its_reason() {
        let mut runs = good_runs();
        runs[0].jobs[2].end = JobEnd::Failed { reason: "503: gone".to_owned() };
        runs[0].jobs[3].end = JobEnd::Wrong { expected: bytes::Bytes::new() };
        let record = recorded(runs);
        let jobs = &record.policies[0].jobs;
        assert_eq!((jobs[2].end.as_str(), jobs[2].reason.as_str()), ("failed", "503: gone"));
        assert_eq!((jobs[3].end.as_str(), jobs[3].reason.as_str()), ("wrong", ""));
        assert!(!record.broken.is_empty());
    }
}
