//! Container and account services: PUT, POST, HEAD, GET and DELETE of a container or an account.
//!
//! Leaves out the requests for rows, which are `container`'s and `account`'s.

pub(super) mod account;
pub(super) mod container;
mod format;

use std::rc::Rc;

use stayput_host::Host;

use self::format::listing_answer;
use super::index::{Broker, Created, Entry, ListingInfo, ListingQuery, Stats};
use super::protocol::request;
use super::protocol::response::{empty, set_header, set_stored_headers};
use super::storage::{Devices, DiskPlace, NodeError};
use super::updater::Updater;
use crate::http::{HeaderMap, HeaderName, Method, Response, StatusCode};
use crate::swift::{Path, Timestamp, header};

/// Service of one kind of listing: of containers or of accounts.
pub(super) struct ListingService<E> {
    pub(super) host: Host,
    pub(super) devices: Rc<Devices>,
    pub(super) broker: Rc<Broker<E>>,
    pub(super) updater: Rc<Updater>,
}

/// Headers of one kind of listing.
struct ListingHeaders {
    /// Prefix of stored metadata headers.
    meta_prefix: &'static str,
    /// Other stored headers.
    also_stored: &'static [&'static str],
    /// Headers with the servers that get the counts.
    parents: Option<[HeaderName; 3]>,
    /// Headers of the counts in answers.
    counts: fn(Stats) -> Vec<(HeaderName, u64)>,
}

/// Request for a container or an account itself.
struct ListingRequest<'a> {
    place: &'a DiskPlace,
    method: &'a Method,
    query: Option<&'a str>,
    headers: &'a HeaderMap,
}

impl<E: Entry> ListingService<E> {
    /// Answers a request; account servers get the update of a PUT or DELETE before it is answered,
    /// if they can be reached.
    async fn answer(
        &self,
        known: &ListingHeaders,
        request: &ListingRequest<'_>,
    ) -> Result<Response, NodeError> {
        match *request.method {
            Method::GET | Method::HEAD => self.read(known, request).await,
            Method::PUT | Method::POST | Method::DELETE => self.write(known, request).await,
            _ => {
                let (path, method) = (request.place.path.to_string(), request.method.to_string());
                Err(NodeError::UnsupportedMethod { path, method })
            }
        }
    }

    async fn read(
        &self,
        known: &ListingHeaders,
        request: &ListingRequest<'_>,
    ) -> Result<Response, NodeError> {
        let query = ListingQuery::parse(&request.place.path, request.query)?;
        let info = self.broker.info(request.place).await?;
        info.require_live()?;
        let mut response = if *request.method == Method::HEAD {
            empty(StatusCode::NO_CONTENT)
        } else {
            let lines = self.broker.list(request.place, &query).await?;
            listing_answer(&request.place.path, &query, &lines)
        };
        known.describe(response.headers_mut(), &info);
        Ok(response)
    }

    async fn write(
        &self,
        known: &ListingHeaders,
        request: &ListingRequest<'_>,
    ) -> Result<Response, NodeError> {
        let (place, path, headers) = (request.place, &request.place.path, request.headers);
        let timestamp = request::timestamp(path, headers, &header::X_TIMESTAMP)?;
        let (prefix, also) = (known.meta_prefix, known.also_stored);
        let metadata = request::stored_headers(path, headers, prefix, also)?;
        let parents = match &known.parents {
            Some(names) => request::parents(path, headers, names)?,
            None => Vec::new(),
        };
        let decide = |info: &mut ListingInfo| match *request.method {
            Method::PUT => {
                info.partition = place.partition;
                info.create(timestamp, metadata, parents).map(|created| match created {
                    Created::New => StatusCode::CREATED,
                    Created::Again => StatusCode::ACCEPTED,
                })
            }
            Method::POST => info.post(timestamp, metadata).map(|()| StatusCode::NO_CONTENT),
            _ => info.delete(timestamp, parents).map(|()| StatusCode::NO_CONTENT),
        };
        let now = Timestamp::at(self.host.now());
        let status = self.broker.change(place, now, decide).await?;
        if known.parents.is_some() && *request.method != Method::POST {
            // The counts are in the pending log: one that cannot be read now is sent later.
            if let Ok(info) = self.broker.info(place).await {
                self.updater.send_counts(place, &info).await;
            }
        }
        let mut response = empty(status);
        set_header(response.headers_mut(), header::X_TIMESTAMP, &timestamp.to_string());
        Ok(response)
    }
}

impl ListingHeaders {
    fn describe(&self, headers: &mut HeaderMap, info: &ListingInfo) {
        set_stored_headers(headers, info.metadata());
        for (name, count) in (self.counts)(info.stats) {
            set_header(headers, name, &count.to_string());
        }
        let put = info.put.to_string();
        for name in [header::X_TIMESTAMP, header::X_PUT_TIMESTAMP, header::X_BACKEND_TIMESTAMP] {
            set_header(headers, name, &put);
        }
    }
}

/// Splits the path of a row into the path of its listing and its name there.
fn listing_and_name(path: &Path) -> Option<(Path, &str)> {
    match (path.container(), path.object()) {
        (Some(_), Some(object)) => path.to_container().map(|container| (container, object)),
        (Some(container), None) => Some((path.to_account(), container)),
        _ => None,
    }
}
