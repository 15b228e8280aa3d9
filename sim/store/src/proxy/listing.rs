//! Listings of containers and accounts for the job service: wildcards, and listings as inputs.
//!
//! Leaves out delimiters: a client that wants a tree asks over HTTP.

use std::collections::VecDeque;

use hyper::{HeaderMap, Method, StatusCode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use stayput_host::Purpose;

use super::Proxy;
use super::backend::{BackendRequest, X_BACKEND_PURPOSE};
use super::headers::set;
use super::limits::{CHUNK_MAX, LISTING_BYTES_MAX, LISTING_ROWS};
use super::quorum::{QuorumFailure, ReplicaSearch};
use crate::swift::{Path, Service, encode_query};

/// Row of a container's listing.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct ListedObject {
    /// Name of the object.
    pub name: String,
    /// MD5 of its data.
    pub hash: String,
    /// Length in bytes.
    pub bytes: u64,
    /// Content type.
    pub content_type: String,
    /// Time of the last write, as ISO 8601 without a zone.
    pub last_modified: String,
}

/// Row of an account's listing.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct ListedContainer {
    name: String,
}

/// Row of a listing.
trait ListingRow: DeserializeOwned {
    const SERVICE: Service;
    fn name(&self) -> &str;
}

impl ListingRow for ListedObject {
    const SERVICE: Service = Service::Container;

    fn name(&self) -> &str {
        &self.name
    }
}

impl ListingRow for ListedContainer {
    const SERVICE: Service = Service::Account;

    fn name(&self) -> &str {
        &self.name
    }
}

/// Reason why a container is not listed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    /// A majority of its replicas has none.
    #[error("there is no container {path}")]
    NotFound {
        /// Path of the container or account.
        path: Path,
    },
    /// Too few of its replicas sent a valid listing.
    #[error("no replica of {path} that can be reached gave its listing: try again later")]
    Unavailable {
        /// Path of the container or account.
        path: Path,
    },
    /// The listing has more rows than the limit.
    #[error("{path} has more than {rows_max} names that begin with {prefix:?}")]
    TooLong {
        /// Path of the container or account.
        path: Path,
        /// Prefix of the names.
        prefix: String,
        /// Limit of rows.
        rows_max: usize,
    },
}

impl Proxy {
    /// Lists the objects of a container whose names begin with `prefix`, in the order of their
    /// names.
    ///
    /// # Errors
    /// See [`ListError`].
    pub async fn list(
        &self,
        container: &Path,
        prefix: &str,
        rows_max: usize,
    ) -> Result<Vec<ListedObject>, ListError> {
        self.rows(container, prefix, rows_max).await
    }

    /// Lists the names of an account's containers that begin with `prefix`, in order.
    ///
    /// # Errors
    /// See [`ListError`].
    pub async fn list_containers(
        &self,
        account: &Path,
        prefix: &str,
        rows_max: usize,
    ) -> Result<Vec<String>, ListError> {
        let rows = self.rows::<ListedContainer>(account, prefix, rows_max).await?;
        Ok(rows.into_iter().map(|row| row.name).collect())
    }

    async fn rows<R: ListingRow>(
        &self,
        container: &Path,
        prefix: &str,
        rows_max: usize,
    ) -> Result<Vec<R>, ListError> {
        let mut rows: Vec<R> = Vec::new();
        loop {
            let marker = rows.last().map_or("", |row| row.name());
            let page = self.page(container, prefix, marker).await?;
            let is_last = page.len() < LISTING_ROWS;
            rows.extend(page);
            if rows.len() > rows_max {
                let (path, prefix) = (container.clone(), prefix.to_owned());
                return Err(ListError::TooLong { path, prefix, rows_max });
            }
            if is_last {
                return Ok(rows);
            }
        }
    }

    /// Rows after `marker`, from the first replica whose listing is valid and continues.
    async fn page<R: ListingRow>(
        &self,
        container: &Path,
        prefix: &str,
        marker: &str,
    ) -> Result<Vec<R>, ListError> {
        let nodes = self.nodes(container);
        let (prefix, after) = (encode_query(prefix), encode_query(marker));
        let mut headers = HeaderMap::new();
        set(&mut headers, X_BACKEND_PURPOSE, Purpose::Listing.name());
        let request = BackendRequest {
            method: Method::GET,
            service: R::SERVICE,
            path: container.clone(),
            partition: nodes.partition,
            query: Some(format!("format=json&prefix={prefix}&marker={after}&limit={LISTING_ROWS}")),
            headers,
        };
        let mut left = VecDeque::from(self.candidates(container, &nodes));
        let mut search = ReplicaSearch::new(nodes.primaries.len());
        while let Some(mut answer) = self.find(&request, &mut left, &mut search).await {
            if answer.status == StatusCode::NO_CONTENT {
                return Ok(Vec::new());
            }
            let whole = answer.body.collect(LISTING_BYTES_MAX);
            let Ok(Ok(text)) = self.host().timeout(CHUNK_MAX, whole).await else { continue };
            if let Ok(rows) = serde_json::from_slice::<Vec<R>>(&text)
                && rows.iter().all(|row| row.name() > marker)
            {
                return Ok(rows);
            }
        }
        let path = container.clone();
        match search.failure() {
            QuorumFailure::NotFound => Err(ListError::NotFound { path }),
            _ => Err(ListError::Unavailable { path }),
        }
    }
}
