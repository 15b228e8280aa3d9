//! Conclusions from the answers of nodes. Pure: no waiting and no sending.
//!
//! Leaves out erasure codes: a quorum is a majority of the replicas.

use std::collections::BTreeMap;

use hyper::StatusCode;

use crate::swift::Timestamp;

/// Failure of a request on the replicas of `resource`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", failure.describe(resource))]
pub(super) struct QuorumError {
    /// Object, container or account, as messages name it.
    pub(super) resource: String,
    pub(super) failure: QuorumFailure,
}

/// Failure that the answers of all replicas add up to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum QuorumFailure {
    /// A majority has none.
    NotFound,
    /// Something newer is there, or a container is not empty.
    Conflict,
    /// The body is not the one whose ETag the client sent.
    ChecksumMismatch,
    /// A condition asked for no object, and there is one.
    Exists,
    /// Too few replicas answered.
    Unavailable,
    /// The disks of a majority are full or out of order.
    NoSpace,
    /// Another status that a majority answered.
    Other(StatusCode),
}

impl QuorumFailure {
    /// Names the resource that the request was on.
    pub(super) fn on(self, resource: impl ToString) -> QuorumError {
        QuorumError { resource: resource.to_string(), failure: self }
    }

    /// Status by which nodes report this failure, and the proxy as well.
    pub(super) const fn status(self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Conflict => StatusCode::CONFLICT,
            Self::ChecksumMismatch => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Exists => StatusCode::PRECONDITION_FAILED,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::NoSpace => StatusCode::INSUFFICIENT_STORAGE,
            Self::Other(status) => status,
        }
    }

    fn of(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::NotFound,
            StatusCode::CONFLICT => Self::Conflict,
            StatusCode::UNPROCESSABLE_ENTITY => Self::ChecksumMismatch,
            StatusCode::PRECONDITION_FAILED => Self::Exists,
            StatusCode::SERVICE_UNAVAILABLE => Self::Unavailable,
            StatusCode::INSUFFICIENT_STORAGE => Self::NoSpace,
            other => Self::Other(other),
        }
    }

    fn describe(self, resource: &str) -> String {
        match self {
            Self::NotFound => format!("there is no {resource}"),
            Self::Conflict => {
                format!("{resource} is in the way of that, or newer: look again")
            }
            Self::ChecksumMismatch => {
                format!("the body of {resource} has another MD5 than its ETag says")
            }
            Self::Exists => format!("{resource} is there already"),
            Self::Unavailable => {
                format!("too few replicas of {resource} answered: try again later")
            }
            Self::NoSpace => {
                format!("the disks that are to hold {resource} are full or out of order: make room")
            }
            Self::Other(status) => format!("the replicas of {resource} say {status}"),
        }
    }
}

/// Number of `replicas` that make a majority.
pub(super) const fn majority(replicas: usize) -> usize {
    replicas / 2 + 1
}

/// Outcome of a change: the most frequent status of the class (2xx, 3xx, 4xx) that a majority
/// answered, the lowest of equally frequent ones; [`QuorumFailure::Unavailable`] without such a
/// class. After Swift's `best_response`, but for 507: where a majority has no room, trying again
/// does not help, and Swift's 503 would ask for it.
pub(super) fn changed(
    statuses: &[StatusCode],
    replicas: usize,
) -> Result<StatusCode, QuorumFailure> {
    let status = best_status(statuses, replicas);
    if status.is_success() { Ok(status) } else { Err(QuorumFailure::of(status)) }
}

fn best_status(statuses: &[StatusCode], replicas: usize) -> StatusCode {
    for class in 2..=4 {
        let mut counts: BTreeMap<u16, usize> = BTreeMap::new();
        for status in statuses.iter().filter(|status| status.as_u16() / 100 == class) {
            *counts.entry(status.as_u16()).or_default() += 1;
        }
        if counts.values().sum::<usize>() < majority(replicas) {
            continue;
        }
        let most = counts.into_iter().rev().max_by_key(|(_, count)| *count);
        if let Some(status) = most.and_then(|(status, _)| StatusCode::from_u16(status).ok()) {
            return status;
        }
    }
    let full = statuses.iter().filter(|status| **status == StatusCode::INSUFFICIENT_STORAGE);
    if full.count() >= majority(replicas) {
        StatusCode::INSUFFICIENT_STORAGE
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    }
}

/// Outcome of a deletion. Where there was nothing a tombstone is written all the same, so 204 and
/// 404 count together; it existed if any replica had it.
pub(super) fn deleted(
    statuses: &[StatusCode],
    replicas: usize,
) -> Result<StatusCode, QuorumFailure> {
    let count = |wanted| statuses.iter().filter(|status| **status == wanted).count();
    let (had, had_not) = (count(StatusCode::NO_CONTENT), count(StatusCode::NOT_FOUND));
    if had + had_not < majority(replicas) {
        return changed(statuses, replicas);
    }
    if had > 0 { Ok(StatusCode::NO_CONTENT) } else { Err(QuorumFailure::NotFound) }
}

