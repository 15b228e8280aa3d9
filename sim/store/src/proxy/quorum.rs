//! What a proxy concludes from what its nodes said. Pure: no waiting and no sending.
//!
//! Leaves out erasure codes: a quorum is a majority of the replicas.

use std::collections::BTreeMap;

use hyper::StatusCode;

use crate::swift::Timestamp;

/// How many of `replicas` are a majority.
pub(super) const fn majority(replicas: usize) -> usize {
    replicas / 2 + 1
}

/// The answer to a change: the most frequent status of the class (2xx, 3xx, 4xx) that a majority gave, the
/// lowest of equally frequent ones; 503 without such a class. After Swift's `best_response`, but for 507: where a majority has no room,
/// trying again does not help, and Swift's 503 would ask for it.
pub(super) fn best_status(statuses: &[StatusCode], replicas: usize) -> StatusCode {
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

/// The answer to a deletion. Where there was nothing a tombstone is written all the same, so that 204 and 404
/// count together; it existed if any replica had it.
pub(super) fn deleted_status(statuses: &[StatusCode], replicas: usize) -> StatusCode {
    let count = |wanted| statuses.iter().filter(|status| **status == wanted).count();
    let (had, had_not) = (count(StatusCode::NO_CONTENT), count(StatusCode::NOT_FOUND));
    if had + had_not < majority(replicas) {
        return best_status(statuses, replicas);
    }
    if had > 0 { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND }
}

/// The answer to new metadata, from pairs of whether it was a primary and what it said. A handoff knows nothing
/// of what should be on a primary, so its 404 says nothing.
pub(super) fn changed_status(answers: &[(bool, StatusCode)], replicas: usize) -> StatusCode {
    let telling = |(primary, status): &(bool, StatusCode)| {
        (*primary || *status != StatusCode::NOT_FOUND).then_some(*status)
    };
    best_status(&answers.iter().filter_map(telling).collect::<Vec<_>>(), replicas)
}

/// Why an upload is not acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotStored {
    /// The nodes that took it disagree on what they took.
    Disagree,
    /// A majority has it or something newer, and some have something newer: that is what readers will find.
    Newer,
    /// The answer that most of them gave.
    Refused(StatusCode),
}

/// The ETag of an upload that a majority has, from their statuses and ETags.
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
        return Err(NotStored::Refused(best_status(&statuses, replicas)));
    }
    let etag = created().find_map(|(_, etag)| etag.clone()).ok_or(NotStored::Disagree)?;
    let agree = created().all(|(_, other)| other.as_ref() == Some(&etag));
    if agree { Ok(etag) } else { Err(NotStored::Disagree) }
}

/// What asking one replica after the other has shown so far.
#[derive(Clone, Copy, Debug)]
pub(super) struct Search {
    replicas: usize,
    missing_primaries: usize,
    tombstone: Timestamp,
}

impl Search {
    pub(super) const fn new(replicas: usize) -> Self {
        Self { replicas, missing_primaries: 0, tombstone: Timestamp::ZERO }
    }

    /// A replica said 404, with its tombstone's timestamp if it has one.
    pub(super) fn missing(&mut self, primary: bool, tombstone: Option<Timestamp>) {
        self.missing_primaries += usize::from(primary);
        self.tombstone = self.tombstone.max(tombstone.unwrap_or_default());
    }

    /// Whether a copy of that version counts: not if it was deleted later. One that does not is like a 404.
    pub(super) fn takes(&mut self, primary: bool, version: Option<Timestamp>) -> bool {
        let deleted = version.is_some_and(|version| version < self.tombstone);
        self.missing_primaries += usize::from(primary && deleted);
        !deleted
    }

    /// What to say when all were asked and none was taken: 404 only if a majority of the primaries said so.
    pub(super) const fn verdict(&self) -> StatusCode {
        if self.missing_primaries >= majority(self.replicas) {
            StatusCode::NOT_FOUND
        } else {
            StatusCode::SERVICE_UNAVAILABLE
        }
    }
}

/// What one replica said about an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// It has this version.
    Has(Timestamp, String),
    /// It has nothing, since this tombstone if it has one.
    Missing(Option<Timestamp>),
}

/// What all that has been said about an object comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Newest {
    /// Others may know better.
    Wait,
    /// This version.
    Found(Timestamp, String),
    /// A majority of the primaries has nothing that counts.
    NotFound,
    /// Too few answered.
    Unavailable,
}

/// The newest version (ties: the larger ETag), from pairs of whether it was a primary and what it said. `all_asked`
/// when nobody is left to ask.
pub(super) fn newest(reports: &[(bool, Said)], replicas: usize, all_asked: bool) -> Newest {
    let tombstone = reports.iter().filter_map(|(_, said)| match said {
        Said::Missing(tombstone) => *tombstone,
        Said::Has(..) => None,
    });
    let tombstone = tombstone.max().unwrap_or_default();
    let copies = reports.iter().filter_map(|(_, said)| match said {
        Said::Has(version, etag) if *version >= tombstone => Some((*version, etag)),
        Said::Has(..) | Said::Missing(_) => None,
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
