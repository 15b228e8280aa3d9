//! Authorisation: by the caller's identity, or by a grant of a container's access lists.
//!
//! The identity alone costs nothing. For access lists the replicas of the container are asked, and
//! a majority has to agree: one that missed a change cannot keep a revoked grant alive. Leaves out
//! access lists of accounts.

use std::rc::Rc;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use hyper::{HeaderMap, Method, StatusCode};

use super::caller::{Access, Caller};
use super::container_acls::ContainerAcls;
use super::error::AuthError;
use crate::proxy::Proxy;
use crate::proxy::backend::BackendRequest;
use crate::proxy::quorum::majority;
use crate::swift::{Path, Service};

/// Checks that `caller` has the access to `path`. Every path that a request touches needs a check
/// of its own, such as the source of a copy.
///
/// # Errors
/// No token, no grant, or too few replicas of the container answered to know.
pub(in crate::proxy) async fn authorise(
    proxy: &Proxy,
    caller: &Caller,
    path: &Path,
    access: Access,
) -> Result<(), AuthError> {
    if caller.may(path, access) {
        return Ok(());
    }
    // Boxed, so that an owner's request does not allocate room for this.
    Box::pin(check_grant(proxy, caller, path, access)).await
}

async fn check_grant(
    proxy: &Proxy,
    caller: &Caller,
    path: &Path,
    access: Access,
) -> Result<(), AuthError> {
    let can_be_granted = match access {
        Access::Read => true,
        Access::Write => path.object().is_some() && caller.identity.is_some(),
        Access::Manage | Access::Govern => false,
    };
    if let Some(container) = path.to_container().filter(|_| can_be_granted) {
        let acls = acls_of(proxy, &container).await?;
        if acls.grant(caller, path, access) {
            return Ok(());
        }
    }
    // A token may help a caller without one.
    let identity = caller.identity.as_ref().ok_or(AuthError::NoToken)?;
    let (user, path) = (identity.shown.clone(), path.clone());
    Err(AuthError::Forbidden { user, access, path })
}

/// Access lists of a container, from the cache or from its replicas.
async fn acls_of(proxy: &Proxy, container: &Path) -> Result<Rc<ContainerAcls>, AuthError> {
    let cached = proxy.acls().borrow().get(container, proxy.host().now());
    if let Some(acls) = cached {
        return Ok(acls);
    }
    let begun = proxy.acls().borrow().changes();
    let acls = Rc::new(agreed(proxy, container).await?);
    let (stored, now) = (Rc::clone(&acls), proxy.host().now());
    proxy.acls().borrow_mut().put(container.clone(), stored, begun, now);
    Ok(acls)
}

/// Access lists that a majority of the replicas reports; a missing container has none.
async fn agreed(proxy: &Proxy, container: &Path) -> Result<ContainerAcls, AuthError> {
    let nodes = proxy.nodes(container);
    let request = BackendRequest {
        method: Method::HEAD,
        service: Service::Container,
        path: container.clone(),
        partition: nodes.partition,
        query: None,
        headers: HeaderMap::new(),
    };
    let none = HeaderMap::new();
    let asked = nodes.primaries.iter().map(|target| proxy.send(target, &request, &none));
    let mut waiting: FuturesUnordered<_> = asked.collect();
    let mut reported: Vec<ContainerAcls> = Vec::new();
    while let Some(answer) = waiting.next().await {
        // A silent replica matters only if too few answer, and then its reason does not.
        let Ok(answer) = answer else { continue };
        let acls = match answer.status {
            StatusCode::NOT_FOUND => ContainerAcls::default(),
            status if status.is_success() => ContainerAcls::of_node(&answer.headers),
            _ => continue,
        };
        let agreeing = 1 + reported.iter().filter(|other| **other == acls).count();
        if agreeing >= majority(nodes.primaries.len()) {
            return Ok(acls);
        }
        reported.push(acls);
    }
    Err(AuthError::AclUnavailable { container: container.clone() })
}

/// Removes the container's access lists from the cache, after a change that may have changed them.
pub(in crate::proxy) fn forget_acls(proxy: &Proxy, container: &Path) {
    proxy.acls().borrow_mut().forget(container);
}
