//! Faults that a disk has now: hooks of all of them, in the order in which they began.
//!
//! Shared by the disk model and by the decorator of other disks. Leaves out when faults begin.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use stayput_host::{DiskError, Seed};

use super::stop::{DiskStop, Gate};
use crate::fault::{DiskFault, DiskRead, EffectCounter, FaultId};

/// Identity of a disk, for random draws.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiskIdentity {
    /// Seed of the world.
    pub seed: Seed,
    /// Name in the world, with the host's: `node:5/d1`.
    pub name: String,
}

/// Faults of a disk. Clones share them.
#[derive(Clone)]
pub struct DiskFaults(Rc<ActiveFaults>);

struct ActiveFaults {
    identity: DiskIdentity,
    active: RefCell<Vec<(EffectCounter, Arc<dyn DiskFault>)>>,
    /// Stop of the last fault that has one.
    stop: RefCell<Option<DiskStop>>,
    /// Reads of files so far.
    reads: Cell<u64>,
    /// Losses of power so far.
    outages: Cell<u64>,
}

impl DiskFaults {
    /// Sound disk.
    #[must_use]
    pub fn new(identity: DiskIdentity) -> Self {
        Self(Rc::new(ActiveFaults {
            identity,
            active: RefCell::default(),
            stop: RefCell::default(),
            reads: Cell::default(),
            outages: Cell::default(),
        }))
    }

    /// Begins a fault; its effects are counted by `effects`.
    pub fn begin(&self, effects: EffectCounter, fault: Arc<dyn DiskFault>) {
        if let Some(point) = fault.stop_point() {
            *self.0.stop.borrow_mut() = Some(DiskStop::new(effects.clone(), point));
        }
        self.0.active.borrow_mut().push((effects, fault));
    }

    /// Ends a fault.
    pub fn end(&self, fault: FaultId) {
        self.0.active.borrow_mut().retain(|(effects, _)| effects.fault() != fault);
        self.0.stop.borrow_mut().take_if(|stop| stop.ends_with(fault));
    }

    /// Duration of an access that takes `nanos` on a sound disk.
    pub(super) fn access_ns(&self, nanos: u64) -> u64 {
        let active = self.0.active.borrow();
        active.iter().fold(nanos, |nanos, (effects, fault)| fault.access_ns(nanos, effects))
    }

    /// Permits a write that needs room.
    ///
    /// # Errors
    /// A fault refuses it.
    pub(super) fn grow(&self) -> Result<(), DiskError> {
        let mut grown = Ok(());
        // Each fault is asked, so that each counts its effect.
        for (effects, fault) in self.0.active.borrow().iter() {
            grown = grown.and(fault.grow(effects));
        }
        grown
    }

    /// Permits the next read of a file.
    ///
    /// # Errors
    /// A fault lets it fail.
    pub(super) fn read(&self) -> Result<(), DiskError> {
        let nth = self.0.reads.get();
        self.0.reads.set(nth + 1);
        let identity = &self.0.identity;
        let mut read = DiskRead::new(identity.seed, &identity.name, nth);
        let mut permitted = Ok(());
        for (effects, fault) in self.0.active.borrow().iter() {
            permitted = permitted.and(fault.read(&mut read, effects));
        }
        permitted
    }

    /// Random bits of a loss of power that leaves some of what was not synced; `None` if it
    /// leaves nothing.
    pub(super) fn tear(&self) -> Option<stayput_host::Entropy> {
        let nth = self.0.outages.get();
        self.0.outages.set(nth + 1);
        let active = self.0.active.borrow();
        let torn =
            active.iter().fold(false, |torn, (effects, fault)| fault.tears_writes(effects) || torn);
        let identity = &self.0.identity;
        torn.then(|| identity.seed.entropy("torn writes", identity.name.as_bytes(), nth))
    }

    /// True if the disk is to stop, or has.
    pub(super) fn may_stop(&self) -> bool {
        self.0.stop.borrow().is_some()
    }

