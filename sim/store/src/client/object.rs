//! Download of a whole object, resumed at another proxy if one breaks off.
//!
//! Leaves out storing a body on disk: it is held in memory.

use bytes::Bytes;
use hyper::header::{CONTENT_RANGE, IF_MATCH, RANGE};
use hyper::{HeaderMap, Method, StatusCode};
use stayput_host::{Attempt, AttemptKind, Purpose};

use super::download::ObjectDownload;
use super::exchange::{Exchange, etag, limits};
use super::{Client, ClientError};
use crate::http::{IncomingResponse, content_range_start};
use crate::swift::Path;
use crate::swift::header::{X_STAYPUT_PURPOSE, text};

/// Object that was downloaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DownloadedObject {
    /// MD5 of the data, which was checked.
    pub etag: String,
    /// Headers of the first response.
    pub headers: HeaderMap,
    /// Data.
    pub content: Bytes,
}

impl Client {
    /// Downloads an object.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn get_object(&self, path: &Path) -> Result<DownloadedObject, ClientError> {
        self.get_object_for(path, Purpose::ObjectData).await
    }

    /// Downloads an object; its bytes are counted as `purpose`.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn get_object_for(
        &self,
        path: &Path,
        purpose: Purpose,
    ) -> Result<DownloadedObject, ClientError> {
        let download = ObjectDownload::default();
        self.receive_object(path, purpose, &download).await?;
        let (etag, headers, content) = download.into_parts();
        Ok(DownloadedObject { etag, headers, content })
    }

    /// Downloads an object into `download`, from which others may read meanwhile; its bytes are
    /// counted as `purpose`.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn receive_object(
        &self,
        path: &Path,
        purpose: Purpose,
        download: &ObjectDownload,
    ) -> Result<(), ClientError> {
        let received = self.receive(path, purpose, download).await;
        download.end(received.is_ok());
        received
    }

    async fn receive(
        &self,
        path: &Path,
        purpose: Purpose,
        download: &ObjectDownload,
    ) -> Result<(), ClientError> {
        let mut last = ClientError::NoProxies;
        for attempt in 0..limits::ATTEMPTS_MAX {
            let mut trying = self.host.attempt(AttemptKind::Request, "request");
            match self.get_more(path, purpose, attempt, (download, &mut trying)).await {
                Ok(()) => return Ok(()),
                Err(error @ ClientError::Refused { status, .. })
                    if status == StatusCode::PRECONDITION_FAILED && download.len() > 0 =>
                {
                    // The object was replaced: the bytes of the old version are void.
                    download.reset();
                    last = error;
                }
                Err(error) if error.is_transient() => last = error,
                Err(error) => return Err(error),
            }
            trying.failed();
            self.back_off(attempt, AttemptKind::Request).await;
        }
        Err(last)
    }

    /// Downloads the missing rest, or part of it.
    async fn get_more(
        &self,
        path: &Path,
        purpose: Purpose,
        attempt: u32,
        (download, trying): (&ObjectDownload, &mut Attempt),
    ) -> Result<(), ClientError> {
        let mut exchange = Exchange::new(Method::GET, path);
        exchange.header(X_STAYPUT_PURPOSE, purpose.name());
        if download.len() > 0 {
            exchange.header(RANGE, &format!("bytes={}-", download.len()));
            exchange.header(IF_MATCH, &download.etag());
        }
        let what = exchange.what();
        let (proxy, mut answer) = self.send(&exchange, attempt).await?;
        if !answer.status.is_success() {
            let why = self.collect(&what, proxy, &mut answer).await?;
            return Err(ClientError::refused(what, proxy, answer.status, &why));
        }
        if !resumes(&answer, download) {
            let etag = etag(&answer.headers).unwrap_or_default();
            download.begin(etag, answer.headers.clone(), answer.body.length());
        }
        loop {
            let chunk = self.host.timeout(limits::CHUNK_MAX, answer.body.chunk()).await;
            match chunk {
                Ok(Ok(Some(chunk))) => {
                    trying.progressed();
                    download.add(&chunk);
                }
                Ok(Ok(None)) => break,
                Ok(Err(source)) => return Err(ClientError::Broken { what, proxy, source }),
                Err(source) => return Err(ClientError::Stalled { what, proxy, source }),
            }
        }
        let mut checksum = self.host.checksum();
        download.with_content(|content| checksum.update(content));
        let md5: String = checksum.sum().iter().map(|byte| format!("{byte:02x}")).collect();
        let etag = download.etag();
        if md5 == etag {
            return Ok(());
        }
        trying.discard_progress();
        download.reset();
        Err(ClientError::Damaged { what, proxy, etag })
    }
}

/// True if the response is the missing rest, of the same version.
fn resumes(answer: &IncomingResponse, download: &ObjectDownload) -> bool {
    let first = text(&answer.headers, &CONTENT_RANGE).and_then(content_range_start);
    download.len() > 0
        && answer.status == StatusCode::PARTIAL_CONTENT
        && first == Some(download.len() as u64)
        && etag(&answer.headers) == Some(download.etag())
}
