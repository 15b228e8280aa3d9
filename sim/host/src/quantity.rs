//! Exact text of a configuration's quantities, in the largest unit that needs at most three
//! decimal places.
//!
//! Leaves out rounding: a configuration that is printed can be typed again.

use std::time::Duration;

use crate::config::{ByteRate, Chance};

const DECIMAL: [(u128, &str); 5] =
    [(1_000_000_000_000, "T"), (1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k"), (1, "")];

/// A length of time: "250us", "1.5s".
#[must_use]
pub fn exact_duration(length: Duration) -> String {
    let units = [(1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "us"), (1, "ns")];
    exact(length.as_nanos(), &units)
}

/// A network's rate: "10 Gbit/s".
#[must_use]
pub fn bit_rate(rate: ByteRate) -> String {
    spaced(&exact(u128::from(rate.get()) * 8, &DECIMAL), "bit/s")
}

/// A disk's rate: "500 MB/s".
#[must_use]
pub fn byte_rate(rate: ByteRate) -> String {
    spaced(&exact(u128::from(rate.get()), &DECIMAL), "B/s")
}

/// A size in decimal units: "1 TB".
#[must_use]
pub fn exact_size(bytes: u64) -> String {
    spaced(&exact(u128::from(bytes), &DECIMAL), "B")
}

/// A probability as a percentage: "0.1 %".
#[must_use]
pub fn chance(chance: Chance) -> String {
    // A billionth has seven decimal places as a percentage.
    let (whole, places) = (chance.get() / 10_000_000, chance.get() % 10_000_000);
    let places = format!("{places:07}");
    let places = places.trim_end_matches('0');
    let point = if places.is_empty() { "" } else { "." };
    format!("{whole}{point}{places} %")
}

/// "10G" and "bit/s" make "10 Gbit/s".
fn spaced(number: &str, unit: &str) -> String {
    let digits = number.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    format!("{digits} {}{unit}", &number[digits.len()..])
}

/// The units are in falling order, the last one is 1.
fn exact(n: u128, units: &[(u128, &str)]) -> String {
    let fits = |factor: u128| n >= factor && (n * 1_000).is_multiple_of(factor);
    let fitting = units.iter().find(|(factor, _)| fits(*factor));
    let (factor, name) = fitting.copied().unwrap_or((1, units.last().map_or("", |unit| unit.1)));
    let thousandths = format!("{:03}", n * 1_000 / factor % 1_000);
    let fraction = thousandths.trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{}{point}{fraction}{name}", n / factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_shown_as_people_write_it() {
        let rate = |bytes| ByteRate::new(bytes).unwrap();
        assert_eq!(bit_rate(rate(1_250_000_000)), "10 Gbit/s");
        assert_eq!(byte_rate(rate(500_000_000)), "500 MB/s");
        assert_eq!(byte_rate(rate(1_234_567)), "1234.567 kB/s");
        assert_eq!(exact_duration(Duration::from_micros(250)), "250us");
        assert_eq!(exact_duration(Duration::from_millis(1_500)), "1.5s");
        assert_eq!(exact_duration(Duration::ZERO), "0ns");
        assert_eq!(exact_size(1_000_000_000_000), "1 TB");
        let shown = |ppb| chance(Chance::per_billion(ppb).unwrap());
        assert_eq!(shown(1_000_000), "0.1 %");
        assert_eq!(shown(Chance::BILLION), "100 %");
        assert_eq!(shown(1), "0.0000001 %");
    }
}
