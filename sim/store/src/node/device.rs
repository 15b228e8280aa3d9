//! The disks of a node, and the order that writers of one name keep on each of them.
//!
//! Leaves out what is on them: see `object` and `index`.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;

use stayput_host::{Disk, DiskError, Host, HostMetric};
use tokio::sync::{Mutex, MutexGuard};

use super::error::NodeError;
use super::index::Tallies;
use super::replicator::Digests;
use super::updater::Telling;
use crate::swift::Path;

/// Writers of names that share a stripe wait for each other. More stripes, fewer needless waits.
const STRIPES: usize = 256;

/// Uploads that have no name yet.
pub(super) const TMP: &str = "tmp";

/// The ring's hash of a path: names its directory on a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct NameHash(pub(super) [u8; 16]);

impl NameHash {
    /// In 32 hexadecimal digits.
    pub(super) fn hex(self) -> String {
        hex(&self.0)
    }

    /// Reads 32 hexadecimal digits.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let digits = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = u128::from_str_radix(text, 16).ok().filter(|_| digits)?;
        Some(Self(number.to_be_bytes()))
    }
}

/// Bytes in lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from(b"0123456789abcdef"[usize::from(nibble & 15)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}

/// One disk.
pub(super) struct Device {
    pub(super) name: String,
    pub(super) disk: Rc<dyn Disk>,
    stripes: Vec<Mutex<()>>,
    uploads: Cell<u64>,
    /// Rows of the pending log.
    pending: Cell<usize>,
    /// What replicas compare of its objects.
    pub(super) digests: Digests,
    /// What replicas compare of its listings.
    pub(super) tallies: Tallies,
    /// Changes of objects that nobody was told of yet.
    pub(super) telling: Telling,
}

impl Device {
    fn new(name: &str, disk: Rc<dyn Disk>) -> Self {
        let stripes = std::iter::repeat_with(|| Mutex::new(())).take(STRIPES).collect();
        let name = name.to_owned();
        Self {
            name,
            disk,
            stripes,
            uploads: Cell::new(0),
            pending: Cell::new(0),
            digests: Digests::default(),
            tallies: Tallies::default(),
            telling: Telling::default(),
        }
    }

    /// Waits until nobody else changes what has this hash. The caller's request has a limit.
    pub(super) async fn lock(&self, hash: NameHash) -> MutexGuard<'_, ()> {
        self.stripes[usize::from(hash.0[0]) % STRIPES].lock().await
    }

    /// A path for an upload that no other upload since the start has.
    pub(super) fn upload_path(&self, hash: NameHash) -> String {
        let number = self.uploads.get();
        self.uploads.set(number + 1);
        format!("{TMP}/{}-{number}", hash.hex())
    }

    /// Says of a disk's error what it was about.
    pub(super) fn failed<'a>(&'a self, path: &'a Path) -> impl Fn(DiskError) -> NodeError + 'a {
        move |source| NodeError::Disk { path: path.to_string(), device: self.name.clone(), source }
    }

    /// Says of a disk's error what it was about, where no path is known.
    pub(super) fn failed_at(&self, what: &str, source: DiskError) -> NodeError {
        NodeError::Disk { path: what.to_owned(), device: self.name.clone(), source }
    }

    /// Removes uploads that a crash left, and says how many there were.
    pub(super) async fn remove_uploads(&self) -> Result<usize, DiskError> {
        let names = self.disk.list(TMP).await?;
        for name in &names {
            self.disk.remove(&format!("{TMP}/{name}")).await?;
        }
        Ok(names.len())
    }

    /// Rows of the pending log, as far as the last round has counted them.
    pub(super) fn pending(&self) -> usize {
        self.pending.get()
    }

    /// From now on so many rows are in the pending log.
    pub(super) fn set_pending(&self, host: &Host, rows: usize) {
        let before = self.pending.replace(rows);
        let signed = |rows| i64::try_from(rows).unwrap_or(i64::MAX);
        host.count(HostMetric::UpdatesPending, signed(rows) - signed(before));
    }
}

/// The disks of a node by name.
pub(super) struct Devices(BTreeMap<String, Rc<Device>>);

impl Devices {
    /// Those of `names` that the host has: a disk that is not mounted answers as an unknown one.
    pub(super) fn of(host: &Host, names: &[String]) -> Self {
        let device = |name: &String| {
            host.disk(name).map(|disk| (name.clone(), Rc::new(Device::new(name, disk))))
        };
        Self(names.iter().filter_map(device).collect())
    }

    /// The device of that name.
    pub(super) fn get(&self, name: &str, path: &Path) -> Result<Rc<Device>, NodeError> {
        let none = || NodeError::NoDevice { path: path.to_string(), device: name.to_owned() };
        self.named(name).ok_or_else(none)
    }

    /// The device of that name, if there is one.
    pub(super) fn named(&self, name: &str) -> Option<Rc<Device>> {
        self.0.get(name).cloned()
    }

    /// All of them, by name.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Rc<Device>> {
        self.0.values()
    }
}

/// Where something is kept: a device of this node, and the hash of its name.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) device: Rc<Device>,
    pub(super) partition: u32,
    pub(super) hash: NameHash,
    pub(super) path: Path,
}

impl Place {
    /// Says of a disk's error what it was about.
    pub(super) fn failed(&self) -> impl Fn(DiskError) -> NodeError {
        self.device.failed(&self.path)
    }

    /// What says that it is not here.
    pub(super) fn not_found(&self, deleted: Option<crate::swift::Timestamp>) -> NodeError {
        NodeError::NotFound { path: self.path.to_string(), deleted }
    }
}
