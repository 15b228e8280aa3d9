//! `flap`: a partition that comes and goes while the fault lasts.

use super::partition::NetworkPartition;
use crate::fault::kind::FaultKind;
use crate::fault::spec::{FaultRhythm, FaultSpec, ImpliedBy, ParsedFault};

pub(super) static SPEC: FaultSpec = FaultSpec {
    key: "flap",
    keys: &["between", "one_way", "down", "up"],
    implied: Some(ImpliedBy { with: "between", any_of: &["down", "up"], none_of: &[] }),
    parse: |section| {
        let kind = FaultKind::ways(section.sides("flap")?, NetworkPartition);
        let down = section.duration("down", "50ms")?;
        let up = section.duration("up", "150ms")?;
        Ok(ParsedFault { kind, rhythm: Some(FaultRhythm { down, up }) })
    },
};
