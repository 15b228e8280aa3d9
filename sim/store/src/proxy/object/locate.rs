//! Which version of an object is the newest, and who holds it.
//!
//! Leaves out reading it.

use std::pin::pin;

use futures_util::StreamExt;
use futures_util::future::{Either, select};
use futures_util::stream::FuturesUnordered;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE};
use hyper::{HeaderMap, Method, StatusCode};

use super::{ask, etag};
use crate::proxy::Proxy;
use crate::proxy::backend::Ask;
use crate::proxy::limits::LOCATE_PATIENCE;
use crate::proxy::quorum::{Newest, Said, newest};
use crate::proxy::replica_nodes::ReplicaCandidate;
use crate::swift::header::{X_BACKEND_DATA_TIMESTAMP, X_BACKEND_TIMESTAMP, text, timestamp};
use crate::swift::{Path, ReplicaTarget, Timestamp};

/// An object's newest version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocatedObject {
    /// The timestamp of its data.
    pub version: Timestamp,
    /// The MD5 of its data.
    pub etag: String,
    /// How long it is, in bytes.
    pub size: u64,
    /// Its content type.
    pub content_type: String,
    /// Those that said they hold it, then the primaries that did not answer; each in the order of the replicas.
    pub holders: Vec<ReplicaTarget>,
    /// How many of them, from the first on, said that they hold it.
    confirmed: usize,
}

impl LocatedObject {
    /// Those that said they hold it: not long ago they could be reached.
    #[must_use]
    pub fn confirmed(&self) -> &[ReplicaTarget] {
        &self.holders[..self.confirmed]
    }
}

/// Why an object's newest version is not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LocateError {
    /// A majority of its replicas says that there is none.
    #[error("there is no object {path}")]
    NotFound {
        /// Which object.
        path: Path,
    },
    /// Too few of its replicas answered to say anything.
    #[error("too few replicas of {path} answered: try again later")]
    Unavailable {
        /// Which object.
        path: Path,
    },
}

/// Whom a search for the newest version waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    /// For a majority of the primaries, one of which has it.
    Majority,
    /// For all primaries and handoffs, as long as they may take. A write that was acknowledged while primaries were away
    /// may be on handoffs alone, and primaries that came back know nothing of it.
    Everyone,
}

/// What one node said, by its place among the candidates.
struct Report {
    index: usize,
    primary: bool,
    said: Said,
    headers: HeaderMap,
}

impl Proxy {
    /// Asks the replicas for the newest version of an object (ties: the larger ETag). Goes on as soon as a majority of the primaries
    /// has answered and one of them has it; asks the handoffs when that does not come about, or not soon.
    ///
    /// # Errors
    /// See [`LocateError`].
    pub async fn locate(&self, path: &Path) -> Result<LocatedObject, LocateError> {
        self.locate_with(path, Patience::Majority).await
    }

    /// As [`Proxy::locate`], waiting for whom `patience` says.
    pub(super) async fn locate_with(
        &self,
        path: &Path,
        patience: Patience,
    ) -> Result<LocatedObject, LocateError> {
        let nodes = self.nodes(path);
        let replicas = nodes.primaries.len();
        let candidates = nodes.candidates(0);
        let ask = ask(Method::HEAD, path, &nodes, HeaderMap::new());
        let report = |index| self.report(&ask, &candidates, index);
        let mut reports: Vec<Report> = Vec::new();
        let mut asked = match patience {
            Patience::Majority => replicas,
            Patience::Everyone => candidates.len(),
        };
        let mut waiting: FuturesUnordered<_> = (0..asked).map(report).collect();
        let mut soon = pin!(self.host().sleep(LOCATE_PATIENCE));
        loop {
            let all_asked = asked == candidates.len();
            let next = match all_asked {
                true => waiting.next().await,
                false => match select(waiting.next(), soon.as_mut()).await {
                    Either::Left((next, _)) => next,
                    // Two silent nodes, a primary and a handoff, cost their limit once and not twice.
                    Either::Right(_) => None,
                },
            };
            let Some(said) = next else {
                if all_asked {
                    break;
                }
                waiting.extend((asked..candidates.len()).map(report));
                asked = candidates.len();
                continue;
            };
            reports.extend(said);
            let ended = waiting.is_empty();
            if patience == Patience::Everyone && !ended {
                continue;
            }
            let said: Vec<_> =
                reports.iter().map(|report| (report.primary, report.said.clone())).collect();
            match newest(&said, replicas, all_asked && ended) {
                Newest::Found(version, etag) => {
                    return Ok(located(&reports, &candidates, version, etag));
                }
                Newest::NotFound => return Err(LocateError::NotFound { path: path.clone() }),
                Newest::Wait | Newest::Unavailable => {}
            }
        }
        Err(LocateError::Unavailable { path: path.clone() })
    }

    /// What one candidate says, if it is definite.
    async fn report(
        &self,
        ask: &Ask,
        candidates: &[ReplicaCandidate],
        index: usize,
    ) -> Option<Report> {
        let ReplicaCandidate { target, primary } = candidates.get(index)?;
        let answer = self.ask(target, ask, &HeaderMap::new()).await.ok()?;
        let headers = answer.headers;
        let said = match answer.status {
            StatusCode::NOT_FOUND => Said::Missing(timestamp(&headers, &X_BACKEND_TIMESTAMP)),
            status if status.is_success() => {
                Said::Has(timestamp(&headers, &X_BACKEND_DATA_TIMESTAMP)?, etag(&headers)?)
            }
            _ => return None,
        };
        Some(Report { index, primary: *primary, said, headers })
    }
}

fn located(
    reports: &[Report],
    candidates: &[ReplicaCandidate],
    version: Timestamp,
    etag: String,
) -> LocatedObject {
    let said = Said::Has(version, etag.clone());
    let mut holding: Vec<&Report> = reports.iter().filter(|report| report.said == said).collect();
    holding.sort_by_key(|report| report.index);
    let headers = holding.first().map(|report| &report.headers);
    let header = |name| headers.and_then(|headers| text(headers, name));
    let silent = candidates.iter().enumerate().filter(|(index, candidate)| {
        candidate.primary && reports.iter().all(|report| report.index != *index)
    });
    let confirmed = holding.len();
    let holders = holding.iter().filter_map(|report| candidates.get(report.index));
    let holders = holders.chain(silent.map(|(_, candidate)| candidate));
    LocatedObject {
        version,
        etag,
        size: header(&CONTENT_LENGTH).and_then(|length| length.parse().ok()).unwrap_or(0),
        content_type: header(&CONTENT_TYPE).unwrap_or("application/octet-stream").to_owned(),
        holders: holders.map(|candidate| candidate.target.clone()).collect(),
        confirmed,
    }
}
