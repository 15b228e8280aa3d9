//! Whether somebody may do what they ask: by what they are, or by what a container's access lists grant them.
//!
//! Who may do all in an account costs nothing. For others the container's replicas are asked for its lists, and a majority has to agree on
//! them: one that missed a change cannot keep alive what was taken back. Leaves out access lists of accounts.

use std::rc::Rc;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use hyper::header::HeaderName;
use hyper::{HeaderMap, Method, StatusCode};

use super::acl::{self, Acl};
use super::caller::{Access, Caller};
use crate::proxy::Proxy;
use crate::proxy::answer::ErrorResponse;
use crate::proxy::backend::Ask;
use crate::proxy::quorum::majority;
use crate::swift::header::{X_CONTAINER_READ, X_CONTAINER_WRITE};
use crate::swift::{Path, Service};

/// What only owners say and get to see, of accounts and containers, as in Swift.
const OWNERS: [HeaderName; 6] = [
    X_CONTAINER_READ,
    X_CONTAINER_WRITE,
    HeaderName::from_static("x-container-meta-temp-url-key"),
    HeaderName::from_static("x-container-meta-temp-url-key-2"),
    HeaderName::from_static("x-account-meta-temp-url-key"),
    HeaderName::from_static("x-account-meta-temp-url-key-2"),
];
/// Each access list, as refusals name it, with the header that takes it away, and what it is for.
const LISTS: [(HeaderName, &str, HeaderName, acl::Purpose); 2] = [
    (
        X_CONTAINER_READ,
        "X-Container-Read",
        HeaderName::from_static("x-remove-container-read"),
        acl::Purpose::Reading,
    ),
    (
        X_CONTAINER_WRITE,
        "X-Container-Write",
        HeaderName::from_static("x-remove-container-write"),
        acl::Purpose::Writing,
    ),
];

/// A container's access lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Lists {
    reading: Acl,
    writing: Acl,
}

/// Whether `caller` may have that access to `path`. To be asked for every path that a request touches, such as the source of a copy.
///
/// # Errors
/// 401 for somebody without a token, 403 for others, 503 when too few replicas of the container answered to know.
pub(in crate::proxy) async fn authorise(
    proxy: &Proxy,
    caller: &Caller,
    path: &Path,
    access: Access,
) -> Result<(), ErrorResponse> {
    if caller.may(path, access) {
        return Ok(());
    }
    // Boxed, so that an owner's request does not carry the room for this.
    Box::pin(by_leave(proxy, caller, path, access)).await
}

async fn by_leave(
    proxy: &Proxy,
    caller: &Caller,
    path: &Path,
    access: Access,
) -> Result<(), ErrorResponse> {
    let can_be_granted = match access {
        Access::Read => true,
        Access::Write => path.object().is_some() && caller.identity.is_some(),
        Access::Manage | Access::Govern => false,
    };
    if let Some(container) = path.to_container().filter(|_| can_be_granted) {
        let lists = lists_of(proxy, &container).await?;
        if lists.grant(caller, path, access) {
            return Ok(());
        }
    }
    Err(denied(caller, path, access))
}

/// 401 where a token could help, 403 where the one that was sent does not. Whether there is anything at `path` is not said.
fn denied(caller: &Caller, path: &Path, access: Access) -> ErrorResponse {
    let Some(identity) = &caller.identity else {
        let why = "X-Auth-Token is missing: send your token with it";
        return ErrorResponse::new(StatusCode::UNAUTHORIZED, why);
    };
    let advice = match (access, path.container()) {
        (Access::Read, Some(_)) => ": its X-Container-Read would have to name you",
        (Access::Write, Some(_)) => ": its X-Container-Write would have to name you",
        (Access::Govern, _) => ": that is for a .reseller_admin",
        _ => ": that is for an .admin of the account",
    };
    let (who, verb) = (&identity.shown, access.name());
    let why = format!("this token is for {who}, who may not {verb} {path}{advice}");
    ErrorResponse::new(StatusCode::FORBIDDEN, why)
}

