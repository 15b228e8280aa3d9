//! Load beside the jobs: clients that read and write objects while jobs run.
//!
//! Leaves out the draws themselves (`plan`) and who sends the requests (`engine`).

use stayput_host::config::Chance;

use super::{Arrivals, ObjectName, Pick, Size};

/// The container of what the load writes: no scenario with a load puts data there, so that no write
/// changes a job's input.
pub const LOAD_CONTAINER: &str = "stayput-load";

/// One kind of load. It lasts as long as the jobs.
#[derive(Clone, Debug)]
pub struct Load {
    /// The share of reads; all else is writes.
    pub read: Chance,
    /// Arrivals of its requests; never a closed loop.
    pub arrivals: Arrivals,
    /// The objects that are read; empty only if nothing is.
    pub objects: Vec<ObjectName>,
    /// Choice of a read's object.
    pub pick: Pick,
    /// Size of written objects.
    pub size: Size,
}
