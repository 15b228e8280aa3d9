//! Timeline of a run under one policy, and the format that people open.
//!
//! Leaves out judging it: the latency split is `report`'s.

mod chrome;
mod lanes;
#[cfg(test)]
mod tests;

use stayput_host::topology::HostKey;
use stayput_host::{Span, Time};

pub use chrome::ChromeTrace;

use crate::scenario::Policy;

/// The timeline of a policy's run, from the first job's intended arrival on.
#[derive(Clone, Debug)]
pub struct RunTimeline {
    /// The policy.
    pub policy: Policy,
    /// The first job's intended arrival.
    pub start: Time,
    /// The hosts' names, in the order of their keys.
    pub hosts: Vec<String>,
    /// Spans of each host, and events of the whole world.
    pub spans: Vec<(Option<HostKey>, Span)>,
    /// Spans that there was no room for.
    pub left_out: u64,
}
