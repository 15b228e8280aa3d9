//! Requests on accounts: one is created with its first container, and listed from any replica.
//!
//! Leaves out quotas.

use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{HeaderMap, Method, StatusCode};
use stayput_host::Purpose;

use super::method_not_allowed;
use crate::http::{Body, Response};
use crate::proxy::error::ProxyError;
use crate::proxy::headers::{response, set};
use crate::proxy::index::{change, ensure_account, read};
use crate::proxy::listing_format::with_format;
use crate::proxy::quorum::QuorumFailure;
use crate::proxy::request::RequestHead;
use crate::proxy::{Proxy, metadata, query};
use crate::swift::header::{
    ACCOUNT_META_PREFIX, X_ACCOUNT_BYTES_USED, X_ACCOUNT_CONTAINER_COUNT, X_ACCOUNT_OBJECT_COUNT,
};
use crate::swift::{Service, escape_xml};

/// Answers a request on an account.
pub(super) async fn handle(proxy: &Proxy, head: RequestHead) -> Result<Response, ProxyError> {
    match head.method {
        Method::GET | Method::HEAD => {
            let query = with_format(head.query.as_deref(), &head.headers)?;
            match read(proxy, &head, Service::Account, query.clone()).await {
                Ok(response) => Ok(response),
                Err(QuorumFailure::NotFound) => Ok(empty_account(&head, query.as_deref())),
                Err(failure) => Err(failure.on(format!("account {}", head.path)).into()),
            }
        }
        Method::PUT | Method::DELETE => {
            change(proxy, &head, Service::Account, ACCOUNT_META_PREFIX).await
        }
        Method::POST => {
            metadata::check(&head.headers, ACCOUNT_META_PREFIX)?;
            ensure_account(proxy, &head).await?;
            change(proxy, &head, Service::Account, ACCOUNT_META_PREFIX).await
        }
        _ => Err(method_not_allowed(&head.method, "an account").into()),
    }
}

/// Response for an account that no container was put into: it exists for its users all the same.
fn empty_account(head: &RequestHead, listing_query: Option<&str>) -> Response {
    let mut headers = HeaderMap::new();
    for name in [X_ACCOUNT_CONTAINER_COUNT, X_ACCOUNT_OBJECT_COUNT, X_ACCOUNT_BYTES_USED] {
        set(&mut headers, name, 0);
    }
    let format = query::value(listing_query, "format").unwrap_or_default().to_ascii_lowercase();
    let (content_type, listing) = match &*format {
        "json" => ("application/json; charset=utf-8", "[]".to_owned()),
        "xml" => {
            let name = escape_xml(head.path.account());
            let xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
            ("application/xml; charset=utf-8", format!("{xml}<account name=\"{name}\"></account>"))
        }
        _ => ("text/plain; charset=utf-8", String::new()),
    };
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    if listing.is_empty() || head.method == Method::HEAD {
        return response(StatusCode::NO_CONTENT, headers, Body::empty());
    }
    response(StatusCode::OK, headers, Body::full(Purpose::Listing, listing))
}
