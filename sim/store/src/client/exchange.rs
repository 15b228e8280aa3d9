//! Request that is repeated, to the proxies in turn, until one answers it or the attempts run out.
//!
//! Leaves out jitter: clients begin at different times anyway.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hyper::header::{CONTENT_LENGTH, ETAG, HeaderName, HeaderValue};
use hyper::{HeaderMap, Method, StatusCode};
use stayput_host::{AttemptKind, Purpose, SpanKind};

use super::{Client, ClientError};
use crate::http;
use crate::http::{Body, BodyError, IncomingResponse, Timeouts};
use crate::swift::Path;
use crate::swift::header::{X_AUTH_TOKEN, text};

/// Limits of a client: time, bytes and attempts.
pub mod limits {
    use std::time::Duration;

    /// Time for a connection to a proxy.
    pub const CONNECT_MAX: Duration = Duration::from_secs(1);
    /// Time for the head of a response: longer than a proxy waits for a whole series of nodes.
    pub const ANSWER_MAX: Duration = Duration::from_secs(30);
    /// Time for the head of a job's response.
    pub const JOB_ANSWER_MAX: Duration = Duration::from_secs(120);
    /// Time for the next chunk of a body: longer than a proxy takes to resume at another replica.
    pub const CHUNK_MAX: Duration = Duration::from_secs(10);
    /// Attempts of one request.
    pub const ATTEMPTS_MAX: u32 = 6;
    /// Pause after the first attempt; doubled after each further one.
    pub const BACKOFF_FIRST: Duration = Duration::from_millis(200);
    /// Bytes of the longest response.
    pub const ANSWER_BYTES_MAX: u64 = 5 << 30;
    /// Rows in a page of a listing.
    pub const PAGE_ROWS: usize = 10_000;
}

/// Request that may be sent more than once.
pub(super) struct Exchange {
    pub(super) method: Method,
    pub(super) path: Path,
    pub(super) query: String,
    pub(super) headers: HeaderMap,
    pub(super) body: (Purpose, Bytes),
    pub(super) answer_max: Duration,
    /// Further statuses that deserve another attempt.
    pub(super) retried: Vec<StatusCode>,
    /// True if every status but 503 ends the exchange.
    pub(super) any_status: bool,
    /// Kind of the attempts, for the trace.
    pub(super) attempted: AttemptKind,
}

