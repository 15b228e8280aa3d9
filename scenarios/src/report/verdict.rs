//! Promises: what was expected, whether each fault bit, and what is broken.

use std::collections::BTreeMap;

use super::run::PolicyRun;
use super::saved::Saved;
use crate::quantity;
use crate::scenario::{Expectation, Fault, Figure};

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

/// Judges each expectation over all runs: a count must hold under every policy.
#[must_use]
pub(super) fn judge_expectations(
    expect: &[Expectation],
    runs: &[PolicyRun],
    saved: Option<&Saved>,
) -> Vec<ExpectVerdict> {
    let judge = |expectation: &Expectation| {
        let (found, holds) = match expectation.figure {
            Figure::SavedRatio => judge_saved(expectation, saved),
            figure => judge_counts(expectation, figure, runs),
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

fn judge_counts(
    expectation: &Expectation,
    figure: Figure,
    runs: &[PolicyRun],
) -> (String, Option<bool>) {
    let count = |run: &PolicyRun| {
        let counts = run.counts();
        match figure {
            Figure::Wrong => counts.wrong,
            Figure::Failed => counts.failed,
            Figure::Ok | Figure::SavedRatio => counts.ok,
        }
    };
    let found: Vec<_> = runs.iter().map(|run| format!("{} {}", run.policy, count(run))).collect();
    let holds = runs.iter().all(|run| expectation.comparison.holds(i128::from(count(run)), 1));
    (found.join(", "), Some(holds))
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