impl Lists {
    fn grant(&self, caller: &Caller, path: &Path, access: Access) -> bool {
        let names = |acl: &Acl| {
            let mut listed = caller.identity.iter().flat_map(|identity| &identity.listed);
            listed.any(|name| acl.names(name))
        };
        match access {
            Access::Read => {
                let by_referrer = self.reading.admits_referrer(caller.referer.as_deref())
                    && (path.object().is_some() || self.reading.admits_listing());
                by_referrer || names(&self.reading)
            }
            Access::Write => names(&self.writing),
            Access::Manage | Access::Govern => false,
        }
    }

    /// As a node says them. What does not read as a list grants nothing: no proxy has written it.
    fn told(headers: &HeaderMap) -> Self {
        let list = |name: &HeaderName, purpose| {
            let text =
                headers.get(name).and_then(|value| std::str::from_utf8(value.as_bytes()).ok());
            text.and_then(|text| Acl::parse(text, purpose).ok()).unwrap_or_default()
        };
        Self {
            reading: list(&X_CONTAINER_READ, acl::Purpose::Reading),
            writing: list(&X_CONTAINER_WRITE, acl::Purpose::Writing),
        }
    }
}

async fn lists_of(proxy: &Proxy, container: &Path) -> Result<Rc<Lists>, ErrorResponse> {
    let cached = proxy.lists().borrow().get(container, proxy.host().now());
    if let Some(lists) = cached {
        return Ok(lists);
    }
    let begun = proxy.lists().borrow().seen();
    let lists = Rc::new(agreed(proxy, container).await?);
    let (kept, now) = (Rc::clone(&lists), proxy.host().now());
    proxy.lists().borrow_mut().put(container.clone(), kept, begun, now);
    Ok(lists)
}

/// What a majority of the replicas says; a container that is not there has no lists.
async fn agreed(proxy: &Proxy, container: &Path) -> Result<Lists, ErrorResponse> {
    let nodes = proxy.nodes(container);
    let ask = Ask {
        method: Method::HEAD,
        service: Service::Container,
        path: container.clone(),
        partition: nodes.partition,
        query: None,
        headers: HeaderMap::new(),
    };
    let none = HeaderMap::new();
    let asked = nodes.primaries.iter().map(|target| proxy.ask(target, &ask, &none));
    let mut waiting: FuturesUnordered<_> = asked.collect();
    let mut said: Vec<Lists> = Vec::new();
    while let Some(answer) = waiting.next().await {
        // Why one replica does not answer matters only when too few do, and then all that counts is that they are silent.
        let Ok(answer) = answer else { continue };
        let lists = match answer.status {
            StatusCode::NOT_FOUND => Lists::default(),
            status if status.is_success() => Lists::told(&answer.headers),
            _ => continue,
        };
        let agreeing = 1 + said.iter().filter(|other| **other == lists).count();
        if agreeing >= majority(nodes.primaries.len()) {
            return Ok(lists);
        }
        said.push(lists);
    }
    let why = format!("too few replicas of {container} agree on who may use it: try again later");
    Err(ErrorResponse::new(StatusCode::SERVICE_UNAVAILABLE, why))
}

/// Forgets what the container's access lists were, after a change that may have changed them.
pub(in crate::proxy) fn forget(proxy: &Proxy, container: &Path) {
    proxy.lists().borrow_mut().forget(container);
}

