//! Requests on containers: changes go to a quorum, which updates the account; listings come from
//! any replica.
//!
//! Leaves out quotas, versions and sharding.

use hyper::Method;

use super::method_not_allowed;
use crate::http::Response;
use crate::proxy::error::ProxyError;
use crate::proxy::index::{change, ensure_account, read};
use crate::proxy::listing_format::with_format;
use crate::proxy::request::RequestHead;
use crate::proxy::{Proxy, metadata};
use crate::swift::Service;
use crate::swift::header::CONTAINER_META_PREFIX;

/// Answers a request on a container.
pub(super) async fn handle(proxy: &Proxy, head: RequestHead) -> Result<Response, ProxyError> {
    match head.method {
        Method::GET | Method::HEAD => {
            let query = with_format(head.query.as_deref(), &head.headers)?;
            let response = read(proxy, &head, Service::Container, query).await;
            Ok(response.map_err(|failure| failure.on(format!("container {}", head.path)))?)
        }
        Method::PUT => {
            metadata::check(&head.headers, CONTAINER_META_PREFIX)?;
            ensure_account(proxy, &head).await?;
            change(proxy, &head, Service::Container, CONTAINER_META_PREFIX).await
        }
        Method::POST | Method::DELETE => {
            change(proxy, &head, Service::Container, CONTAINER_META_PREFIX).await
        }
        _ => Err(method_not_allowed(&head.method, "a container").into()),
    }
}
