//! Keyed draws: SHA-256 over seed, purpose and identity.
//!
//! Leaves out sequences: whoever needs many numbers for one identity seeds a generator with
//! [`key`].

use sha2::{Digest, Sha256};

/// 32 bytes that depend on nothing but the arguments.
#[must_use]
pub fn key(seed: u64, purpose: &str, identity: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(seed.to_le_bytes());
    // Lengths come first, so that no two pairs of purpose and identity read the same.
    hash.update((purpose.len() as u64).to_le_bytes());
    hash.update(purpose.as_bytes());
    hash.update((identity.len() as u64).to_le_bytes());
    hash.update(identity);
    hash.finalize().into()
}

/// A number from 0 to `u64::MAX` for the `index`-th draw in `group`.
#[must_use]
pub fn number(seed: u64, purpose: &str, group: u64, index: u64) -> u64 {
    let mut identity = [0; 16];
    identity[..8].copy_from_slice(&group.to_le_bytes());
    identity[8..].copy_from_slice(&index.to_le_bytes());
    let bytes = key(seed, purpose, &identity);
    u64::from_le_bytes(std::array::from_fn(|i| bytes[i]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seed_purpose_and_identity_each_change_the_draw() {
        let draws = [
            key(1, "data", b"x"),
            key(2, "data", b"x"),
            key(1, "dat", b"ax"),
            key(1, "data", b"y"),
        ];
        for (at, draw) in draws.iter().enumerate() {
            assert!(!draws[..at].contains(draw), "draw {at}");
        }
    }
}
