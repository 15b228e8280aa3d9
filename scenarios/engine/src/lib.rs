//! Scenario files, the plans drawn from them, and the runs that they describe.
//!
//! ```text
//! scenario   what a file says          quantity   "8 MiB", "10 Gbit/s"
//! plan       what is drawn from it for a seed      generate   the bytes of objects
//! run        drives a plan under one policy in a cluster    local   one job without a cluster
//! record     the record of a run       timeline   spans of what happened when
//! ```
//! Leaves out judging: what the figures mean is `stayput-results`'.

pub mod archive;
pub mod generate;
pub mod local;
pub mod plan;
pub mod quantity;
pub mod record;
pub mod run;
pub mod scenario;
pub mod timeline;
