//! `slow_disk`: each access takes several times as long.

use std::num::NonZeroU32;

use crate::fault::description::FaultDescription;
use crate::fault::disk::DiskFault;
use crate::fault::effects::EffectCounter;
use crate::fault::kind::FaultKind;
use crate::fault::spec::{FaultKeyError, FaultSpec};

/// Largest factor of a scenario: an access of a millisecond takes a thousand seconds.
const FACTOR_MAX: u32 = 1_000_000;

pub(super) static SPEC: FaultSpec = FaultSpec {
    key: "slow_disk",
    keys: &["factor"],
    implied: None,
    parse: |section| {
        let fix = "write how many times as long an access takes: factor = 10";
        let factor = section.number("factor", 2..=FACTOR_MAX, fix)?;
        let factor =
            NonZeroU32::new(factor).ok_or_else(|| FaultKeyError::new("factor", "is zero", fix))?;
        Ok(FaultKind::disk(section.disk("slow_disk")?, None, SlowDisk { factor }).into())
    },
};

/// Slow accesses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlowDisk {
    /// Duration of an access, in durations on a sound disk.
    pub factor: NonZeroU32,
}

impl FaultDescription for SlowDisk {
    fn name(&self) -> &'static str {
        "slow_disk"
    }

    fn phrase(&self, place: &str) -> String {
        format!("{} times slower disk {place}", self.factor)
    }

    fn parameters(&self) -> String {
        format!("by {}", self.factor)
    }
}

impl DiskFault for SlowDisk {
    fn access_ns(&self, nanos: u64, effects: &EffectCounter) -> u64 {
        effects.add("delayed_accesses", 1);
        nanos.saturating_mul(u64::from(self.factor.get()))
    }
}
