//! Size of an object, drawn from its distribution.
//!
//! In integers (`logarithm`), so that every machine draws the same. A normal draw is Marsaglia's
//! polar method over the object's own stream; a Pareto draw is the inverse of its distribution.
//! Sizes are rounded down, to a whole byte or to a whole number of what the generator makes; none
//! is below one of these.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use stayput_host::logarithm::{FRACTION_BITS, exp2_minus_q62, log2_q48, minus_ln_q48};

use crate::generate;
use crate::scenario::Size;

/// log2(e) × 2^62, rounded down.
const LOG2_E_Q62: u128 = 6_653_256_548_922_161_246;
const ONE_Q48: u64 = 1 << FRACTION_BITS;
/// Fractional bits of a normal draw.
const NORMAL_BITS: u32 = 28;
/// Two draws hit the circle with a chance of 0.785: so many pairs miss it with one of 10^-66.
const PAIRS_MAX: u32 = 100;

/// The size of the object `identity` for `seed`, a multiple of `unit` bytes; `purpose` labels the
/// draw.
pub(super) fn draw(size: Size, seed: u64, purpose: &str, identity: &[u8], unit: u64) -> u64 {
    let stream = || ChaCha8Rng::from_seed(generate::key(seed, purpose, identity));
    let drawn = match size {
        // What is written is what comes: that it is a multiple was checked when it was read.
        Size::Fixed(size) => return size,
        Size::Uniform { least, most } => {
            let span = u128::from(most - least) + 1;
            least + u64::try_from((u128::from(stream().next_u64()) * span) >> 64).unwrap_or(0)
        }
        Size::Lognormal { median, sigma, most } => {
            let (normal, above) = normal_q28(&mut stream());
            let (digits, scale) = sigma.fraction();
            // Below 2^33 × 2^23 × 2^63: 119 bits.
            let power = (u128::from(normal) * digits * LOG2_E_Q62 / scale)
                >> (NORMAL_BITS + 62 - FRACTION_BITS);
            let power = u64::try_from(power).unwrap_or(u64::MAX);
            if above { grown(median, power, most) } else { shrunk(median, power) }.min(most)
        }
        Size::Pareto { least, alpha, most } => {
            let minus_log2 = (64 << FRACTION_BITS) - log2_q48(u128::from(stream().next_u64()) + 1);
            let (digits, scale) = alpha.fraction();
            // Below 2^54 × 10^6.
            let power = u128::from(minus_log2) * scale / digits;
            grown(least, u64::try_from(power).unwrap_or(u64::MAX), most)
        }
    };
    (drawn / unit).max(1) * unit
}

/// `size` × 2^-(`power` / 2^48).
fn shrunk(size: u64, power: u64) -> u64 {
    u64::try_from((u128::from(size) * u128::from(exp2_minus_q62(power))) >> 62).unwrap_or(0)
}

/// `size` × 2^(`power` / 2^48), at most `most`.
fn grown(size: u64, power: u64, most: u64) -> u64 {
    let (whole, fraction) = (power >> FRACTION_BITS, power % ONE_Q48);
    // 2^(w + f) is 2^(w + 1) × 2^-(1 - f).
    let mantissa = u128::from(size) * u128::from(exp2_minus_q62(ONE_Q48 - fraction));
    // A size is below 2^33, so what is shifted by 33 is above any bound, and by less it fits.
    if whole >= 33 {
        return most;
    }
    u64::try_from(mantissa << (whole + 1) >> 62).unwrap_or(most).min(most)
}

