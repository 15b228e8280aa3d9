//! A job on the proxy itself: the versions that were chosen are fetched from the nodes, and the
//! sessions run as on a worker.
//!
//! Leaves out storing outputs, which is the same wherever a job ran.

use std::rc::Rc;

use hyper::HeaderMap;
use hyper::header::HeaderValue;
use stayput_host::{LocalFuture, Purpose};
use stayput_store::client::ObjectDownload;
use stayput_store::proxy::FetchEvent;
use stayput_store::swift::Path;
use stayput_store::swift::header::X_TIMESTAMP;

use super::inputs::JobInputs;
use super::lookup::ProxyLookup;
use crate::store_access::{JobStore, StoreAccessError, StoreLookup};

/// Limit on the bytes of an object that a proxy fetches and holds whole: as for what is pushed to a
/// node.
const FETCHED_BYTES_MAX: u64 = 256 << 20;

/// The store of a job on the proxy: names and objects come from the nodes.
pub(super) struct FromNodes<'a> {
    pub(super) names: &'a ProxyLookup<'a>,
    /// Versions that it reads.
    pub(super) inputs: &'a JobInputs,
}

impl JobStore for FromNodes<'_> {
    fn lookup(&self) -> &dyn StoreLookup {
        self.names
    }

    fn receive(
        &self,
        path: &Path,
        purpose: Purpose,
        into: Rc<ObjectDownload>,
    ) -> LocalFuture<'static, Result<(), StoreAccessError>> {
        let (proxy, path) = (self.names.proxy.clone(), path.clone());
        let (version, first) = self.inputs.source(&path);
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
            Ok(fetched?)
        })
    }
}
