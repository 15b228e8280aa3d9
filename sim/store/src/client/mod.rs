//! A Swift client, as the simulated clients and the loader use it: asks the proxies in turn until one does it.
//!
//! Leaves out passwords (it is given its token) and everything of the API that no simulated client needs.

mod error;
mod incoming;
mod object;
mod retry;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::SocketAddr;

use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{HeaderMap, Method, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use stayput_host::{AttemptKind, Host, Purpose};

use crate::proxy::ListedObject;
use crate::swift::header::{OBJECT_META_PREFIX, X_STAYPUT_PURPOSE, X_ZEROVM_EXECUTE};
use crate::swift::{Path, encode_query};

pub use error::ClientError;
pub use incoming::{DownloadBroken, ObjectDownload};
pub use object::DownloadedObject;
pub use retry::limits;
use retry::{Exchange, Reply};

/// Somebody with an account at the store.
#[derive(Clone, Debug)]
pub struct Client {
    /// The machine that it runs on.
    pub host: Host,
    /// The proxies, in the order in which they are asked.
    pub proxies: Vec<SocketAddr>,
    /// Says who asks.
    pub token: String,
    /// The account that it may use.
    pub account: String,
}

/// What came of a posted job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobAnswer {
    /// The status.
    pub status: StatusCode,
    /// The headers, with what the job service says of the job.
    pub headers: HeaderMap,
    /// What the job wrote.
    pub body: Bytes,
}

/// An object that is to be stored.
#[derive(Clone, Debug)]
pub struct ObjectUpload<'a> {
    /// Its data.
    pub content: Bytes,
    /// Its content type.
    pub content_type: &'a str,
    /// Its metadata: names without `X-Object-Meta-`, and values.
    pub meta: &'a BTreeMap<String, String>,
    /// What its bytes are counted as.
    pub purpose: Purpose,
}

impl Client {
    /// Makes a container; it is fine if it is there.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn put_container(&self, container: &Path) -> Result<(), ClientError> {
        self.exchange(Exchange::new(Method::PUT, container)).await.map(drop)
    }

    /// Stores an object and says its ETag.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn put_object(
        &self,
        object: &Path,
        content: Bytes,
        content_type: &str,
    ) -> Result<String, ClientError> {
        let (meta, purpose) = (&BTreeMap::new(), Purpose::ObjectData);
        self.put_content(object, ObjectUpload { content, content_type, meta, purpose }).await
    }

    /// Stores an object with all that goes with it and says its ETag.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn put_content(
        &self,
        object: &Path,
        new: ObjectUpload<'_>,
    ) -> Result<String, ClientError> {
        let mut exchange = Exchange::new(Method::PUT, object);
        exchange.header(CONTENT_TYPE, new.content_type);
        exchange.header(X_STAYPUT_PURPOSE, new.purpose.name());
        for (name, value) in new.meta {
            let name = format!("{OBJECT_META_PREFIX}{}", name.to_lowercase());
            let bad = |source: hyper::http::Error| ClientError::Malformed {
                what: format!("the metadata {name} of {object}"),
                source,
            };
            let header = HeaderName::try_from(&name).map_err(|error| bad(error.into()))?;
            exchange.header(header, value);
        }
        exchange.body = (new.purpose, new.content);
        // Another write of the same moment won over it: a moment later there is none.
        exchange.retried.push(StatusCode::ACCEPTED);
        let reply = self.exchange(exchange).await?;
        reply.etag().ok_or_else(|| reply.senseless("it names no ETag"))
    }

    /// The headers of an object, a container or the account.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn head(&self, path: &Path) -> Result<HeaderMap, ClientError> {
        Ok(self.exchange(Exchange::new(Method::HEAD, path)).await?.headers)
    }

    /// Deletes an object or a container. False if there was none.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn delete(&self, path: &Path) -> Result<bool, ClientError> {
        match self.exchange(Exchange::new(Method::DELETE, path)).await {
            Ok(_) => Ok(true),
            Err(ClientError::Refused { status: StatusCode::NOT_FOUND, .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The rows of a container whose names begin with `prefix`, page by page, at most `rows_max`.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn list(
        &self,
        container: &Path,
        prefix: &str,
        rows_max: usize,
    ) -> Result<Vec<ListedObject>, ClientError> {
        self.rows(container, prefix, rows_max, |row: &ListedObject| &row.name).await
    }

    /// The names of the account's containers that begin with `prefix`, page by page, at most `rows_max`.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn list_containers(
        &self,
        prefix: &str,
        rows_max: usize,
    ) -> Result<Vec<String>, ClientError> {
        #[derive(Deserialize)]
        struct Row {
            name: String,
        }
        let account = Path::account_only(&self.account)?;
        let rows = self.rows(&account, prefix, rows_max, |row: &Row| &row.name).await?;
        Ok(rows.into_iter().map(|row| row.name).collect())
    }

    async fn rows<R: DeserializeOwned>(
        &self,
        of: &Path,
        prefix: &str,
        rows_max: usize,
        name: impl Fn(&R) -> &String,
    ) -> Result<Vec<R>, ClientError> {
        let mut rows: Vec<R> = Vec::new();
        while rows.len() < rows_max {
            let mut exchange = Exchange::new(Method::GET, of);
            let marker = rows.last().map_or(String::new(), |row| name(row).clone());
            let limit = (rows_max - rows.len()).min(limits::PAGE_ROWS);
            exchange.query = format!(
                "format=json&prefix={}&marker={}&limit={limit}",
                encode_query(prefix),
                encode_query(&marker),
            );
            let reply = self.exchange(exchange).await?;
            let page: Vec<R> = match reply.status {
                StatusCode::NO_CONTENT => Vec::new(),
                _ => serde_json::from_slice(&reply.body)
                    .map_err(|bad| reply.senseless(&format!("its listing is no JSON: {bad}")))?,
            };
            if page.iter().any(|row| *name(row) <= marker) {
                return Err(reply.senseless("its page of a listing does not go on"));
            }
            let is_last = page.len() < limit;
            rows.extend(page);
            if is_last {
                break;
            }
        }
        Ok(rows)
    }

    /// Posts a job to the account and waits for what comes of it. A job that failed is an answer, too; a job that nobody
    /// had room for is posted again.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn post_job(
        &self,
        body: Bytes,
        content_type: &str,
        headers: &[(HeaderName, HeaderValue)],
    ) -> Result<JobAnswer, ClientError> {
        let account = Path::account_only(&self.account)?;
        let mut exchange = Exchange::new(Method::POST, &account);
        exchange.headers.extend(headers.iter().cloned());
        exchange.header(CONTENT_TYPE, content_type);
        exchange.header(X_ZEROVM_EXECUTE, "1.0");
        exchange.body = (Purpose::Control, body);
        exchange.answer_max = limits::JOB_ANSWER_MAX;
        exchange.any_status = true;
        exchange.attempted = AttemptKind::Job;
        let Reply { status, headers, body, .. } = self.exchange(exchange).await?;
        Ok(JobAnswer { status, headers, body })
    }
}
