//! Swift's path hash: MD5 over a cluster secret and the path. It chooses the partition and names
//! the object on disk.
//!
//! Leaves out checks of names, which the parsers of requests make.

use std::fmt;

use md5::{Digest, Md5};

use super::units::{PartPower, Partition};

/// Hash path prefix and suffix of a cluster. They are secret: a client that knows them can aim at
/// one partition. Changing them loses all data.
#[derive(Clone, PartialEq, Eq)]
pub struct HashSecret {
    /// Hashed before the path.
    pub prefix: Vec<u8>,
    /// Hashed after the path.
    pub suffix: Vec<u8>,
}

impl HashSecret {
    /// Secret of a cluster, as in `swift.conf`.
    pub fn new(prefix: impl Into<Vec<u8>>, suffix: impl Into<Vec<u8>>) -> Self {
        Self { prefix: prefix.into(), suffix: suffix.into() }
    }

    /// Hash of `/account`, `/account/container` or `/account/container/object`
    /// (Swift's `hash_path`; an object may contain slashes).
    ///
    /// # Panics
    /// If an object comes without a container.
    pub fn hash_path(
        &self,
        account: &str,
        container: Option<&str>,
        object: Option<&str>,
    ) -> PathHash {
        assert!(container.is_some() || object.is_none(), "object {object:?} has no container");
        let mut digest = Md5::new();
        digest.update(&self.prefix);
        for name in [Some(account), container, object].into_iter().flatten() {
            digest.update(b"/");
            digest.update(name.as_bytes());
        }
        digest.update(&self.suffix);
        PathHash(digest.finalize().into())
    }
}

impl fmt::Debug for HashSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Logs and traces are shared, the secret is not.
        f.write_str("HashSecret(..)")
    }
}

/// MD5 of a path within a cluster; as text 32 lower-case hex digits, as Swift names files on
/// disk.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PathHash(pub [u8; 16]);

impl PathHash {
    /// Partition under a part power: the first four bytes, big endian, shifted right.
    pub fn partition(self, power: PartPower) -> Partition {
        let [a, b, c, d, ..] = self.0;
        // A shift of 0 keeps all 32 bits, one of 31 keeps the first.
        Partition(u32::from_be_bytes([a, b, c, d]) >> power.shift())
    }
}

impl fmt::Display for PathHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for PathHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PathHash({self})")
    }
}
