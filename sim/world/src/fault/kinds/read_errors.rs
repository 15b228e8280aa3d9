//! `read_errors`: reads of files fail now and then.

use stayput_host::DiskError;
use stayput_host::config::Chance;
use stayput_host::quantity::chance;

use crate::fault::description::FaultDescription;
use crate::fault::disk::{DiskFault, DiskRead};
use crate::fault::effects::EffectCounter;
use crate::fault::kind::FaultKind;
use crate::fault::spec::FaultSpec;

pub(super) static SPEC: FaultSpec = FaultSpec {
    key: "read_errors",
    keys: &["chance"],
    implied: None,
    parse: |section| {
        let errors = ReadErrors { chance: section.chance("chance")? };
        Ok(FaultKind::disk(section.disk("read_errors")?, None, errors).into())
    },
};

/// Reads that cannot be corrected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadErrors {
    /// Probability that a read fails.
    pub chance: Chance,
}

impl FaultDescription for ReadErrors {
    fn name(&self) -> &'static str {
        "read_errors"
    }

    fn phrase(&self, place: &str) -> String {
        format!("{} read errors of {place}", chance(self.chance))
    }

    fn parameters(&self) -> String {
        format!("of {} ppb", self.chance.get())
    }
}

impl DiskFault for ReadErrors {
    fn read(&self, read: &mut DiskRead<'_>, effects: &EffectCounter) -> Result<(), DiskError> {
        if !self.chance.hits(read.stream()) {
            return Ok(());
        }
        effects.add("failed_reads", 1);
        Err(read.uncorrectable())
    }
}
