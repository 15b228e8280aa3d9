//! What a sweep keeps: one record for each run, in a directory that other tools read.
//!
//! Records hold facts; statistics and pictures are made from them, and may be made anew.

mod record;

pub use record::{
    ByteRecord, ExpectRecord, FaultRecord, HostUse, JobRow, LedgerRow, PolicyRecord, RunKey,
    RunRecord, SplitRecord, SweepHead,
};
