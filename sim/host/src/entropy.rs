//! Keyed entropy: every random decision has its own stream, named by what it is for.
//!
//! Leaves out a shared sequence on purpose: one more draw anywhere would shift all that follow.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use sha2::{Digest, Sha256};

/// The one seed of a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed(pub u64);

impl Seed {
    /// The stream that belongs to (`purpose`, `identity`, `attempt`).
    #[must_use]
    pub fn entropy(self, purpose: &str, identity: &[u8], attempt: u64) -> Entropy {
        let mut hash = Sha256::new();
        hash.update(self.0.to_le_bytes());
        // Lengths first: ("ab", "c") and ("a", "bc") are different keys.
        for part in [purpose.as_bytes(), identity] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        hash.update(attempt.to_le_bytes());
        Entropy(ChaCha8Rng::from_seed(hash.finalize().into()))
    }
}

/// A stream of random bits for one purpose.
#[derive(Clone, Debug)]
pub struct Entropy(ChaCha8Rng);

impl Entropy {
    /// 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number below `bound`, all equally likely; zero if `bound` is zero.
    pub fn below(&mut self, bound: u64) -> u64 {
        // Lemire's multiplication; the bias of 2^-64 · bound is below what any run could show.
        u64::try_from((u128::from(self.next_u64()) * u128::from(bound)) >> 64).unwrap_or(0)
    }

    /// 32 random bytes: the seed of somebody else's generator.
    pub fn seed(&mut self) -> [u8; 32] {
        let mut seed = [0; 32];
        self.0.fill_bytes(&mut seed);
        seed
    }

    /// Puts `items` into a random order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for end in (1..items.len()).rev() {
            let other = usize::try_from(self.below(end as u64 + 1)).unwrap_or(end);
            items.swap(end, other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_depends_on_each_part_of_its_key() {
        let base = Seed(7).entropy("p", b"id", 0).next_u64();
        assert_eq!(base, Seed(7).entropy("p", b"id", 0).next_u64());
        assert_ne!(base, Seed(8).entropy("p", b"id", 0).next_u64());
        assert_ne!(base, Seed(7).entropy("q", b"id", 0).next_u64());
        assert_ne!(base, Seed(7).entropy("p", b"ie", 0).next_u64());
        assert_ne!(base, Seed(7).entropy("p", b"id", 1).next_u64());
        assert_ne!(
            Seed(7).entropy("ab", b"c", 0).next_u64(),
            Seed(7).entropy("a", b"bc", 0).next_u64()
        );
    }

    #[test]
    fn a_shuffle_keeps_every_item() {
        let mut items: Vec<u32> = (0..100).collect();
        Seed(1).entropy("shuffle", b"", 0).shuffle(&mut items);
        assert_ne!(items, (0..100).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..100).collect::<Vec<_>>());
    }
}
