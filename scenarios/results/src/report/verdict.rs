//! Promises: what was expected, whether each fault bit, and what is broken.

use std::collections::BTreeMap;

use stayput_engine::quantity;
use stayput_engine::record::PolicyRun;
use stayput_engine::record::{Latency, foreground_us, latency_us};
use stayput_engine::scenario::{Expectation, Fault, Measure};

use super::saved::Saved;

/// How an expectation turned out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectVerdict {
    /// What was expected.
    pub expectation: Expectation,
    /// What was found, in words.
    pub found: String,
    /// Whether it holds; `None` if the policies that it speaks of were not all asked for.
    pub holds: Option<bool>,
}

/// What a scheduled fault did under all policies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultVerdict {
    /// The fault, in words.
    pub what: String,
    /// What it touched, over all policies.
    pub effect: BTreeMap<String, u64>,
    /// What it touched, by policy.
    pub by_policy: BTreeMap<&'static str, BTreeMap<String, u64>>,
    /// Whether it touched anything under any policy.
    pub bit: bool,
    /// Whether it may be without effect.
    pub may_miss: bool,
}

/// Judges each expectation over all runs: where no policy is named it must hold under every one.
#[must_use]
pub(super) fn judge_expectations(
    expect: &[Expectation],
    runs: &[PolicyRun],
    saved: Option<&Saved>,
) -> Vec<ExpectVerdict> {
    let judge = |expectation: &Expectation| {
        let (found, holds) = match expectation.figure.measure {
            Measure::SavedRatio => judge_saved(expectation, saved),
            measure => judge_each(expectation, measure, runs),
        };
        ExpectVerdict { expectation: *expectation, found, holds }
    };
    expect.iter().map(judge).collect()
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
    measure: Measure,
    runs: &[PolicyRun],
) -> (String, Option<bool>) {
    let wanted = expectation.figure.policy;
    let judged: Vec<_> =
        runs.iter().filter(|run| wanted.is_none_or(|policy| policy == run.policy)).collect();
    if let (Some(policy), true) = (wanted, judged.is_empty()) {
        return (format!("not judged: {policy} did not run"), None);
    }
    let (mut found, mut holds) = (Vec::new(), Some(true));
    for run in judged {
        let (words, holds_here) = match measured(measure, run) {
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

fn measured(measure: Measure, run: &PolicyRun) -> Measured {
    let latency = |of: fn(&Latency) -> u64| {
        latency_us(run).map_or(Measured::NoJob, |l| Measured::Number(of(&l)))
    };
    let seen = |bytes: Option<u64>| bytes.map_or(Measured::NotSeen, Measured::Number);
    match measure {
        Measure::Wrong => Measured::Number(run.counts().wrong),
        Measure::Failed => Measured::Number(run.counts().failed),
        Measure::Ok => Measured::Number(run.counts().ok),
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
        Measure::LoadFailed => seen(run.foreground.as_ref().map(|load| load.failed)),
        Measure::LoadP99Us => {
            seen(run.foreground.as_ref().and_then(foreground_us).map(|latency| latency.p99))
        }
        // Of two runs: it has a judge of its own.
        Measure::SavedRatio => Measured::NotSeen,
    }
}

/// What each fault did in at least one of the runs. `faults` are those that were scheduled.
#[must_use]
pub(super) fn judge_faults(faults: &[Fault], runs: &[PolicyRun]) -> Vec<FaultVerdict> {
    let judge = |(at, fault): (usize, &Fault)| {
        let mut verdict = FaultVerdict {
            what: fault.to_string(),
            effect: BTreeMap::new(),
            by_policy: BTreeMap::new(),
            bit: false,
            may_miss: fault.may_miss,
        };
        for run in runs {
            let Some(effect) = run.faults.get(at) else { continue };
            verdict.bit |= effect.bit;
            for (name, count) in &effect.effect {
                let sum: &mut u64 = verdict.effect.entry(name.clone()).or_default();
                *sum = sum.saturating_add(*count);
            }
            verdict.by_policy.insert(run.policy.name(), effect.effect.clone());
        }
        verdict
    };
    faults.iter().enumerate().map(judge).collect()
}

/// Every promise that was broken, in words; empty if all were kept.
#[must_use]
pub(super) fn broken_promises(
    runs: &[PolicyRun],
    expect: &[ExpectVerdict],
    faults: &[FaultVerdict],
) -> Vec<String> {
    let mut broken = Vec::new();
    for run in runs {
        let wrong = run.counts().wrong;
        if wrong > 0 {
            broken.push(format!("{}: {wrong} answers differ from the reference", run.policy));
        }
        broken.extend(run.broken.iter().map(|what| format!("{}: {what}", run.policy)));
    }
    for verdict in expect.iter().filter(|verdict| verdict.holds == Some(false)) {
        let Expectation { figure, comparison } = verdict.expectation;
        broken.push(format!("expected {} {comparison}, found {}", figure.key(), verdict.found));
    }
    for fault in faults.iter().filter(|fault| !fault.bit && !fault.may_miss) {
        broken.push(format!("{} had no effect (move it, or set may_miss = true)", fault.what));
    }
    broken
}
