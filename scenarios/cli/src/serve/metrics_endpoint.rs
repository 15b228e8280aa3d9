//! Request observer of a server: an access line for each request in the log, and metrics.
//!
//! Leaves out queries, keys, tokens and bodies, which are private.

use std::sync::Arc;

use stayput_store::proxy::{CompletedRequest, RequestObserver, ResponseEnd};
use tracing::Level;

use super::logs::Bounded;
use super::metrics::{self, Metrics};

/// Target of access lines in log filters.
const ACCESS: &str = "stayput::access";
/// Limits of logged bytes: of a method, of a name and of a longer text.
const METHOD_MAX: usize = 32;
const NAME_MAX: usize = 256;
const TEXT_MAX: usize = 1024;

/// Address at which metrics are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricsEndpoint {
    /// The clients' port.
    ClientPort,
    /// An address of their own.
    Separate,
}

/// Logs requests and counts them.
#[derive(Debug)]
pub struct Watcher {
    metrics: Arc<Metrics>,
    endpoint: MetricsEndpoint,
}

impl Watcher {
    /// Creates an observer that counts in `metrics`.
    #[must_use]
    pub fn new(metrics: Arc<Metrics>, endpoint: MetricsEndpoint) -> Self {
        Self { metrics, endpoint }
    }
}

impl RequestObserver for Watcher {
    fn completed(&self, request: &CompletedRequest<'_>) {
        self.metrics.ended(request);
        // The level is static metadata of an event, so that each level needs a call of its own.
        macro_rules! line {
            ($level:expr) => {
                tracing::event!(
                    target: ACCESS,
                    $level,
                    trans_id = request.trans_id,
                    client = request.client.map(tracing::field::display),
                    account = bounded(request.account, NAME_MAX),
                    user = bounded(request.user, NAME_MAX),
                    kind = request.kind.name(),
                    method = bounded(Some(request.method.as_str()), METHOD_MAX),
                    path = bounded(Some(request.path), TEXT_MAX),
                    status = request.status,
                    ending = named(request.end),
                    received_bytes = request.received_bytes,
                    sent_bytes = request.sent_bytes,
                    answered_s = request.answered_after.map(|after| after.as_secs_f64()),
                    took_s = request.took.as_secs_f64(),
                    fuel = request.job.as_ref().map(|job| job.fuel),
                    sessions = request.job.as_ref().map(|job| job.colocated.1),
                    colocated = request.job.as_ref().map(|job| job.colocated.0),
                    placed = bounded(request.job.as_ref().and_then(|job| job.placed), NAME_MAX),
                    cause = bounded(request.cause, TEXT_MAX),
                    "request"
                )
            };
        }
        match request.status {
            500.. => line!(Level::ERROR),
            _ => line!(Level::INFO),
        }
    }

    fn metrics(&self) -> Option<(&'static str, String)> {
        match self.endpoint {
            MetricsEndpoint::ClientPort => Some((metrics::CONTENT_TYPE, self.metrics.text())),
            MetricsEndpoint::Separate => None,
        }
    }
}

/// A text, cut to `bytes_max` for the log.
fn bounded(text: Option<&str>, bytes_max: usize) -> Option<String> {
    text.map(|text| Bounded(text, bytes_max).to_string())
}

const fn named(end: ResponseEnd) -> &'static str {
    match end {
        ResponseEnd::Complete => "whole",
        ResponseEnd::Aborted => "cut-off",
    }
}
