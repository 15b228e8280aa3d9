//! A fake storage node: keeps one object in memory, and misbehaves as it is told.

use std::cell::RefCell;
use std::rc::Rc;

use bytes::Bytes;
use hyper::header::{
    CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, RANGE,
};
use hyper::{HeaderMap, Method, StatusCode};
use md5::{Digest, Md5};
use stayput_host::{Host, Purpose};

use super::{Request, Response};
use crate::http;
use crate::http::Body;
use crate::swift::header::{
    X_BACKEND_DATA_TIMESTAMP, X_BACKEND_TIMESTAMP, X_BACKEND_WANT_VERSION, X_CONTAINER_READ,
    X_TIMESTAMP, text, timestamp,
};
use crate::swift::{NODE_PORT, Service, Timestamp};

/// The listing of each container.
const ROWS: &str = r#"[{"name":"o","hash":"0","bytes":1,"content_type":"t","last_modified":"m"}]"#;

/// Behaviour of a node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Manner {
    #[default]
    Well,
    /// It refuses connections.
    Down,
    /// It takes requests and never answers.
    Silent,
    /// Its disk is gone.
    Full,
    /// Bodies that it sends break off after so many bytes.
    BreaksAfter(usize),
    /// Bodies that it sends stop after so many bytes, and so does its taking them.
    StallsAfter(usize),
    /// It has no container.
    NoContainer,
}

/// Stored object, or its tombstone.
#[derive(Clone, Debug)]
pub(super) enum Kept {
    Data(Timestamp, String, Bytes),
    Tombstone(Timestamp),
}

#[derive(Clone, Debug, Default)]
pub(super) struct Node(Rc<RefCell<State>>);

#[derive(Debug, Default)]
struct State {
    manner: Manner,
    kept: Option<Kept>,
    /// Method, path and headers of each request for the object.
    asked: Vec<(Method, String, HeaderMap)>,
    /// Methods of the requests for the container.
    asked_of_container: Vec<Method>,
    /// Access list of the container, as it answers.
    readers: Option<String>,
}

