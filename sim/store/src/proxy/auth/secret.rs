//! Secret that the proxies of a cluster share, and the seals made with it.
//!
//! Each seal is an HMAC-SHA-256 over a label and fields, so that a seal for one purpose is void for
//! another. Leaves out the storage of the secret.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// Least number of bytes of a secret.
pub const SECRET_BYTES_MIN: usize = 16;
/// Bytes of a seal.
pub(super) const SEAL_BYTES: usize = 32;
/// Bytes of an HMAC's key that needs no hashing: a block of SHA-256.
const BLOCK_BYTES: usize = 64;

/// Secret of a cluster's proxies. Without it tokens can neither be issued nor verified.
#[derive(Clone)]
pub struct ClusterSecret([u8; BLOCK_BYTES]);

/// Secret that is too short.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the cluster's secret has {bytes} bytes: write at least {SECRET_BYTES_MIN}, drawn at random"
)]
pub struct ShortSecret {
    /// Length in bytes.
    pub bytes: usize,
}

impl ClusterSecret {
    /// Secret of these bytes.
    ///
    /// # Errors
    /// It has fewer than [`SECRET_BYTES_MIN`].
    pub fn new(secret: &[u8]) -> Result<Self, ShortSecret> {
        if secret.len() < SECRET_BYTES_MIN {
            return Err(ShortSecret { bytes: secret.len() });
        }
        let mut block = [0; BLOCK_BYTES];
        block[..SEAL_BYTES].copy_from_slice(&Sha256::digest(secret));
        Ok(Self(block))
    }

    /// Seals `fields` for the purpose that `label` names.
    pub(super) fn seal(&self, label: &str, fields: &[&[u8]]) -> [u8; SEAL_BYTES] {
        self.sealing(label, fields).finalize().into_bytes().into()
    }

    /// True if `seal` is that of `fields`, in constant time.
    pub(super) fn has_sealed(&self, seal: &[u8], label: &str, fields: &[&[u8]]) -> bool {
        self.sealing(label, fields).verify_slice(seal).is_ok()
    }

    fn sealing(&self, label: &str, fields: &[&[u8]]) -> Hmac<Sha256> {
        let mut sealing = Hmac::<Sha256>::new(&self.0.into());
        for field in std::iter::once(&label.as_bytes()).chain(fields) {
            // Lengths keep different lists of fields apart.
            sealing.update(&(field.len() as u64).to_be_bytes());
            sealing.update(field);
        }
        sealing
    }
}

impl std::fmt::Debug for ClusterSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ClusterSecret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seal_holds_for_its_fields_its_label_and_its_secret_alone() {
        let secret = ClusterSecret::new(&[7; SECRET_BYTES_MIN]).unwrap();
        let seal = secret.seal("a", &[b"xy", b"z"]);
        assert!(secret.has_sealed(&seal, "a", &[b"xy", b"z"]));
        assert!(!secret.has_sealed(&seal, "a", &[b"x", b"yz"]), "fields are told apart");
        assert!(!secret.has_sealed(&seal, "b", &[b"xy", b"z"]), "labels are");
        assert!(!secret.has_sealed(&seal[..31], "a", &[b"xy", b"z"]), "a part of one is none");
        assert!(!secret.has_sealed(&[], "a", &[b"xy", b"z"]));
        let other = ClusterSecret::new(&[8; SECRET_BYTES_MIN]).unwrap();
        assert!(!other.has_sealed(&seal, "a", &[b"xy", b"z"]));
    }

    #[test]
    fn a_short_secret_is_refused_and_none_is_shown() {
        let error = ClusterSecret::new(b"hunter2").unwrap_err().to_string();
        assert!(error.contains("7 bytes") && !error.contains("hunter2"), "{error}");
        let shown = format!("{:?}", ClusterSecret::new(b"correct horse battery").unwrap());
        assert_eq!(shown, "ClusterSecret(…)");
    }
}
