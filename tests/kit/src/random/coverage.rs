//! Coverage of a campaign: counts of outcomes and of faults with an effect, so that its cases
//! cannot come to prove nothing.
//!
//! Leaves out which fault made which operation fail.

use std::collections::BTreeMap;

use super::campaign::CASE_VARIABLE;
use super::history::{Did, History};

/// Outcomes and effects of a campaign, counted.
#[derive(Debug, Default)]
pub struct Coverage {
    writes: [u64; 2],
    reads: [u64; 2],
    jobs: [u64; 2],
    found_at_last: u64,
    dropped_bytes: u64,
    /// By kind of fault: how many had an effect, and how many had none.
    faults: BTreeMap<String, [u64; 2]>,
}

impl Coverage {
    /// Coverage of one run.
    #[must_use]
    pub fn of(history: &History) -> Self {
        let dropped_bytes = history.ledger.totals().dropped;
        let mut coverage = Self { dropped_bytes, ..Self::default() };
        for kind in &history.kinds {
            coverage.faults.entry((*kind).to_owned()).or_default();
        }
        for (kind, effects) in &history.effects {
            coverage.faults.entry(kind.clone()).or_default()[usize::from(!effects.bit())] += 1;
        }
        for record in &history.records {
            let (counted, failed) = match &record.did {
                Did::Put { outcome, .. } => (&mut coverage.writes, outcome.is_err()),
                Did::Delete { outcome } => (&mut coverage.writes, outcome.is_err()),
                Did::Read { outcome, .. } => {
                    coverage.found_at_last +=
                        u64::from(record.last && matches!(outcome, Ok(Some(_))));
                    (&mut coverage.reads, outcome.is_err())
                }
                Did::Job { outcome, .. } => (&mut coverage.jobs, outcome.is_err()),
            };
            counted[usize::from(failed)] += 1;
        }
        coverage
    }

    /// Adds that of another run.
    pub fn add(&mut self, other: &Self) {
        for which in 0..2 {
            self.writes[which] += other.writes[which];
            self.reads[which] += other.reads[which];
            self.jobs[which] += other.jobs[which];
        }
        for (kind, counts) in &other.faults {
            let own = self.faults.entry(kind.clone()).or_default();
            for which in 0..2 {
                own[which] += counts[which];
            }
        }
        self.found_at_last += other.found_at_last;
        self.dropped_bytes += other.dropped_bytes;
    }

    /// Fails unless every kind of outcome and every kind of fault came about. A case of
    /// `STAYPUT_CASE` need not have all.
    ///
    /// # Panics
    /// The cases prove nothing.
    pub fn assert_complete(&self) {
        println!("{self:?}");
        if std::env::var_os(CASE_VARIABLE).is_some() {
            return;
        }
        let [wrote, _] = self.writes;
        let [counted, failed] = self.jobs;
        let all = [wrote, counted, failed, self.found_at_last, self.dropped_bytes];
        for (kind, [bit, _]) in &self.faults {
            assert!(*bit > 0, "no fault of kind {kind} had an effect: {self:?}");
        }
        assert!(all.iter().all(|count| *count > 0), "the cases prove nothing: {self:?}");
    }
}
