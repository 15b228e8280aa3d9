//! Statistics of runs: the one place where a figure over several jobs or several runs is computed.
//!
//! A job has completed if its client received a whole answer, right or wrong. Percentiles are exact
//! ranks over the completed jobs of a run. Body bytes, and so bytes
//! saved, leave out the load beside the jobs; `cross_zone_bytes` is of all traffic, as in `bytes`.
//! Many seeds give medians and paired differences with intervals, and the words that these carry.
//! Pure: it reads records and draws nothing. Leaves out corrections for many comparisons: each
//! interval holds by itself.

mod fuel;
mod gather;
mod interval;
mod pair;
mod pair_point;
mod run;
mod sample;
mod saved;
#[cfg(test)]
mod tests;
mod verdict;
mod warm_up;

pub use fuel::{FUEL_AXIS, FuelRow, FuelSensitivity};
pub(crate) use gather::PairGathered;
pub use gather::{Gatherer, PolicyPoint, SweepPoint, pair_point};
pub use interval::{Estimate, METHOD, VALUES_MIN, ranks};
pub use pair::{ComparedFigure, figures_of_run, same_jobs};
pub use pair_point::{PairFigure, PairPoint};
pub use run::{
    JobCounts, LatencySummary, PhaseSummaries, PhaseSummary, completed_after, job_bytes,
    job_counts, latencies_us, latency_us, load_bytes, load_latency_us, phases_us, place_reasons,
};
pub use sample::Sample;
pub use saved::{Saved, saved};
pub use warm_up::{WarmUp, WarmUpError};

use stayput_engine::scenario::Policy;

/// The policy that runs a job where its data lies.
pub const ON_STORAGE: &str = Policy::OnStorage.name();
/// The policy that carries the data to the job.
pub const DOWNLOAD: &str = Policy::Download.name();
/// The lower bound: the best of all placements tried for each job.
pub const BEST_FOUND: &str = Policy::BestFound.name();
