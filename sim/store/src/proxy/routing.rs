//! From a request to the room that does it: reads the path, asks who it is, drops what clients may not say.
//!
//! Leaves out the API's other versions: there is one, by two names.

use std::pin::pin;

use hyper::header::{ALLOW, DATE, HeaderName, HeaderValue, WWW_AUTHENTICATE};
use hyper::{HeaderMap, Method, StatusCode};
use percent_encoding::percent_decode_str;
use tracing::Instrument;

use super::answer::{ErrorResponse, is_internal, set};
use super::auth::{Access, Caller};
use super::limits::REQUEST_MAX;
use super::watch::{RequestKind, Watched};
use super::{JobPoster, JobRequest, Proxy, account, auth, container, info, object, query};
use crate::http::{Request, Response};
use crate::swift::header::{X_OPENSTACK_REQUEST_ID, X_TRANS_ID, X_ZEROVM_EXECUTE};
use crate::swift::{BadName, Path, decode_path};

/// A client's request without its body, or one that belongs to it; who asks has been let in.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) path: Path,
    pub(super) query: Option<String>,
    pub(super) headers: HeaderMap,
    pub(super) trans_id: String,
    /// Who asks. A path beside [`Call::path`] is to be asked for with [`auth::authorise`].
    pub(super) caller: Caller,
}

impl Call {
    /// A request of the proxy's own that belongs to this one.
    pub(super) fn along(&self, method: Method, path: Path) -> Self {
        let (headers, trans_id) = (HeaderMap::new(), self.trans_id.clone());
        let caller = self.caller.clone();
        Self { method, path, query: None, headers, trans_id, caller }
    }
}

/// Answers a request.
pub(super) async fn handle(proxy: Proxy, mut request: Request) -> Response {
    let (trans_id, uri) = (proxy.next_trans_id(), request.uri().clone());
    // Of the gravest level, so that whatever is logged of what goes wrong below says in which request it did.
    let span = tracing::error_span!("request", trans_id);
    let mut watched = Watched::begin(&proxy, &mut request, &trans_id);
    let answer = {
        // In its place before it is handed on: it is large.
        let answering = pin!(route(&proxy, request, &trans_id, &mut watched));
        proxy.host().timeout(REQUEST_MAX, answering.instrument(span)).await
    };
    let mut response = match answer {
        Ok(Ok(response)) => response,
        Ok(Err(refusal)) => refusal.into_response(),
        Err(late) => {
            ErrorResponse::new(StatusCode::SERVICE_UNAVAILABLE, late.to_string()).into_response()
        }
    };
    let headers = response.headers_mut();
    if let Ok(trans_id) = HeaderValue::try_from(trans_id) {
        headers.insert(X_TRANS_ID, trans_id.clone());
        headers.insert(X_OPENSTACK_REQUEST_ID, trans_id);
    }
    if let Some(date) = proxy.date() {
        headers.insert(DATE, date);
    }
    if response.status() == StatusCode::UNAUTHORIZED {
        set(response.headers_mut(), WWW_AUTHENTICATE, auth::challenge(uri.path()));
    }
    watched.answered(response)
}

async fn route(
    proxy: &Proxy,
    mut request: Request,
    trans_id: &str,
    watched: &mut Watched,
) -> Result<Response, ErrorResponse> {
    auth::conceal(request.headers_mut());
    if let Some(answer) = info::answer(proxy.config(), request.method(), request.uri().path()) {
        watched.is(RequestKind::Info);
        return Ok(answer);
    }
    let (auth, now) = (&proxy.config().auth, proxy.host().now());
    if let Some(answer) = auth.log_in(&request, now) {
        watched.is(RequestKind::Auth);
        return answer;
    }
    let path = path_of(request.uri().path())?;
    watched.asks_for(&path);
    let caller = auth.caller(request.headers(), now)?;
    watched.is_from(&caller);
    drop_internal(request.headers_mut());
    let is_job =
        request.method() == Method::POST && request.headers().contains_key(X_ZEROVM_EXECUTE);
    let access = if is_job { Access::Manage } else { Access::of(request.method(), &path) };
    auth::authorise(proxy, &caller, &path, access).await?;
    if is_job {
        watched.is(RequestKind::Job);
        let jobs = proxy.config().jobs.as_ref().ok_or_else(|| {
            ErrorResponse::new(StatusCode::NOT_IMPLEMENTED, "this proxy runs no jobs")
        })?;
        let (trans_id, account) = (job_id(trans_id), path.account().to_owned());
        let call = JobRequest { account, poster: JobPoster(caller), path, trans_id, request };
        return Ok(jobs.run(proxy.clone(), call).await);
    }
    let query = request.uri().query().map(ToOwned::to_owned);
    check_query(query.as_deref().unwrap_or_default())?;
    check_known(request.method(), request.headers(), query.as_deref().unwrap_or_default())?;
    let (head, body) = request.into_parts();
    let (method, headers, trans_id) = (head.method, head.headers, trans_id.to_owned());
    let call = Call { method, path, query, headers, trans_id, caller };
    let (answered, allowed) = match call.path.object() {
        Some(_) => (object::handle(proxy, call, body).await, "GET, HEAD, PUT, POST, DELETE, COPY"),
        // Boxed, so that a reading of an object does not carry the room for these.
        None => (Box::pin(index(proxy, call)).await, "GET, HEAD, PUT, POST, DELETE"),
    };
    match answered {
        Err(refusal) if refusal.status == StatusCode::METHOD_NOT_ALLOWED => {
            let mut response = refusal.into_response();
            response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
            Ok(response)
        }
        answered => answered,
    }
}

