//! What a sweep keeps: one record for each run, in a directory that other tools read.
//!
//! Records hold facts; statistics and pictures are made from them, and may be made anew.

mod collect;
mod compare;
#[cfg(any(test, feature = "fixtures"))]
pub mod fixtures;
mod folder;
mod from_report;
mod key;
#[cfg(any(test, feature = "fixtures"))]
pub mod made_up;
mod merge;
pub mod page;
mod record;
pub mod report;
pub mod statistics;
mod tables;
mod workload;

pub use collect::{BrokenRun, Method, RunCounts, Summary, collect, settings_text};
pub use compare::{ComparedPoint, Comparison, compare};
pub use folder::{FailedRun, Folder, FolderError, Kept, SCHEMA};
pub use from_report::record;
pub use key::hex;
pub use key::{MAX_CELLS, Seeds};
pub use merge::{Merged, merge, warm_up_of};
pub use record::{
    ByteRecord, ExpectRecord, FaultRecord, JobRow, PolicyRecord, RunKey, RunRecord, SplitRecord,
    SweepHead,
};
pub use workload::digest as workload_digest;
