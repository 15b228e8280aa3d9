//! Random draws of the network: functions of the seed, the purpose, the connection and the chunk.
//!
//! Leaves out shared sequences, so that a new draw shifts no other.

use std::time::Duration;

use stayput_host::Seed;
use stayput_host::config::Jitter;
use stayput_host::logarithm::{FRACTION_BITS, minus_ln_q48};
use stayput_host::time::nanos;
use stayput_host::topology::HostKey;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// The most that an exponential jitter adds, in means.
const EXPONENTIAL_MEANS_MAX: u64 = 20;

/// Purpose of a draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Jitter = 1,
    Loss = 2,
    HandshakeLoss = 3,
}

/// The draws of a network.
pub(super) struct Draws(u64);

/// Random bits for one decision after the other (SplitMix64).
pub(super) struct Bits(u64);

impl Draws {
    pub(super) fn new(seed: Seed) -> Self {
        Self(seed.entropy("network", b"", 0).next_u64())
    }

    /// Identity of a connection: independent of other hosts' actions.
    pub(super) fn identity(&self, from: HostKey, to: HostKey, nth: u64) -> u64 {
        self.hash(0, u64::from(from.0) << 32 | u64::from(to.0), nth)
    }

    /// For the `nth` decision of this kind about what `end` of a connection sends.
    pub(super) fn bits(&self, purpose: Purpose, identity: u64, end: u8, nth: u64) -> Bits {
        Bits(self.hash((purpose as u64) << 8 | u64::from(end), identity, nth))
    }

    fn hash(&self, purpose: u64, identity: u64, nth: u64) -> u64 {
        let mut key = [0; 24];
        key[..8].copy_from_slice(&purpose.to_le_bytes());
        key[8..16].copy_from_slice(&identity.to_le_bytes());
        key[16..].copy_from_slice(&nth.to_le_bytes());
        xxh3_64_with_seed(&key, self.0)
    }
}

impl Bits {
    pub(super) const fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Delay by `jitter`, in nanoseconds.
    pub(super) fn jitter_ns(&mut self, jitter: Jitter) -> u64 {
        let times = |duration: Duration, factor: u128, shift: u32| {
            u64::try_from((u128::from(nanos(duration)) * factor) >> shift).unwrap_or(u64::MAX)
        };
        match jitter {
            Jitter::None => 0,
            Jitter::Uniform { max } => times(max, u128::from(self.draw()), 64),
            Jitter::Exponential { mean } => {
                let means = minus_ln_q48(u128::from(self.draw()) + 1);
                let means = means.min(EXPONENTIAL_MEANS_MAX << FRACTION_BITS);
                times(mean, u128::from(means), FRACTION_BITS)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean_us(jitter: Jitter) -> u64 {
        let draws = Draws::new(Seed(1));
        let sum: u64 =
            (0..10_000).map(|nth| draws.bits(Purpose::Jitter, 7, 0, nth).jitter_ns(jitter)).sum();
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
            Draws::new(Seed(seed)).bits(purpose, identity, end, nth).draw()
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
}
