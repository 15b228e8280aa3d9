//! The directory of a sweep: a record for each run, and the summary and tables made of them.
//!
//! Records hold facts; statistics and pictures are made from them, and may be made anew. Leaves out
//! running anything.

mod collect;
mod compare;
mod folder;
mod grid;
mod head;
mod merge;
mod tables;

pub use collect::{BrokenRun, RunCounts, StatisticsMethod, SweepSummary, collect, settings_text};
pub use compare::{ComparedPoint, SweepComparison, compare};
pub use folder::{FailedRun, RunOutcome, SCHEMA, SweepFolder, SweepFolderError};
pub use grid::{GridError, MAX_CELLS, SeedRange};
pub use head::SweepHead;
pub use merge::{MergedSweep, merge, warm_up_of};
