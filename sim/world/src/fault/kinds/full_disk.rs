//! `full_disk`: nothing that needs room can be written.

use stayput_host::DiskError;

use crate::fault::description::FaultDescription;
use crate::fault::disk::DiskFault;
use crate::fault::effects::EffectCounter;
use crate::fault::kind::FaultKind;
use crate::fault::spec::FaultSpec;

pub(super) static SPEC: FaultSpec = FaultSpec {
    key: "full_disk",
    keys: &[],
    implied: None,
    parse: |section| Ok(FaultKind::disk(section.disk("full_disk")?, None, FullDisk).into()),
};

/// Disk without room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FullDisk;

impl FaultDescription for FullDisk {
    fn name(&self) -> &'static str {
        "full_disk"
    }

    fn phrase(&self, place: &str) -> String {
        format!("full disk {place}")
    }
}

impl DiskFault for FullDisk {
    fn grow(&self, effects: &EffectCounter) -> Result<(), DiskError> {
        effects.add("refused_writes", 1);
        Err(DiskError::NoSpace)
    }
}
