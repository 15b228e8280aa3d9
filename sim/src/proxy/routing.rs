//! From a request to the room that does it: reads the path, asks who it is, drops what clients may not say.
//!
//! Leaves out paths outside `/v1`, but for those where tokens are given.

use hyper::header::{HeaderName, WWW_AUTHENTICATE};
use hyper::{HeaderMap, Method, StatusCode};
use percent_encoding::percent_decode_str;

use super::answer::{Refusal, is_internal, set};
use super::auth::{Access, Caller};
use super::limits::REQUEST_MAX;
use super::{JobCall, Proxy, account, auth, container, object};
use crate::http::{Received, Request, Response};
use crate::swift::header::{X_TRANS_ID, X_ZEROVM_EXECUTE};
use crate::swift::{Path, decode_path};

/// A client's request; who asks has been let in.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) path: Path,
    pub(super) query: Option<String>,
    pub(super) headers: HeaderMap,
    pub(super) trans_id: String,
    pub(super) body: Received,
    /// Who asks. A path beside [`Call::path`] is to be asked for with [`auth::authorise`].
    pub(super) caller: Caller,
}

/// Answers a request.
pub(super) async fn handle(proxy: Proxy, request: Request) -> Response {
    let (trans_id, uri) = (proxy.next_trans_id(), request.uri().clone());
    let answer = proxy.host().timeout(REQUEST_MAX, route(&proxy, request, &trans_id)).await;
    let mut response = match answer {
        Ok(Ok(response)) => response,
        Ok(Err(refusal)) => refusal.into_response(),
        Err(late) => {
            Refusal::new(StatusCode::SERVICE_UNAVAILABLE, late.to_string()).into_response()
        }
    };
    if response.status() == StatusCode::UNAUTHORIZED {
        set(response.headers_mut(), WWW_AUTHENTICATE, auth::challenge(uri.path()));
    }
    set(response.headers_mut(), X_TRANS_ID, trans_id);
    response
}

async fn route(proxy: &Proxy, mut request: Request, trans_id: &str) -> Result<Response, Refusal> {
    auth::conceal(request.headers_mut());
    let (auth, now) = (&proxy.config().auth, proxy.host().now());
    if let Some(answer) = auth.log_in(&request, now) {
        return answer;
    }
    let path = path_of(request.uri().path())?;
    let caller = auth.caller(request.headers(), now)?;
    drop_internal(request.headers_mut());
    let is_job =
        request.method() == Method::POST && request.headers().contains_key(X_ZEROVM_EXECUTE);
    let access = if is_job { Access::Manage } else { Access::of(request.method(), &path) };
    auth::authorise(proxy, &caller, &path, access).await?;
    if is_job {
        let jobs =
            proxy.config().jobs.as_ref().ok_or_else(|| {
                Refusal::new(StatusCode::NOT_IMPLEMENTED, "this proxy runs no jobs")
            })?;
        let (trans_id, account) = (trans_id.to_owned(), path.account().to_owned());
        return Ok(jobs.run(proxy.clone(), JobCall { account, path, trans_id, request }).await);
    }
    let query = request.uri().query().map(ToOwned::to_owned);
    check_query(query.as_deref().unwrap_or_default())?;
    let (head, body) = request.into_parts();
    let (method, headers, trans_id) = (head.method, head.headers, trans_id.to_owned());
    let call = Call { method, path, query, headers, trans_id, body, caller };
    // Boxed, so that a reading of an object does not carry the room for the others.
    match call.path.object() {
        Some(_) => object::handle(proxy, call).await,
        None => Box::pin(index(proxy, call)).await,
    }
}

/// A request on a container or an account, whose headers say more to owners than to others.
async fn index(proxy: &Proxy, mut call: Call) -> Result<Response, Refusal> {
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

fn path_of(url_path: &str) -> Result<Path, Refusal> {
    let rest = url_path.strip_prefix("/v1").filter(|rest| rest.starts_with('/'));
    let rest =
        rest.ok_or_else(|| Refusal::not_found(format!("{url_path}: paths begin with /v1/")))?;
    decode_path(rest).map_err(|bad| Refusal::new(StatusCode::PRECONDITION_FAILED, bad.to_string()))
}

/// Nodes want queries in UTF-8 and refuse others, which would look as if none of them answered.
fn check_query(query: &str) -> Result<(), Refusal> {
    for pair in query.split('&') {
        if percent_decode_str(pair).decode_utf8().is_err() {
            let why = format!("{pair:?} in the query is not UTF-8");
            return Err(Refusal::new(StatusCode::PRECONDITION_FAILED, why));
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
pub(super) fn no_method(method: &Method, what: &str) -> Refusal {
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, format!("{method} does not go with {what}"))
}
