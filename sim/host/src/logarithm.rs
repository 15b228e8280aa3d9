//! Logarithm and power in integers, bit for bit the same on every machine.
//!
//! `f64::ln` and `powf` may differ in their last bit from one C library to the next, and a draw
//! that decides must not. Fixed point with 62 fractional bits; results are good to better than
//! 10^-13. Leaves out everything but what draws need: log2 above 1, and 2 to a negative power.

/// Fractional bits of results.
pub const FRACTION_BITS: u32 = 48;
/// Fractional bits of a mantissa.
const MANTISSA_BITS: u32 = 62;
/// ln 2 × 2^64, rounded down.
const LN_2_Q64: u128 = 12_786_308_645_202_655_659;

/// log2(`n`) × 2^48 for `n` of at least 1: the whole part from the position of the top bit, then
/// one bit after the other by squaring the mantissa.
pub fn log2_q48(n: u128) -> u64 {
    assert!(n >= 1, "zero has no logarithm");
    let whole = n.ilog2();
    let mut mantissa = if whole >= MANTISSA_BITS {
        n >> (whole - MANTISSA_BITS)
    } else {
        n << (MANTISSA_BITS - whole)
    };
    let mut result = u64::from(whole);
    for _ in 0..FRACTION_BITS {
        mantissa = (mantissa * mantissa) >> MANTISSA_BITS;
        result <<= 1;
        if mantissa >> (MANTISSA_BITS + 1) != 0 {
            mantissa >>= 1;
            result |= 1;
        }
    }
    result
}

/// −ln(`n` / 2^64) × 2^48 for `n` from 1 to 2^64.
pub fn minus_ln_q48(n: u128) -> u64 {
    assert!(n <= 1 << 64, "the fraction must not exceed one");
    let minus_log2 = (64 << FRACTION_BITS) - log2_q48(n);
    u64::try_from((u128::from(minus_log2) * LN_2_Q64) >> 64).unwrap_or(u64::MAX)
}

/// 2^(−`power` / 2^48) × 2^62, rounded down: the product of 2^-(1/2), 2^-(1/4), … for the bits
/// that are set, each the square root of the one before.
pub fn exp2_minus_q62(power: u64) -> u64 {
    let whole = u32::try_from(power >> FRACTION_BITS).unwrap_or(u32::MAX);
    if whole > MANTISSA_BITS {
        return 0;
    }
    let one: u128 = 1 << MANTISSA_BITS;
    let mut result = one;
    let mut root = one / 2;
    for bit in (0..FRACTION_BITS).rev() {
        root = (root << MANTISSA_BITS).isqrt();
        if power >> bit & 1 == 1 {
            result = (result * root) >> MANTISSA_BITS;
        }
    }
    u64::try_from(result >> whole).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const Q48: f64 = (1_u64 << 48) as f64;

    #[test]
    fn minus_ln_agrees_with_the_float_within_a_billionth() {
        let mut n: u128 = 1;
        while n <= 1 << 64 {
            for n in [n, n + n / 3, n + n / 7 * 5].into_iter().filter(|n| *n <= 1 << 64) {
                let float = -((n as f64) / 2_f64.powi(64)).ln();
                let ours = minus_ln_q48(n) as f64 / Q48;
                assert!((float - ours).abs() < 1e-9, "{n}: {float} against {ours}");
            }
            n *= 2;
        }
        assert_eq!(minus_ln_q48(1 << 64), 0);
    }

    #[test]
    fn powers_of_two_agree_with_the_float_within_a_billionth() {
        for step in 0..2_000_u64 {
            let power = step * (1 << 43) + step * 12_345;
            let float = (-(power as f64 / Q48)).exp2();
            let ours = exp2_minus_q62(power) as f64 / 2_f64.powi(62);
            assert!((float - ours).abs() < 1e-9, "{power}: {float} against {ours}");
        }
    }

    #[test]
    fn logarithms_of_powers_of_two_are_exact() {
        for bit in 0..100 {
            assert_eq!(log2_q48(1 << bit), u64::from(bit as u32) << 48);
        }
    }
}
