//! Views of the records of runs: judgement, statistics, exports, sweeps and the report page.
//!
//! ```text
//! stats    figures of runs, pairs and many seeds   judge   expectations and promises of one run
//! export   formats of one run (`stayput run`)      sweep   many runs (`stayput sweep`)
//! page     the HTML page on a sweep (`stayput report`)
//! ```
//! It depends on `stayput-engine`, whose [`RunRecord`](stayput_engine::record::RunRecord) is the
//! one model of a run; the command depends on it. It never runs anything, and no figure is computed
//! outside `stats`.

pub mod export;
#[cfg(any(test, feature = "fixtures"))]
pub mod fixtures;
mod judge;
pub mod page;
#[cfg(test)]
mod same_figures;
pub mod stats;
pub mod sweep;

pub use judge::judged;
