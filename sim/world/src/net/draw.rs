//! Random draws of the network: functions of the seed, the purpose, the connection and the chunk.
//!
//! Leaves out shared sequences, so that a new draw shifts no other.

use rand::distr::Distribution;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{Rng, RngExt, SeedableRng};
use stayput_host::Seed;
use stayput_host::config::Jitter;
use stayput_host::distribution::Exponential;
use stayput_host::time::nanos;
use stayput_host::topology::HostKey;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// The most that an exponential jitter adds, in means.
const EXPONENTIAL_MEANS_MAX: f64 = 20.0;

/// Random bits for one decision after the other. There is a stream for every chunk, so the
/// generator is one that costs little to begin.
pub(super) type DrawStream = Xoshiro256PlusPlus;

/// Purpose of a draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Jitter = 1,
    Loss = 2,
    HandshakeLoss = 3,
}

/// The draws of a network.
pub(super) struct Draws(u64);

impl Draws {
    pub(super) fn new(seed: Seed) -> Self {
        Self(seed.entropy("network", b"", 0).next_u64())
    }

    /// Identity of a connection: independent of other hosts' actions.
    pub(super) fn identity(&self, from: HostKey, to: HostKey, nth: u64) -> u64 {
        self.hash(0, u64::from(from.0) << 32 | u64::from(to.0), nth)
    }

    /// For the `nth` decision of this kind about what `end` of a connection sends.
    pub(super) fn stream(&self, purpose: Purpose, identity: u64, end: u8, nth: u64) -> DrawStream {
        DrawStream::seed_from_u64(self.hash((purpose as u64) << 8 | u64::from(end), identity, nth))
    }

    fn hash(&self, purpose: u64, identity: u64, nth: u64) -> u64 {
        let mut key = [0; 24];
        key[..8].copy_from_slice(&purpose.to_le_bytes());
        key[8..16].copy_from_slice(&identity.to_le_bytes());
        key[16..].copy_from_slice(&nth.to_le_bytes());
        xxh3_64_with_seed(&key, self.0)
    }
}

/// Delay by `jitter`, in nanoseconds.
pub(super) fn jitter_ns(jitter: Jitter, stream: &mut DrawStream) -> u64 {
    match jitter {
        Jitter::None => 0,
        Jitter::Uniform { max } => stream.random_range(0..=nanos(max)),
        Jitter::Exponential { mean } => {
            let means = Exponential { mean: 1.0 }.sample(stream).min(EXPONENTIAL_MEANS_MAX);
            (nanos(mean) as f64 * means) as u64
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn mean_us(jitter: Jitter) -> u64 {
        let draws = Draws::new(Seed(1));
        let sum: u64 = (0..10_000)
            .map(|nth| jitter_ns(jitter, &mut draws.stream(Purpose::Jitter, 7, 0, nth)))
            .sum();
        sum / 10_000 / 1_000
    }

    #[test]
    fn jitter_has_the_mean_of_its_distribution() {
        let us = Duration::from_micros;
        assert_eq!(mean_us(Jitter::None), 0);
        assert!((490..=510).contains(&mean_us(Jitter::Uniform { max: us(1_000) })));
        assert!((970..=1_030).contains(&mean_us(Jitter::Exponential { mean: us(1_000) })));
    }

    #[test]
    fn a_draw_depends_on_each_part_of_its_key() {
        let draw = |seed, purpose, identity, end, nth| {
            Draws::new(Seed(seed)).stream(purpose, identity, end, nth).next_u64()
        };
        let base = draw(1, Purpose::Loss, 2, 0, 3);
        assert_eq!(base, draw(1, Purpose::Loss, 2, 0, 3));
        for other in [
            draw(2, Purpose::Loss, 2, 0, 3),
            draw(1, Purpose::Jitter, 2, 0, 3),
            draw(1, Purpose::Loss, 3, 0, 3),
            draw(1, Purpose::Loss, 2, 1, 3),
            draw(1, Purpose::Loss, 2, 0, 4),
        ] {
            assert_ne!(base, other);
        }
    }

    #[test]
    fn draws_stay_what_they_are() {
        // Another version or machine that drew otherwise would change every result.
        let stream = || Draws::new(Seed(1)).stream(Purpose::Jitter, 7, 1, 3);
        assert_eq!(stream().next_u64(), 7_688_319_042_519_070_369);
        let mean = Duration::from_millis(1);
        assert_eq!(jitter_ns(Jitter::Exponential { mean }, &mut stream()), 875_185);
        assert_eq!(jitter_ns(Jitter::Uniform { max: mean }, &mut stream()), 416_785);
    }
}
