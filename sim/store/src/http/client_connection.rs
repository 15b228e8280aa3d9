//! Client's side of a connection, which carries one request at a time.
//!
//! Leaves out retries: which failures deserve one depends on the request.

use std::net::SocketAddr;
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper::header::{HOST, HeaderValue};
use stayput_host::{Host, TaskGuard, TimedOut};

use super::HEADERS_MAX;
use super::body::{Body, BodyLabels};
use super::labelled_io::LabelledIo;
use crate::swift::header::X_TRANS_ID_EXTRA;

/// Time limits of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Limit for the connection.
    pub connect: Duration,
    /// Limit for the head of the response, once connected.
    pub answer: Duration,
}

/// Reason why no response came.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The other side refused the connection or broke it.
    #[error("{to} cannot be connected to: {source}")]
    Connect {
        /// Address of the server.
        to: SocketAddr,
        /// Error of the network.
        source: std::io::Error,
    },
    /// The connection was not established in time.
    #[error("{to} does not answer: {source}")]
    ConnectTimedOut {
        /// Address of the server.
        to: SocketAddr,
        /// Limit that was reached.
        source: TimedOut,
    },
    /// The request or the head of the response broke off.
    #[error("{to} broke off: {source}")]
    Broken {
        /// Address of the server.
        to: SocketAddr,
        /// Error of hyper.
        source: hyper::Error,
    },
    /// The head of the response did not come in time.
    #[error("{to} did not answer: {source}")]
    TimedOut {
        /// Address of the server.
        to: SocketAddr,
        /// Limit that was reached.
        source: TimedOut,
    },
}

impl SendError {
    /// True if the server cannot have seen the request. A [`super::ConnectionPool`] may have sent
    /// it twice, but only if a second time does no harm.
    #[must_use]
    pub const fn before_sending(&self) -> bool {
        matches!(self, Self::Connect { .. } | Self::ConnectTimedOut { .. })
    }
}

/// Connection that carries one request at a time. Dropping it closes it.
#[derive(Debug)]
pub(super) struct ClientConnection {
    to: SocketAddr,
    /// Value of the header `Host`.
    name: HeaderValue,
    labels: BodyLabels,
    sender: SendRequest<Body>,
    _driver: TaskGuard,
}

impl ClientConnection {
    /// Connects to `to`; `ended` is called when the server closes the connection.
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
        let (io, labels) = LabelledIo::new(host, stream);
        let (sender, connection) = Builder::new()
            .max_headers(HEADERS_MAX)
            .handshake(io)
            .await
            .map_err(|source| SendError::Broken { to, source })?;
        let driver = host.spawn_guarded(async move {
            // The reader of the response notices how the connection ended.
            let _ended = connection.await;
            ended();
        });
        let name = HeaderValue::try_from(to.to_string()).expect("an address is a header's value");
        Ok(Self { to, name, labels, sender, _driver: driver })
    }

    /// Address of the server.
    pub(super) const fn to(&self) -> SocketAddr {
        self.to
    }

    /// True if the last exchange is over, and the server is not known to have closed it.
    pub(super) fn is_ready(&self) -> bool {
        self.sender.is_ready()
    }

    /// Sends a request and waits for the head of its response, whose body arrives as long as the
    /// connection is held.
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
