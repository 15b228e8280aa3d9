//! Keyed entropy: every random decision has its own stream, named by what it is for.
//!
//! Leaves out a shared sequence on purpose: one more draw anywhere would shift all that follow.
//! Distributions of a stream are those of `rand`, and of [`distribution`](super::distribution)
//! where they need a logarithm.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};

/// A stream of random bits for one purpose, which a [`Seed`] makes.
pub type Entropy = ChaCha8Rng;

/// The one seed of a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed(pub u64);

impl Seed {
    /// The stream that belongs to (`purpose`, `identity`, `attempt`).
    #[must_use]
    pub fn entropy(self, purpose: &str, identity: &[u8], attempt: u64) -> Entropy {
        let key = self.key(purpose, identity).chain_update(attempt.to_le_bytes());
        Entropy::from_seed(key.finalize().into())
    }

    /// The stream that belongs to (`purpose`, `identity`), for what is drawn once, as the bytes of
    /// a generated object are.
    #[must_use]
    pub fn stream(self, purpose: &str, identity: &[u8]) -> Entropy {
        Entropy::from_seed(self.key(purpose, identity).finalize().into())
    }

    fn key(self, purpose: &str, identity: &[u8]) -> Sha256 {
        let mut hash = Sha256::new();
        hash.update(self.0.to_le_bytes());
        // Lengths first: ("ab", "c") and ("a", "bc") are different keys.
        for part in [purpose.as_bytes(), identity] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        hash
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::seq::SliceRandom;
    use rand::{Rng, RngExt};

    #[test]
    fn a_stream_depends_on_each_part_of_its_key() {
        let streams = [
            Seed(7).entropy("p", b"id", 0),
            Seed(8).entropy("p", b"id", 0),
            Seed(7).entropy("q", b"id", 0),
            Seed(7).entropy("p", b"ie", 0),
            Seed(7).entropy("p", b"id", 1),
            Seed(7).entropy("pi", b"d", 0),
            Seed(7).stream("p", b"id"),
            Seed(7).stream("pi", b"d"),
        ];
        let first = streams.map(|mut stream| stream.next_u64());
        assert_eq!(first[0], Seed(7).entropy("p", b"id", 0).next_u64());
        for (at, draw) in first.iter().enumerate() {
            assert!(!first[..at].contains(draw), "draw {at}");
        }
    }

    #[test]
    fn streams_and_what_is_drawn_from_them_stay_what_they_are() {
        // Another version that drew otherwise would change every result.
        let stream = || Seed(7).entropy("p", b"id", 3);
        assert_eq!(stream().next_u64(), 13_240_511_510_776_259_039);
        assert_eq!(Seed(7).stream("p", b"id").next_u64(), 15_274_451_962_824_176_175);
        assert_eq!(stream().random::<f64>().to_bits(), 4_604_640_313_056_397_636);
        let ranges: [u64; 4] = std::array::from_fn({
            let mut stream = stream();
            move |_| stream.random_range(0..1_000)
        });
        assert_eq!(ranges, [717, 504, 337, 871]);
        let indices: [usize; 4] = std::array::from_fn({
            let mut stream = stream();
            move |_| stream.random_range(0..1_000)
        });
        assert_eq!(indices, [360, 717, 68, 504]);
        let mut order: [u8; 8] = std::array::from_fn(|at| at.to_le_bytes()[0]);
        order.shuffle(&mut stream());
        assert_eq!(order, [2, 4, 0, 6, 3, 1, 7, 5]);
    }

    #[test]
    fn ranges_and_orders_are_even() {
        let mut counts = [[0_u32; 4]; 4];
        for n in 0..8_000 {
            let mut order = [0, 1, 2, 3];
            order.shuffle(&mut Seed(1).entropy("shuffle", b"", n));
            order.into_iter().enumerate().for_each(|(at, item)| counts[at][item] += 1);
        }
        assert!(counts.as_flattened().iter().all(|n| (1_850..2_150).contains(n)), "{counts:?}");
        let mut stream = Seed(1).entropy("range", b"", 0);
        let sum: u32 = (0..10_000).map(|_| stream.random_range(0..=100)).sum();
        assert!((490_000..510_000).contains(&sum), "{sum}");
    }
}
