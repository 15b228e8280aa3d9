//! Locates the newest version of an object and its holders.
//!
//! Leaves out reading it.

use std::pin::pin;

use futures_util::StreamExt;
use futures_util::future::{Either, select};
use futures_util::stream::FuturesUnordered;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE};
use hyper::{HeaderMap, Method, StatusCode};

use super::request::object_request;
use crate::proxy::Proxy;
use crate::proxy::backend::BackendRequest;
use crate::proxy::headers::etag;
use crate::proxy::limits::LOCATE_PATIENCE;
use crate::proxy::quorum::{Newest, ReplicaReport, newest};
use crate::proxy::replica_nodes::ReplicaCandidate;
use crate::swift::header::{X_BACKEND_DATA_TIMESTAMP, X_BACKEND_TIMESTAMP, text, timestamp};
use crate::swift::{Path, ReplicaTarget, Timestamp};

/// Newest version of an object, and the nodes that hold it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocatedObject {
    /// Timestamp of the data.
    pub version: Timestamp,
    /// MD5 of the data.
    pub etag: String,
    /// Length in bytes.
    pub size: u64,
    /// Content type.
    pub content_type: String,
    /// Nodes that reported to hold it, then the primaries that did not answer; each in the order of
    /// the replicas.
    pub holders: Vec<ReplicaTarget>,
    /// Number of holders, from the first on, that reported it.
    confirmed: usize,
}

impl LocatedObject {
    /// Nodes that reported to hold it, which could be reached not long ago.
    #[must_use]
    pub fn confirmed(&self) -> &[ReplicaTarget] {
        &self.holders[..self.confirmed]
    }
}

/// Reason why the newest version is not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LocateError {
    /// A majority of its replicas has none.
    #[error("there is no object {path}")]
    NotFound {
        /// Path of the object.
        path: Path,
    },
    /// Too few of its replicas answered.
    #[error("too few replicas of {path} answered: try again later")]
    Unavailable {
        /// Path of the object.
        path: Path,
    },
}

/// Nodes that a search for the newest version waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    /// A majority of the primaries, one of which has the object.
    Majority,
    /// All primaries and handoffs, up to their time limits. A write that was acknowledged while
    /// primaries were away may be on handoffs alone, and primaries that came back lack it.
    Everyone,
}

/// Report of one node, by its index among the candidates.
struct NodeReport {
    index: usize,
    primary: bool,
    report: ReplicaReport,
    headers: HeaderMap,
}

impl Proxy {
    /// Asks the replicas for the newest version of an object (ties: the larger ETag). Returns as
    /// soon as a majority of the primaries has answered and one of them has it; asks the handoffs
    /// if that fails, or takes longer than [`LOCATE_PATIENCE`].
    ///
    /// # Errors
    /// See [`LocateError`].
    pub async fn locate(&self, path: &Path) -> Result<LocatedObject, LocateError> {
        self.locate_with(path, Patience::Majority).await
    }

    /// Locates as [`Proxy::locate`], waiting for the nodes that `patience` names.
    pub(super) async fn locate_with(
        &self,
        path: &Path,
        patience: Patience,
    ) -> Result<LocatedObject, LocateError> {
        let nodes = self.nodes(path);
        let replicas = nodes.primaries.len();
        let candidates = nodes.candidates(0);
        let request = object_request(Method::HEAD, path, &nodes, HeaderMap::new());
        let report = |index| self.report(&request, &candidates, index);
        let mut reports: Vec<NodeReport> = Vec::new();
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
                    // A silent primary and a silent handoff cost their time limit once, not twice.
                    Either::Right(_) => None,
                },
            };
            let Some(report) = next else {
                if all_asked {
                    break;
                }
                waiting.extend((asked..candidates.len()).map(report));
                asked = candidates.len();
                continue;
            };
            reports.extend(report);
            let ended = waiting.is_empty();
            if patience == Patience::Everyone && !ended {
                continue;
            }
            let conclusive: Vec<_> =
                reports.iter().map(|node| (node.primary, node.report.clone())).collect();
            match newest(&conclusive, replicas, all_asked && ended) {
                Newest::Found(version, etag) => {
                    return Ok(located(&reports, &candidates, version, etag));
                }
                Newest::NotFound => return Err(LocateError::NotFound { path: path.clone() }),
                Newest::Wait | Newest::Unavailable => {}
            }
        }
        Err(LocateError::Unavailable { path: path.clone() })
    }

    /// Asks one candidate; `None` unless its answer is definite.
    async fn report(
        &self,
        request: &BackendRequest,
        candidates: &[ReplicaCandidate],
        index: usize,
    ) -> Option<NodeReport> {
        let ReplicaCandidate { target, primary } = candidates.get(index)?;
        let answer = self.send(target, request, &HeaderMap::new()).await.ok()?;
        let headers = answer.headers;
        let report = match answer.status {
            StatusCode::NOT_FOUND => {
                ReplicaReport::Missing(timestamp(&headers, &X_BACKEND_TIMESTAMP))
            }
            status if status.is_success() => {
                ReplicaReport::Has(timestamp(&headers, &X_BACKEND_DATA_TIMESTAMP)?, etag(&headers)?)
            }
            _ => return None,
        };
        Some(NodeReport { index, primary: *primary, report, headers })
    }
}

fn located(
    reports: &[NodeReport],
    candidates: &[ReplicaCandidate],
    version: Timestamp,
    etag: String,
) -> LocatedObject {
    let newest = ReplicaReport::Has(version, etag.clone());
    let mut holding: Vec<&NodeReport> =
        reports.iter().filter(|node| node.report == newest).collect();
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
