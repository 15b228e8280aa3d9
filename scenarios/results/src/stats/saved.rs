//! Bytes that `on-storage` saved against `download`, if the two can be compared at all.

use std::collections::BTreeSet;

use stayput_engine::record::RunRecord;

use super::pair::completed;
use super::{DOWNLOAD, ON_STORAGE, job_bytes};

/// The comparison of two runs of the same jobs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Saved {
    /// The same jobs completed under both.
    Comparable {
        /// Hop body bytes under `on-storage`, without the load.
        near_bytes: u64,
        /// Hop body bytes under `download`, without the load.
        far_bytes: u64,
        /// Jobs that completed under both.
        jobs: u64,
    },
    /// The policies completed different jobs, or none.
    NotComparable {
        /// Reason, in words.
        why: String,
        /// Jobs that completed under both.
        jobs: u64,
    },
}

impl Saved {
    /// Bytes saved: negative if `on-storage` moved more. `None` if not comparable.
    #[must_use]
    pub fn bytes(&self) -> Option<i128> {
        match self {
            Self::Comparable { near_bytes, far_bytes, .. } => {
                Some(i128::from(*far_bytes) - i128::from(*near_bytes))
            }
            Self::NotComparable { .. } => None,
        }
    }

    /// The fraction saved, as numerator and denominator. `None` if not comparable.
    #[must_use]
    pub fn fraction(&self) -> Option<(i128, u64)> {
        match self {
            Self::Comparable { far_bytes, .. } => Some((self.bytes()?, *far_bytes)),
            Self::NotComparable { .. } => None,
        }
    }
}

/// Compares `on-storage` with `download`; `None` unless both ran. The load beside the jobs is no
/// part of it.
#[must_use]
pub fn saved(run: &RunRecord) -> Option<Saved> {
    let (near, far) = (run.policy(ON_STORAGE)?, run.policy(DOWNLOAD)?);
    let (near_done, far_done) = (completed(near), completed(far));
    let jobs = near_done.intersection(&far_done).count() as u64;
    if near_done != far_done {
        let only = |mine: &BTreeSet<u32>, other| mine.difference(other).count();
        let why = format!(
            "{} jobs completed under on-storage only and {} under download only",
            only(&near_done, &far_done),
            only(&far_done, &near_done),
        );
        return Some(Saved::NotComparable { why, jobs });
    }
    if jobs == 0 {
        return Some(Saved::NotComparable { why: "no job completed".to_owned(), jobs });
    }
    let (near_bytes, far_bytes) = (job_bytes(near), job_bytes(far));
    if far_bytes == 0 {
        return Some(Saved::NotComparable { why: "download moved no bytes".to_owned(), jobs });
    }
    Some(Saved::Comparable { near_bytes, far_bytes, jobs })
}
