//! Measured figures in words; a missing or non-finite figure is shown as a dash, never as `NaN`.

use std::time::Duration;

use stayput_engine::quantity;

use crate::stats::Estimate;

/// Placeholder of a missing figure.
pub(super) const NONE: &str = "–";

/// Bytes: "3.4 MB", "−1.2 kB".
pub(crate) fn size(bytes: f64) -> String {
    signed(bytes, |n| quantity::bytes(n.round() as u64))
}

/// A time in microseconds: "12.3 ms", "−4.0 us".
pub(crate) fn micros(us: f64) -> String {
    // Whole nanoseconds: below that a simulated time means nothing.
    signed(us, |n| {
        quantity::duration(Duration::from_nanos((n * 1e3).round() as u64)).replace(" us", " µs")
    })
}

/// A fraction in percent: "12.3 %"; a smaller figure is never rounded to 100.
pub(super) fn percent(fraction: f64) -> String {
    signed(fraction, |n| {
        let tenths = (n * 1_000.0).round();
        let tenths = if n < 1.0 { tenths.min(999.0) } else { tenths };
        let tenths = tenths as u64;
        format!("{}.{} %", tenths / 10, tenths % 10)
    })
}

/// A change in percent, with its sign: "+12.3 %".
pub(super) fn change(fraction: f64) -> String {
    let text = percent(fraction);
    if fraction > 0.0 && text != "0.0 %" { format!("+{text}") } else { text }
}

/// A number: without places if it is whole, else with two.
pub(super) fn plain(value: f64) -> String {
    signed(value, |n| {
        if n >= 100_000.0 {
            return quantity::count(n.round() as u64);
        }
        if (n - n.round()).abs() < 1e-9 {
            format!("{}", n.round() as u64)
        } else {
            format!("{n:.2}")
        }
    })
}

/// A factor with three significant digits, near 1 with four: "2.45×", "0.00620×", "12.7×",
/// "1.002×".
pub(crate) fn times(ratio: f64) -> String {
    signed(ratio, |n| {
        let places = (2.0 - n.max(1e-9).log10().floor()).clamp(0.0, 9.0) as usize;
        let places = if (n - 1.0).abs() < 0.0995 { 3 } else { places };
        format!("{n:.places$}×")
    })
}

/// An estimate with its interval: "12.3 ms (11.9 to 12.8 ms)", or "998.0 ms (0.9 s to 1.2 s)" where
/// the units differ.
pub(crate) fn estimate(estimate: Option<&Estimate>, unit: impl Fn(f64) -> String) -> String {
    let Some(estimate) = estimate else { return NONE.to_owned() };
    match estimate.interval() {
        Some((low, high)) => {
            let (low, high) = (unit(low), unit(high));
            let bare = low.strip_suffix(unit_of(&high)).filter(|bare| bare.ends_with(digit));
            let low = bare.unwrap_or(&low);
            format!("{} ({low} to {high})", unit(estimate.median))
        }
        None => format!("{} (no interval: n = {})", unit(estimate.median), estimate.count),
    }
}

/// Unit of a figure in words: the text after its last digit.
fn unit_of(figure: &str) -> &str {
    figure
        .trim_start_matches(|c| !digit(c))
        .trim_start_matches(|c| digit(c) || c == '.' || c == ',')
}

fn digit(c: char) -> bool {
    c.is_ascii_digit()
}

fn signed(value: f64, show: impl Fn(f64) -> String) -> String {
    if !value.is_finite() {
        return NONE.to_owned();
    }
    let text = show(value.abs().min(9e18));
    let zero = !text.chars().any(|c| ('1'..='9').contains(&c));
    if value < 0.0 && !zero { format!("−{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_number_is_a_dash() {
        for odd in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::NAN / 0.0] {
            assert_eq!([size(odd), micros(odd), percent(odd), plain(odd)], ["–", "–", "–", "–"]);
        }
    }

    #[test]
    fn signs_stand_before_what_is_not_zero() {
        assert_eq!(change(0.1234), "+12.3 %");
        assert_eq!(change(-0.1234), "−12.3 %");
        assert_eq!(change(-0.000_01), "0.0 %");
        assert_eq!(size(-1_200.0), "−1.2 kB");
        assert_eq!(micros(12_300.0), "12.3 ms");
        assert_eq!(percent(0.9999), "99.9 %");
        assert_eq!(plain(1.5), "1.50");
    }

    #[test]
    fn an_interval_says_its_unit_once_if_both_ends_have_it() {
        let of = |low, high| Estimate { median: 3e3, low: Some(low), high: Some(high), count: 6 };
        assert_eq!(estimate(Some(&of(2e3, 4e3)), micros), "3.0 ms (2.0 to 4.0 ms)");
        assert_eq!(estimate(Some(&of(2.0, 4e3)), micros), "3.0 ms (2.0 µs to 4.0 ms)");
        assert_eq!(estimate(Some(&of(-0.5, 0.25)), change), "+300000.0 % (−50.0 to +25.0 %)");
        assert_eq!(estimate(Some(&of(2.0, 4e3)), plain), "3000 (2 to 4000)");
        assert_eq!(estimate(Some(&of(f64::NAN, 4e3)), micros), "3.0 ms (– to 4.0 ms)");
    }

    #[test]
    fn factors_keep_three_digits() {
        assert_eq!([2.451, 0.0062, 126.7].map(times), ["2.45×", "0.00620×", "127×"]);
        assert_eq!([1.002, 0.9991, 1.3].map(times), ["1.002×", "0.999×", "1.30×"]);
        assert_eq!(times(f64::NAN), "–");
    }
}
