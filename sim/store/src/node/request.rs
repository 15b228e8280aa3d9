//! What requests to a storage node have in common: where they point to, and how their headers are
//! read.
//!
//! Leaves out what each service does with them.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};

use super::error::NodeError;
use crate::http::{HeaderMap, HeaderName};
use crate::swift::{Path, Timestamp, decode_path, header};

/// Servers that one request may name to be told of it. A ring's replica count is far below.
const PARENTS_MAX: usize = 64;

/// `/device/partition/account[/container[/object]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DevicePath {
    pub(super) device: String,
    pub(super) partition: u32,
    pub(super) path: Path,
}

impl DevicePath {
    /// Reads a request's path, as it stands in the URL.
    pub(super) fn parse(url_path: &str) -> Result<Self, NodeError> {
        let bad = |why: String| NodeError::BadRequest { path: url_path.to_owned(), why };
        let usage = || bad("wants /device/partition/account[/container[/object]]".to_owned());
        let rest = url_path.strip_prefix('/').ok_or_else(usage)?;
        let (device, rest) = rest.split_once('/').ok_or_else(usage)?;
        let (partition, rest) = rest.split_once('/').ok_or_else(usage)?;
        let device = percent_decode_str(device).decode_utf8().map_err(|_| usage())?.into_owned();
        let partition = partition
            .parse()
            .map_err(|_| bad(format!("the partition {partition:?} is no number below 2^32")))?;
        let path = decode_path(&format!("/{rest}")).map_err(|error| bad(error.to_string()))?;
        Ok(Self { device, partition, path })
    }
}

/// A server that is told of a change: of an object's container, or of a container's account.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Parent {
    pub(super) host: SocketAddr,
    pub(super) device: String,
    pub(super) partition: u32,
}

/// Reads the lists of hosts and devices, equally long, that a proxy sends along; none if there are
/// no hosts.
pub(super) fn parents(
    path: &Path,
    headers: &HeaderMap,
    names: &[HeaderName; 3],
) -> Result<Vec<Parent>, NodeError> {
    let [hosts_name, devices_name, partition_name] = names;
    let list = |name| -> Vec<&str> {
        let text = header::text(headers, name).unwrap_or_default();
        text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect()
    };
    let bad = |why: String| NodeError::BadRequest { path: path.to_string(), why };
    let (hosts, devices) = (list(hosts_name), list(devices_name));
    if hosts.is_empty() {
        return Ok(Vec::new());
    }
    if hosts.len() != devices.len() || hosts.len() > PARENTS_MAX {
        return Err(bad(format!(
            "{hosts_name} lists {}, {devices_name} {}: both want as many, up to {PARENTS_MAX}",
            hosts.len(),
            devices.len()
        )));
    }
    let partition = number(path, headers, partition_name)?;
    let partition = u32::try_from(partition)
        .map_err(|_| bad(format!("{partition_name} wants a number below 2^32")))?;
    let parent = |(host, device): (&str, &str)| {
        let host = host
            .parse()
            .map_err(|_| bad(format!("{hosts_name}: {host:?} is no address with a port")))?;
        Ok(Parent { host, device: device.to_owned(), partition })
    };
    hosts.into_iter().zip(devices).map(parent).collect()
}

/// A header that must be there.
pub(super) fn required<'a>(
    path: &Path,
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> Result<&'a str, NodeError> {
    header::text(headers, name).ok_or_else(|| NodeError::BadRequest {
        path: path.to_string(),
        why: format!("the header {name} is missing"),
    })
}

/// A header that must be there and a number.
pub(super) fn number(
    path: &Path,
    headers: &HeaderMap,
    name: &HeaderName,
) -> Result<u64, NodeError> {
    let text = required(path, headers, name)?;
    text.trim().parse().map_err(|_| NodeError::BadRequest {
        path: path.to_string(),
        why: format!("the header {name} says {text:?}, which is no whole number"),
    })
}

/// A header that must be there and a timestamp.
pub(super) fn timestamp(
    path: &Path,
    headers: &HeaderMap,
    name: &HeaderName,
) -> Result<Timestamp, NodeError> {
    let text = required(path, headers, name)?;
    text.parse().map_err(|error| NodeError::BadRequest {
        path: path.to_string(),
        why: format!("the header {name}: {error}"),
    })
}

/// The headers that are kept: those with `prefix` and those in `also`. Values must be UTF-8.
pub(super) fn kept(
    path: &Path,
    headers: &HeaderMap,
    prefix: &str,
    also: &[&str],
) -> Result<BTreeMap<String, String>, NodeError> {
    let keeps =
        |name: &HeaderName| name.as_str().starts_with(prefix) || also.contains(&name.as_str());
    let mut kept = BTreeMap::new();
    for (name, value) in headers.iter().filter(|(name, _)| keeps(name)) {
        let value = std::str::from_utf8(value.as_bytes()).map_err(|_| NodeError::BadRequest {
            path: path.to_string(),
            why: format!("the header {name} is not UTF-8"),
        })?;
        kept.insert(name.as_str().to_owned(), value.to_owned());
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_names_device_partition_and_path() {
        let target = DevicePath::parse("/d1/42/AUTH_a/c/x/y%20z").unwrap();
        assert_eq!((target.device.as_str(), target.partition), ("d1", 42));
        assert_eq!(target.path.object(), Some("x/y z"));
    }

    #[test]
    fn a_bad_target_is_refused_with_its_path_named() {
        for path in ["", "/", "/d1", "/d1/2", "/d1/2/", "/d1/x/a", "/d1/-1/a", "/%ff/1/a"] {
            let error = DevicePath::parse(path).unwrap_err();
            assert!(error.to_string().starts_with(path), "{error}");
        }
    }

    #[test]
    fn lists_of_different_lengths_are_refused() {
        let path = decode_path("/a/c").unwrap();
        let names = [header::X_ACCOUNT_HOST, header::X_ACCOUNT_DEVICE, header::X_ACCOUNT_PARTITION];
        let mut headers = HeaderMap::new();
        assert_eq!(parents(&path, &headers, &names).unwrap(), []);
        headers.insert(header::X_ACCOUNT_HOST, "10.0.0.1:6202,10.0.0.2:6202".parse().unwrap());
        headers.insert(header::X_ACCOUNT_DEVICE, "d1".parse().unwrap());
        headers.insert(header::X_ACCOUNT_PARTITION, "7".parse().unwrap());
        assert!(parents(&path, &headers, &names).is_err());
        headers.insert(header::X_ACCOUNT_DEVICE, "d1,d2".parse().unwrap());
        assert_eq!(parents(&path, &headers, &names).unwrap().len(), 2);
    }
}
