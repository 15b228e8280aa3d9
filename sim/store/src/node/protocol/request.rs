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

    const NAMES: [HeaderName; 3] =
        [header::X_CONTAINER_HOST, header::X_CONTAINER_DEVICE, header::X_CONTAINER_PARTITION];

    fn with(headers: &[(HeaderName, &str)]) -> HeaderMap {
        let pairs = headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap()));
        pairs.collect()
    }

    fn path() -> Path {
        decode_path("/a/c/o").unwrap()
    }

    #[test]
    fn servers_are_read_in_their_order_and_spaces_do_not_matter() {
        let [hosts, devices, partition] = NAMES;
        let headers = with(&[
            (hosts, "10.0.0.1:6201, [::1]:6202 ,"),
            (devices, " d1,d2"),
            (partition, " 42 "),
        ]);
        let server = |host: &str, device: &str| ParentServer {
            host: host.parse().unwrap(),
            device: device.to_owned(),
            partition: 42,
        };
        let expected = [server("10.0.0.1:6201", "d1"), server("[::1]:6202", "d2")];
        assert_eq!(parents(&path(), &headers, &NAMES).unwrap(), expected);
    }

    #[test]
    fn a_list_of_servers_with_a_flaw_names_the_header() {
        let [hosts, devices, partition] = NAMES;
        let many = ["10.0.0.1:1"; PARENTS_MAX + 1].join(",");
        let many_devices = ["d1"; PARENTS_MAX + 1].join(",");
        for (host, device, number, named) in [
            ("10.0.0.1", "d1", "7", "x-container-host"),
            ("node1:6201", "d1", "7", "x-container-host"),
            ("10.0.0.1:6201", "", "7", "x-container-device"),
            ("10.0.0.1:6201", "d1", "4294967296", "x-container-partition"),
            ("10.0.0.1:6201", "d1", "-1", "x-container-partition"),
            ("10.0.0.1:6201", "d1", "", "x-container-partition"),
            (many.as_str(), many_devices.as_str(), "7", "up to 64"),
        ] {
            let headers =
                [(hosts.clone(), host), (devices.clone(), device), (partition.clone(), number)];
            let refused = parents(&path(), &with(&headers), &NAMES).unwrap_err().to_string();
            assert!(refused.contains(named) && refused.starts_with("/a/c/o: "), "{refused}");
        }
        let without_partition = with(&[(hosts, "10.0.0.1:6201"), (devices, "d1")]);
        let refused = parents(&path(), &without_partition, &NAMES).unwrap_err().to_string();
        assert!(refused.contains("x-container-partition is missing"), "{refused}");
    }

    #[test]
    fn a_required_header_is_there_and_of_its_kind() {
        let headers = with(&[
            (header::X_SIZE, "12"),
            (header::X_TIMESTAMP, "17.5"),
            (header::X_ETAG, "twelve"),
        ]);
        assert_eq!(number(&path(), &headers, &header::X_SIZE).unwrap(), 12);
        let at = timestamp(&path(), &headers, &header::X_TIMESTAMP).unwrap();
        assert_eq!(at.to_string(), "0000000017.50000");
        let texts = [
            number(&path(), &headers, &header::X_ETAG).map(drop),
            timestamp(&path(), &headers, &header::X_ETAG).map(drop),
            number(&path(), &headers, &header::X_CONTENT_TYPE).map(drop),
        ]
        .map(|refused| refused.unwrap_err().to_string());
        assert!(texts[0].contains("x-etag says \"twelve\""), "{}", texts[0]);
        assert!(texts[1].contains("x-etag") && texts[1].contains("twelve"), "{}", texts[1]);
        assert!(texts[2].contains("x-content-type is missing"), "{}", texts[2]);
    }

    #[test]
    fn headers_with_the_prefix_and_those_that_are_named_are_stored_and_no_others() {
        let mut headers = with(&[
            (HeaderName::from_static("x-object-meta-colour"), "blue"),
            (HeaderName::from_static("x-object-metal"), "no"),
            (HeaderName::from_static("content-encoding"), "gzip"),
            (HeaderName::from_static("content-length"), "7"),
        ]);
        let prefix = header::OBJECT_META_PREFIX;
        let stored = stored_headers(&path(), &headers, prefix, &["content-encoding"]).unwrap();
        let pairs: Vec<(&str, &str)> =
            stored.iter().map(|(name, value)| (&**name, &**value)).collect();
        assert_eq!(pairs, [("content-encoding", "gzip"), ("x-object-meta-colour", "blue")]);
        let utf8 = crate::http::HeaderValue::from_bytes("blü".as_bytes()).unwrap();
        headers.insert("x-object-meta-colour", utf8);
        let stored = stored_headers(&path(), &headers, prefix, &[]).unwrap();
        assert_eq!(stored["x-object-meta-colour"], "blü");
        let latin = crate::http::HeaderValue::from_bytes(b"bl\xfc").unwrap();
        headers.insert("x-object-meta-colour", latin);
        let refused = stored_headers(&path(), &headers, prefix, &[]).unwrap_err().to_string();
        assert!(refused.contains("x-object-meta-colour is not UTF-8"), "{refused}");
    }
}
