//! Headers of requests to a storage node, read into what they stand for.
//!
//! Leaves out what each service does with them.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::http::{HeaderMap, HeaderName};
use crate::node::storage::{NodeError, RequestFlaw};
use crate::swift::{Path, Timestamp, header};

/// Servers that one request may name to get its update. A ring's replica count is far below.
const PARENTS_MAX: usize = 64;

/// A server one level up, which gets updates: a container server for objects, an account server
/// for containers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct ParentServer {
    pub(crate) host: SocketAddr,
    pub(crate) device: String,
    pub(crate) partition: u32,
}

/// Reads the lists of hosts and devices, equally long, that a proxy sends along; none without
/// hosts. `names` are the headers of hosts, devices and the partition.
pub(crate) fn parents(
    path: &Path,
    headers: &HeaderMap,
    names: &[HeaderName; 3],
) -> Result<Vec<ParentServer>, NodeError> {
    let [hosts_name, devices_name, partition_name] = names;
    let list = |name| -> Vec<&str> {
        let text = header::text(headers, name).unwrap_or_default();
        text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect()
    };
    let (hosts, devices) = (list(hosts_name), list(devices_name));
    if hosts.is_empty() {
        return Ok(Vec::new());
    }
    if hosts.len() != devices.len() || hosts.len() > PARENTS_MAX {
        let flaw = RequestFlaw::ServerLists {
            hosts: hosts_name.clone(),
            host_count: hosts.len(),
            devices: devices_name.clone(),
            device_count: devices.len(),
            max: PARENTS_MAX,
        };
        return Err(flaw.of(path));
    }
    let partition = number(path, headers, partition_name)?;
    let partition = u32::try_from(partition)
        .map_err(|_| RequestFlaw::HeaderPartition(partition_name.clone()).of(path))?;
    let parent = |(host, device): (&str, &str)| {
        let flaw = || RequestFlaw::ServerAddress(hosts_name.clone(), host.to_owned());
        let host = host.parse().map_err(|_| flaw().of(path))?;
        Ok(ParentServer { host, device: device.to_owned(), partition })
    };
    hosts.into_iter().zip(devices).map(parent).collect()
}

/// Reads a required header.
pub(crate) fn required<'a>(
    path: &Path,
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> Result<&'a str, NodeError> {
    let missing = || RequestFlaw::MissingHeader(name.clone()).of(path);
    header::text(headers, name).ok_or_else(missing)
}

/// Reads a required header that is a number.
pub(crate) fn number(
    path: &Path,
    headers: &HeaderMap,
    name: &HeaderName,
) -> Result<u64, NodeError> {
    let text = required(path, headers, name)?;
    let flaw = |_| RequestFlaw::HeaderNumber(name.clone(), text.to_owned()).of(path);
    text.trim().parse().map_err(flaw)
}

/// Reads a required header that is a timestamp.
pub(crate) fn timestamp(
    path: &Path,
    headers: &HeaderMap,
    name: &HeaderName,
) -> Result<Timestamp, NodeError> {
    let text = required(path, headers, name)?;
    text.parse().map_err(|error| RequestFlaw::HeaderTimestamp(name.clone(), error).of(path))
}

/// Reads the headers to be stored: those with `prefix` and those in `also`, all in UTF-8.
pub(crate) fn stored_headers(
    path: &Path,
    headers: &HeaderMap,
    prefix: &str,
    also: &[&str],
) -> Result<BTreeMap<String, String>, NodeError> {
    let is_stored =
        |name: &HeaderName| name.as_str().starts_with(prefix) || also.contains(&name.as_str());
    let mut stored = BTreeMap::new();
    for (name, value) in headers.iter().filter(|(name, _)| is_stored(name)) {
        let value = std::str::from_utf8(value.as_bytes())
            .map_err(|_| RequestFlaw::HeaderEncoding(name.clone()).of(path))?;
        stored.insert(name.as_str().to_owned(), value.to_owned());
    }
    Ok(stored)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::swift::decode_path;

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
