//! Swift client of the simulated users and the loader: asks the proxies in turn until one answers.
//!
//! Leaves out logins (it has a token) and those parts of the API that no simulated user needs.

mod download;
mod error;
mod exchange;
mod object;

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

pub use download::{DownloadBroken, ObjectDownload};
pub use error::ClientError;
pub use exchange::limits;
use exchange::{Exchange, Reply};
pub use object::DownloadedObject;

/// Client with an account at the store.
#[derive(Clone, Debug)]
pub struct Client {
    /// Host that it runs on.
    pub host: Host,
    /// Proxies, in the order of asking.
    pub proxies: Vec<SocketAddr>,
    /// Value of `X-Auth-Token`.
    pub token: String,
    /// Account of the client.
    pub account: String,
}

/// Response to a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobAnswer {
    /// Status.
    pub status: StatusCode,
    /// Headers, with the figures of the job.
    pub headers: HeaderMap,
    /// Output of the job.
    pub body: Bytes,
}

/// Object to be stored.
#[derive(Clone, Debug)]
pub struct ObjectUpload<'a> {
    /// Data.
    pub content: Bytes,
    /// Content type.
    pub content_type: &'a str,
    /// Metadata: names without `X-Object-Meta-`, and values.
    pub meta: &'a BTreeMap<String, String>,
    /// Purpose that its bytes are counted as.
    pub purpose: Purpose,
}

impl Client {
    /// Creates a container, or updates it if it exists.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn put_container(&self, container: &Path) -> Result<(), ClientError> {
        self.exchange(Exchange::new(Method::PUT, container)).await.map(drop)
    }

    /// Stores an object and returns its ETag.
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

    /// Stores an object with metadata and returns its ETag.
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
        // A simultaneous write won; another attempt gets a later timestamp.
        exchange.retried.push(StatusCode::ACCEPTED);
        let reply = self.exchange(exchange).await?;
        reply.etag().ok_or_else(|| reply.invalid("it names no ETag"))
    }

    /// Reads the headers of an object, a container or the account.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn head(&self, path: &Path) -> Result<HeaderMap, ClientError> {
        Ok(self.exchange(Exchange::new(Method::HEAD, path)).await?.headers)
    }

    /// Deletes an object or a container. False if it did not exist.
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

    /// Lists the objects of a container whose names begin with `prefix`, page by page, at most
    /// `rows_max`.
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

    /// Lists the names of the account's containers that begin with `prefix`, page by page, at most
    /// `rows_max`.
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
                    .map_err(|bad| reply.invalid(&format!("its listing is no JSON: {bad}")))?,
            };
            if page.iter().any(|row| *name(row) <= marker) {
                return Err(reply.invalid("its page of a listing does not go on"));
            }
            let is_last = page.len() < limit;
            rows.extend(page);
            if is_last {
                break;
            }
        }
        Ok(rows)
    }

    /// Posts a job to the account and waits for its response. A failed job has a response, too; a
    /// job without a free slot is posted again.
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
