//! Deletes a large object with its segments, those of large objects among them included, and the manifest last.
//!
//! Leaves out going on in the background: the answer comes when all is done, and counts what was.

use std::collections::VecDeque;

use hyper::header::CONTENT_TYPE;
use hyper::{HeaderMap, Method, StatusCode};
use serde_json::json;
use stayput_host::Purpose;

use super::get::read;
use crate::http::{Body, Response};
use crate::proxy::Proxy;
use crate::proxy::answer::{ErrorResponse, response, set};
use crate::proxy::auth::{Access, authorise};
use crate::proxy::formats::prefers_json;
use crate::proxy::limits::MANIFEST_DELETIONS_MAX;
use crate::proxy::object::delete;
use crate::proxy::routing::Call;
use crate::swift::Path;

/// What came of it.
#[derive(Debug, Default)]
struct Tally {
    deleted: u64,
    missing: u64,
    /// Where it went wrong, and how.
    errors: Vec<(Path, String)>,
}

/// Something to be deleted.
struct Step {
    path: Path,
    /// Whether it is a manifest whose segments are to go before it.
    opens: bool,
}

/// Deletes what the manifest of `call` names, and the manifest. 200 with an account of it, whatever came of it, as in Swift.
pub(in crate::proxy::object) async fn delete(
    proxy: &Proxy,
    call: &Call,
) -> Result<Response, ErrorResponse> {
    let mut tally = Tally::default();
    let mut steps = VecDeque::from([Step { path: call.path.clone(), opens: true }]);
    let mut taken = 0;
    while let Some(step) = steps.pop_front() {
        taken += 1;
        if taken > MANIFEST_DELETIONS_MAX {
            tally.errors.push((step.path, "Too many segments to delete at once".to_owned()));
            break;
        }
        if let Err(refusal) = authorise(proxy, &call.caller, &step.path, Access::Write).await {
            tally.note(step.path, &refusal);
            continue;
        }
        if step.opens {
            let asked = call.along(Method::GET, step.path.clone());
            match Box::pin(read(proxy, &asked)).await {
                Ok(read) => {
                    let segments = read.manifest.segments().iter();
                    steps.extend(segments.filter_map(|segment| {
                        Some(Step { path: segment.path(&call.path).ok()?, opens: segment.sub_slo })
                    }));
                    steps.push_back(Step { opens: false, ..step });
                }
                Err(refusal) => tally.note(step.path, &refusal),
            }
            continue;
        }
        let asked = call.along(Method::DELETE, step.path.clone());
        match Box::pin(delete::handle(proxy, &asked)).await {
            Ok(_) => tally.deleted += 1,
            Err(refusal) => tally.note(step.path, &refusal),
        }
    }
    Ok(tally.answer(call))
}

impl Tally {
    fn note(&mut self, path: Path, refusal: &ErrorResponse) {
        match refusal.status {
            StatusCode::NOT_FOUND => self.missing += 1,
            StatusCode::BAD_REQUEST => self.errors.push((path, refusal.why.clone())),
            status => self.errors.push((path, status.to_string())),
        }
    }

    fn answer(&self, call: &Call) -> Response {
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
        let text = if prefers_json(&call.headers) {
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
