//! Quantities and texts for people: "3.4 MB", "99.7 %", "12.3 ms".
//!
//! Rounds half up in integers, so that the same number reads the same everywhere.
//! Leaves out exactness: whoever needs that takes the JSON.

use std::time::Duration;

/// A size in decimal units with one decimal place: "3.4 MB".
#[must_use]
pub fn bytes(n: u64) -> String {
    scaled(
        n,
        &[
            (1, "B"),
            (1_000, "kB"),
            (1_000_000, "MB"),
            (1_000_000_000, "GB"),
            (1_000_000_000_000, "TB"),
        ],
    )
}

/// A length of time: "250.0 us", "12.3 ms", "2.0 s".
#[must_use]
pub fn duration(length: Duration) -> String {
    let ns = u64::try_from(length.as_nanos()).unwrap_or(u64::MAX);
    scaled(ns, &[(1, "ns"), (1_000, "us"), (1_000_000, "ms"), (1_000_000_000, "s")])
}

/// A large count with one decimal place: "12.3 M".
#[must_use]
pub fn count(n: u64) -> String {
    scaled(n, &[(1, ""), (1_000, "k"), (1_000_000, "M"), (1_000_000_000, "G")])
        .trim_end()
        .to_owned()
}

/// `part` of `whole` in percent with one decimal place: "99.7 %". Negative parts are shown so.
/// Never rounds up to 100 what is less.
#[must_use]
pub fn percent(part: i128, whole: u64) -> String {
    if whole == 0 {
        return "0.0 %".to_owned();
    }
    let sign = if part < 0 { "-" } else { "" };
    let part = part.unsigned_abs();
    let whole = u128::from(whole);
    let mut tenths = (part.saturating_mul(1_000) + whole / 2) / whole;
    if part < whole {
        tenths = tenths.min(999);
    }
    format!("{sign}{}.{} %", tenths / 10, tenths % 10)
}

/// A text of unknown origin on one line of a terminal: control characters escaped.
#[must_use]
pub fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    shown
}

fn scaled(n: u64, units: &[(u64, &str)]) -> String {
    let mut at = units.iter().rposition(|(factor, _)| n >= *factor).unwrap_or(0);
    loop {
        let (factor, name) = units[at];
        if factor == 1 {
            return format!("{n} {name}");
        }
        let tenths = (u128::from(n) * 10 + u128::from(factor) / 2) / u128::from(factor);
        // 999,950 rounds to 1000.0 k: the next unit says that better.
        if tenths >= 10_000 && at + 1 < units.len() {
            at += 1;
            continue;
        }
        return format!("{}.{} {name}", tenths / 10, tenths % 10);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sizes_round_to_one_place_in_the_unit_that_fits() {
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(3_449_999), "3.4 MB");
        assert_eq!(bytes(999_950), "1.0 MB");
        assert_eq!(bytes(1_073_741_824), "1.1 GB");
        assert_eq!(bytes(u64::MAX), "18446744.1 TB");
    }

    #[test]
    fn less_than_all_is_never_shown_as_all() {
        assert_eq!(percent(997, 1_000), "99.7 %");
        assert_eq!(percent(999_999, 1_000_000), "99.9 %");
        assert_eq!(percent(5, 5), "100.0 %");
        assert_eq!(percent(-1, 2), "-50.0 %");
        assert_eq!(percent(1, 0), "0.0 %");
    }

    #[test]
    fn control_characters_do_not_reach_a_terminal() {
        assert_eq!(printable("a\u{1b}[2J\nb µ"), "a\\u{1b}[2J\\nb µ");
    }

    #[test]
    fn times_take_the_unit_that_fits() {
        assert_eq!(duration(Duration::from_micros(12_300)), "12.3 ms");
        assert_eq!(duration(Duration::from_secs(2)), "2.0 s");
    }

    proptest! {
        #[test]
        fn a_size_is_within_half_of_the_last_place_that_is_shown(n: u64) {
            let shown = bytes(n);
            let (number, unit) = shown.split_once(' ').expect("it has a unit");
            let factor = ["B", "kB", "MB", "GB", "TB"].iter().position(|it| *it == unit);
            let factor = 1_000_u128.pow(u32::try_from(factor.expect("it is a unit")).expect("small"));
            let tenths: u128 = match number.split_once('.') {
                Some((whole, tenth)) => format!("{whole}{tenth}").parse().expect("it is a number"),
                None => 10 * number.parse::<u128>().expect("it is a number"),
            };
            let off = (tenths * factor).abs_diff(10 * u128::from(n));
            prop_assert!(2 * off <= factor, "{} for {}", shown, n);
            prop_assert!(number.len() <= 5 || unit == "TB", "{}", shown);
        }

        #[test]
        fn a_share_is_within_half_a_tenth_and_not_all_if_it_is_less(
            part in -1_000_000_i128..1_000_000, whole in 1_u64..1_000_000,
        ) {
            let shown = percent(part, whole);
            let number = shown.strip_suffix(" %").expect("it is in percent").replace('.', "");
            let tenths: i128 = number.parse().expect("it is a number");
            let off = (tenths * i128::from(whole) - 1_000 * part).abs();
            let is_cut = (999..1_000).contains(&tenths);
            prop_assert!(2 * off <= i128::from(whole) || is_cut, "{} for {}/{}", shown, part, whole);
            prop_assert_eq!(tenths >= 1_000, part >= i128::from(whole));
        }

        #[test]
        fn no_control_character_is_left(text in ".*") {
            prop_assert!(!printable(&text).chars().any(char::is_control));
        }
    }

    #[test]
    fn counts_have_no_unit_below_a_thousand() {
        assert_eq!(
            (count(0), count(999), count(1_000)),
            ("0".into(), "999".into(), "1.0 k".into())
        );
        assert_eq!(count(12_345_678), "12.3 M");
    }
}
