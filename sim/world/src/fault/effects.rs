//! Effects of faults: counts of what they touched.
//!
//! Leaves out what makes them: each fault kind names its own.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::FaultId;

/// Counts of what a fault did, by effect. A fault without any did not bite.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effects(BTreeMap<&'static str, u64>);

impl Effects {
    /// Adds to an effect; zero leaves no entry.
    pub fn add(&mut self, effect: &'static str, count: u64) {
        if count > 0 {
            *self.0.entry(effect).or_default() += count;
        }
    }

    /// Sum of these and `other`.
    #[must_use]
    pub fn with(mut self, other: &Self) -> Self {
        for (effect, count) in &other.0 {
            self.add(effect, *count);
        }
        self
    }

    /// Count of each effect.
    #[must_use]
    pub const fn counts(&self) -> &BTreeMap<&'static str, u64> {
        &self.0
    }

    /// True if the fault touched traffic, a disk or a process.
    #[must_use]
    pub fn bit(&self) -> bool {
        !self.0.is_empty()
    }
}

/// Effects of the faults on a world's disks. Clones count together.
#[derive(Clone, Debug, Default)]
pub struct EffectLog(Rc<RefCell<BTreeMap<FaultId, Effects>>>);

impl EffectLog {
    /// Counter for the effects of `fault`.
    #[must_use]
    pub fn counter(&self, fault: FaultId) -> EffectCounter {
        EffectCounter { fault, log: self.clone() }
    }

    /// Effects of a fault so far.
    #[must_use]
    pub fn of(&self, fault: FaultId) -> Effects {
        self.0.borrow().get(&fault).cloned().unwrap_or_default()
    }
}

/// Counter of one fault's effects.
#[derive(Clone, Debug)]
pub struct EffectCounter {
    fault: FaultId,
    log: EffectLog,
}

impl EffectCounter {
    /// The fault that is charged.
    #[must_use]
    pub const fn fault(&self) -> FaultId {
        self.fault
    }

    /// Adds to an effect.
    pub fn add(&self, effect: &'static str, count: u64) {
        self.log.0.borrow_mut().entry(self.fault).or_default().add(effect, count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_count_is_no_effect() {
        let mut effects = Effects::default();
        effects.add("dropped_bytes", 0);
        assert!(!effects.bit());
        effects.add("dropped_bytes", 3);
        effects.add("dropped_bytes", 4);
        assert!(effects.bit());
        assert_eq!(effects.counts().get("dropped_bytes"), Some(&7));
    }

    #[test]
    fn effects_of_two_sources_add_up() {
        let (mut one, mut other) = (Effects::default(), Effects::default());
        one.add("a", 1);
        other.add("a", 2);
        other.add("b", 3);
        let sum = one.with(&other);
        assert_eq!(sum.counts().iter().collect::<Vec<_>>(), [(&"a", &3), (&"b", &3)]);
    }

    #[test]
    fn each_fault_is_charged_for_itself() {
        let log = EffectLog::default();
        log.counter(FaultId(1)).add("failed_reads", 2);
        log.clone().counter(FaultId(1)).add("failed_reads", 1);
        assert_eq!(log.of(FaultId(1)).counts().get("failed_reads"), Some(&3));
        assert!(!log.of(FaultId(0)).bit());
    }
}
