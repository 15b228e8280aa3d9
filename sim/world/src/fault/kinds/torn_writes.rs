//! Writes that a loss of power tears. For tests only: it has no scenario key.

use crate::fault::description::FaultDescription;
use crate::fault::disk::DiskFault;
use crate::fault::effects::EffectCounter;

/// Torn writes: a loss of power leaves some of what was not synced, names as well as beginnings
/// of what was appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TornWrites;

impl FaultDescription for TornWrites {
    fn name(&self) -> &'static str {
        "torn_writes"
    }

    fn phrase(&self, place: &str) -> String {
        format!("torn writes of {place}")
    }
}

impl DiskFault for TornWrites {
    fn tears_writes(&self, effects: &EffectCounter) -> bool {
        effects.add("torn_disks", 1);
        true
    }
}