/// A request on a container or an account, whose headers say more to owners than to others.
async fn index(proxy: &Proxy, mut call: Call) -> Result<Response, ErrorResponse> {
    let is_owner = call.caller.owns(&call.path);
    if !is_owner {
        auth::drop_owners(&mut call.headers);
    }
    let mut answer = if call.path.container().is_some() {
        auth::clean_lists(&mut call.headers)?;
        let (path, is_reading) =
            (call.path.clone(), [Method::GET, Method::HEAD].contains(&call.method));
        let answer = container::handle(proxy, call).await;
        if !is_reading {
            // Also after a refusal: some replicas may have taken it.
            auth::forget(proxy, &path);
        }
        answer?
    } else {
        account::handle(proxy, call).await?
    };
    if !is_owner {
        auth::drop_owners(answer.headers_mut());
    }
    Ok(answer)
}

/// The id of a job: of its request's, the first 16 digits of chance and the time. It goes along in each message between hosts, and what
/// jobs move is measured in bytes.
fn job_id(trans_id: &str) -> String {
    let parts = trans_id.get(..18).zip(trans_id.rsplit_once('-'));
    parts.map_or_else(|| trans_id.to_owned(), |(chance, (_, time))| format!("{chance}-{time}"))
}

fn path_of(url_path: &str) -> Result<Path, ErrorResponse> {
    let version = |version| {
        let rest: &str = url_path.strip_prefix(version)?;
        rest.starts_with('/').then_some(rest)
    };
    let rest = version("/v1").or_else(|| version("/v1.0"));
    let rest =
        rest.ok_or_else(|| ErrorResponse::not_found(format!("{url_path}: paths begin with /v1/")))?;
    decode_path(rest).map_err(|bad| {
        let status = match bad {
            BadName::NotUtf8 { .. } => StatusCode::PRECONDITION_FAILED,
            BadName::TooLong { .. } => StatusCode::BAD_REQUEST,
            BadName::Missing { .. } | BadName::Slash { .. } => StatusCode::NOT_FOUND,
        };
        ErrorResponse::new(status, bad.to_string())
    })
}

/// Requests of Swift's that would look done and are not.
///
/// # Errors
/// 501.
fn check_known(method: &Method, headers: &HeaderMap, query: &str) -> Result<(), ErrorResponse> {
    if *method != Method::PUT && *method != Method::POST && *method != Method::DELETE {
        return Ok(());
    }
    let refused = |what: &str| Err(ErrorResponse::new(StatusCode::NOT_IMPLEMENTED, what));
    if ["bulk-delete", "extract-archive"]
        .iter()
        .any(|name| query::value(Some(query), name).is_some())
    {
        return refused("this store takes no bulk requests: send one request for each object");
    }
    if headers.contains_key("x-object-manifest") {
        return refused(
            "this store has no dynamic large objects: put a manifest with ?multipart-manifest=put",
        );
    }
    if headers.contains_key("x-account-access-control") {
        return refused("this store has no access lists of accounts: set X-Container-Read");
    }
    if headers.contains_key("x-symlink-target") {
        return refused("this store has no symlinks: copy the object");
    }
    Ok(())
}

/// Nodes want queries in UTF-8 and refuse others, which would look as if none of them answered.
fn check_query(query: &str) -> Result<(), ErrorResponse> {
    for pair in query.split('&') {
        if percent_decode_str(pair).decode_utf8().is_err() {
            let why = format!("{pair:?} in the query is not UTF-8");
            return Err(ErrorResponse::new(StatusCode::PRECONDITION_FAILED, why));
        }
    }
    Ok(())
}

fn drop_internal(headers: &mut HeaderMap) {
    let internal: Vec<HeaderName> =
        headers.keys().filter(|name| is_internal(name)).cloned().collect();
    for name in internal {
        headers.remove(name);
    }
}

/// 405 for a method that does not go with `what`.
pub(super) fn no_method(method: &Method, what: &str) -> ErrorResponse {
    ErrorResponse::new(StatusCode::METHOD_NOT_ALLOWED, format!("{method} does not go with {what}"))
}
