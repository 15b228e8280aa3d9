//! Reads a whole object, going on at another proxy where one breaks off.
//!
//! Leaves out keeping a body on disk: it is held whole.

use bytes::{Bytes, BytesMut};
use hyper::header::{CONTENT_RANGE, IF_MATCH, RANGE};
use hyper::{HeaderMap, Method, StatusCode};
use md5::{Digest, Md5};

use super::retry::{Exchange, etag, limits};
use super::{Client, ClientError};
use crate::host::Purpose;
use crate::http::Answer;
use crate::swift::Path;
use crate::swift::header::{X_STAYPUT_PURPOSE, text};

/// An object as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// The MD5 of its data, which was checked.
    pub etag: String,
    /// The headers that came first.
    pub headers: HeaderMap,
    /// The data.
    pub content: Bytes,
}

/// What has come so far of one version.
#[derive(Default)]
struct Partial {
    etag: String,
    headers: HeaderMap,
    content: BytesMut,
}

impl Client {
    /// The whole of an object.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn get_object(&self, path: &Path) -> Result<Object, ClientError> {
        self.get_object_for(path, Purpose::ObjectData).await
    }

    /// The whole of an object, its bytes counted as `purpose`.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn get_object_for(
        &self,
        path: &Path,
        purpose: Purpose,
    ) -> Result<Object, ClientError> {
        let mut partial = Partial::default();
        let mut last = ClientError::NoProxies;
        for attempt in 0..limits::ATTEMPTS_MAX {
            match self.get_more(path, purpose, attempt, &mut partial).await {
                Ok(()) => {
                    let Partial { etag, headers, content } = partial;
                    return Ok(Object { etag, headers, content: content.freeze() });
                }
                Err(error @ ClientError::Refused { status, .. })
                    if status == StatusCode::PRECONDITION_FAILED && !partial.content.is_empty() =>
                {
                    // Another version is there now: what has come of the old one is worth nothing.
                    partial = Partial::default();
                    last = error;
                }
                Err(error) if error.is_passing() => last = error,
                Err(error) => return Err(error),
            }
            self.back_off(attempt).await;
        }
        Err(last)
    }

    /// Adds what is missing, or as much of it as comes.
    async fn get_more(
        &self,
        path: &Path,
        purpose: Purpose,
        attempt: u32,
        partial: &mut Partial,
    ) -> Result<(), ClientError> {
        let mut exchange = Exchange::new(Method::GET, path);
        exchange.header(X_STAYPUT_PURPOSE, purpose.name());
        if !partial.content.is_empty() {
            exchange.header(RANGE, &format!("bytes={}-", partial.content.len()));
            exchange.header(IF_MATCH, &partial.etag);
        }
        let what = exchange.what();
        let (proxy, mut answer) = self.send(&exchange, attempt).await?;
        if !answer.status.is_success() {
            let why = self.collect(&what, proxy, &mut answer).await?;
            return Err(ClientError::refused(what, proxy, answer.status, &why));
        }
        if !goes_on(&answer, partial) {
            let etag = etag(&answer.headers).unwrap_or_default();
            *partial = Partial { etag, headers: answer.headers.clone(), content: BytesMut::new() };
        }
        loop {
            let chunk = self.host.timeout(limits::CHUNK_MAX, answer.body.chunk()).await;
            match chunk {
                Ok(Ok(Some(chunk))) => partial.content.extend_from_slice(&chunk),
                Ok(Ok(None)) => break,
                Ok(Err(source)) => return Err(ClientError::Broken { what, proxy, source }),
                Err(source) => return Err(ClientError::Stalled { what, proxy, source }),
            }
        }
        let md5 = Md5::digest(&partial.content);
        let md5: String = md5.iter().map(|byte| format!("{byte:02x}")).collect();
        if md5 == partial.etag {
            return Ok(());
        }
        let etag = std::mem::take(partial).etag;
        Err(ClientError::Damaged { what, proxy, etag })
    }
}

/// Whether the answer begins where what has come so far ends, and is of the same version.
fn goes_on(answer: &Answer, partial: &Partial) -> bool {
    let first = text(&answer.headers, &CONTENT_RANGE)
        .and_then(|range| range.strip_prefix("bytes ")?.split_once('-')?.0.parse::<usize>().ok());
    !partial.content.is_empty()
        && answer.status == StatusCode::PARTIAL_CONTENT
        && first == Some(partial.content.len())
        && etag(&answer.headers).as_ref() == Some(&partial.etag)
}
