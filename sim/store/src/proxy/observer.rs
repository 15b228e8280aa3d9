//! Observation of clients' requests: each is reported once, at the end of its response.
//!
//! Leaves out access logs and metrics, which the server makes of the reports, and connections that
//! send no HTTP: the proxy never sees them.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use hyper::header::HeaderName;
use hyper::{Method, StatusCode, Uri};
use stayput_host::{Host, Time};

use super::Proxy;
use super::auth::Caller;
use super::error_response::ServerErrorCause;
use crate::http::{BodyObserver, CLIENT_CLOSED_REQUEST, Request, Response};
use crate::swift::Path;
use crate::swift::header::{X_STAYPUT_PLACED, text};

const FUEL: HeaderName = HeaderName::from_static("x-nexe-fuel");
const RETCODE: HeaderName = HeaderName::from_static("x-nexe-retcode");
const COLOCATED: HeaderName = HeaderName::from_static("x-nexe-colocated");
const ERROR: HeaderName = HeaderName::from_static("x-nexe-error");

/// Receiver of reports on completed requests, from all proxies of a process. The proxy waits while
/// it handles one.
pub trait RequestObserver: Send + Sync {
    /// Handles the report on a request that has ended.
    fn completed(&self, request: &CompletedRequest<'_>);

    /// Content type and text of `/metrics`; `None` if clients may not see metrics.
    fn metrics(&self) -> Option<(&'static str, String)>;
}

/// Resource of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RequestKind {
    /// Account.
    Account,
    /// Container.
    Container,
    /// Object.
    Object,
    /// Job.
    Job,
    /// Health check, capabilities or metrics.
    Info,
    /// Token.
    Auth,
    /// Path that does not exist.
    Other,
}

impl RequestKind {
    /// Name in logs and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Container => "container",
            Self::Object => "object",
            Self::Job => "job",
            Self::Info => "info",
            Self::Auth => "auth",
            Self::Other => "other",
        }
    }
}

/// End of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseEnd {
    /// The last byte of the body was handed to the connection.
    Complete,
    /// The client left before, or the source of the body failed.
    Aborted,
}

/// Figures of a completed job, from the headers of its response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompletedJob<'a> {
    /// Fuel of all its sessions.
    pub fuel: u64,
    /// True if all sessions ended with exit code 0.
    pub succeeded: bool,
    /// Place and reason of the placement, if the policy reports them.
    pub placed: Option<&'a str>,
    /// Sessions that ran on a host that holds their input, and all sessions.
    pub colocated: (u64, u64),
}

/// Report on a request that has ended.
#[derive(Debug)]
pub struct CompletedRequest<'a> {
    /// Resource.
    pub kind: RequestKind,
    /// Method.
    pub method: &'a Method,
    /// Path, percent-encoded as it was sent. Without the query, which may contain secrets.
    pub path: &'a str,
    /// Transaction id, as in the header `X-Trans-Id` of the response.
    pub trans_id: &'a str,
    /// Address of the client, if the request came over a network.
    pub client: Option<SocketAddr>,
    /// Account in the path, decoded.
    pub account: Option<&'a str>,
    /// Name of the user; `None` without a valid token.
    pub user: Option<&'a str>,
    /// Status of the response; 499 if the client left before there was one.
    pub status: u16,
    /// End of the response.
    pub end: ResponseEnd,
    /// Bytes of the request's body that were read.
    pub received_bytes: u64,
    /// Bytes of the response's body that were handed to the connection.
    pub sent_bytes: u64,
    /// Time from the request's head to the response's head; `None` without a response.
    pub answered_after: Option<Duration>,
    /// Time from the request's head to the end of the response.
    pub took: Duration,
    /// Figures of the job, if one ran.
    pub job: Option<CompletedJob<'a>>,
    /// Cause of a server error.
    pub cause: Option<&'a str>,
}

/// Request in progress, recorded if the proxy has an observer.
pub(super) struct ObservedRequest(Option<Box<Observation>>);

struct Observation {
    observer: Arc<dyn RequestObserver>,
    host: Host,
    began: Time,
    kind: RequestKind,
    method: Method,
    uri: Uri,
    trans_id: String,
    client: Option<SocketAddr>,
    account: Option<String>,
    user: Option<Caller>,
    received: Rc<Cell<u64>>,
    response: Option<ObservedResponse>,
}

/// Response whose body is being sent.
struct ObservedResponse {
    at: Time,
    status: StatusCode,
    end: ResponseEnd,
    sent_bytes: u64,
    job: Option<JobFigures>,
    cause: Option<String>,
}

struct JobFigures {
    fuel: u64,
    succeeded: bool,
    placed: Option<String>,
    colocated: (u64, u64),
}

