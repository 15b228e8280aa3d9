//! Swift's API: authenticates a request, authorises it, and hands it to its resource.
//!
//! Leaves out other versions of the API: there is one, under two names.

mod account;
mod container;
mod copy;
mod info;
mod object;
mod object_get;

use std::pin::pin;

use hyper::header::{ALLOW, DATE, HeaderName, HeaderValue, WWW_AUTHENTICATE};
use hyper::{HeaderMap, Method, StatusCode};
use percent_encoding::percent_decode_str;
use tracing::Instrument;

use super::auth::Access;
use super::error::{ProxyError, RequestError, UnsupportedFeature};
use super::error_response::ErrorResponse;
use super::headers::{is_internal, set};
use super::limits::REQUEST_MAX;
use super::observer::{ObservedRequest, RequestKind};
use super::request::RequestHead;
use super::{JobPoster, JobRequest, Proxy, auth, query};
use crate::http::{Request, Response};
use crate::swift::header::{X_OPENSTACK_REQUEST_ID, X_TRANS_ID, X_ZEROVM_EXECUTE};
use crate::swift::{Path, decode_path};

/// Answers a request.
pub(super) async fn handle(proxy: Proxy, mut request: Request) -> Response {
    let (trans_id, uri) = (proxy.next_trans_id(), request.uri().clone());
    // Of the highest level, so that each line logged below names its request.
    let span = tracing::error_span!("request", trans_id);
    let mut observed = ObservedRequest::begin(&proxy, &mut request, &trans_id);
    let answer = {
        // Pinned here, because it is large to move.
        let answering = pin!(route(&proxy, request, &trans_id, &mut observed));
        proxy.host().timeout(REQUEST_MAX, answering.instrument(span)).await
    };
    let mut response = match answer {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => ErrorResponse::of(&error).into_response(),
        Err(late) => ErrorResponse::of(&late.into()).into_response(),
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
    observed.observe_body(response)
}

/// Finds the operation that a request asks for, and runs it.
async fn route(
    proxy: &Proxy,
    mut request: Request,
    trans_id: &str,
    observed: &mut ObservedRequest,
) -> Result<Response, ProxyError> {
    auth::conceal(request.headers_mut());
    if let Some(answer) = info::answer(proxy.config(), request.method(), request.uri().path()) {
        observed.set_kind(RequestKind::Info);
        return Ok(answer);
    }
    let (auth, now) = (&proxy.config().auth, proxy.host().now());
    if let Some(answer) = auth.log_in(&request, now) {
        observed.set_kind(RequestKind::Auth);
        return Ok(answer?);
    }
    let path = path_of(request.uri().path())?;
    observed.set_path(&path);
    let caller = auth.caller(request.headers(), now)?;
    observed.set_caller(&caller);
    remove_internal(request.headers_mut());
    let is_job =
        request.method() == Method::POST && request.headers().contains_key(X_ZEROVM_EXECUTE);
    let access = if is_job { Access::Manage } else { Access::of(request.method(), &path) };
    auth::authorise(proxy, &caller, &path, access).await?;
    if is_job {
        observed.set_kind(RequestKind::Job);
        let jobs = proxy.config().jobs.as_ref();
        let jobs = jobs.ok_or(RequestError::Unsupported(UnsupportedFeature::Jobs))?;
        let (trans_id, account) = (job_id(trans_id), path.account().to_owned());
        let call = JobRequest { account, poster: JobPoster(caller), path, trans_id, request };
        return Ok(jobs.run(proxy.clone(), call).await);
    }
    let query = request.uri().query().map(ToOwned::to_owned);
    check_query(query.as_deref().unwrap_or_default())?;
    check_supported(request.method(), request.headers(), query.as_deref().unwrap_or_default())
        .map_err(RequestError::from)?;
    let (parts, body) = request.into_parts();
    let (method, headers, trans_id) = (parts.method, parts.headers, trans_id.to_owned());
    let head = RequestHead { method, path, query, headers, trans_id, caller };
    let (answered, allowed) = match head.path.object() {
        Some(_) => (object::handle(proxy, head, body).await, "GET, HEAD, PUT, POST, DELETE, COPY"),
        // Boxed, so that a GET of an object does not allocate room for these.
        None => (Box::pin(index(proxy, head)).await, "GET, HEAD, PUT, POST, DELETE"),
    };
    match answered {
        Err(error) if error.status() == StatusCode::METHOD_NOT_ALLOWED => {
            let mut response = ErrorResponse::of(&error).into_response();
            response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
            Ok(response)
        }
        answered => answered,
    }
}

/// Answers a request on a container or an account. Only owners set and see all of its headers.
async fn index(proxy: &Proxy, mut head: RequestHead) -> Result<Response, ProxyError> {
    let is_owner = head.caller.owns(&head.path);
    if !is_owner {
        auth::remove_owner_headers(&mut head.headers);
    }
    let mut answer = if head.path.container().is_some() {
        auth::normalise_acls(&mut head.headers)?;
        let (path, is_reading) =
            (head.path.clone(), [Method::GET, Method::HEAD].contains(&head.method));
        let answer = container::handle(proxy, head).await;
        if !is_reading {
            // Also after a failure: some replicas may have changed.
            auth::forget_acls(proxy, &path);
        }
        answer?
    } else {
        account::handle(proxy, head).await?
    };
    if !is_owner {
        auth::remove_owner_headers(answer.headers_mut());
    }
    Ok(answer)
}

/// Id of a job: the first 16 random digits of its request's id, and the time. Shorter than the
/// whole id, because each message between hosts carries it and experiments count bytes.
fn job_id(trans_id: &str) -> String {
    let parts = trans_id.get(..18).zip(trans_id.rsplit_once('-'));
    parts.map_or_else(|| trans_id.to_owned(), |(random, (_, time))| format!("{random}-{time}"))
}

/// Parses the path of a URL behind the version of the API.
fn path_of(url_path: &str) -> Result<Path, RequestError> {
    let version = |version| {
        let rest: &str = url_path.strip_prefix(version)?;
        rest.starts_with('/').then_some(rest)
    };
    let rest = version("/v1").or_else(|| version("/v1.0"));
    let rest = rest.ok_or_else(|| RequestError::NoSuchPath { url_path: url_path.to_owned() })?;
    Ok(decode_path(rest)?)
}

/// Refuses features of Swift that this store lacks, where ignoring them would look like success.
fn check_supported(
    method: &Method,
    headers: &HeaderMap,
    query: &str,
) -> Result<(), UnsupportedFeature> {
    if *method != Method::PUT && *method != Method::POST && *method != Method::DELETE {
        return Ok(());
    }
    let is_bulk = ["bulk-delete", "extract-archive"]
        .iter()
        .any(|name| query::value(Some(query), name).is_some());
    if is_bulk {
        return Err(UnsupportedFeature::Bulk);
    }
    let by_header = [
        ("x-object-manifest", UnsupportedFeature::DynamicLargeObject),
        ("x-account-access-control", UnsupportedFeature::AccountAcl),
        ("x-symlink-target", UnsupportedFeature::Symlink),
    ];
    let used = by_header.into_iter().find(|(name, _)| headers.contains_key(*name));
    used.map_or(Ok(()), |(_, feature)| Err(feature))
}

/// Refuses a query that is not UTF-8: nodes would refuse it, which would look as if none answered.
fn check_query(query: &str) -> Result<(), RequestError> {
    let bad = query.split('&').find(|pair| percent_decode_str(pair).decode_utf8().is_err());
    bad.map_or(Ok(()), |pair| Err(RequestError::QueryNotUtf8 { pair: pair.to_owned() }))
}

fn remove_internal(headers: &mut HeaderMap) {
    let internal: Vec<HeaderName> =
        headers.keys().filter(|name| is_internal(name)).cloned().collect();
    for name in internal {
        headers.remove(name);
    }
}

/// Failure of a method that `resource` does not have.
fn method_not_allowed(method: &Method, resource: &str) -> RequestError {
    RequestError::MethodNotAllowed { method: method.clone(), resource: resource.to_owned() }
}
