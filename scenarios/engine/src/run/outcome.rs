//! Progress of a run, and its errors as a whole.

use stayput_host::time::Time;

use crate::scenario::Policy;

/// Progress of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Phase.
    pub phase: Phase,
    /// Objects loaded or jobs ended so far.
    pub done: u64,
    /// Objects or jobs in all.
    pub total: u64,
    /// The time in the simulated world.
    pub now: Time,
}

/// The parts of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Objects are put into the store.
    Loading,
    /// Jobs run.
    Jobs,
}

/// Error of a run that has no result.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The world came to a stop, or to its bound of time or events, before all jobs had ended.
    #[error("no progress under {policy} at {at}: {waiting}")]
    NoProgress {
        /// The policy.
        policy: Policy,
        /// Time.
        at: Time,
        /// Phase that did not end.
        waiting: String,
    },
    /// The scenario cannot run, for a reason that only the cluster could find.
    #[error("{what}: {why}")]
    Unfit {
        /// The part of the scenario.
        what: String,
        /// Flaw.
        why: String,
    },
    /// The events or the timeline cannot be written.
    #[error("cannot write what happened: {0}")]
    Trace(#[from] std::io::Error),
}
