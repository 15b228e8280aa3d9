//! Exact decimal numbers as people write them: "12", "0.99", "-1.5", "1e9".
//!
//! Leaves out arithmetic beyond scaling to an integer and comparing with a fraction, and numbers
//! with more digits than a quantity has any use for.

use std::cmp::Ordering;
use std::fmt;

/// The most digits that a number may have, its exponent's not counted.
pub(super) const MAX_DIGITS: usize = 18;
/// The most decimal places that a number may have, its exponent counted in.
pub(super) const MAX_PLACES: u32 = 18;

/// An exact decimal number: `digits` × 10^-`places`.
#[derive(Clone, Copy, Debug)]
pub struct Decimal {
    negative: bool,
    digits: u128,
    places: u32,
}

impl Decimal {
    /// Parses "12", "0.99", "-1.5", "1e9", "2.5e-3"; underscores may stand between digits.
    /// `None` for anything else, for more than 18 digits, and for what is too small
    /// (18 decimal places) or too large.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent)?),
            None => (text, 0),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
            Some(_) => return None,
            None => (mantissa, ""),
        };
        if !whole.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        let mut digits: u128 = 0;
        let mut count = 0;
        for c in whole.chars().chain(fraction.chars()).filter(|c| *c != '_') {
            digits = digits * 10 + u128::from(c.to_digit(10)?);
            count += 1;
            if count > MAX_DIGITS {
                return None;
            }
        }
        let fraction_digits = fraction.chars().filter(|c| *c != '_').count();
        let places = i64::try_from(fraction_digits).ok()? - exponent;
        Self::from_parts(negative, digits, places)
    }

    fn from_parts(negative: bool, mut digits: u128, places: i64) -> Option<Self> {
        if places < 0 {
            let factor = 10_u128.checked_pow(u32::try_from(-places).ok()?)?;
            digits = digits.checked_mul(factor).filter(|d| *d < 10_u128.pow(30))?;
        }
        let places = u32::try_from(places.max(0)).ok().filter(|p| *p <= MAX_PLACES)?;
        Some(Self { negative: negative && digits > 0, digits, places })
    }

    /// The whole number `n`.
    #[must_use]
    pub fn whole(n: i64) -> Self {
        Self { negative: n < 0, digits: u128::from(n.unsigned_abs()), places: 0 }
    }

    /// True if it is below zero.
    #[must_use]
    pub const fn is_negative(self) -> bool {
        self.negative
    }

    /// True if it is zero.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.digits == 0
    }

    /// As a fraction of whole numbers, by magnitude: numerator and denominator (a power of ten).
    #[must_use]
    pub fn fraction(self) -> (u128, u128) {
        (self.digits, 10_u128.pow(self.places))
    }

    /// Magnitude as the nearest float, or one beside it; the same on every machine.
    #[must_use]
    pub fn magnitude(self) -> f64 {
        let (digits, scale) = self.fraction();
        digits as f64 / scale as f64
    }

    /// This number times `factor`, if that is a whole number from 0 to `u64::MAX`.
    #[must_use]
    pub fn times(self, factor: u128) -> Option<u64> {
        if self.negative {
            return None;
        }
        let product = self.digits.checked_mul(factor)?;
        let denominator = 10_u128.pow(self.places);
        if !product.is_multiple_of(denominator) {
            return None;
        }
        u64::try_from(product / denominator).ok()
    }

    /// Exact comparison of the fraction `numerator` / `denominator` with this number.
    /// `denominator` must not be zero.
    #[must_use]
    pub fn compare_fraction(self, numerator: i128, denominator: u64) -> Ordering {
        assert!(denominator != 0, "a fraction has no zero below its line");
        match (numerator < 0, self.negative) {
            (true, false) => return Ordering::Less,
            (false, true) => return Ordering::Greater,
            _ => {}
        }
        let left = numerator.unsigned_abs().saturating_mul(10_u128.pow(self.places));
        let right = self.digits.saturating_mul(u128::from(denominator));
        if self.negative { right.cmp(&left) } else { left.cmp(&right) }
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        let places = self.places.max(other.places);
        let scaled = |d: &Self| d.digits.saturating_mul(10_u128.pow(places - d.places));
        self.negative == other.negative && scaled(self) == scaled(other)
    }
}

impl Eq for Decimal {}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.negative { "-" } else { "" };
        let (digits, scale) = self.fraction();
        if self.places == 0 {
            return write!(f, "{sign}{digits}");
        }
        let width = self.places as usize;
        write!(f, "{sign}{}.{:0width$}", digits / scale, digits % scale)
    }
}

