//! Who watches what clients' requests come to: each is told once, when its answer's body has ended or was cut off.
//!
//! Leaves out what is made of it (access logs and metrics are the server's), and requests that are no HTTP: the proxy never sees them.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use hyper::header::HeaderName;
use hyper::{Method, StatusCode, Uri};
use stayput_host::{Host, Time};

use super::Proxy;
use super::answer::{CLIENT_LEFT, ErrorResponse};
use super::auth::Caller;
use crate::http::{BodyObserver, Request, Response};
use crate::swift::Path;
use crate::swift::header::{X_STAYPUT_PLACED, text};

const FUEL: HeaderName = HeaderName::from_static("x-nexe-fuel");
const RETCODE: HeaderName = HeaderName::from_static("x-nexe-retcode");
const COLOCATED: HeaderName = HeaderName::from_static("x-nexe-colocated");
const ERROR: HeaderName = HeaderName::from_static("x-nexe-error");

/// Hears what requests came to, from all proxies of a process. What it does meanwhile its proxy waits for.
pub trait RequestObserver: Send + Sync {
    /// A request has ended.
    fn completed(&self, request: &CompletedRequest<'_>);

    /// What `/metrics` answers: the content type and the text. `None` where the clients' port is not to tell.
    fn metrics(&self) -> Option<(&'static str, String)>;
}

/// What requests are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RequestKind {
    /// An account.
    Account,
    /// A container.
    Container,
    /// An object.
    Object,
    /// A job.
    Job,
    /// What anybody may ask of the store.
    Info,
    /// A token.
    Auth,
    /// Nothing that there is.
    Other,
}

impl RequestKind {
    /// As logs and metrics name it.
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

/// How an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseEnd {
    /// The last byte of its body was handed to the connection.
    Complete,
    /// Its client left before, or what was to bring the rest of it failed.
    Aborted,
}

/// What a job came to, as far as its answer tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompletedJob<'a> {
    /// Fuel of all its sessions.
    pub fuel: u64,
    /// Whether all sessions ended with the exit code 0.
    pub succeeded: bool,
    /// Where it ran, and by which reason, if the policy says it.
    pub placed: Option<&'a str>,
    /// Sessions that ran on a host that holds their input, of how many.
    pub colocated: (u64, u64),
}

/// A request that has ended.
#[derive(Debug)]
pub struct CompletedRequest<'a> {
    /// What it was for.
    pub kind: RequestKind,
    /// Its method.
    pub method: &'a Method,
    /// Its path, percent-encoded as it was sent. Without the query, in which clients may write secrets.
    pub path: &'a str,
    /// Its transaction id, as `X-Trans-Id` told the client.
    pub trans_id: &'a str,
    /// Who asked, if it came over a network.
    pub client: Option<SocketAddr>,
    /// The account in its path, decoded.
    pub account: Option<&'a str>,
    /// Who asked, as refusals name them; `None` for somebody without a token, or with one that opens nothing.
    pub user: Option<&'a str>,
    /// The answer's status; 499 if the client left before there was one.
    pub status: u16,
    /// How the answer ended.
    pub end: ResponseEnd,
    /// Bytes of its body that were read.
    pub received_bytes: u64,
    /// Bytes of the answer's body that were handed to the connection.
    pub sent_bytes: u64,
    /// From its head to the answer's head; `None` if there was no answer.
    pub answered_after: Option<Duration>,
    /// From its head to its end.
    pub took: Duration,
    /// What the job came to, of a job that ran.
    pub job: Option<CompletedJob<'a>>,
    /// Why the store failed, of an answer whose status says so.
    pub cause: Option<&'a str>,
}

/// What went wrong, left with an answer of the store's failing for whoever watches.
#[derive(Clone, Debug)]
struct Cause(String);

/// Leaves the reason of a failure with its answer.
pub(super) fn leave_cause(response: &mut Response, refusal: ErrorResponse) {
    if refusal.status.is_server_error() {
        response.extensions_mut().insert(Cause(refusal.why));
    }
}

/// A request that is being answered, if somebody watches.
pub(super) struct Watched(Option<Box<Open>>);

struct Open {
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
    answer: Option<Answer>,
}

/// What is known of an answer whose body is on its way.
struct Answer {
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

impl Watched {
    /// Begins with the head of a request.
    pub(super) fn begin(proxy: &Proxy, request: &mut Request, trans_id: &str) -> Self {
        let Some(observer) = &proxy.config().observer else { return Self(None) };
        let received = Rc::new(Cell::new(0));
        request.body_mut().add_to(&received);
        Self(Some(Box::new(Open {
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
            answer: None,
        })))
    }

    /// What it is for turns out.
    pub(super) fn is(&mut self, kind: RequestKind) {
        if let Some(open) = &mut self.0 {
            open.kind = kind;
        }
    }

    /// Whose path it asks for turns out.
    pub(super) fn asks_for(&mut self, path: &Path) {
        let Some(open) = &mut self.0 else { return };
        open.account = Some(path.account().to_owned());
        open.kind = match (path.container(), path.object()) {
            (_, Some(_)) => RequestKind::Object,
            (Some(_), None) => RequestKind::Container,
            (None, None) => RequestKind::Account,
        };
    }

    /// Who asks turns out.
    pub(super) fn is_from(&mut self, caller: &Caller) {
        if let Some(open) = &mut self.0 {
            open.user = Some(caller.clone());
        }
    }

    /// Goes on with the body of the answer, to its end.
    pub(super) fn answered(self, response: Response) -> Response {
        let Some(mut open) = self.0 else { return response };
        let is_whole = open.method == Method::HEAD || response.body().is_empty();
        open.answer = Some(Answer {
            at: open.host.now(),
            status: response.status(),
            end: if is_whole { ResponseEnd::Complete } else { ResponseEnd::Aborted },
            sent_bytes: 0,
            job: JobFigures::of(&response).filter(|_| open.kind == RequestKind::Job),
            cause: cause_of(&response),
        });
        response.map(|body| body.watched(open))
    }
}

/// Why the store failed, if the answer says that it did.
fn cause_of(response: &Response) -> Option<String> {
    if !response.status().is_server_error() {
        return None;
    }
    let left = response.extensions().get::<Cause>().map(|Cause(why)| why.clone());
    left.or_else(|| text(response.headers(), &ERROR).map(ToOwned::to_owned))
}

impl JobFigures {
    /// Those of an answer that has any: one figure for each session.
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

impl std::fmt::Debug for Open {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Open").field("trans_id", &self.trans_id).finish_non_exhaustive()
    }
}

impl BodyObserver for Open {
    fn handed_over(&mut self, bytes: u64, is_whole: bool) {
        let Some(answer) = &mut self.answer else { return };
        answer.sent_bytes += bytes;
        if is_whole {
            answer.end = ResponseEnd::Complete;
        }
    }
}

impl Drop for Open {
    /// Its body has gone where it goes, or its client has left.
    fn drop(&mut self) {
        let answer = self.answer.as_ref();
        let job = answer.and_then(|answer| answer.job.as_ref());
        self.observer.completed(&CompletedRequest {
            kind: self.kind,
            method: &self.method,
            path: self.uri.path(),
            trans_id: &self.trans_id,
            client: self.client,
            account: self.account.as_deref(),
            user: self.user.as_ref().and_then(Caller::shown),
            status: answer.map_or(CLIENT_LEFT, |answer| answer.status.as_u16()),
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
