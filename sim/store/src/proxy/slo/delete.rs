//! DELETE of a large object with all its segments, nested ones included, and the manifest last.
//!
//! Leaves out work in the background: the response comes at the end, with counts.

use std::collections::VecDeque;

use hyper::header::CONTENT_TYPE;
use hyper::{HeaderMap, Method, StatusCode};
use serde_json::json;
use stayput_host::Purpose;

use super::read::read;
use crate::http::{Body, Response};
use crate::proxy::Proxy;
use crate::proxy::auth::{Access, authorise};
use crate::proxy::error::ProxyError;
use crate::proxy::headers::{response, set};
use crate::proxy::limits::MANIFEST_DELETIONS_MAX;
use crate::proxy::listing_format::prefers_json;
use crate::proxy::object::delete;
use crate::proxy::request::RequestHead;
use crate::swift::Path;

/// Counts and failures of a deletion.
#[derive(Debug, Default)]
struct Tally {
    deleted: u64,
    missing: u64,
    /// Paths that failed, with the reason.
    errors: Vec<(Path, String)>,
}

/// Object to be deleted.
struct Step {
    path: Path,
    /// True if it is a manifest whose segments are deleted first.
    opens: bool,
}

/// Deletes the segments that the manifest of `head` names, and the manifest. The response is always
/// 200 with a report, as in Swift.
pub(in crate::proxy) async fn delete(
    proxy: &Proxy,
    head: &RequestHead,
) -> Result<Response, ProxyError> {
    let mut tally = Tally::default();
    let mut steps = VecDeque::from([Step { path: head.path.clone(), opens: true }]);
    let mut taken = 0;
    while let Some(step) = steps.pop_front() {
        taken += 1;
        if taken > MANIFEST_DELETIONS_MAX {
            tally.errors.push((step.path, "Too many segments to delete at once".to_owned()));
            break;
        }
        if let Err(error) = authorise(proxy, &head.caller, &step.path, Access::Write).await {
            tally.record(step.path, &error.into());
            continue;
        }
        if step.opens {
            let asked = head.related(Method::GET, step.path.clone());
            match Box::pin(read(proxy, &asked)).await {
                Ok(manifest) => {
                    let segments = manifest.segments().iter();
                    steps.extend(segments.filter_map(|segment| {
                        Some(Step { path: segment.path(&head.path).ok()?, opens: segment.sub_slo })
                    }));
                    steps.push_back(Step { opens: false, ..step });
                }
                Err(error) => tally.record(step.path, &error),
            }
            continue;
        }
        let asked = head.related(Method::DELETE, step.path.clone());
        match Box::pin(delete::handle(proxy, &asked)).await {
            Ok(_) => tally.deleted += 1,
            Err(error) => tally.record(step.path, &error.into()),
        }
    }
    Ok(tally.response(head))
}

impl Tally {
    /// Counts a failed step. Statuses are part of the report, as in Swift.
    fn record(&mut self, path: Path, error: &ProxyError) {
        match error {
            error if error.is_not_found() => self.missing += 1,
            error if error.status() == StatusCode::BAD_REQUEST => {
                self.errors.push((path, error.to_string()));
            }
            error => self.errors.push((path, error.status().to_string())),
        }
    }

    fn response(&self, head: &RequestHead) -> Response {
        let status = match (self.errors.is_empty(), self.deleted) {
            (false, _) => StatusCode::BAD_REQUEST,
            (true, 0) => StatusCode::NOT_FOUND,
            (true, _) => StatusCode::OK,
        };
        let name = |path: &Path| path.encoded().splitn(3, '/').skip(2).collect::<String>();
        let errors: Vec<(String, &str)> = self
            .errors
            .iter()
            .map(|(path, why)| (format!("/{}", name(path)), why.as_str()))
            .collect();
        let mut headers = HeaderMap::new();
        let text = if prefers_json(&head.headers) {
            set(&mut headers, CONTENT_TYPE, "application/json");
            json!({
                "Number Deleted": self.deleted,
                "Number Not Found": self.missing,
                "Response Status": status.to_string(),
                "Response Body": "",
                "Errors": errors,
            })
            .to_string()
        } else {
            set(&mut headers, CONTENT_TYPE, "text/plain");
            let counts = format!(
                "Number Deleted: {}\nNumber Not Found: {}\nResponse Body: \nResponse Status: {status}\nErrors:\n",
                self.deleted, self.missing,
            );
            errors.iter().fold(counts, |text, (name, why)| text + &format!("{name}, {why}\n"))
        };
        response(StatusCode::OK, headers, Body::full(Purpose::Control, text))
    }
}
