//! Paths of requests to a storage node: `/device/partition/account[/container[/object]]`.
//!
//! Leaves out the paths by which replicas compare a whole device or partition.

use percent_encoding::percent_decode_str;

use crate::node::storage::{NodeError, RequestFlaw};
use crate::swift::{Path, decode_path};

/// Device, partition and Swift path of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DevicePath {
    pub(crate) device: String,
    pub(crate) partition: u32,
    pub(crate) path: Path,
}

impl DevicePath {
    /// Reads a request's path, as it stands in the URL.
    pub(crate) fn parse(url_path: &str) -> Result<Self, NodeError> {
        let usage = || {
            RequestFlaw::Path("wants /device/partition/account[/container[/object]]").of(url_path)
        };
        let rest = url_path.strip_prefix('/').ok_or_else(usage)?;
        let (device, rest) = rest.split_once('/').ok_or_else(usage)?;
        let (partition, rest) = rest.split_once('/').ok_or_else(usage)?;
        let device = percent_decode_str(device).decode_utf8().map_err(|_| usage())?.into_owned();
        let partition = partition
            .parse()
            .map_err(|_| RequestFlaw::Partition(partition.to_owned()).of(url_path))?;
        let path = decode_path(&format!("/{rest}"));
        let path = path.map_err(|error| RequestFlaw::from(error).of(url_path))?;
        Ok(Self { device, partition, path })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::swift::encode_part;

    #[test]
    fn a_device_path_names_device_partition_and_path() {
        let target = DevicePath::parse("/d1/42/AUTH_a/c/x/y%20z").unwrap();
        assert_eq!((target.device.as_str(), target.partition), ("d1", 42));
        assert_eq!(target.path.object(), Some("x/y z"));
    }

    #[test]
    fn a_bad_device_path_is_refused_with_its_path_named() {
        for path in ["", "/", "/d1", "/d1/2", "/d1/2/", "/d1/x/a", "/d1/-1/a", "/%ff/1/a"] {
            let error = DevicePath::parse(path).unwrap_err();
            assert!(error.to_string().starts_with(path), "{error}");
        }
    }

    proptest! {
        #[test]
        fn a_device_path_reads_back_as_it_was_encoded(
            device in "[^/\0]{1,12}", partition: u32,
            account in "[^/\0]{1,12}", container in "[^/\0]{1,12}", object in "[^\0]{1,20}",
        ) {
            let path = Path::object_of(&account, &container, &object).unwrap();
            for path in [path.to_account(), path.to_container().unwrap(), path] {
                let url = format!("/{}/{partition}{}", encode_part(&device), path.encoded());
                let parsed = DevicePath::parse(&url).unwrap();
                let expected = DevicePath { device: device.clone(), partition, path };
                prop_assert_eq!(parsed, expected, "{}", url);
            }
        }

        #[test]
        fn any_text_is_a_device_path_or_refused(text in ".{0,60}") {
            let _either = DevicePath::parse(&text);
        }
    }
}
