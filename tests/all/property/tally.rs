//! Counts what came about in the cases, so that they cannot come to prove nothing.
//!
//! Leaves out which fault made which operation fail.

use std::collections::BTreeMap;

use super::history::{Did, History};

/// How many kinds of faults there are.
const KINDS: usize = 9;

/// What came about, and how often.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    writes: [u64; 2],
    reads: [u64; 2],
    jobs: [u64; 2],
    found_at_last: u64,
    dropped_bytes: u64,
    /// By kind of fault: how many had an effect, and how many had none.
    faults: BTreeMap<&'static str, [u64; 2]>,
}

impl Tally {
    pub(crate) fn of(history: &History) -> Self {
        let dropped_bytes = history.ledger.totals().dropped;
        let mut tally = Self { dropped_bytes, ..Self::default() };
        for (kind, effects) in &history.effects {
            tally.faults.entry(kind).or_default()[usize::from(!effects.bit())] += 1;
        }
        for record in &history.records {
            let (counted, failed) = match &record.did {
                Did::Put { outcome, .. } => (&mut tally.writes, outcome.is_err()),
                Did::Delete { outcome } => (&mut tally.writes, outcome.is_err()),
                Did::Read { outcome, .. } => {
                    tally.found_at_last += u64::from(record.last && matches!(outcome, Ok(Some(_))));
                    (&mut tally.reads, outcome.is_err())
                }
                Did::Job { outcome, .. } => (&mut tally.jobs, outcome.is_err()),
            };
            counted[usize::from(failed)] += 1;
        }
        tally
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for which in 0..2 {
            self.writes[which] += other.writes[which];
            self.reads[which] += other.reads[which];
            self.jobs[which] += other.jobs[which];
        }
        for (kind, counts) in &other.faults {
            let own = self.faults.entry(kind).or_default();
            for which in 0..2 {
                own[which] += counts[which];
            }
        }
        self.found_at_last += other.found_at_last;
        self.dropped_bytes += other.dropped_bytes;
    }

    /// Fails if of what there must be for the properties to say anything there was nothing.
    pub(crate) fn assert_worth(&self) {
        println!("{self:?}");
        let [wrote, _] = self.writes;
        let [counted, failed] = self.jobs;
        let all = [wrote, counted, failed, self.found_at_last, self.dropped_bytes];
        let bit = self.faults.values().filter(|[bit, _]| *bit > 0).count();
        assert_eq!(bit, KINDS, "kinds of faults that had an effect: {self:?}");
        assert!(all.iter().all(|count| *count > 0), "the cases prove nothing: {self:?}");
    }
}
