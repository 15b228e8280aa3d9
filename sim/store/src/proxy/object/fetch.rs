//! A given version of an object, whole, for what runs beside the proxy.
//!
//! Leaves out which version that should be: see [`Proxy::locate`].

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use hyper::{HeaderMap, Method, StatusCode};
use stayput_host::Purpose;

use super::ask;
use super::relay::{Relay, Span};
use crate::proxy::Proxy;
use crate::proxy::answer::set;
use crate::proxy::backend::X_BACKEND_PURPOSE;
use crate::proxy::quorum::Search;
use crate::swift::ReplicaTarget;
use crate::swift::header::X_BACKEND_WANT_VERSION;
use crate::swift::{Path, Timestamp};

/// Why a version could not be fetched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// Nobody who could be reached gave an intact copy of that version.
    #[error("no replica that can be reached gave an intact copy of {path} as of {version}")]
    Unavailable {
        /// Which object.
        path: Path,
        /// Which version.
        version: Timestamp,
    },
    /// It is longer than it may be.
    #[error("{path} has {size} bytes, at most {limit_bytes} are taken")]
    TooLong {
        /// Which object.
        path: Path,
        /// How long it is, in bytes.
        size: u64,
        /// The limit.
        limit_bytes: u64,
    },
}

/// What comes of a version that is fetched.
#[derive(Debug)]
pub enum FetchEvent {
    /// A copy begins; what came of another one before is worth nothing.
    Start {
        /// How long it is, in bytes.
        size: u64,
    },
    /// What comes next of it.
    Chunk(Bytes),
}

impl Proxy {
    /// The whole of `version` of an object, from whichever replicas have it, those in `first` before others; nodes count its
    /// bytes as `purpose`.
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
        self.fetch_in_pieces(path, (version, first), purpose, limit_bytes, &mut |it| match it {
            FetchEvent::Start { .. } => whole.clear(),
            FetchEvent::Chunk(piece) => whole.extend_from_slice(&piece),
        })
        .await?;
        Ok(whole.freeze())
    }

    /// The same, as it comes. Where a copy turns out to be damaged, it begins anew with another one.
    ///
    /// # Errors
    /// See [`FetchError`]; what came until then is worth nothing.
    pub async fn fetch_in_pieces(
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
        let ask = ask(Method::GET, path, &nodes, headers);
        let (known, others): (Vec<_>, Vec<_>) = self
            .candidates(path, &nodes)
            .into_iter()
            .partition(|candidate| first.contains(&candidate.target));
        let mut left: VecDeque<_> = known.into_iter().chain(others).collect();
        let mut search = Search::new(nodes.primaries.len());
        // A damaged copy makes the next replica begin anew; each round uses up at least one candidate.
        while let Some(answer) = self.find(&ask, &mut left, &mut search).await {
            let Some(size) = answer.body.length().filter(|_| answer.status == StatusCode::OK)
            else {
                continue;
            };
            if size > limit_bytes {
                return Err(FetchError::TooLong { path: path.clone(), size, limit_bytes });
            }
            let span = Span { first: Some(0), length: size, whole: true };
            let relay = Relay::new(self.clone(), ask.clone(), answer, span, left.clone());
            take(FetchEvent::Start { size });
            if passed_on(relay, size, take).await {
                return Ok(());
            }
        }
        Err(FetchError::Unavailable { path: path.clone(), version })
    }
}

/// Passes a body on; says whether it was whole and intact.
async fn passed_on(mut relay: Relay, size: u64, take: &mut dyn FnMut(FetchEvent)) -> bool {
    let mut come = 0;
    while come < size {
        let Some(piece) = relay.next().await else { return false };
        come += piece.len() as u64;
        take(FetchEvent::Chunk(piece));
    }
    relay.is_intact()
}
