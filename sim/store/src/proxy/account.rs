//! Accounts: they come into being with their first container, and are listed from any replica.
//!
//! Leaves out quotas and the reaper of deleted accounts' containers.

use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{HeaderMap, Method, StatusCode};
use stayput_host::Purpose;

use super::answer::{ErrorResponse, response, set};
use super::backend::Ask;
use super::container::{change, read};
use super::formats::with_format;
use super::quorum::best_status;
use super::routing::{Call, no_method};
use super::{Proxy, metadata, query};
use crate::http::{Body, Response};
use crate::swift::header::{
    ACCOUNT_META_PREFIX, X_ACCOUNT_BYTES_USED, X_ACCOUNT_CONTAINER_COUNT, X_ACCOUNT_OBJECT_COUNT,
    X_TIMESTAMP, X_TRANS_ID,
};
use crate::swift::{Service, escape_xml};

/// Answers a request on an account.
pub(super) async fn handle(proxy: &Proxy, call: Call) -> Result<Response, ErrorResponse> {
    match call.method {
        Method::GET | Method::HEAD => {
            let query = with_format(call.query.as_deref(), &call.headers)?;
            match read(proxy, &call, Service::Account, query.clone()).await {
                Ok(response) => Ok(response),
                Err(StatusCode::NOT_FOUND) => Ok(untouched(&call, query.as_deref())),
                Err(status) => {
                    Err(ErrorResponse::of_quorum(status, format!("account {}", call.path)))
                }
            }
        }
        Method::PUT | Method::DELETE => {
            change(proxy, &call, Service::Account, ACCOUNT_META_PREFIX).await
        }
        Method::POST => {
            metadata::check(&call.headers, ACCOUNT_META_PREFIX)?;
            ensure(proxy, &call).await?;
            change(proxy, &call, Service::Account, ACCOUNT_META_PREFIX).await
        }
        _ => Err(no_method(&call.method, "an account")),
    }
}

/// Makes the account of what is asked for, unless it is there.
pub(super) async fn ensure(proxy: &Proxy, call: &Call) -> Result<(), ErrorResponse> {
    let path = call.path.to_account();
    let nodes = proxy.nodes(&path);
    let mut headers = HeaderMap::new();
    set(&mut headers, X_TRANS_ID, &call.trans_id);
    set(&mut headers, X_TIMESTAMP, proxy.next_timestamp());
    let (service, partition, query) = (Service::Account, nodes.partition, None);
    let mut ask = Ask { method: Method::HEAD, service, path, partition, query, headers };
    let replicas = nodes.primaries.len();
    let statuses = |replies: Vec<super::backend::Reply>| {
        best_status(&replies.iter().map(|reply| reply.status).collect::<Vec<_>>(), replicas)
    };
    if statuses(proxy.change(&ask, &nodes, &[]).await).is_success() {
        return Ok(());
    }
    ask.method = Method::PUT;
    match statuses(proxy.change(&ask, &nodes, &[]).await) {
        status if status.is_success() => Ok(()),
        status => Err(ErrorResponse::of_quorum(status, format!("account {}", ask.path))),
    }
}

/// An account that nobody has put anything into: it has no containers, and is there all the same.
fn untouched(call: &Call, asked: Option<&str>) -> Response {
    let mut headers = HeaderMap::new();
    for name in [X_ACCOUNT_CONTAINER_COUNT, X_ACCOUNT_OBJECT_COUNT, X_ACCOUNT_BYTES_USED] {
        set(&mut headers, name, 0);
    }
    let format = query::value(asked, "format").unwrap_or_default().to_ascii_lowercase();
    let (content_type, listing) = match &*format {
        "json" => ("application/json; charset=utf-8", "[]".to_owned()),
        "xml" => {
            let name = escape_xml(call.path.account());
            let xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
            ("application/xml; charset=utf-8", format!("{xml}<account name=\"{name}\"></account>"))
        }
        _ => ("text/plain; charset=utf-8", String::new()),
    };
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    if listing.is_empty() || call.method == Method::HEAD {
        return response(StatusCode::NO_CONTENT, headers, Body::empty());
    }
    response(StatusCode::OK, headers, Body::full(Purpose::Listing, listing))
}
