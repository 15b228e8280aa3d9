//! What faults do to a disk: slow accesses, no room, reads that fail, work that stops. Troubles that overlap
//! add up, and each ends for itself.
//!
//! Leaves out when that is, and bits that flip.

use std::num::NonZeroU32;

use stayput_host::config::Chance;
use stayput_host::{DiskError, Seed};

use crate::fault::{EffectLog, FaultId};

/// Something that a fault does to a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Each access that is queued takes so many times as long.
    Slow(NonZeroU32),
    /// Nothing that needs room can be written.
    Full,
    /// Each read of a file fails with this chance.
    ReadErrors(Chance),
    /// It stops at one of its changes.
    Stop(StopPoint),
    /// A loss of power leaves some of what was not synced.
    Torn,
}

/// Where a disk stops. Changes are files created, appended to, synced, renamed and removed, directories synced and batches
/// committed, counted from the fault's beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopPoint {
    /// So many changes are made; the next one is not.
    Before(u64),
    /// So many changes are made and told; the next one is made, and nobody hears of it.
    After(u64),
}

/// Which disk it is, for what is drawn for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiskIdentity {
    /// The world's seed.
    pub seed: Seed,
    /// Its name in the world, with its host's: `node:5/d1`.
    pub name: String,
}

/// The troubles that a disk has now.
#[derive(Default)]
pub(super) struct Troubles {
    now: Vec<(FaultId, Trouble, EffectLog)>,
    reads: u64,
}

impl Troubles {
    pub(super) fn begin(&mut self, fault: FaultId, trouble: Trouble, log: EffectLog) {
        self.now.push((fault, trouble, log));
    }

    pub(super) fn end(&mut self, fault: FaultId) {
        self.now.retain(|(other, _, _)| *other != fault);
    }

    /// How long an access takes that takes `nanos` on a sound disk.
    pub(super) fn slowed(&self, mut nanos: u64) -> u64 {
        for (fault, trouble, log) in &self.now {
            if let Trouble::Slow(factor) = trouble {
                nanos = nanos.saturating_mul(u64::from(factor.get()));
                log.add(*fault, "delayed_accesses", 1);
            }
        }
        nanos
    }

    /// Whether a write that needs room is let through.
    ///
    /// # Errors
    /// A fault says that the disk is full.
    pub(super) fn write(&self) -> Result<(), DiskError> {
        let mut full = Ok(());
        for (fault, trouble, log) in &self.now {
            if *trouble == Trouble::Full {
                log.add(*fault, "refused_writes", 1);
                full = Err(DiskError::NoSpace);
            }
        }
        full
    }

    /// Whether the next read works. It is a matter of the seed, the disk and how many reads came before, whatever faults there
    /// were then.
    ///
    /// # Errors
    /// It does not.
    pub(super) fn read(&mut self, disk: &DiskIdentity) -> Result<(), DiskError> {
        let nth = self.reads;
        self.reads += 1;
        let errors = self.now.iter().filter_map(|(fault, trouble, log)| match trouble {
            Trouble::ReadErrors(chance) => Some((*fault, *chance, log)),
            _ => None,
        });
        let mut draws = None;
        let mut read = Ok(());
        for (fault, chance, log) in errors {
            let draws = draws
                .get_or_insert_with(|| disk.seed.entropy("disk errors", disk.name.as_bytes(), nth));
            if chance.hits(draws.next_u64()) {
                log.add(fault, "failed_reads", 1);
                let what = format!("read {nth} of {} could not be corrected", disk.name);
                read = Err(DiskError::Failed { what });
            }
        }
        read
    }
}

impl Troubles {
    /// Whether a loss of power leaves some of what was not synced; tells those who want it so that it did.
    pub(super) fn torn(&self) -> bool {
        let torn = self.now.iter().filter(|(_, trouble, _)| *trouble == Trouble::Torn);
        torn.fold(false, |_, (fault, _, log)| {
            log.add(*fault, "torn_disks", 1);
            true
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn factor(n: u32) -> Trouble {
        Trouble::Slow(NonZeroU32::new(n).unwrap())
    }

    #[test]
    fn slowness_multiplies_and_each_fault_ends_for_itself() {
        let (mut troubles, log) = (Troubles::default(), EffectLog::default());
        troubles.begin(FaultId(0), factor(10), log.clone());
        troubles.begin(FaultId(1), factor(3), log.clone());
        assert_eq!(troubles.slowed(7), 210);
        troubles.end(FaultId(0));
        assert_eq!(troubles.slowed(7), 21);
        troubles.end(FaultId(1));
        assert_eq!(troubles.slowed(7), 7);
        assert_eq!(log.of(FaultId(1)).counts().get("delayed_accesses"), Some(&2));
    }

    #[test]
    fn reads_fail_as_often_as_their_chance_and_the_same_ones_each_time() {
        let disk = DiskIdentity { seed: Seed(7), name: "node:1/d1".to_owned() };
        let chance = Chance::per_billion(Chance::BILLION / 10).unwrap();
        let failing = || {
            let (mut troubles, log) = (Troubles::default(), EffectLog::default());
            troubles.begin(FaultId(0), Trouble::ReadErrors(chance), log);
            (0..10_000).filter(|_| troubles.read(&disk).is_err()).count()
        };
        assert_eq!(failing(), failing());
        assert!((900..1_100).contains(&failing()), "{}", failing());
    }
}
