//! Comparison of two policies over many seeds.
//!
//! Leaves out its making (`gather`) and its words (`verdict`).

use std::collections::BTreeMap;

use serde::Serialize;

use super::Estimate;

/// Comparison of two policies over the seeds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PairPoint {
    /// The one policy.
    pub one: String,
    /// The other.
    pub other: String,
    /// Seeds with results of both.
    pub seeds: u64,
    /// Number of these seeds in which the same jobs completed under both: only they have bytes and
    /// makespan compared.
    pub seeds_with_same_jobs: u64,
    /// Jobs that completed under both, over all seeds, warm-up left out.
    pub jobs: u64,
    /// Each figure that can be compared.
    pub figures: BTreeMap<&'static str, PairFigure>,
    /// Verdict in words that the intervals carry.
    pub verdict: String,
}

/// One figure of two policies, paired seed by seed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PairFigure {
    /// The seeds in which it can be compared.
    pub seeds: u64,
    /// The one policy's median over these.
    pub one: f64,
    /// The other's.
    pub other: f64,
    /// The median of the differences, the one less the other.
    pub difference: Estimate,
    /// The median of the ratios, the one to the other; `None` if the other is zero for some seed.
    pub ratio: Option<Estimate>,
}