/// The magnitude of a standard normal draw × 2^28, and whether it is above zero.
fn normal_q28(stream: &mut ChaCha8Rng) -> (u64, bool) {
    for _ in 0..PAIRS_MAX {
        let draw = stream.next_u64();
        // Two numbers from -1 to 1 with 31 fractional bits.
        let [x, y] = [draw >> 32, draw & 0xffff_ffff].map(|half| half as i64 - (1 << 31));
        let square = u128::from(x.unsigned_abs()).pow(2) + u128::from(y.unsigned_abs()).pow(2);
        if square == 0 || square >= 1 << 62 {
            continue;
        }
        // sqrt(-2 ln s / s), of which s has 62 fractional bits and the logarithm 48.
        let minus_ln = u128::from(minus_ln_q48(square << 2));
        let ratio = ((2 * minus_ln) << 62) / square;
        let factor = (ratio << (2 * NORMAL_BITS - FRACTION_BITS)).isqrt();
        let normal = (u128::from(x.unsigned_abs()) * factor) >> 31;
        return (u64::try_from(normal).unwrap_or(u64::MAX), x >= 0);
    }
    // The median: nobody will ever see it.
    (0, true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quantity::Decimal;

    const DRAWS: u32 = 20_000;
    const MIB: u64 = 1 << 20;

    fn number(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    fn drawn(size: Size) -> Vec<u64> {
        let mut all: Vec<u64> =
            (0..DRAWS).map(|n| draw(size, 5, "size", &n.to_le_bytes(), 1)).collect();
        all.sort_unstable();
        all
    }

    fn share(sizes: &[u64], of: impl Fn(u64) -> bool) -> f64 {
        sizes.iter().filter(|size| of(**size)).count() as f64 / sizes.len() as f64
    }

    fn close(found: f64, wanted: f64, by: f64) {
        assert!((found - wanted).abs() < by, "{found} instead of {wanted}");
    }

    #[test]
    fn uniform_sizes_lie_evenly_between_their_ends() {
        let sizes = drawn(Size::Uniform { least: MIB, most: 8 * MIB });
        assert!(sizes[0] >= MIB && sizes[sizes.len() - 1] <= 8 * MIB);
        close(share(&sizes, |size| size < 3 * MIB), 2.0 / 7.0, 0.01);
        close(sizes.iter().sum::<u64>() as f64 / f64::from(DRAWS) / MIB as f64, 4.5, 0.05);
        let ends = drawn(Size::Uniform { least: 3, most: 4 });
        close(share(&ends, |size| size == 3), 0.5, 0.015);
    }

    #[test]
    fn the_logarithms_of_lognormal_sizes_are_normal() {
        let most = 4 << 30;
        let sizes = drawn(Size::Lognormal { median: MIB, sigma: number("1.5"), most });
        let logs: Vec<f64> =
            sizes.iter().map(|size| (*size as f64 / MIB as f64).ln() / 1.5).collect();
        let mean = logs.iter().sum::<f64>() / logs.len() as f64;
        let variance = logs.iter().map(|log| (log - mean).powi(2)).sum::<f64>() / logs.len() as f64;
        close(mean, 0.0, 0.03);
        close(variance, 1.0, 0.04);
        // The normal distribution at -2, -1, 0, 1 and 2.
        for (z, below) in
            [(-2.0, 0.02275), (-1.0, 0.15866), (0.0, 0.5), (1.0, 0.84134), (2.0, 0.97725)]
        {
            let found = logs.iter().filter(|log| **log < z).count() as f64 / logs.len() as f64;
            close(found, below, 0.01);
        }
    }

    #[test]
    fn pareto_sizes_become_rare_by_their_power() {
        let size = Size::Pareto { least: MIB, alpha: number("1.5"), most: 4 << 30 };
        let sizes = drawn(size);
        assert!(sizes[0] >= MIB - 1, "{}", sizes[0]);
        for times in [2_u64, 4, 16] {
            let wanted = (times as f64).powf(-1.5);
            close(share(&sizes, |size| size > times * MIB), wanted, 0.01);
        }
    }

    #[test]
    fn what_exceeds_the_bound_is_as_large_as_it() {
        for size in [
            Size::Pareto { least: MIB, alpha: number("0.5"), most: 2 * MIB },
            Size::Lognormal { median: MIB, sigma: number("8"), most: 2 * MIB },
        ] {
            let sizes = drawn(size);
            assert_eq!(sizes[sizes.len() - 1], 2 * MIB);
            assert!(share(&sizes, |size| size == 2 * MIB) > 0.2);
            assert!(sizes[0] >= 1);
        }
    }

    #[test]
    fn sizes_are_whole_numbers_of_what_is_generated_and_depend_on_their_identity_only() {
        let size = Size::Lognormal { median: 150, sigma: number("1"), most: 10_000 };
        let of = |seed, name: &str| draw(size, seed, "size", name.as_bytes(), 100);
        let sizes: Vec<u64> = (0..100).map(|n| of(1, &format!("demo/{n}"))).collect();
        assert!(sizes.iter().all(|size| size % 100 == 0 && *size >= 100), "{sizes:?}");
        assert_eq!(of(1, "demo/7"), of(1, "demo/7"));
        assert!((0..20).any(|n| of(1, &format!("demo/{n}")) != of(2, &format!("demo/{n}"))));
    }

    #[test]
    fn growth_and_shrinking_agree_with_the_float() {
        for step in 0..200_u64 {
            let power = step * ONE_Q48 / 10 + step * 1_234_567;
            let float = (power as f64 / ONE_Q48 as f64).exp2();
            let up = grown(1_000, power, u64::MAX) as f64;
            assert!(step > 190 || (up - 1_000.0 * float).abs() <= 1.0 + up * 1e-9, "{step}: {up}");
            let down = shrunk(1 << 32, power) as f64;
            assert!(
                (down - (1_u64 << 32) as f64 / float).abs() <= 1.0 + down * 1e-9,
                "{step}: {down}"
            );
        }
    }
}
