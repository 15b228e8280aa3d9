//! Judgement of a run: expectations, faults that had no effect, broken promises.
//!
//! An expectation that names no policy must hold under each. Leaves out many runs together, which
//! are statistics.

use stayput_engine::plan::RunPlan;
use stayput_engine::quantity;
use stayput_engine::record::{ExpectRecord, PolicyRecord, RunKey, RunRecord};
use stayput_engine::scenario::{Expectation, Measure};

use crate::stats::{LatencySummary, Saved, WarmUp, job_counts, latency_us, load_latency_us, saved};

/// The judged record of a plan that ran under these policies. What is expected of latencies is
/// expected of the jobs that were due after the warm-up.
#[must_use]
pub fn judged(
    key: RunKey,
    plan: &RunPlan,
    policies: Vec<PolicyRecord>,
    warm_up: WarmUp,
) -> RunRecord {
    let mut run = RunRecord::new(key, plan, policies);
    run.expect = plan.scenario.expect.iter().map(|wanted| judge(wanted, &run, warm_up)).collect();
    run.broken = broken_promises(&run);
    run
}

fn judge(expectation: &Expectation, run: &RunRecord, warm_up: WarmUp) -> ExpectRecord {
    let (found, holds) = match expectation.figure.measure {
        Measure::SavedRatio => judge_saved(expectation, saved(run).as_ref()),
        measure => {
            let measured = |run: &PolicyRecord| measured(measure, run, warm_up);
            judge_each(expectation, measured, &run.policies)
        }
    };
    ExpectRecord {
        figure: expectation.figure.key(),
        wanted: expectation.comparison.to_string(),
        found,
        holds,
    }
}

fn judge_saved(expectation: &Expectation, saved: Option<&Saved>) -> (String, Option<bool>) {
    match saved {
        None => ("not judged: needs on-storage and download".to_owned(), None),
        Some(Saved::NotComparable { why, .. }) => (format!("not comparable: {why}"), Some(false)),
        Some(saved @ Saved::Comparable { .. }) => match saved.fraction() {
            Some((part, whole)) => {
                (quantity::percent(part, whole), Some(expectation.comparison.holds(part, whole)))
            }
            None => ("not comparable".to_owned(), Some(false)),
        },
    }
}

/// Judges a figure under the policy that is named, or under each.
fn judge_each(
    expectation: &Expectation,
    measured: impl Fn(&PolicyRecord) -> Measured,
    runs: &[PolicyRecord],
) -> (String, Option<bool>) {
    let wanted = expectation.figure.policy;
    let judged: Vec<_> =
        runs.iter().filter(|run| wanted.is_none_or(|policy| policy.name() == run.policy)).collect();
    if let (Some(policy), true) = (wanted, judged.is_empty()) {
        return (format!("not judged: {policy} did not run"), None);
    }
    let (mut found, mut holds) = (Vec::new(), Some(true));
    for run in judged {
        let (words, holds_here) = match measured(run) {
            Measured::Number(n) => {
                (n.to_string(), Some(expectation.comparison.holds(i128::from(n), 1)))
            }
            // Without a completed job no promise about its latency is kept.
            Measured::NoJob => ("no job completed".to_owned(), Some(false)),
            Measured::NotSeen => ("not known".to_owned(), None),
        };
        found.push(format!("{} {words}", run.policy));
        holds = match (holds, holds_here) {
            (Some(false), _) | (_, Some(false)) => Some(false),
            (None, _) | (_, None) => None,
            _ => Some(true),
        };
    }
    (found.join(", "), holds)
}

/// A figure of one run.
enum Measured {
    Number(u64),
    NoJob,
    NotSeen,
}

fn measured(measure: Measure, run: &PolicyRecord, warm_up: WarmUp) -> Measured {
    let latency = |of: fn(&LatencySummary) -> u64| {
        latency_us(run, warm_up).map_or(Measured::NoJob, |l| Measured::Number(of(&l)))
    };
    let seen = |bytes: Option<u64>| bytes.map_or(Measured::NotSeen, Measured::Number);
    match measure {
        Measure::Wrong => Measured::Number(job_counts(run).wrong),
        Measure::Failed => Measured::Number(job_counts(run).failed),
        Measure::Ok => Measured::Number(job_counts(run).ok),
        Measure::P50Us => latency(|latency| latency.p50),
        Measure::P90Us => latency(|latency| latency.p90),
        Measure::P99Us => latency(|latency| latency.p99),
        Measure::MaxUs => latency(|latency| latency.max),
        Measure::MakespanUs => {
            Measured::Number(u64::try_from(run.makespan.as_micros()).unwrap_or(u64::MAX))
        }
        Measure::Fuel => Measured::Number(run.fuel),
        Measure::BytesBody => Measured::Number(run.bytes.body),
        Measure::BytesPayload => Measured::Number(run.bytes.payload),
        Measure::BytesCrossZone => Measured::Number(run.bytes.cross_zone),
        Measure::BytesWire => seen(run.bytes.wire),
        Measure::BytesEndToEnd => seen(run.bytes.end_to_end),
        Measure::LoadFailed => seen(run.load.as_ref().map(|load| load.failed)),
        Measure::LoadP99Us => {
            seen(run.load.as_ref().and_then(load_latency_us).map(|latency| latency.p99))
        }
        // Of two runs: it has a judge of its own.
        Measure::SavedRatio => Measured::NotSeen,
    }
}

/// Every promise that was broken, in words; empty if all were kept.
fn broken_promises(run: &RunRecord) -> Vec<String> {
    let mut broken = Vec::new();
    for policy in &run.policies {
        let wrong = job_counts(policy).wrong;
        if wrong > 0 {
            broken.push(format!("{}: {wrong} answers differ from the reference", policy.policy));
        }
        broken.extend(policy.broken.iter().map(|what| format!("{}: {what}", policy.policy)));
    }
    for expect in run.expect.iter().filter(|expect| expect.holds == Some(false)) {
        let ExpectRecord { figure, wanted, found, .. } = expect;
        broken.push(format!("expected {figure} {wanted}, found {found}"));
    }
    for (at, fault) in run.faults.iter().enumerate() {
        if !run.bit(at) && !fault.may_miss {
            let what = &fault.what;
            broken.push(format!("{what} had no effect (move it, or set may_miss = true)"));
        }
    }
    broken
}
