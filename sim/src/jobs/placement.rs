//! Where a job may run, best first: a pure function for each policy.
//!
//! Leaves out load: the proxy tries the candidates in turn, and a node without room says so.

use crate::proxy::{Located, Target};

/// ZeroCloud's rule: near the object that the job is attached to.
///
/// `attached` is that object, if it exists and the job reads it; `elsewhere` are the devices that will do when there is none, in
/// the order of the ring.
#[must_use]
pub fn on_storage(attached: Option<&Located>, elsewhere: &[Target]) -> Vec<Target> {
    attached.map_or_else(|| elsewhere.to_vec(), |located| located.holders.clone())
}
