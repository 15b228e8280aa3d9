//! The devices of a storage node by name, and state that its parts keep for each of them.
//!
//! Leaves out disks that appear or go while the node runs: a start finds them.

use std::collections::BTreeMap;
use std::ops::Index;
use std::rc::Rc;

use stayput_host::Host;

use super::device::Device;
use super::error::NodeError;
use super::name_hash::{NameHash, NameHasher};
use super::place::DiskPlace;
use crate::swift::Path;

/// Devices of a node, and the hash function that names what is on them.
pub(crate) struct Devices {
    by_name: BTreeMap<String, Rc<Device>>,
    name_hash: NameHasher,
}

impl Devices {
    /// Opens those of `names` that the host has: a disk that is not mounted counts as unknown.
    pub(crate) fn open(host: &Host, names: &[String], name_hash: NameHasher) -> Self {
        let disk = |name: &String| host.disk(name).map(|disk| (name.clone(), disk));
        let disks: BTreeMap<_, _> = names.iter().filter_map(disk).collect();
        let device = |(position, (name, disk)): (usize, (String, _))| {
            let device = Device::new(&name, position, disk);
            (name, Rc::new(device))
        };
        Self { by_name: disks.into_iter().enumerate().map(device).collect(), name_hash }
    }

    /// The device with that name, if there is one.
    pub(crate) fn get(&self, name: &str) -> Option<Rc<Device>> {
        self.by_name.get(name).cloned()
    }

    /// All devices, by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Rc<Device>> {
        self.by_name.values()
    }

    /// Hash of a path, by the ring.
    pub(crate) fn hash(&self, path: &Path) -> NameHash {
        NameHash((self.name_hash)(path))
    }

    /// Place of `path` on the device with that name.
    ///
    /// # Errors
    /// [`NodeError::NoDevice`].
    pub(crate) fn place(
        &self,
        name: &str,
        partition: u32,
        path: &Path,
    ) -> Result<DiskPlace, NodeError> {
        let none = || NodeError::NoDevice { path: path.to_string(), device: name.to_owned() };
        let device = self.get(name).ok_or_else(none)?;
        Ok(DiskPlace { device, partition, hash: self.hash(path), path: path.clone() })
    }
}

/// State that a part of the node keeps in memory for each device.
pub(crate) struct PerDevice<T>(Vec<T>);

impl<T: Default> PerDevice<T> {
    pub(crate) fn new(devices: &Devices) -> Self {
        Self(devices.iter().map(|_| T::default()).collect())
    }
}

impl<T> Index<&Device> for PerDevice<T> {
    type Output = T;

    fn index(&self, device: &Device) -> &T {
        &self.0[device.position]
    }
}