    /// Does `act` unless the disk has stopped, which holds it back until that ends.
    pub(super) async fn unless_stopped<T>(
        &self,
        is_change: bool,
        act: impl AsyncFnOnce() -> Result<T, DiskError>,
    ) -> Result<T, DiskError> {
        let gate =
            self.0.stop.borrow_mut().as_mut().map_or(Gate::Open, |stop| stop.gate(is_change));
        match gate {
            Gate::Open => act().await,
            Gate::Held(ended) => {
                ended.notified().await;
                act().await
            }
            Gate::Unacknowledged(ended) => {
                let done = act().await;
                ended.notified().await;
                done
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use stayput_host::config::Chance;

    use super::*;
    use crate::fault::EffectLog;
    use crate::fault::kinds::{FullDisk, ReadErrors, SlowDisk, TornWrites};
    use rand::Rng;

    fn disk() -> DiskFaults {
        DiskFaults::new(DiskIdentity { seed: Seed(7), name: "node:1/d1".to_owned() })
    }

    fn slow(factor: u32) -> Arc<dyn DiskFault> {
        Arc::new(SlowDisk { factor: NonZeroU32::new(factor).unwrap() })
    }

    fn errors(percent: u32) -> Arc<dyn DiskFault> {
        let chance = Chance::per_billion(percent * (Chance::BILLION / 100)).unwrap();
        Arc::new(ReadErrors { chance })
    }

    fn count(log: &EffectLog, fault: usize, effect: &str) -> u64 {
        log.of(FaultId(fault)).counts().get(effect).copied().unwrap_or_default()
    }

    #[test]
    fn slowness_multiplies_and_each_fault_ends_for_itself() {
        let (disk, log) = (disk(), EffectLog::default());
        disk.begin(log.counter(FaultId(0)), slow(10));
        disk.begin(log.counter(FaultId(1)), slow(3));
        assert_eq!(disk.access_ns(7), 210);
        disk.end(FaultId(0));
        assert_eq!(disk.access_ns(7), 21);
        disk.end(FaultId(1));
        assert_eq!(disk.access_ns(7), 7);
        assert_eq!(count(&log, 1, "delayed_accesses"), 2);
    }

    #[test]
    fn a_disk_is_full_until_the_last_fault_that_fills_it_ends() {
        let (disk, log) = (disk(), EffectLog::default());
        assert_eq!(disk.grow(), Ok(()));
        disk.begin(log.counter(FaultId(0)), Arc::new(FullDisk));
        disk.begin(log.counter(FaultId(1)), Arc::new(FullDisk));
        assert_eq!(disk.grow(), Err(DiskError::NoSpace));
        disk.end(FaultId(1));
        assert_eq!(disk.grow(), Err(DiskError::NoSpace));
        disk.end(FaultId(0));
        assert_eq!(disk.grow(), Ok(()));
        assert_eq!((count(&log, 0, "refused_writes"), count(&log, 1, "refused_writes")), (2, 1));
    }

    #[test]
    fn reads_fail_as_often_as_their_chance_and_the_same_ones_each_time() {
        let failing = || {
            let (disk, log) = (disk(), EffectLog::default());
            disk.begin(log.counter(FaultId(0)), errors(10));
            (0..10_000).filter(|_| disk.read().is_err()).collect::<Vec<u32>>()
        };
        assert_eq!(failing(), failing());
        assert!((900..1_100).contains(&failing().len()), "{}", failing().len());
    }

    #[test]
    fn which_read_fails_does_not_depend_on_when_the_fault_began() {
        let failing = |begins: u32| {
            let (disk, log) = (disk(), EffectLog::default());
            let mut failed = Vec::new();
            for nth in 0..1_000 {
                if nth == begins {
                    disk.begin(log.counter(FaultId(0)), errors(20));
                }
                failed.extend(disk.read().is_err().then_some(nth));
            }
            failed.into_iter().filter(|nth| *nth >= 500).collect::<Vec<u32>>()
        };
        assert_eq!(failing(0), failing(500));
    }

    #[test]
    fn writes_are_torn_only_while_the_fault_lasts_and_differently_each_time() {
        let (disk, log) = (disk(), EffectLog::default());
        assert!(disk.tear().is_none());
        disk.begin(log.counter(FaultId(0)), Arc::new(TornWrites));
        let draw = |disk: &DiskFaults| disk.tear().map(|mut draws| draws.next_u64());
        assert_ne!(draw(&disk), draw(&disk));
        disk.end(FaultId(0));
        assert!(disk.tear().is_none());
        assert_eq!(count(&log, 0, "torn_disks"), 2);
    }
}