/// Outcome of new metadata, from pairs of whether the node is a primary and its status. A handoff
/// need not have the object, so its 404 does not count.
pub(super) fn posted(
    answers: &[(bool, StatusCode)],
    replicas: usize,
) -> Result<StatusCode, QuorumFailure> {
    let counting = |(primary, status): &(bool, StatusCode)| {
        (*primary || *status != StatusCode::NOT_FOUND).then_some(*status)
    };
    changed(&answers.iter().filter_map(counting).collect::<Vec<_>>(), replicas)
}

/// Reason why an upload is not acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotStored {
    /// The nodes that stored it report different ETags.
    Disagree,
    /// A majority has it or something newer, and some have something newer, which readers will get.
    Newer,
    /// Failure by the statuses that most nodes answered.
    Failed(QuorumFailure),
}

/// ETag of an upload that a majority stored, from statuses and ETags.
pub(super) fn stored(
    answers: &[(StatusCode, Option<String>)],
    replicas: usize,
) -> Result<String, NotStored> {
    let created = || answers.iter().filter(|(status, _)| *status == StatusCode::CREATED);
    if created().count() < majority(replicas) {
        let newer = answers.iter().filter(|(status, _)| *status == StatusCode::CONFLICT).count();
        if newer > 0 && created().count() + newer >= majority(replicas) {
            return Err(NotStored::Newer);
        }
        let statuses: Vec<_> = answers
            .iter()
            .map(|(status, _)| *status)
            .filter(|status| *status != StatusCode::CREATED)
            .collect();
        return Err(NotStored::Failed(QuorumFailure::of(best_status(&statuses, replicas))));
    }
    let etag = created().find_map(|(_, etag)| etag.clone()).ok_or(NotStored::Disagree)?;
    let agree = created().all(|(_, other)| other.as_ref() == Some(&etag));
    if agree { Ok(etag) } else { Err(NotStored::Disagree) }
}

/// State of a search that asks one replica after the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReplicaSearch {
    replicas: usize,
    missing_primaries: usize,
    tombstone: Timestamp,
}

impl ReplicaSearch {
    pub(super) const fn new(replicas: usize) -> Self {
        Self { replicas, missing_primaries: 0, tombstone: Timestamp::ZERO }
    }

    /// Records a 404, with the timestamp of the tombstone if there is one.
    pub(super) fn missing(&mut self, primary: bool, tombstone: Option<Timestamp>) {
        self.missing_primaries += usize::from(primary);
        self.tombstone = self.tombstone.max(tombstone.unwrap_or_default());
    }

    /// Records a copy and decides if it counts: a copy older than a tombstone is like a 404.
    pub(super) fn accepts(&mut self, primary: bool, version: Option<Timestamp>) -> bool {
        let deleted = version.is_some_and(|version| version < self.tombstone);
        self.missing_primaries += usize::from(primary && deleted);
        !deleted
    }

    /// Failure once all were asked and none was accepted: `NotFound` only if a majority of the
    /// primaries answered so.
    pub(super) const fn failure(&self) -> QuorumFailure {
        if self.missing_primaries >= majority(self.replicas) {
            QuorumFailure::NotFound
        } else {
            QuorumFailure::Unavailable
        }
    }
}

/// Report of one replica on an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ReplicaReport {
    /// It has this version.
    Has(Timestamp, String),
    /// It has nothing, or only a tombstone of this timestamp.
    Missing(Option<Timestamp>),
}

/// Conclusion from all reports on an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Newest {
    /// Further reports may change the conclusion.
    Wait,
    /// This version.
    Found(Timestamp, String),
    /// A majority of the primaries has nothing that counts.
    NotFound,
    /// Too few answered.
    Unavailable,
}

/// Newest version (ties: the larger ETag), from pairs of whether the node is a primary and its
/// report. `all_asked` if no node is left to ask.
pub(super) fn newest(
    reports: &[(bool, ReplicaReport)],
    replicas: usize,
    all_asked: bool,
) -> Newest {
    let tombstone = reports.iter().filter_map(|(_, report)| match report {
        ReplicaReport::Missing(tombstone) => *tombstone,
        ReplicaReport::Has(..) => None,
    });
    let tombstone = tombstone.max().unwrap_or_default();
    let copies = reports.iter().filter_map(|(_, report)| match report {
        ReplicaReport::Has(version, etag) if *version >= tombstone => Some((*version, etag)),
        ReplicaReport::Has(..) | ReplicaReport::Missing(_) => None,
    });
    let primaries = reports.iter().filter(|(primary, _)| *primary).count();
    let enough = primaries >= majority(replicas);
    match copies.max() {
        Some((version, etag)) if enough || all_asked => Newest::Found(version, etag.clone()),
        None if all_asked && enough => Newest::NotFound,
        None if all_asked => Newest::Unavailable,
        Some(_) | None => Newest::Wait,
    }
}

#[cfg(test)]
mod tests;
