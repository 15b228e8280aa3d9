//! What the container service and the account service have in common: PUT, POST, HEAD, GET and
//! DELETE of the thing whose rows are listed.
//!
//! Leaves out the rows' own requests, which differ.

use super::broker::Broker;
use super::entry::{Entry, Stats};
use super::info::{Created, Info};
use super::listing::Query;
use super::reply::listing_answer;
use crate::http::{HeaderMap, HeaderName, Method, Response, StatusCode};
use crate::node::device::Place;
use crate::node::error::NodeError;
use crate::node::{StorageNode, reply, request};
use crate::swift::{Timestamp, header};

/// How the requests of one level (containers, accounts) are read and answered.
pub(in crate::node) struct Level {
    /// Headers with this prefix are kept.
    pub(in crate::node) meta_prefix: &'static str,
    /// So are these.
    pub(in crate::node) also_kept: &'static [&'static str],
    /// The headers that say who is to hear of changes.
    pub(in crate::node) parents: Option<[HeaderName; 3]>,
    /// The headers that say the counts.
    pub(in crate::node) counts: fn(Stats) -> Vec<(HeaderName, u64)>,
}

/// A request for a container or an account itself, at `place`.
pub(in crate::node) struct Asked<'a> {
    pub(in crate::node) place: &'a Place,
    pub(in crate::node) method: &'a Method,
    pub(in crate::node) query: Option<&'a str>,
    pub(in crate::node) headers: &'a HeaderMap,
}

impl Level {
    /// Answers a request; parents hear of a PUT or DELETE before it is answered, if they can be
    /// reached.
    pub(in crate::node) async fn answer<E: Entry>(
        &self,
        node: &StorageNode,
        broker: &Broker<E>,
        asked: &Asked<'_>,
    ) -> Result<Response, NodeError> {
        match *asked.method {
            Method::GET | Method::HEAD => self.read(broker, asked).await,
            Method::PUT | Method::POST | Method::DELETE => self.write(node, broker, asked).await,
            _ => {
                let (path, method) = (asked.place.path.to_string(), asked.method.to_string());
                Err(NodeError::BadMethod { path, method })
            }
        }
    }

    async fn read<E: Entry>(
        &self,
        broker: &Broker<E>,
        asked: &Asked<'_>,
    ) -> Result<Response, NodeError> {
        let query = Query::parse(&asked.place.path, asked.query)?;
        let info = broker.info(asked.place).await?;
        info.must_live()?;
        let mut response = if *asked.method == Method::HEAD {
            reply::empty(StatusCode::NO_CONTENT)
        } else {
            let lines = broker.list(asked.place, &query).await?;
            listing_answer(&asked.place.path, &query, &lines)
        };
        self.describe(response.headers_mut(), &info);
        Ok(response)
    }

    fn describe(&self, headers: &mut HeaderMap, info: &Info) {
        reply::set_stored(headers, info.metadata());
        for (name, count) in (self.counts)(info.stats) {
            reply::set(headers, name, &count.to_string());
        }
        let put = info.put.to_string();
        for name in [header::X_TIMESTAMP, header::X_PUT_TIMESTAMP, header::X_BACKEND_TIMESTAMP] {
            reply::set(headers, name, &put);
        }
    }

    async fn write<E: Entry>(
        &self,
        node: &StorageNode,
        broker: &Broker<E>,
        asked: &Asked<'_>,
    ) -> Result<Response, NodeError> {
        let (place, path) = (asked.place, &asked.place.path);
        let timestamp = request::timestamp(path, asked.headers, &header::X_TIMESTAMP)?;
        let metadata = request::kept(path, asked.headers, self.meta_prefix, self.also_kept)?;
        let parents = match &self.parents {
            Some(names) => request::parents(path, asked.headers, names)?,
            None => Vec::new(),
        };
        let decide = |info: &mut Info| match *asked.method {
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
        let now = Timestamp::at(node.host.now());
        let status = broker.change(place, now, decide).await?;
        if self.parents.is_some() && *asked.method != Method::POST {
            node.report(place).await;
        }
        let mut response = reply::empty(status);
        reply::set(response.headers_mut(), header::X_TIMESTAMP, &timestamp.to_string());
        Ok(response)
    }
}
