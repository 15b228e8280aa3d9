//! Requests without a token: health check, capabilities and metrics.
//!
//! `/metrics` shows sums over all clients and no names, if the proxy's observer offers it.
//!
//! Leaves out figures for administrators, and features that the proxy lacks: clients rely on those
//! named here.

use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::{HeaderMap, Method, StatusCode};
use serde_json::json;
use stayput_host::Purpose;

use super::method_not_allowed;
use crate::http::{Body, Response};
use crate::proxy::auth::Authenticator;
use crate::proxy::error::ProxyError;
use crate::proxy::error_response::ErrorResponse;
use crate::proxy::headers::response;
use crate::proxy::{ProxyConfig, limits};
use crate::swift::{ACCOUNT_LEN_MAX, CONTAINER_LEN_MAX, OBJECT_LEN_MAX};

/// Answers a request for one of these paths; `None` if `url_path` is another.
pub(super) fn answer(config: &ProxyConfig, method: &Method, url_path: &str) -> Option<Response> {
    let (content_type, text) = match url_path {
        "/healthcheck" => ("text/plain", "OK".to_owned()),
        "/info" => ("application/json; charset=UTF-8", capabilities(&config.auth)),
        "/metrics" => config.observer.as_ref()?.metrics()?,
        _ => return None,
    };
    if *method != Method::GET && *method != Method::HEAD {
        let error = ProxyError::from(method_not_allowed(method, url_path));
        let mut refused = ErrorResponse::of(&error).into_response();
        refused.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return Some(refused);
    }
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    let body = match *method == Method::HEAD {
        true => Body::empty(),
        false => Body::full(Purpose::Control, text),
    };
    Some(response(StatusCode::OK, headers, body))
}

/// JSON of Swift's `/info`: one section for each feature, and `swift` with the common limits.
fn capabilities(auth: &Authenticator) -> String {
    let mut sections = json!({
        "swift": {
            "version": concat!("stayput-", env!("CARGO_PKG_VERSION")),
            "account_autocreate": true,
            "allow_account_management": false,
            "account_listing_limit": limits::LISTING_ROWS,
            "container_listing_limit": limits::LISTING_ROWS,
            "max_account_name_length": ACCOUNT_LEN_MAX,
            "max_container_name_length": CONTAINER_LEN_MAX,
            "max_object_name_length": OBJECT_LEN_MAX,
            "max_file_size": limits::OBJECT_BYTES_MAX,
            "max_header_size": limits::HEADER_VALUE_BYTES_MAX,
            "max_meta_count": limits::META_ITEMS_MAX,
            "max_meta_name_length": limits::META_NAME_BYTES_MAX,
            "max_meta_value_length": limits::META_VALUE_BYTES_MAX,
            "max_meta_overall_size": limits::META_BYTES_MAX,
            "policies": [{ "name": "Policy-0", "default": true, "aliases": "Policy-0" }],
            "strict_cors_mode": true,
            "valid_api_versions": ["v1", "v1.0"],
        },
        "slo": {
            "max_manifest_segments": limits::MANIFEST_SEGMENTS_MAX,
            "max_manifest_size": limits::MANIFEST_BYTES_MAX,
            "min_segment_size": 1,
            "allow_async_delete": false,
        },
    });
    if matches!(auth, Authenticator::Temp(_)) {
        // Clients read here if `X-Account-Access-Control` is supported.
        sections["tempauth"] = json!({ "account_acls": false });
    }
    sections.to_string()
}
