//! The rows of containers and accounts for what runs beside the proxy: wildcards, and jobs that read a listing.
//!
//! Leaves out delimiters: who wants a tree asks over HTTP.

use std::collections::VecDeque;

use hyper::{HeaderMap, Method, StatusCode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use stayput_host::Purpose;

use super::Proxy;
use super::answer::set;
use super::backend::{Ask, X_BACKEND_PURPOSE};
use super::limits::{CHUNK_MAX, LISTING_BYTES_MAX, LISTING_ROWS};
use super::quorum::Search;
use crate::swift::{Path, Service, encode_query};

/// A row of a container's listing.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct ListedObject {
    /// The object's name.
    pub name: String,
    /// The MD5 of its data.
    pub hash: String,
    /// How long it is.
    pub bytes: u64,
    /// Its content type.
    pub content_type: String,
    /// When it was written, as ISO 8601 without a zone.
    pub last_modified: String,
}

/// A row of an account's listing.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct ListedContainer {
    name: String,
}

/// What a listing has.
trait Row: DeserializeOwned {
    const SERVICE: Service;
    fn name(&self) -> &str;
}

impl Row for ListedObject {
    const SERVICE: Service = Service::Container;

    fn name(&self) -> &str {
        &self.name
    }
}

impl Row for ListedContainer {
    const SERVICE: Service = Service::Account;

    fn name(&self) -> &str {
        &self.name
    }
}

/// Why a container is not listed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    /// A majority of its replicas says that there is none.
    #[error("there is no container {path}")]
    NotFound {
        /// Which container.
        path: Path,
    },
    /// Too few of its replicas gave a listing that makes sense.
    #[error("no replica of {path} that can be reached gave its listing: try again later")]
    Unavailable {
        /// Which container.
        path: Path,
    },
    /// It has more rows than are wanted.
    #[error("{path} has more than {rows_max} names that begin with {prefix:?}")]
    TooLong {
        /// Which container.
        path: Path,
        /// What their names begin with.
        prefix: String,
        /// The limit.
        rows_max: usize,
    },
}

impl Proxy {
    /// The objects of a container whose names begin with `prefix`, in the order of their names.
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

    /// The names of an account's containers that begin with `prefix`, in order.
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

    async fn rows<R: Row>(
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

    /// The rows after `marker`, from the first replica whose listing makes sense and goes on.
    async fn page<R: Row>(
        &self,
        container: &Path,
        prefix: &str,
        marker: &str,
    ) -> Result<Vec<R>, ListError> {
        let nodes = self.nodes(container);
        let (prefix, after) = (encode_query(prefix), encode_query(marker));
        let mut headers = HeaderMap::new();
        set(&mut headers, X_BACKEND_PURPOSE, Purpose::Listing.name());
        let ask = Ask {
            method: Method::GET,
            service: R::SERVICE,
            path: container.clone(),
            partition: nodes.partition,
            query: Some(format!("format=json&prefix={prefix}&marker={after}&limit={LISTING_ROWS}")),
            headers,
        };
        let mut left = VecDeque::from(self.candidates(container, &nodes));
        let mut search = Search::new(nodes.primaries.len());
        while let Some(mut answer) = self.find(&ask, &mut left, &mut search).await {
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
        match search.verdict() {
            StatusCode::NOT_FOUND => Err(ListError::NotFound { path }),
            _ => Err(ListError::Unavailable { path }),
        }
    }
}
