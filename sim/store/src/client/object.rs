//! Reads a whole object, going on at another proxy where one breaks off.
//!
//! Leaves out keeping a body on disk: it is held whole.

use bytes::Bytes;
use hyper::header::{CONTENT_RANGE, IF_MATCH, RANGE};
use hyper::{HeaderMap, Method, StatusCode};
use stayput_host::{Attempt, AttemptKind, Purpose};

use super::incoming::ObjectDownload;
use super::retry::{Exchange, etag, limits};
use super::{Client, ClientError};
use crate::http::IncomingResponse;
use crate::swift::Path;
use crate::swift::header::{X_STAYPUT_PURPOSE, text};

/// An object as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DownloadedObject {
    /// The MD5 of its data, which was checked.
    pub etag: String,
    /// The headers that came first.
    pub headers: HeaderMap,
    /// The data.
    pub content: Bytes,
}

impl Client {
    /// The whole of an object.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn get_object(&self, path: &Path) -> Result<DownloadedObject, ClientError> {
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
    ) -> Result<DownloadedObject, ClientError> {
        let incoming = ObjectDownload::default();
        self.receive_object(path, purpose, &incoming).await?;
        let (etag, headers, content) = incoming.into_parts();
        Ok(DownloadedObject { etag, headers, content })
    }

    /// Brings an object into `incoming`, from which others may read meanwhile; its bytes are counted as `purpose`.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn receive_object(
        &self,
        path: &Path,
        purpose: Purpose,
        incoming: &ObjectDownload,
    ) -> Result<(), ClientError> {
        let received = self.receive(path, purpose, incoming).await;
        incoming.end(received.is_ok());
        received
    }

    async fn receive(
        &self,
        path: &Path,
        purpose: Purpose,
        incoming: &ObjectDownload,
    ) -> Result<(), ClientError> {
        let mut last = ClientError::NoProxies;
        for attempt in 0..limits::ATTEMPTS_MAX {
            let mut trying = self.host.attempt(AttemptKind::Request, "request");
            match self.get_more(path, purpose, attempt, (incoming, &mut trying)).await {
                Ok(()) => return Ok(()),
                Err(error @ ClientError::Refused { status, .. })
                    if status == StatusCode::PRECONDITION_FAILED && incoming.len() > 0 =>
                {
                    // Another version is there now: what has come of the old one is worth nothing.
                    incoming.forget();
                    last = error;
                }
                Err(error) if error.is_passing() => last = error,
                Err(error) => return Err(error),
            }
            trying.failed();
            self.back_off(attempt, AttemptKind::Request).await;
        }
        Err(last)
    }

    /// Adds what is missing, or as much of it as comes.
    async fn get_more(
        &self,
        path: &Path,
        purpose: Purpose,
        attempt: u32,
        (incoming, trying): (&ObjectDownload, &mut Attempt),
    ) -> Result<(), ClientError> {
        let mut exchange = Exchange::new(Method::GET, path);
        exchange.header(X_STAYPUT_PURPOSE, purpose.name());
        if incoming.len() > 0 {
            exchange.header(RANGE, &format!("bytes={}-", incoming.len()));
            exchange.header(IF_MATCH, &incoming.etag());
        }
        let what = exchange.what();
        let (proxy, mut answer) = self.send(&exchange, attempt).await?;
        if !answer.status.is_success() {
            let why = self.collect(&what, proxy, &mut answer).await?;
            return Err(ClientError::refused(what, proxy, answer.status, &why));
        }
        if !goes_on(&answer, incoming) {
            let etag = etag(&answer.headers).unwrap_or_default();
            incoming.begin(etag, answer.headers.clone(), answer.body.length());
        }
        loop {
            let chunk = self.host.timeout(limits::CHUNK_MAX, answer.body.chunk()).await;
            match chunk {
                Ok(Ok(Some(chunk))) => {
                    trying.progressed();
                    incoming.add(&chunk);
                }
                Ok(Ok(None)) => break,
                Ok(Err(source)) => return Err(ClientError::Broken { what, proxy, source }),
                Err(source) => return Err(ClientError::Stalled { what, proxy, source }),
            }
        }
        let mut checksum = self.host.checksum();
        incoming.with_content(|content| checksum.update(content));
        let md5: String = checksum.sum().iter().map(|byte| format!("{byte:02x}")).collect();
        let etag = incoming.etag();
        if md5 == etag {
            return Ok(());
        }
        trying.discard_progress();
        incoming.forget();
        Err(ClientError::Damaged { what, proxy, etag })
    }
}

/// Whether the answer begins where what has come so far ends, and is of the same version.
fn goes_on(answer: &IncomingResponse, incoming: &ObjectDownload) -> bool {
    let first = text(&answer.headers, &CONTENT_RANGE)
        .and_then(|range| range.strip_prefix("bytes ")?.split_once('-')?.0.parse::<usize>().ok());
    incoming.len() > 0
        && answer.status == StatusCode::PARTIAL_CONTENT
        && first == Some(incoming.len())
        && etag(&answer.headers) == Some(incoming.etag())
}