/// Makes a container's headers such as they may be kept: access lists in order, and taken out where they are to be removed.
///
/// # Errors
/// 400 for a list that is none.
pub(in crate::proxy) fn clean_lists(headers: &mut HeaderMap) -> Result<(), ErrorResponse> {
    for (name, shown, removing, purpose) in LISTS {
        let is_removed = headers.remove(&removing).is_some();
        let given: Vec<&[u8]> = headers.get_all(&name).iter().map(|it| it.as_bytes()).collect();
        if given.is_empty() && !is_removed {
            continue;
        }
        let bad =
            |why: &str| ErrorResponse::new(StatusCode::BAD_REQUEST, format!("{shown}: {why}"));
        let text = String::from_utf8(given.join(&b","[..])).map_err(|_| bad("is not UTF-8"))?;
        let acl = Acl::parse(&text, purpose).map_err(|error| bad(&error.to_string()))?;
        let value = acl.to_string().try_into().map_err(|_| bad("cannot stand in a header"))?;
        headers.insert(name, value);
    }
    Ok(())
}

/// Takes out what only owners say and get to see.
pub(in crate::proxy) fn drop_owners(headers: &mut HeaderMap) {
    for name in &OWNERS {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::super::caller::Identity;
    use super::*;
    use crate::swift::decode_path;

    /// In Swift's way: items are strings, referrers those that begin with `.r:`. Only `.r:-*` is read as here.
    fn as_swift(list: &str, names: &[String], referer: Option<&str>, is_listing: bool) -> bool {
        let items: Vec<&str> = list.split(',').collect();
        let mut by_referrer = false;
        for item in items.iter().filter_map(|item| item.strip_prefix(".r:")) {
            let host = referer.and_then(|url| url.strip_prefix("http://")).unwrap_or("unknown");
            let has =
                |of: &str| of == "*" || of == host || of.starts_with('.') && host.ends_with(of);
            match item.strip_prefix('-') {
                Some(denied) if has(denied) => by_referrer = false,
                None if has(item) => by_referrer = true,
                _ => {}
            }
        }
        by_referrer && (!is_listing || items.contains(&".rlistings"))
            || names.iter().any(|name| items.contains(&&**name))
    }

    proptest! {
        #[test]
        fn a_list_grants_what_it_grants_in_swift(
            items in proptest::collection::vec(
                "\\.r:-?(\\*|\\.a\\.b|x\\.a\\.b|y)|\\.rlistings|(AUTH_)?(one|two)|(one|two):(u|v)",
                0..5,
            ),
            names in proptest::collection::vec("(AUTH_)?one|one:u", 0..3),
            referer in proptest::option::of("http://(x\\.a\\.b|z\\.a\\.b|a\\.b|y|w)"),
            is_listing: bool,
        ) {
            let list = items.join(",");
            let mut headers = HeaderMap::new();
            headers.insert(X_CONTAINER_READ, list.parse().unwrap());
            let identity = Identity { listed: names.clone(), ..Identity::holder("AUTH_one") };
            let caller = Caller { identity: Some(Arc::new(identity)), referer: referer.clone() };
            let path = if is_listing { "/AUTH_two/c" } else { "/AUTH_two/c/o" };
            let lists = Lists::told(&headers);
            prop_assert_eq!(
                lists.grant(&caller, &decode_path(path).unwrap(), Access::Read),
                as_swift(&list, &names, referer.as_deref(), is_listing),
                "{} for {:?} from {:?}", list, names, referer
            );
            prop_assert!(!lists.grant(&caller, &decode_path(path).unwrap(), Access::Write));
        }
    }

    #[test]
    fn lists_that_come_in_several_headers_are_one() {
        let mut headers = HeaderMap::new();
        for item in [".r:*", " one ", ""] {
            headers.append(X_CONTAINER_READ, item.parse().unwrap());
        }
        clean_lists(&mut headers).unwrap();
        let kept: Vec<_> = headers.get_all(X_CONTAINER_READ).iter().collect();
        assert_eq!(kept, [".r:*,one"]);
        headers.append(X_CONTAINER_READ, ".r:".parse().unwrap());
        assert_eq!(clean_lists(&mut headers).unwrap_err().status, StatusCode::BAD_REQUEST);
    }
}
