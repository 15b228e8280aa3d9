//! Requests on objects: picks the operation by method, query and headers.
//!
//! Leaves out dynamic large objects, removal of expired objects, and versions.

use hyper::Method;

use super::{copy, method_not_allowed, object_get};
use crate::http::{IncomingBody, Response};
use crate::proxy::error::{ProxyError, RequestError};
use crate::proxy::object::{delete, post, put};
use crate::proxy::request::RequestHead;
use crate::proxy::{Proxy, slo};
use crate::swift::header::X_STATIC_LARGE_OBJECT;

/// Answers a request on an object.
pub(super) async fn handle(
    proxy: &Proxy,
    head: RequestHead,
    body: IncomingBody,
) -> Result<Response, ProxyError> {
    match head.method {
        Method::GET | Method::HEAD => object_get::handle(proxy, &head).await,
        // Boxed, so that a GET does not allocate room for changes.
        _ => Box::pin(change(proxy, &head, body)).await,
    }
}

async fn change(
    proxy: &Proxy,
    head: &RequestHead,
    body: IncomingBody,
) -> Result<Response, ProxyError> {
    let manifest = slo::operation(head);
    match head.method.as_str() {
        "PUT" | "POST" if head.headers.contains_key(X_STATIC_LARGE_OBJECT) => {
            Err(RequestError::StaticLargeObjectSet.into())
        }
        "PUT" if head.headers.contains_key(copy::X_COPY_FROM) => copy::put(proxy, head).await,
        "PUT" if manifest.as_deref() == Some("put") => slo::put(proxy, head, body).await,
        "PUT" => put::handle(proxy, head, body).await,
        "COPY" => copy::to_destination(proxy, head).await,
        "POST" => post::handle(proxy, head).await,
        "DELETE" if manifest.as_deref() == Some("delete") => slo::delete(proxy, head).await,
        "DELETE" => Ok(delete::handle(proxy, head).await?),
        _ => Err(method_not_allowed(&head.method, "an object").into()),
    }
}
