//! What a run came to: jobs, latencies, bytes, hosts.
//!
//! Facts only. What they mean is `stayput-results`'.

mod latency;
mod run;
mod split;
mod usage;

pub use latency::{Latency, foreground_us, latency_us};
pub use run::{ByteCounts, FaultEffect, Foreground, JobCounts, JobEnd, JobRecord, PolicyRun};
pub use split::{LatencySplit, Part, SplitSummary, latency_split_us};
pub use usage::{HostUse, LedgerRow};
