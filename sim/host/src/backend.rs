//! Setup and execution of a set of hosts: the part of a backend that does not depend on what it
//! simulates.
//!
//! Leaves out faults and meters, which are traits of their own in the crates that have them.

use crate::Time;
use crate::topology::{HostKey, HostMain, HostSpec};

/// Reason for the end of [`Backend::run`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunEnd {
    /// The condition that it was to run until holds.
    Done,
    /// No task and no event is left that could change anything.
    Stuck,
    /// The time limit was reached.
    TimeLimit,
    /// Tasks woke each other so often that time stood still.
    Livelock,
}

/// A set of machines that run code of the seam.
pub trait Backend {
    /// Adds a host and starts it. Hosts are numbered from zero in the order of these calls.
    fn add_host(&mut self, spec: HostSpec, main: HostMain) -> HostKey;

    /// Runs until `done` returns true, which is called whenever something may have changed, at most
    /// to `limit`.
    fn run(&mut self, done: &mut dyn FnMut() -> bool, limit: Time) -> RunEnd;

    /// The time now.
    fn now(&self) -> Time;
}
