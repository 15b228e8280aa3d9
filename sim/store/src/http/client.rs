//! A client's connection, and requests that have one of their own.
//!
//! Leaves out retries: which failures deserve one depends on the request. Keeping connections is `pool`'s.

use std::net::SocketAddr;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper::header::{CONNECTION, HOST, HeaderValue};
use hyper::{HeaderMap, Request, StatusCode};
use stayput_host::{Host, TaskGuard, TimedOut};

use super::HEADERS_MAX;
use super::body::{Body, IncomingBody, Labels};
use super::io::Io;
use super::pool::Lease;
use crate::swift::header::X_TRANS_ID_EXTRA;

/// How long a client waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For the connection.
    pub connect: Duration,
    /// For the head of the answer, from when the connection stands.
    pub answer: Duration,
}

/// What came back, its body still on its way.
#[derive(Debug)]
pub struct IncomingResponse {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: IncomingBody,
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
    /// Whether the other side cannot have seen anything of the request, or only of one that does no harm when it comes
    /// twice: those alone are sent again by a [`super::ConnectionPool`].
    #[must_use]
    pub const fn before_sending(&self) -> bool {
        matches!(self, Self::Connect { .. } | Self::ConnectTimedOut { .. })
    }
}

/// Sends `request` to `to` on a connection of its own and waits for the head of the answer.
///
/// # Errors
/// See [`SendError`].
pub async fn send(
    host: &Host,
    to: SocketAddr,
    mut request: Request<Body>,
    limits: Timeouts,
) -> Result<IncomingResponse, SendError> {
    let connection = Connection::open(host, to, limits.connect, || {}).await?;
    request.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    let (answer, connection) = connection.exchange(host, request, limits.answer).await?;
    let (head, incoming) = answer.into_parts();
    let body = IncomingBody::new(incoming, Some(Lease::single(connection)));
    Ok(IncomingResponse { status: head.status, headers: head.headers, body })
}

/// A connection that carries one request at a time. Dropping it closes it.
#[derive(Debug)]
pub(super) struct Connection {
    to: SocketAddr,
    /// What requests call the other side.
    name: HeaderValue,
    labels: Labels,
    sender: SendRequest<Body>,
    _driver: TaskGuard,
}

impl Connection {
    /// Connects to `to`; `ended` is called when the other side ends the connection.
    pub(super) async fn open(
        host: &Host,
        to: SocketAddr,
        limit: Duration,
        ended: impl FnOnce() + 'static,
    ) -> Result<Self, SendError> {
        let stream = host
            .timeout(limit, host.connect(to))
            .await
            .map_err(|source| SendError::ConnectTimedOut { to, source })?
            .map_err(|source| SendError::Connect { to, source })?;
        let (io, labels) = Io::new(host, stream);
        let (sender, connection) = Builder::new()
            .max_headers(HEADERS_MAX)
            .handshake(io)
            .await
            .map_err(|source| SendError::Broken { to, source })?;
        let driver = host.spawn_guarded(async move {
            // The answer's reader sees how the connection ended.
            let _ended = connection.await;
            ended();
        });
        let name = HeaderValue::try_from(to.to_string()).expect("an address is a header's value");
        Ok(Self { to, name, labels, sender, _driver: driver })
    }

    /// Where it leads.
    pub(super) const fn to(&self) -> SocketAddr {
        self.to
    }

    /// Whether the last request and its answer are over, and the other side has not closed it as far as is known.
    pub(super) fn is_ready(&self) -> bool {
        self.sender.is_ready()
    }

    /// Sends a request and waits for the head of its answer. The answer's body comes as long as the connection is held.
    pub(super) async fn exchange(
        mut self,
        host: &Host,
        mut request: Request<Body>,
        limit: Duration,
    ) -> Result<(hyper::Response<Incoming>, Self), SendError> {
        let to = self.to;
        request.headers_mut().insert(HOST, self.name.clone());
        if let Some(job) = host.job().and_then(|job| HeaderValue::try_from(job.to_string()).ok()) {
            request.headers_mut().insert(X_TRANS_ID_EXTRA, job);
        }
        let request = request.map(|body| body.labelled(&self.labels));
        let answer = host
            .timeout(limit, self.sender.send_request(request))
            .await
            .map_err(|source| SendError::TimedOut { to, source })?
            .map_err(|source| SendError::Broken { to, source })?;
        Ok((answer, self))
    }
}
