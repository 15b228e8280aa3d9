//! Fetches a given version of an object, whole, for the job service.
//!
//! Leaves out the choice of the version: see [`Proxy::locate`].

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use hyper::{HeaderMap, Method, StatusCode};
use stayput_host::Purpose;

use super::relay::{BodyRelay, RelayedBytes};
use super::request::object_request;
use crate::proxy::Proxy;
use crate::proxy::backend::X_BACKEND_PURPOSE;
use crate::proxy::headers::set;
use crate::proxy::quorum::ReplicaSearch;
use crate::swift::ReplicaTarget;
use crate::swift::header::X_BACKEND_WANT_VERSION;
use crate::swift::{Path, Timestamp};

/// Reason why a version could not be fetched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// No replica that could be reached sent an intact copy of that version.
    #[error("no replica that can be reached gave an intact copy of {path} as of {version}")]
    Unavailable {
        /// Path of the object.
        path: Path,
        /// Version that was wanted.
        version: Timestamp,
    },
    /// The object is longer than the limit.
    #[error("{path} has {size} bytes, at most {limit_bytes} are taken")]
    TooLong {
        /// Path of the object.
        path: Path,
        /// Length of the object in bytes.
        size: u64,
        /// Limit in bytes.
        limit_bytes: u64,
    },
}

/// Event of a fetch in progress.
#[derive(Debug)]
pub enum FetchEvent {
    /// A copy begins; chunks of an earlier copy are void.
    Start {
        /// Length of the object in bytes.
        size: u64,
    },
    /// Next bytes of the copy.
    Chunk(Bytes),
}

impl Proxy {
    /// Fetches the whole of `version` of an object from any replicas that have it, those in `first`
    /// before others. Nodes count its bytes as `purpose`.
    ///
    /// # Errors
    /// See [`FetchError`].
    pub async fn fetch(
        &self,
        path: &Path,
        (version, first): (Timestamp, &[ReplicaTarget]),
        purpose: Purpose,
        limit_bytes: u64,
    ) -> Result<Bytes, FetchError> {
        let mut whole = BytesMut::new();
        self.fetch_in_chunks(path, (version, first), purpose, limit_bytes, &mut |it| match it {
            FetchEvent::Start { .. } => whole.clear(),
            FetchEvent::Chunk(piece) => whole.extend_from_slice(&piece),
        })
        .await?;
        Ok(whole.freeze())
    }

    /// Fetches as [`Proxy::fetch`], chunk by chunk. A damaged copy makes it start anew with
    /// another.
    ///
    /// # Errors
    /// See [`FetchError`]; all chunks until then are void.
    pub async fn fetch_in_chunks(
        &self,
        path: &Path,
        (version, first): (Timestamp, &[ReplicaTarget]),
        purpose: Purpose,
        limit_bytes: u64,
        take: &mut dyn FnMut(FetchEvent),
    ) -> Result<(), FetchError> {
        let nodes = self.nodes(path);
        let mut headers = HeaderMap::new();
        set(&mut headers, X_BACKEND_PURPOSE, purpose.name());
        set(&mut headers, X_BACKEND_WANT_VERSION, version);
        let request = object_request(Method::GET, path, &nodes, headers);
        let (known, others): (Vec<_>, Vec<_>) = self
            .candidates(path, &nodes)
            .into_iter()
            .partition(|candidate| first.contains(&candidate.target));
        let mut left: VecDeque<_> = known.into_iter().chain(others).collect();
        let mut search = ReplicaSearch::new(nodes.primaries.len());
        // Each round uses up at least one candidate.
        while let Some(answer) = self.find(&request, &mut left, &mut search).await {
            let Some(size) = answer.body.length().filter(|_| answer.status == StatusCode::OK)
            else {
                continue;
            };
            if size > limit_bytes {
                return Err(FetchError::TooLong { path: path.clone(), size, limit_bytes });
            }
            let bytes = RelayedBytes { first: Some(0), length: size, whole: true };
            let relay = BodyRelay::new(self.clone(), request.clone(), answer, bytes, left.clone());
            take(FetchEvent::Start { size });
            if passed_on(relay, size, take).await {
                return Ok(());
            }
        }
        Err(FetchError::Unavailable { path: path.clone(), version })
    }
}

/// Passes a body on; false if it broke off or is damaged.
async fn passed_on(mut relay: BodyRelay, size: u64, take: &mut dyn FnMut(FetchEvent)) -> bool {
    let mut received = 0;
    while received < size {
        let Some(piece) = relay.next().await else { return false };
        received += piece.len() as u64;
        take(FetchEvent::Chunk(piece));
    }
    relay.is_intact()
}
