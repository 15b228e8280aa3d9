//! The record of one job under one policy.
//!
//! Times count from the run's first intended arrival, in nanoseconds; their views are in whole
//! microseconds.

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::PhaseTimes;
use super::nanos;

/// Outcome of one job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobRecord {
    /// Its number in the plan, from 0.
    pub index: u32,
    /// The client that sent it, from 1.
    pub client: u32,
    /// The group of work that it belongs to, from 1.
    pub work: u32,
    /// Its object, as `container/object`.
    pub object: String,
    /// The size of that object.
    pub object_bytes: u64,
    /// Intended arrival; in a closed loop, the time when it was sent.
    #[serde(rename = "intended_ns", with = "nanos")]
    pub intended: Duration,
    /// The time when its client had the whole answer, or gave up.
    #[serde(rename = "finished_ns", with = "nanos")]
    pub finished: Duration,
    /// The time in between, by phase.
    #[serde(rename = "phases_ns")]
    pub phases: PhaseTimes,
    /// Right, wrong or failed.
    pub end: JobEnd,
    /// Exit codes of its sessions; those that did not exit are left out.
    pub exit_codes: Vec<u32>,
    /// Size of the answer's body.
    pub answer_bytes: u64,
    /// The answer's body. It is not on disk: answers may be as large as the objects.
    #[serde(skip)]
    pub answer: Bytes,
    /// The object's version that the answer names; empty if it names none.
    pub version: String,
    /// Place and reason; `None` if the answer names no place.
    pub placement: Option<JobPlacement>,
}

/// End of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobEnd {
    /// With the reference answer.
    Ok,
    /// With an honest error.
    Failed {
        /// The error that the client received or found.
        error: String,
    },
    /// With another answer than the reference.
    Wrong {
        /// The reference. It is not on disk, as answers are not.
        #[serde(skip)]
        expected: Bytes,
    },
}

impl JobEnd {
    /// The name that results use.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed { .. } => "failed",
            Self::Wrong { .. } => "wrong",
        }
    }

    /// The error of a job that failed.
    #[must_use]
    pub fn error(&self) -> Option<&str> {
        match self {
            Self::Failed { error } => Some(error),
            Self::Ok | Self::Wrong { .. } => None,
        }
    }
}

/// Place of a job, and the policy's reason.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct JobPlacement {
    /// The kind of host.
    pub place: JobPlace,
    /// The policy's name for its reason; empty if the answer has none.
    pub reason: String,
}

/// Kind of host that a job runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobPlace {
    /// A storage node.
    Node,
    /// A proxy.
    Proxy,
    /// A compute host outside the store.
    Worker,
}

impl JobPlace {
    /// The name that answers and results use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Proxy => "proxy",
            Self::Worker => "worker",
        }
    }

    /// The place of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Node, Self::Proxy, Self::Worker].into_iter().find(|place| place.name() == name)
    }
}

impl JobRecord {
    /// True if its client received a whole answer, right or wrong. Latencies are those of completed
    /// jobs, and two runs are comparable if the same jobs completed.
    #[must_use]
    pub const fn completed(&self) -> bool {
        !matches!(self.end, JobEnd::Failed { .. })
    }

    /// The time from its intended arrival to its end.
    #[must_use]
    pub fn latency(&self) -> Duration {
        self.finished.saturating_sub(self.intended)
    }

    /// Latency in whole microseconds.
    #[must_use]
    pub fn latency_us(&self) -> u64 {
        micros(self.latency())
    }

    /// Intended arrival in whole microseconds.
    #[must_use]
    pub fn intended_us(&self) -> u64 {
        micros(self.intended)
    }

    /// End in whole microseconds, so that it is the intended arrival and the latency together.
    #[must_use]
    pub fn finished_us(&self) -> u64 {
        self.intended_us() + self.latency_us()
    }
}

/// Whole microseconds of a duration.
pub(super) fn micros(length: Duration) -> u64 {
    u64::try_from(length.as_micros()).unwrap_or(u64::MAX)
}