fn parse_exponent(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if digits.is_empty() || digits.len() > 2 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let value: i64 = digits.parse().ok()?;
    Some(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn exponents_and_points_are_exact() {
        assert_eq!(Decimal::parse("1e9").unwrap().times(1), Some(1_000_000_000));
        assert_eq!(Decimal::parse("1.5").unwrap().times(1_000), Some(1_500));
        assert_eq!(Decimal::parse("0.1").unwrap().times(1), None);
        assert_eq!(Decimal::parse("2.50").unwrap(), Decimal::parse("2.5").unwrap());
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in ["", "-", ".5", "5.", "1e", "1e999", "0x10", "1e30", "١", "inf", "NaN", "1e-19"]
        {
            assert!(Decimal::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_fraction_compares_exactly_and_by_sign() {
        let limit = Decimal::parse("0.99").unwrap();
        assert_eq!(limit.compare_fraction(99, 100), Ordering::Equal);
        assert_eq!(limit.compare_fraction(989_999, 1_000_000), Ordering::Less);
        assert_eq!(limit.compare_fraction(-1, 1), Ordering::Less);
        assert_eq!(Decimal::parse("-0.5").unwrap().compare_fraction(-3, 4), Ordering::Less);
    }

    proptest! {
        #[test]
        fn what_is_shown_parses_to_the_same_number(digits in 0_u64..10_u64.pow(17), e in -17_i32..12) {
            let number = Decimal::parse(&format!("{digits}e{e}")).unwrap();
            let again = Decimal::parse(&number.to_string());
            // A number with a large exponent shows more digits than one may write out.
            prop_assert!(again == Some(number) || number.to_string().len() > MAX_DIGITS);
        }

        #[test]
        fn arbitrary_text_never_panics(text in ".*") {
            let _ = Decimal::parse(&text);
        }
    }

    fn parsed(digits: u64, places: u32, is_negative: bool) -> Decimal {
        let sign = if is_negative { "-" } else { "" };
        Decimal::parse(&format!("{sign}{digits}e-{places}")).expect("it is a number")
    }

    proptest! {
        #[test]
        fn comparing_with_a_fraction_is_what_whole_numbers_say(
            digits in 0_u64..1_000, places in 0_u32..4, is_negative: bool,
            numerator in -1_000_i128..1_000, denominator in 1_u64..50,
        ) {
            let number = parsed(digits, places, is_negative);
            let signed = i128::from(digits) * if is_negative { -1 } else { 1 };
            // numerator / denominator and signed / 10^places, both times both denominators.
            let left = numerator * 10_i128.pow(places);
            let right = signed * i128::from(denominator);
            prop_assert_eq!(number.compare_fraction(numerator, denominator), left.cmp(&right));
        }

        #[test]
        fn a_product_is_exact_or_none(digits: u64, places in 0_u32..18, factor in 0_u64..1 << 40) {
            let digits = digits % 10_u64.pow(17);
            let number = parsed(digits, places, false);
            let (product, scale) = (u128::from(digits) * u128::from(factor), 10_u128.pow(places));
            let exact = (product % scale == 0).then(|| product / scale);
            let exact = exact.and_then(|whole| u64::try_from(whole).ok());
            prop_assert_eq!(number.times(u128::from(factor)), exact);
        }

        #[test]
        fn numbers_are_equal_exactly_if_their_fractions_are(
            one in (0_u64..500, 0_u32..4, any::<bool>()), other in (0_u64..500, 0_u32..4, any::<bool>()),
        ) {
            let of = |(digits, places, is_negative)| parsed(digits, places, is_negative);
            let value = |(digits, places, is_negative): (u64, u32, bool)| {
                i64::try_from(digits * 10_u64.pow(4 - places)).expect("it is small")
                    * if is_negative { -1 } else { 1 }
            };
            prop_assert_eq!(of(one) == of(other), value(one) == value(other));
        }
    }

    #[test]
    fn digits_and_places_are_taken_up_to_their_bounds() {
        let most = "9".repeat(MAX_DIGITS);
        assert!(Decimal::parse(&most).is_some());
        assert!(Decimal::parse(&format!("{most}9")).is_none());
        assert!(Decimal::parse(&format!("1e-{MAX_PLACES}")).is_some());
        assert!(Decimal::parse(&format!("1e-{}", MAX_PLACES + 1)).is_none());
        assert!(Decimal::parse("1e29").is_some() && Decimal::parse("1e30").is_none());
        assert_eq!(Decimal::parse("1_000").expect("it is one").times(1), Some(1_000));
        assert_eq!(Decimal::whole(-3), Decimal::parse("-3.0").expect("it is one"));
        assert_eq!(Decimal::parse("-0").expect("it is zero"), Decimal::whole(0));
    }
}
