//! Scenario files, the runs they describe and the reports on them.
//!
//! `scenario` is what a file says, `plan` what is drawn from it for a seed, `engine` runs a plan
//! under a policy, `report` judges the results, `timeline` shows what happened when, `results` is
//! what sweeps keep, `page` the page on that, `image` builds the images of interpreters, `job` is
//! for authors of jobs, `local` runs a job without a cluster, `serve` is the directory of a cluster that real clients use, and `cli` is
//! the command around them all.

pub mod cli;
pub mod engine;
pub mod generate;
pub mod image;
pub mod job;
pub mod local;
pub mod page;
pub mod plan;
pub mod quantity;
pub mod report;
pub mod results;
pub mod scenario;
pub mod serve;
pub mod timeline;

// The made-up sweep of the tests names this crate as its users do.
#[cfg(test)]
extern crate self as stayput;
