//! A job on the proxy itself: it fetches the versions that were chosen from the nodes and runs the sessions as a worker does.
//!
//! Leaves out storing outputs, which is the same wherever a job ran.

use std::rc::Rc;

use bytes::Bytes;
use hyper::HeaderMap;
use hyper::header::HeaderValue;
use stayput_host::{LocalFuture, Purpose};
use stayput_store::client::ObjectDownload;
use stayput_store::proxy::{FetchEvent, JobAccess, ListedObject, Refusal};
use stayput_store::swift::Path;
use stayput_store::swift::header::X_TIMESTAMP;

use super::inputs::JobInputs;
use super::{OfProxy, refuse_fetch};
use crate::plan::lookup::StoreLookup;
use crate::runner::JobStore;

/// The longest object that is fetched to a proxy, which holds it whole: as long as what a job may have pushed to a node.
const FETCHED_BYTES_MAX: u64 = 256 << 20;

/// The nodes as a store that a job on the proxy reads from.
pub(super) struct FromNodes<'a> {
    pub(super) names: &'a OfProxy<'a>,
    /// Which versions it reads.
    pub(super) supply: &'a JobInputs,
}

impl JobStore for FromNodes<'_> {
    fn receive(
        &self,
        path: &Path,
        purpose: Purpose,
        into: Rc<ObjectDownload>,
    ) -> LocalFuture<'static, Result<(), Refusal>> {
        let (proxy, path) = (self.names.proxy.clone(), path.clone());
        let (version, first) = self.supply.source(&path);
        let first = first.to_vec();
        Box::pin(async move {
            let mut headers = HeaderMap::new();
            if let Ok(version) = HeaderValue::try_from(version.to_string()) {
                headers.insert(X_TIMESTAMP, version);
            }
            let mut take = |fetched| match fetched {
                FetchEvent::Start { size } => {
                    // The version is the same each time, so that its timestamp will do for an ETag.
                    into.begin(version.to_string(), headers.clone(), Some(size));
                }
                FetchEvent::Chunk(piece) => into.add(&piece),
            };
            let source = (version, first.as_slice());
            let fetched =
                proxy.fetch_in_chunks(&path, source, purpose, FETCHED_BYTES_MAX, &mut take).await;
            into.end(fetched.is_ok());
            fetched.map_err(|error| refuse_fetch(&error))
        })
    }
}

impl StoreLookup for FromNodes<'_> {
    fn objects<'a>(
        &'a self,
        container: &'a Path,
        prefix: &'a str,
    ) -> LocalFuture<'a, Result<Vec<ListedObject>, Refusal>> {
        self.names.objects(container, prefix)
    }

    fn containers<'a>(
        &'a self,
        account: &'a Path,
        prefix: &'a str,
    ) -> LocalFuture<'a, Result<Vec<String>, Refusal>> {
        self.names.containers(account, prefix)
    }

    fn may<'a>(
        &'a self,
        path: &'a Path,
        wanted: JobAccess,
    ) -> LocalFuture<'a, Result<(), Refusal>> {
        self.names.may(path, wanted)
    }

    fn content<'a>(
        &'a self,
        object: &'a Path,
        purpose: Purpose,
        bytes_max: u64,
    ) -> LocalFuture<'a, Result<(Bytes, String), Refusal>> {
        self.names.content(object, purpose, bytes_max)
    }
}
