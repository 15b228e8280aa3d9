//! Names and small objects of the store, as a proxy asks its nodes for them.
//!
//! Leaves out the objects that sessions read.

use bytes::Bytes;
use stayput_host::{LocalFuture, Purpose};
use stayput_store::proxy::{JobAccess, JobPoster, ListedObject, Proxy};
use stayput_store::swift::Path;

use crate::store_access::{NAMES_MAX, StoreAccessError, StoreLookup};

/// Lookups of a proxy for one caller.
pub(super) struct ProxyLookup<'p> {
    pub(super) proxy: &'p Proxy,
    pub(super) poster: &'p JobPoster,
}

impl StoreLookup for ProxyLookup<'_> {
    fn objects<'a>(
        &'a self,
        container: &'a Path,
        prefix: &'a str,
    ) -> LocalFuture<'a, Result<Vec<ListedObject>, StoreAccessError>> {
        Box::pin(async move { Ok(self.proxy.list(container, prefix, NAMES_MAX).await?) })
    }

    fn containers<'a>(
        &'a self,
        account: &'a Path,
        prefix: &'a str,
    ) -> LocalFuture<'a, Result<Vec<String>, StoreAccessError>> {
        Box::pin(async move { Ok(self.proxy.list_containers(account, prefix, NAMES_MAX).await?) })
    }

    fn may<'a>(
        &'a self,
        path: &'a Path,
        wanted: JobAccess,
    ) -> LocalFuture<'a, Result<(), StoreAccessError>> {
        Box::pin(async move {
            let granted = self.poster.authorise(self.proxy, path, wanted).await;
            granted.map_err(StoreAccessError::Denied)
        })
    }

    fn content<'a>(
        &'a self,
        object: &'a Path,
        purpose: Purpose,
        bytes_max: u64,
    ) -> LocalFuture<'a, Result<(Bytes, String), StoreAccessError>> {
        Box::pin(async move {
            let located = self.proxy.locate(object).await?;
            let source = (located.version, located.confirmed());
            let content = self.proxy.fetch(object, source, purpose, bytes_max).await?;
            Ok((content, located.content_type))
        })
    }
}
