//! Errors of single values; each names the value and the fix.
//!
//! Leaves out errors of the builder and of ring files, which are theirs, and flaws of a finished
//! ring, which are [`check`](super::check)'s violations.

/// Value that no ring can have.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RingValueError {
    /// The part power is out of range.
    #[error("part power {0}: use a whole number from 1 to 32")]
    PartPower(String),
    /// The replica count is out of range.
    #[error("replicas {0}: use a whole number from 1 to 32")]
    Replicas(String),
    /// The weight is negative, not finite or out of scale.
    #[error("weight {0}: use 0 (drained) or a number from 0.001 to 1e9")]
    Weight(f64),
    /// The name could not be a directory of its own.
    #[error("device name {0:?}: use 1 to 64 of letters, digits, '-', '_', '.', but no '.' or '..'")]
    DeviceName(String),
}