pub(super) fn md5(data: &[u8]) -> String {
    Md5::digest(data).iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Node {
    pub(super) fn behave(&self, manner: Manner) {
        self.0.borrow_mut().manner = manner;
    }

    /// Has it hold `data` under the ETag of `named`.
    pub(super) fn hold(&self, version: Timestamp, data: &Bytes, named: &Bytes) {
        self.0.borrow_mut().kept = Some(Kept::Data(version, md5(named), data.clone()));
    }

    /// Has it say so of who may read the container.
    pub(super) fn let_read(&self, readers: &str) {
        self.0.borrow_mut().readers = Some(readers.to_owned());
    }

    /// Requests for the container with that method.
    pub(super) fn asked_of_container(&self, method: &Method) -> usize {
        self.0.borrow().asked_of_container.iter().filter(|asked| *asked == method).count()
    }

    pub(super) fn bury(&self, tombstone: Timestamp) {
        self.0.borrow_mut().kept = Some(Kept::Tombstone(tombstone));
    }

    pub(super) fn holds(&self) -> Option<Bytes> {
        match &self.0.borrow().kept {
            Some(Kept::Data(_, _, data)) => Some(data.clone()),
            _ => None,
        }
    }

    pub(super) fn tombstone(&self) -> Option<Timestamp> {
        match &self.0.borrow().kept {
            Some(Kept::Tombstone(at)) => Some(*at),
            _ => None,
        }
    }

    /// The values of a header in the requests of that method.
    pub(super) fn told(&self, method: &Method, header: &str) -> Vec<String> {
        let state = self.0.borrow();
        let asked = state.asked.iter().filter(|(asked, _, _)| asked == method);
        asked
            .filter_map(|(_, _, headers)| Some(headers.get(header)?.to_str().unwrap().to_owned()))
            .collect()
    }

    pub(super) fn paths(&self) -> Vec<String> {
        self.0.borrow().asked.iter().map(|(_, path, _)| path.clone()).collect()
    }

    pub(super) async fn run(self, host: Host) {
        if self.0.borrow().manner == Manner::Down {
            return;
        }
        let (node, at) = (self.clone(), host.clone());
        http::serve(&host, NODE_PORT, move |request| {
            let (node, host) = (node.clone(), at.clone());
            async move { node.object(&host, request).await }
        })
        .unwrap();
        for service in [Service::Container, Service::Account] {
            let node = self.clone();
            http::serve(&host, service.port(NODE_PORT), move |request| {
                std::future::ready(node.listing(service, &request))
            })
            .unwrap();
        }
    }

    fn listing(&self, service: Service, request: &Request) -> Response {
        let missing =
            service == Service::Container && self.0.borrow().manner == Manner::NoContainer;
        if service == Service::Container {
            self.0.borrow_mut().asked_of_container.push(request.method().clone());
        }
        match *request.method() {
            Method::PUT => answer(StatusCode::CREATED, &[]),
            _ if missing => answer(StatusCode::NOT_FOUND, &[]),
            Method::GET => {
                let mut response = answer(StatusCode::OK, &[]);
                let json = request.uri().query().is_some_and(|query| query.contains("json"));
                *response.body_mut() =
                    Body::full(Purpose::Listing, if json { ROWS } else { "o\n" });
                response
            }
            _ => {
                let readers = self.0.borrow().readers.clone();
                let said = readers.iter().map(|it| (X_CONTAINER_READ, &**it)).collect::<Vec<_>>();
                answer(StatusCode::NO_CONTENT, &said)
            }
        }
    }

    async fn object(&self, host: &Host, request: Request) -> Response {
        let manner = self.0.borrow().manner;
        let (head, mut body) = request.into_parts();
        let path = head.uri.path().to_owned();
        self.0.borrow_mut().asked.push((head.method.clone(), path, head.headers.clone()));
        match manner {
            Manner::Silent => std::future::pending().await,
            Manner::Full => return answer(StatusCode::INSUFFICIENT_STORAGE, &[]),
            _ => {}
        }
        let at = timestamp(&head.headers, &X_TIMESTAMP).unwrap_or_default();
        match head.method {
            Method::PUT => {
                if let Manner::StallsAfter(end) = manner {
                    let mut taken = 0;
                    while taken < end
                        && let Ok(Some(chunk)) = body.chunk().await
                    {
                        taken += chunk.len();
                    }
                    std::future::pending::<()>().await;
                }
                let Ok(data) = body.collect(1 << 30).await else {
                    return answer(StatusCode::BAD_REQUEST, &[]);
                };
                self.put(at, &head.headers, data)
            }
            Method::DELETE | Method::POST => self.change(at, &head.method),
            _ => self.read(host, &head.method, &head.headers, manner),
        }
    }

    fn version(&self) -> Option<Timestamp> {
        self.0.borrow().kept.as_ref().map(|kept| match kept {
            Kept::Data(version, ..) | Kept::Tombstone(version) => *version,
        })
    }

    fn put(&self, at: Timestamp, headers: &HeaderMap, data: Bytes) -> Response {
        let etag = md5(&data);
        if let Some(version) = self.version().filter(|version| *version >= at) {
            let version = version.to_string();
            return answer(StatusCode::CONFLICT, &[(X_BACKEND_TIMESTAMP, &version)]);
        }
        if text(headers, &ETAG).is_some_and(|wanted| wanted != etag) {
            return answer(StatusCode::UNPROCESSABLE_ENTITY, &[]);
        }
        self.0.borrow_mut().kept = Some(Kept::Data(at, etag.clone(), data));
        answer(StatusCode::CREATED, &[(ETAG, &etag)])
    }

    fn change(&self, at: Timestamp, method: &Method) -> Response {
        if let Some(version) = self.version().filter(|version| *version >= at) {
            let version = version.to_string();
            return answer(StatusCode::CONFLICT, &[(X_BACKEND_TIMESTAMP, &version)]);
        }
        let had = self.holds().is_some();
        if *method == Method::DELETE {
            self.bury(at);
        }
        match (had, method) {
            (false, _) => answer(StatusCode::NOT_FOUND, &[]),
            (true, &Method::DELETE) => answer(StatusCode::NO_CONTENT, &[]),
            (true, _) => answer(StatusCode::ACCEPTED, &[]),
        }
    }

    fn read(&self, host: &Host, method: &Method, headers: &HeaderMap, manner: Manner) -> Response {
        let kept = self.0.borrow().kept.clone();
        let (version, etag, data) = match kept {
            None => return answer(StatusCode::NOT_FOUND, &[]),
            Some(Kept::Tombstone(at)) => {
                let at = at.to_string();
                return answer(StatusCode::NOT_FOUND, &[(X_BACKEND_TIMESTAMP, &at)]);
            }
            Some(Kept::Data(version, etag, data)) => (version, etag, data),
        };
        let named = version.to_string();
        if timestamp(headers, &X_BACKEND_WANT_VERSION).is_some_and(|wanted| wanted != version) {
            return answer(StatusCode::CONFLICT, &[(X_BACKEND_TIMESTAMP, &named)]);
        }
        let (status, first, end) = range(headers, data.len());
        let mut response = answer(status, &[(ETAG, &etag), (X_BACKEND_DATA_TIMESTAMP, &named)]);
        let of = |text: String| HeaderValue::try_from(text).unwrap();
        if status == StatusCode::PARTIAL_CONTENT {
            let range = format!("bytes {first}-{}/{}", end - 1, data.len());
            response.headers_mut().insert(CONTENT_RANGE, of(range));
        }
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        if *method == Method::HEAD {
            response.headers_mut().insert(CONTENT_LENGTH, of(data.len().to_string()));
            return response;
        }
        *response.body_mut() = body(host, data.slice(first..end), manner);
        response
    }
}

fn range(headers: &HeaderMap, len: usize) -> (StatusCode, usize, usize) {
    let range = text(headers, &RANGE).and_then(|range| range.strip_prefix("bytes="));
    let Some((first, last)) = range.and_then(|range| range.split_once('-')) else {
        return (StatusCode::OK, 0, len);
    };
    let end = last.parse::<usize>().map_or(len, |last| last + 1).min(len);
    (StatusCode::PARTIAL_CONTENT, first.parse().unwrap(), end)
}

/// The body in small chunks, as far as the manner lets it come.
fn body(host: &Host, data: Bytes, manner: Manner) -> Body {
    let (sender, body) = Body::stream(data.len() as u64);
    host.spawn(async move {
        let end = match manner {
            Manner::BreaksAfter(end) | Manner::StallsAfter(end) => end.min(data.len()),
            _ => data.len(),
        };
        for chunk in data.slice(..end).chunks(10_000) {
            if !sender.send(Purpose::ObjectData, Bytes::copy_from_slice(chunk)).await {
                return;
            }
        }
        if matches!(manner, Manner::StallsAfter(_)) {
            std::future::pending::<()>().await;
        }
    });
    body
}

fn answer(status: StatusCode, headers: &[(HeaderName, &str)]) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    for (name, value) in headers {
        response.headers_mut().insert(name, HeaderValue::try_from(*value).unwrap());
    }
    response
}
