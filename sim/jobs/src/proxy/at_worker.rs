//! A job on a worker: the proxy posts it on verbatim, to the job service that clients post to under
//! `download`, and passes the answer back as it comes.
//!
//! So a worker needs no second protocol and no trust in proxies: the caller's own token lets the
//! job in, and inputs and outputs go the way that they go under `download`. The price is that the
//! worker plans the job again and looks its inputs up again. Leaves out telling the worker which
//! versions the proxy saw: the answer names those that were read.

use std::net::SocketAddr;
use std::rc::Rc;

use hyper::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, DATE, HeaderName, HeaderValue, TRANSFER_ENCODING,
};
use stayput_host::{Host, Purpose};
use stayput_store::http::{
    Body, BodySender, ConnectionPool, IncomingResponse, Method, Response, StatusCode,
};
use stayput_store::swift::Path;
use stayput_store::swift::header::{X_AUTH_TOKEN, X_ZEROVM_EXECUTE, X_ZEROVM_SOURCE, text};

use super::attempt::{CHUNK_MAX, LIMITS};
use super::observations::{Observations, Outstanding};
use crate::error::WorkerError;
use crate::posted::VerbatimJob;

/// A job that is posted on.
pub(super) struct Forward<'a> {
    pub(super) host: &'a Host,
    pub(super) pool: &'a ConnectionPool,
    pub(super) observations: &'a Observations,
    /// Path that it was posted to.
    pub(super) posted_to: &'a Path,
    /// Token of the caller.
    pub(super) token: &'a str,
    pub(super) job: &'a VerbatimJob,
}

impl Forward<'_> {
    /// Posts the job to a worker. The answer's body is still coming when its head is there.
    ///
    /// # Errors
    /// The worker did not take it or gave no answer: another place may. Flaws of the job are an
    /// answer.
    pub(super) async fn to(&self, worker: SocketAddr) -> Result<Response, WorkerError> {
        let outstanding = self.observations.sent(worker.ip());
        let mut request = hyper::Request::builder()
            .method(Method::POST)
            .uri(format!("/v1{}", self.posted_to.encoded()))
            .header(X_AUTH_TOKEN, self.token)
            .header(CONTENT_TYPE, &self.job.content_type)
            .header(CONTENT_LENGTH, self.job.body.len())
            .header(X_ZEROVM_EXECUTE, "1.0");
        if let Some(source) = &self.job.source {
            request = request.header(X_ZEROVM_SOURCE, source);
        }
        let request = request.body(Body::full(Purpose::Control, self.job.body.clone()));
        let request = request.map_err(|error| WorkerError::Malformed(Rc::new(error)))?;
        let answer = self.pool.send(worker, request, LIMITS).await;
        let answer = answer.map_err(|error| WorkerError::NoAnswer(Rc::new(error)))?;
        let passes = [
            StatusCode::SERVICE_UNAVAILABLE,
            StatusCode::UNAUTHORIZED,
            StatusCode::FORBIDDEN,
            StatusCode::METHOD_NOT_ALLOWED,
        ];
        if passes.contains(&answer.status) {
            return Err(WorkerError::Refused { worker, status: answer.status });
        }
        Ok(self.pass_on(answer, outstanding))
    }

    fn pass_on(&self, answer: IncomingResponse, outstanding: Outstanding) -> Response {
        let (sender, body) = match answer.body.length() {
            Some(length) => Body::stream(length),
            None => Body::open(),
        };
        let mut response = Response::new(body);
        *response.status_mut() = answer.status;
        let hop = [CONNECTION, CONTENT_LENGTH, DATE, TRANSFER_ENCODING];
        let headers = answer.headers.iter().filter(|(name, _)| !hop.contains(name));
        response
            .headers_mut()
            .extend(headers.map(|(k, v): (&HeaderName, &HeaderValue)| (k.clone(), v.clone())));
        // The worker has done its work when the head is there, but its card has not.
        self.host.spawn(pump(self.host.clone(), answer, sender, outstanding));
        response
    }
}

/// Passes the body on; it breaks off for the client where it breaks off here.
async fn pump(
    host: Host,
    mut answer: IncomingResponse,
    sender: BodySender,
    outstanding: Outstanding,
) {
    let _out_there = outstanding;
    loop {
        let chunk = host.timeout(CHUNK_MAX, answer.body.chunk()).await;
        match chunk {
            Ok(Ok(Some(chunk))) => {
                let sent = sender.send(Purpose::JobResult, chunk);
                if host.timeout(CHUNK_MAX, sent).await != Ok(true) {
                    return;
                }
            }
            Ok(Ok(None)) => return sender.finish().await,
            Ok(Err(_)) | Err(_) => return,
        }
    }
}

/// Fuel that an answer's only session used, if it ran to its end.
pub(super) fn fuel_of(response: &Response) -> Option<u64> {
    let name = HeaderName::from_static("x-nexe-fuel");
    text(response.headers(), &name)?.parse().ok()
}
