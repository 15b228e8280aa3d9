//! A client: sends one request on a connection of its own.
//!
//! Leaves out retries: which failures deserve one depends on the request.

use std::net::SocketAddr;
use std::time::Duration;

use hyper::header::{CONNECTION, HOST, HeaderValue};
use hyper::{HeaderMap, StatusCode};

use super::body::{Body, Received};
use super::io::Io;
use crate::host::{Host, TimedOut};
use crate::swift::header::X_TRANS_ID_EXTRA;

/// How long a client waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// For the connection.
    pub connect: Duration,
    /// For the head of the answer, from when the connection stands.
    pub answer: Duration,
}

/// What came back, its body still on its way.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Received,
}

/// Why no answer came.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The other side refused the connection or broke it.
    #[error("{to} cannot be connected to: {source}")]
    Connect {
        /// Who was asked.
        to: SocketAddr,
        /// What the network said.
        source: std::io::Error,
    },
    /// The connection did not come about in time.
    #[error("{to} does not answer: {source}")]
    ConnectTimedOut {
        /// Who was asked.
        to: SocketAddr,
        /// The limit.
        source: TimedOut,
    },
    /// The request or the head of the answer broke off.
    #[error("{to} broke off: {source}")]
    Broken {
        /// Who was asked.
        to: SocketAddr,
        /// What hyper said.
        source: hyper::Error,
    },
    /// The head of the answer did not come in time.
    #[error("{to} did not answer: {source}")]
    TimedOut {
        /// Who was asked.
        to: SocketAddr,
        /// The limit.
        source: TimedOut,
    },
}

impl SendError {
    /// Whether the other side cannot have seen anything of the request.
    #[must_use]
    pub const fn before_sending(&self) -> bool {
        matches!(self, Self::Connect { .. } | Self::ConnectTimedOut { .. })
    }
}

/// Sends `request` to `to` and waits for the head of the answer.
///
/// # Errors
/// See [`SendError`].
pub async fn send(
    host: &Host,
    to: SocketAddr,
    mut request: hyper::Request<Body>,
    limits: Limits,
) -> Result<Answer, SendError> {
    let stream = host
        .timeout(limits.connect, host.connect(to))
        .await
        .map_err(|source| SendError::ConnectTimedOut { to, source })?
        .map_err(|source| SendError::Connect { to, source })?;
    let (io, labels) = Io::new(host, stream);
    let (mut sender, connection) = hyper::client::conn::http1::Builder::new()
        .handshake(io)
        .await
        .map_err(|source| SendError::Broken { to, source })?;
    let guard = host.spawn_guarded(async move {
        // The answer's reader sees how the connection ended.
        let _ended = connection.await;
    });
    if let Ok(name) = HeaderValue::try_from(to.to_string()) {
        request.headers_mut().insert(HOST, name);
    }
    if let Some(job) = host.job().and_then(|job| HeaderValue::try_from(job.to_string()).ok()) {
        request.headers_mut().insert(X_TRANS_ID_EXTRA, job);
    }
    request.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    let request = request.map(|body| body.labelled(&labels));
    let answer = host
        .timeout(limits.answer, sender.send_request(request))
        .await
        .map_err(|source| SendError::TimedOut { to, source })?
        .map_err(|source| SendError::Broken { to, source })?;
    let (head, incoming) = answer.into_parts();
    let body = Received::new(incoming, Some(guard));
    Ok(Answer { status: head.status, headers: head.headers, body })
}