impl ObservedRequest {
    /// Starts the observation of a request.
    pub(super) fn begin(proxy: &Proxy, request: &mut Request, trans_id: &str) -> Self {
        let Some(observer) = &proxy.config().observer else { return Self(None) };
        let received = Rc::new(Cell::new(0));
        request.body_mut().add_to(&received);
        Self(Some(Box::new(Observation {
            observer: Arc::clone(observer),
            host: proxy.host().clone(),
            began: proxy.host().now(),
            kind: RequestKind::Other,
            method: request.method().clone(),
            uri: request.uri().clone(),
            trans_id: trans_id.to_owned(),
            client: request.body().peer(),
            account: None,
            user: None,
            received,
            response: None,
        })))
    }

    /// Records the resource.
    pub(super) fn set_kind(&mut self, kind: RequestKind) {
        if let Some(open) = &mut self.0 {
            open.kind = kind;
        }
    }

    /// Records the account and the kind of the path.
    pub(super) fn set_path(&mut self, path: &Path) {
        let Some(open) = &mut self.0 else { return };
        open.account = Some(path.account().to_owned());
        open.kind = match (path.container(), path.object()) {
            (_, Some(_)) => RequestKind::Object,
            (Some(_), None) => RequestKind::Container,
            (None, None) => RequestKind::Account,
        };
    }

    /// Records the caller.
    pub(super) fn set_caller(&mut self, caller: &Caller) {
        if let Some(open) = &mut self.0 {
            open.user = Some(caller.clone());
        }
    }

    /// Observes the body of the response, to its end.
    pub(super) fn observe_body(self, response: Response) -> Response {
        let Some(mut open) = self.0 else { return response };
        let is_whole = open.method == Method::HEAD || response.body().is_empty();
        open.response = Some(ObservedResponse {
            at: open.host.now(),
            status: response.status(),
            end: if is_whole { ResponseEnd::Complete } else { ResponseEnd::Aborted },
            sent_bytes: 0,
            job: JobFigures::of(&response).filter(|_| open.kind == RequestKind::Job),
            cause: cause_of(&response),
        });
        response.map(|body| body.observed_by(open))
    }
}

/// Cause of a server error.
fn cause_of(response: &Response) -> Option<String> {
    if !response.status().is_server_error() {
        return None;
    }
    let cause = response.extensions().get::<ServerErrorCause>();
    let cause = cause.map(|ServerErrorCause(why)| why.clone());
    cause.or_else(|| text(response.headers(), &ERROR).map(ToOwned::to_owned))
}

impl JobFigures {
    /// Reads the headers of a job's response: one figure for each session.
    fn of(response: &Response) -> Option<Self> {
        let headers = response.headers();
        let each = |name| text(headers, name).map(|figures| figures.split(','));
        let sum = |name| {
            let figures = each(name)?.map(|figure| figure.parse::<u64>());
            figures.sum::<Result<u64, _>>().ok()
        };
        Some(Self {
            fuel: sum(&FUEL)?,
            succeeded: each(&RETCODE)?.all(|code| code == "0"),
            placed: text(headers, &X_STAYPUT_PLACED).map(ToOwned::to_owned),
            colocated: (sum(&COLOCATED)?, each(&COLOCATED)?.count() as u64),
        })
    }
}

impl std::fmt::Debug for Observation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Observation").field("trans_id", &self.trans_id).finish_non_exhaustive()
    }
}

impl BodyObserver for Observation {
    fn sent(&mut self, bytes: u64, is_whole: bool) {
        let Some(response) = &mut self.response else { return };
        response.sent_bytes += bytes;
        if is_whole {
            response.end = ResponseEnd::Complete;
        }
    }
}

impl Drop for Observation {
    /// Reports the request: its body has been sent, or its client has left.
    fn drop(&mut self) {
        let answer = self.response.as_ref();
        let job = answer.and_then(|answer| answer.job.as_ref());
        self.observer.completed(&CompletedRequest {
            kind: self.kind,
            method: &self.method,
            path: self.uri.path(),
            trans_id: &self.trans_id,
            client: self.client,
            account: self.account.as_deref(),
            user: self.user.as_ref().and_then(Caller::shown),
            status: answer.map_or(CLIENT_CLOSED_REQUEST, |answer| answer.status.as_u16()),
            end: answer.map_or(ResponseEnd::Aborted, |answer| answer.end),
            received_bytes: self.received.get(),
            sent_bytes: answer.map_or(0, |answer| answer.sent_bytes),
            answered_after: answer.map(|answer| answer.at.since(self.began)),
            took: self.host.now().since(self.began),
            job: job.map(|job| CompletedJob {
                fuel: job.fuel,
                succeeded: job.succeeded,
                placed: job.placed.as_deref(),
                colocated: job.colocated,
            }),
            cause: answer.and_then(|answer| answer.cause.as_deref()),
        });
    }
}
