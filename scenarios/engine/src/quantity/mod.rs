//! Quantities as people write them ("8 MiB", "10 Gbit/s", "250us"), parsed exactly.
//!
//! No float takes part: a quantity that is not a whole number of bytes, nanoseconds or units of
//! fuel is refused. Leaves out units that scenario files have no use for.

mod decimal;
mod show;

pub use decimal::Decimal;
pub use show::{bytes, count, duration, percent, printable};
pub use stayput_host::quantity::{bit_rate, byte_rate, chance, exact_duration, exact_size};

use std::time::Duration;

use stayput_host::config::{ByteRate, Chance, FuelRate};

/// A text that is not the quantity that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {what}")]
pub struct QuantityError {
    /// Text as written.
    pub text: String,
    /// Expected kind of quantity.
    pub what: &'static str,
    /// The right form, with an example.
    pub fix: &'static str,
}

const SIZE_UNITS: &[(&str, u64)] = &[
    ("", 1),
    ("B", 1),
    ("kB", 1_000),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];

const TIME_UNITS: &[(&str, u64)] = &[
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("min", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

const BIT_UNITS: &[(&str, u64)] = &[
    ("bit", 1),
    ("kbit", 1_000),
    ("Mbit", 1_000_000),
    ("Gbit", 1_000_000_000),
    ("Tbit", 1_000_000_000_000),
];

/// A size in bytes: "8 MiB", "8 MB", "512".
///
/// # Errors
/// When the text is no whole number of bytes below 2^64.
pub fn parse_size(text: &str) -> Result<u64, QuantityError> {
    parse_units(text, SIZE_UNITS).ok_or_else(|| QuantityError {
        text: text.to_owned(),
        what: "a size in whole bytes",
        fix: "write a number and B, kB, MB, GB, KiB, MiB or GiB, such as \"8 MiB\"",
    })
}

/// A length of time: "250us", "1.5ms", "2s", "0s".
///
/// # Errors
/// When the text is no whole number of nanoseconds, or has no unit.
pub fn parse_duration(text: &str) -> Result<Duration, QuantityError> {
    parse_units(text, TIME_UNITS).map(Duration::from_nanos).ok_or_else(|| QuantityError {
        text: text.to_owned(),
        what: "a length of time",
        fix: "write a number and ns, us, ms, s, min or h, such as \"250us\"",
    })
}

/// A rate in bytes or bits per second: "500 MB/s", "10 Gbit/s".
///
/// # Errors
/// When the text is no such rate, is zero, or is no whole number of bytes per second.
pub fn parse_byte_rate(text: &str) -> Result<ByteRate, QuantityError> {
    let per_second = text.trim().strip_suffix("/s").map(str::trim_end);
    let bytes_per_second = per_second.and_then(|amount| {
        let bits = parse_units(amount, BIT_UNITS);
        match bits {
            Some(bits) => bits.is_multiple_of(8).then_some(bits / 8),
            // A bare number per second would leave open whether bits or bytes are meant.
            None if amount.ends_with('B') => parse_units(amount, SIZE_UNITS),
            None => None,
        }
    });
    bytes_per_second.and_then(ByteRate::new).ok_or_else(|| QuantityError {
        text: text.to_owned(),
        what: "a rate above zero in whole bytes per second",
        fix: "write bytes or bits per second, such as \"500 MB/s\" or \"10 Gbit/s\"",
    })
}

/// A rate of computing in fuel per second: "1e9", "1500000000".
///
/// # Errors
/// When the text is no whole number, or zero.
pub fn parse_fuel_rate(text: &str) -> Result<FuelRate, QuantityError> {
    let fuel = Decimal::parse(text.trim()).and_then(|number| number.times(1));
    fuel.and_then(FuelRate::new).ok_or_else(|| QuantityError {
        text: text.to_owned(),
        what: "a whole number of fuel per second above zero",
        fix: "write a plain number, such as \"1e9\"",
    })
}

/// A probability as a percentage or a ratio: "0.1 %", "1e-3", "0.5".
///
/// # Errors
/// When the text is no such number from 0 to 1, or has no whole number of parts per billion.
pub fn parse_chance(text: &str) -> Result<Chance, QuantityError> {
    let trimmed = text.trim();
    let (number, parts) = match trimmed.strip_suffix('%') {
        Some(percent) => (percent.trim_end(), u128::from(Chance::BILLION) / 100),
        None => (trimmed, u128::from(Chance::BILLION)),
    };
    let parts = Decimal::parse(number).and_then(|number| number.times(parts));
    let parts = parts.and_then(|parts| u32::try_from(parts).ok());
    parts.and_then(Chance::per_billion).ok_or_else(|| QuantityError {
        text: text.to_owned(),
        what: "a probability from 0 to 100 % in whole parts per billion",
        fix: "write a percentage or a ratio, such as \"0.1 %\" or \"1e-3\"",
    })
}

/// Splits "8 MiB" into number and unit, and multiplies them exactly.
fn parse_units(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let text = text.trim();
    // The unit starts at the first letter that does not go on as an exponent.
    let start = text
        .char_indices()
        .find(|(at, c)| c.is_whitespace() || (c.is_alphabetic() && !is_exponent(&text[*at..])))
        .map_or(text.len(), |(at, _)| at);
    let (number, unit) = text.split_at(start);
    let factor = units.iter().find(|(name, _)| *name == unit.trim_start())?.1;
    Decimal::parse(number)?.times(u128::from(factor))
}

fn is_exponent(text: &str) -> bool {
    let mut chars = text.chars();
    matches!(chars.next(), Some('e' | 'E'))
        && chars.next().is_some_and(|c| c.is_ascii_digit() || c == '-' || c == '+')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        assert_eq!(parse_size("8 MiB"), Ok(8 << 20));
        assert_eq!(parse_size("8 MB"), Ok(8_000_000));
        assert_eq!(parse_size("512"), Ok(512));
        assert_eq!(parse_size("1.5KiB"), Ok(1536));
        assert_eq!(parse_size("1e3 B"), Ok(1000));
    }

    #[test]
    fn times_are_read_as_people_write_them() {
        assert_eq!(parse_duration("250us"), Ok(Duration::from_micros(250)));
        assert_eq!(parse_duration("1.5 ms"), Ok(Duration::from_micros(1500)));
        assert_eq!(parse_duration("2s"), Ok(Duration::from_secs(2)));
    }

    #[test]
    fn rates_are_read_as_people_write_them() {
        assert_eq!(parse_byte_rate("10 Gbit/s").map(ByteRate::get), Ok(1_250_000_000));
        assert_eq!(parse_byte_rate("500 MB/s").map(ByteRate::get), Ok(500_000_000));
        assert_eq!(parse_fuel_rate("1e9").map(FuelRate::get), Ok(1_000_000_000));
    }

    #[test]
    fn chances_are_exact_percentages_and_ratios() {
        let ppb = |text| parse_chance(text).map(Chance::get);
        assert_eq!(ppb("0.1 %"), Ok(1_000_000));
        assert_eq!(ppb("1%"), Ok(10_000_000));
        assert_eq!(ppb("100 %"), Ok(Chance::BILLION));
        assert_eq!(ppb("1e-3"), Ok(1_000_000));
        assert_eq!(ppb("0.5"), Ok(500_000_000));
        assert_eq!(ppb("0"), Ok(0));
    }

    #[test]
    fn a_wrong_quantity_shows_the_right_form() {
        let error = parse_size("8 MiBs").unwrap_err();
        assert_eq!(error.to_string(), "`8 MiBs` is not a size in whole bytes");
        assert!(error.fix.contains("8 MiB"));
        for text in ["", "MiB", "-1 B", "0.3 B", "1e30", "99999999999 TiB"] {
            assert!(parse_size(text).is_err(), "{text}");
        }
        for text in ["", "5", "1 parsec", "0.1ns"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
        for text in ["10", "10/s", "0 MB/s", "1 bit/s", "10 Gbit"] {
            assert!(parse_byte_rate(text).is_err(), "{text}");
        }
        for text in ["", "%", "-1 %", "101 %", "1.1", "1e-10", "0.00000001 %", "often"] {
            assert!(parse_chance(text).is_err(), "{text}");
        }
        for text in ["0", "fast", "1.5"] {
            assert!(parse_fuel_rate(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn whole_bytes_and_times_survive_writing_and_reading(n in any::<u64>(), unit in 0_usize..4) {
            let n = n % 10_u64.pow(18);
            prop_assert_eq!(parse_size(&n.to_string()), Ok(n));
            prop_assert_eq!(parse_duration(&format!("{n}ns")), Ok(Duration::from_nanos(n)));
            let (name, factor) = SIZE_UNITS[unit];
            let small = n % 1_000_000;
            prop_assert_eq!(parse_size(&format!("{small} {name}")), Ok(small * factor));
            prop_assert_eq!(parse_size(&format!("{small}e0{name}")), Ok(small * factor));
        }

        #[test]
        fn arbitrary_text_never_panics(text in ".*") {
            let _ = parse_size(&text);
            let _ = parse_duration(&text);
            let _ = parse_byte_rate(&text);
            let _ = parse_fuel_rate(&text);
            let _ = parse_chance(&text);
        }
    }
}
