//! Random small clusters under random faults, random jobs and writes: never a wrong answer, a hang
//! or a lost acknowledged write.
//!
//! [`Campaign::assert_holds`] is all of it for a placement policy and kinds of faults, shrinking
//! and reproduction included. The other methods of [`Campaign`], the strategies and [`violations`]
//! are its steps, for campaigns of another kind.

mod campaign;
mod case;
mod checker;
mod clients;
mod coverage;
mod fault;
mod history;
mod run;
mod section;
mod workload;

pub use self::campaign::{Campaign, config};
pub use self::case::{Case, Links, cases, clusters};
pub use self::checker::{unbalanced, violations};
pub use self::coverage::Coverage;
pub use self::fault::{Again, CaseFault, HORIZON_MS, faults};
pub use self::history::{Commit, Committed, Did, History, JobCount, Record, Version};
pub use self::run::settle;
pub use self::workload::{
    JobAt, OBJECTS_PER_CLIENT, Op, Step, TEXT_BYTES_MAX, WORDS, text, workloads,
};
