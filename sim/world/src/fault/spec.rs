//! Scenario keys of a fault kind: which it has, and how they are read.
//!
//! Leaves out times and repetition, which all kinds share; and the syntax of the file, which is
//! the reader's ([`FaultSection`]).

use std::ops::RangeInclusive;
use std::time::Duration;

use stayput_host::config::{ByteRate, Chance};

use super::kind::{FaultKind, Sides};
use super::place::ClusterPlace;

/// Scenario keys of a fault kind. A kind is added to a [`super::FaultCatalog`] by its spec.
#[derive(Debug)]
pub struct FaultSpec {
    /// Key that names the kind.
    pub key: &'static str,
    /// Further keys that go with it.
    pub keys: &'static [&'static str],
    /// Condition under which the kind is meant where none is named; `None` if it must be named.
    pub implied: Option<ImpliedBy>,
    /// Reads the kind and its target from a section that has `key`, or implies it.
    pub parse: fn(&dyn FaultSection) -> Result<ParsedFault, FaultKeyError>,
}

/// Condition under which a kind that is not named is meant.
#[derive(Debug)]
pub struct ImpliedBy {
    /// Key that must be there.
    pub with: &'static str,
    /// Further keys, of which one must be there; no condition if empty.
    pub any_of: &'static [&'static str],
    /// Keys of which none may be there.
    pub none_of: &'static [&'static str],
}

impl ImpliedBy {
    /// True if a section with the keys that `has` knows means the kind.
    pub fn holds(&self, has: impl Fn(&str) -> bool) -> bool {
        has(self.with)
            && (self.any_of.is_empty() || self.any_of.iter().any(|key| has(key)))
            && !self.none_of.iter().any(|key| has(key))
    }
}

/// Fault as read from a scenario.
#[derive(Clone, Debug)]
pub struct ParsedFault {
    /// The kind with its target.
    pub kind: FaultKind<ClusterPlace>,
    /// Rhythm of a fault that comes and goes while it lasts; `None` if it lasts throughout.
    pub rhythm: Option<FaultRhythm>,
}

impl From<FaultKind<ClusterPlace>> for ParsedFault {
    fn from(kind: FaultKind<ClusterPlace>) -> Self {
        Self { kind, rhythm: None }
    }
}

/// Rhythm of a fault that comes and goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultRhythm {
    /// Length of each fault.
    pub down: Duration,
    /// Pause between two.
    pub up: Duration,
}

/// Error of one key of a fault's section.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {why} ({fix})")]
pub struct FaultKeyError {
    /// The key.
    pub key: String,
    /// Reason.
    pub why: String,
    /// Remedy, in the imperative.
    pub fix: String,
}

impl FaultKeyError {
    /// Error of `key`.
    pub fn new(key: impl Into<String>, why: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { key: key.into(), why: why.into(), fix: fix.into() }
    }
}

/// Section of a scenario that describes a fault: typed reads of its keys.
///
/// # Errors
/// All reads refuse a key that is missing, of another form, or out of bounds for the cluster.
pub trait FaultSection {
    /// True if the key is there.
    fn has(&self, key: &str) -> bool;

    /// Length of time above zero; `example` is part of the remedy, such as "20ms".
    fn duration(&self, key: &str, example: &str) -> Result<Duration, FaultKeyError>;

    /// Probability above zero.
    fn chance(&self, key: &str) -> Result<Chance, FaultKeyError>;

    /// Rate of a network.
    fn byte_rate(&self, key: &str) -> Result<ByteRate, FaultKeyError>;

    /// Whole number; `fix` is the remedy where it is missing.
    fn number(
        &self,
        key: &str,
        bounds: RangeInclusive<u32>,
        fix: &str,
    ) -> Result<u32, FaultKeyError>;

    /// Sides of the network: those that `key` lists against all others, or `between`.
    fn sides(&self, key: &str) -> Result<Sides<ClusterPlace>, FaultKeyError>;

    /// The two places of a trunk, from `between`.
    fn trunk(&self) -> Result<[ClusterPlace; 2], FaultKeyError>;

    /// A single machine with a network card.
    fn card(&self, key: &str) -> Result<ClusterPlace, FaultKeyError>;

    /// A single machine that runs a process of the cluster.
    fn machine(&self, key: &str) -> Result<ClusterPlace, FaultKeyError>;

    /// A disk of the store, or a node for all of its disks.
    fn disk(&self, key: &str) -> Result<ClusterPlace, FaultKeyError>;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::FaultCatalog;

    /// Names of the kinds that a section with these keys and no kind's name means.
    fn implied(keys: &[&str]) -> Vec<&'static str> {
        let has = |key: &str| keys.contains(&key);
        let means = |spec: &&FaultSpec| spec.implied.as_ref().is_some_and(|by| by.holds(has));
        FaultCatalog::default().specs().filter(means).map(|spec| spec.key).collect()
    }

    #[test]
    fn two_sides_alone_are_a_partition_and_flap_if_they_come_and_go() {
        assert_eq!(implied(&["between"]), ["partition"]);
        assert_eq!(implied(&["between", "one_way"]), ["partition"]);
        assert_eq!(implied(&["between", "down", "up"]), ["flap"]);
        assert_eq!(implied(&["between", "up"]), ["flap"], "which then lacks `down`");
        assert!(implied(&["on"]).is_empty() && implied(&["down", "up"]).is_empty());
    }
}