/// Response with its whole body.
#[derive(Debug)]
pub(super) struct Reply {
    what: String,
    proxy: SocketAddr,
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Exchange {
    pub(super) fn new(method: Method, path: &Path) -> Self {
        Self {
            method,
            path: path.clone(),
            query: String::new(),
            headers: HeaderMap::new(),
            body: (Purpose::Control, Bytes::new()),
            answer_max: limits::ANSWER_MAX,
            retried: Vec::new(),
            any_status: false,
            attempted: AttemptKind::Request,
        }
    }

    /// Sets a header; a value that no header can hold is left out.
    pub(super) fn header(&mut self, name: HeaderName, value: &str) {
        if let Ok(value) = HeaderValue::try_from(value) {
            self.headers.insert(name, value);
        }
    }

    pub(super) fn what(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

impl Reply {
    pub(super) fn etag(&self) -> Option<String> {
        etag(&self.headers)
    }

    pub(super) fn invalid(&self, why: &str) -> ClientError {
        let (what, why) = (self.what.clone(), why.to_owned());
        ClientError::InvalidResponse { what, proxy: self.proxy, why }
    }
}

/// ETag without quotes.
pub(super) fn etag(headers: &HeaderMap) -> Option<String> {
    text(headers, &ETAG).map(|etag| etag.trim_matches('"').to_owned())
}

impl Client {
    /// Sends a request until a proxy answers it.
    pub(super) async fn exchange(&self, exchange: Exchange) -> Result<Reply, ClientError> {
        let mut last = ClientError::NoProxies;
        for attempt in 0..limits::ATTEMPTS_MAX {
            let mut trying = self.host.attempt(exchange.attempted, "request");
            match self.attempt(&exchange, attempt).await {
                Ok(reply) => return Ok(reply),
                Err(error) => last = error,
            }
            let again = matches!(&last, ClientError::Refused { status, .. }
                if exchange.retried.contains(status));
            if !again && !last.is_transient() {
                break;
            }
            trying.failed();
            self.back_off(attempt, exchange.attempted).await;
        }
        Err(last)
    }

    async fn attempt(&self, exchange: &Exchange, attempt: u32) -> Result<Reply, ClientError> {
        let (proxy, mut answer) = self.send(exchange, attempt).await?;
        let what = exchange.what();
        let body = if exchange.method == Method::HEAD {
            Bytes::new()
        } else {
            self.collect(&what, proxy, &mut answer).await?
        };
        let (status, headers) = (answer.status, answer.headers);
        let is_answer = exchange.any_status && status != StatusCode::SERVICE_UNAVAILABLE;
        let is_over = !exchange.retried.contains(&status);
        if is_answer || status.is_success() && is_over {
            return Ok(Reply { what, proxy, status, headers, body });
        }
        Err(ClientError::refused(what, proxy, status, &body))
    }

    /// Sends a request once, to the proxy of this attempt.
    pub(super) async fn send(
        &self,
        exchange: &Exchange,
        attempt: u32,
    ) -> Result<(SocketAddr, IncomingResponse), ClientError> {
        let turn = usize::try_from(attempt).unwrap_or(0) % self.proxies.len().max(1);
        let proxy = *self.proxies.get(turn).ok_or(ClientError::NoProxies)?;
        let mut uri = format!("/v1{}", exchange.path.encoded());
        if !exchange.query.is_empty() {
            uri.push('?');
            uri.push_str(&exchange.query);
        }
        let (purpose, content) = exchange.body.clone();
        let what = exchange.what();
        let request = hyper::Request::builder()
            .method(&exchange.method)
            .uri(uri)
            .header(X_AUTH_TOKEN, &self.token)
            .body(Body::full(purpose, content));
        let mut request =
            request.map_err(|source| ClientError::Malformed { what: what.clone(), source })?;
        request.headers_mut().extend(exchange.headers.clone());
        if [Method::PUT, Method::POST].contains(&exchange.method) {
            // hyper leaves it out for a body of nothing.
            if let Some(length) = request.body().len() {
                request.headers_mut().insert(CONTENT_LENGTH, length.into());
            }
        }
        let limits = Timeouts { connect: limits::CONNECT_MAX, answer: exchange.answer_max };
        let answer = http::send(&self.host, proxy, request, limits).await;
        let answer = answer.map_err(|source| ClientError::NoAnswer { what, source })?;
        Ok((proxy, answer))
    }

    /// Reads the body of a response.
    pub(super) async fn collect(
        &self,
        what: &str,
        proxy: SocketAddr,
        answer: &mut IncomingResponse,
    ) -> Result<Bytes, ClientError> {
        let what = what.to_owned();
        let mut whole = BytesMut::new();
        loop {
            match self.host.timeout(limits::CHUNK_MAX, answer.body.chunk()).await {
                Ok(Ok(Some(chunk))) => whole.extend_from_slice(&chunk),
                Ok(Ok(None)) => return Ok(whole.freeze()),
                Ok(Err(source)) => return Err(ClientError::Broken { what, proxy, source }),
                Err(source) => return Err(ClientError::Stalled { what, proxy, source }),
            }
            if whole.len() as u64 > limits::ANSWER_BYTES_MAX {
                let source = BodyError::TooLong { limit_bytes: limits::ANSWER_BYTES_MAX };
                return Err(ClientError::Broken { what, proxy, source });
            }
        }
    }

    /// Waits after an attempt, but not after the last one.
    pub(super) async fn back_off(&self, attempt: u32, of: AttemptKind) {
        if attempt + 1 < limits::ATTEMPTS_MAX {
            let _waiting = self.host.span(SpanKind::Retry(of), "back-off");
            self.host.sleep(limits::BACKOFF_FIRST * 2_u32.pow(attempt)).await;
        }
    }
}
