//! Head of a client's request, once its sender has been authenticated.
//!
//! Leaves out the body, which only some requests read.

use hyper::{HeaderMap, Method};

use super::auth::Caller;
use crate::swift::Path;

/// Client's request without its body, or a request of the proxy's own that belongs to it.
#[derive(Clone, Debug)]
pub(super) struct RequestHead {
    pub(super) method: Method,
    pub(super) path: Path,
    pub(super) query: Option<String>,
    pub(super) headers: HeaderMap,
    pub(super) trans_id: String,
    /// Sender of the request. Any path other than [`RequestHead::path`] needs an authorisation of
    /// its own: [`super::auth::authorise`].
    pub(super) caller: Caller,
}

impl RequestHead {
    /// Request of the proxy's own on behalf of this one.
    pub(super) fn related(&self, method: Method, path: Path) -> Self {
        let (headers, trans_id) = (HeaderMap::new(), self.trans_id.clone());
        let caller = self.caller.clone();
        Self { method, path, query: None, headers, trans_id, caller }
    }
}
