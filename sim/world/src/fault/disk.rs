//! Hooks of disk faults: how long accesses take, which of them fail, where a disk stops.
//!
//! Leaves out how a disk calls them: see `disk::faults`.

use stayput_host::{DiskError, Entropy, Seed};

use super::description::FaultDescription;
use super::effects::EffectCounter;

/// Disk fault: hooks at the points of an access where it can go wrong. What a hook does not
/// change goes on as on a sound disk. Overlapping faults add up.
pub trait DiskFault: FaultDescription {
    /// Duration, in nanoseconds, of an access that takes `nanos` on a sound disk.
    fn access_ns(&self, nanos: u64, effects: &EffectCounter) -> u64 {
        let _ = effects;
        nanos
    }

    /// Permits a write that needs room.
    ///
    /// # Errors
    /// The fault refuses it.
    fn grow(&self, effects: &EffectCounter) -> Result<(), DiskError> {
        let _ = effects;
        Ok(())
    }

    /// Permits a read of a file.
    ///
    /// # Errors
    /// The fault lets it fail.
    fn read(&self, read: &mut DiskRead<'_>, effects: &EffectCounter) -> Result<(), DiskError> {
        let _ = (read, effects);
        Ok(())
    }

    /// Change at which the disk stops until the fault ends.
    fn stop_point(&self) -> Option<StopPoint> {
        None
    }

    /// True if a loss of power leaves some of what was not synced. Called when power is lost.
    fn tears_writes(&self, effects: &EffectCounter) -> bool {
        let _ = effects;
        false
    }
}

/// Point at which a disk stops. Changes are files created, appended to, synced, renamed and
/// removed, directories synced and batches committed, counted from the fault's beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopPoint {
    /// So many changes are made; the next one is not.
    Before(u64),
    /// So many changes are made and acknowledged; the next one is made and not acknowledged.
    After(u64),
}

/// One read of a file, with the random bits that belong to it: a function of the seed, the disk
/// and the number of reads before, whatever faults there were then.
#[derive(Debug)]
pub struct DiskRead<'a> {
    seed: Seed,
    disk: &'a str,
    nth: u64,
    draws: Option<Entropy>,
}

impl<'a> DiskRead<'a> {
    /// Read number `nth`, from zero, of the disk named `disk`.
    #[must_use]
    pub const fn new(seed: Seed, disk: &'a str, nth: u64) -> Self {
        Self { seed, disk, nth, draws: None }
    }

    /// Random bits of this read.
    pub fn stream(&mut self) -> &mut Entropy {
        let (seed, disk, nth) = (self.seed, self.disk, self.nth);
        self.draws.get_or_insert_with(|| seed.entropy("disk errors", disk.as_bytes(), nth))
    }

    /// Error of a read that cannot be corrected.
    #[must_use]
    pub fn uncorrectable(&self) -> DiskError {
        DiskError::Failed {
            what: format!("read {} of {} could not be corrected", self.nth, self.disk),
        }
    }
}
