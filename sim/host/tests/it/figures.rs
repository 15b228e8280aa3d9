//! Times, rates, chances and the text of quantities: exact to the last digit, and safe at their
//! ends.

use std::time::Duration;

use proptest::prelude::*;
use stayput_host::config::{ByteRate, Chance, FuelRate, SessionsConfig};
use stayput_host::quantity::{bit_rate, byte_rate, chance, exact_duration, exact_size};
use stayput_host::time::{WORLD_EPOCH_UNIX_S, nanos};
use stayput_host::{Batch, DiskError, Purpose, Seed, Time};

/// Draws that a chance is measured by.
const CHANCE_DRAWS: u32 = 2_000;

#[test]
fn time_stops_at_both_of_its_ends() {
    let time = Time::from_nanos(1_000);
    assert_eq!(time - Duration::from_nanos(1_001), Time::ZERO);
    assert_eq!(time - Duration::MAX, Time::ZERO);
    assert_eq!(time + Duration::MAX, Time::MAX);
    assert_eq!(Time::MAX + Duration::from_nanos(1), Time::MAX);
    assert_eq!(time.since(Time::MAX), Duration::ZERO);
    assert_eq!(Time::MAX.since(Time::ZERO), Duration::from_nanos(u64::MAX));
    assert_eq!(nanos(Duration::MAX), u64::MAX);
    assert_eq!(nanos(Duration::from_nanos(u64::MAX)), u64::MAX);
    assert_eq!(Time::MAX.unix_nanos(), u64::MAX);
}

#[test]
fn the_calendar_begins_with_2024() {
    assert_eq!(WORLD_EPOCH_UNIX_S, 54 * 365 * 86_400 + 13 * 86_400, "13 leap years since 1970");
    assert_eq!(Time::ZERO.unix_nanos(), WORLD_EPOCH_UNIX_S * 1_000_000_000);
    assert_eq!(Time::from_nanos(5).unix_nanos() - Time::ZERO.unix_nanos(), 5);
}

#[test]
fn a_time_is_shown_in_seconds_with_whole_microseconds() {
    for (nanos, micros, text) in [
        (0, 0, "0.000000s"),
        (999, 0, "0.000000s"),
        (1_000, 1, "0.000001s"),
        (61_000_000_001, 61_000_000, "61.000000s"),
        (1_234_567_890, 1_234_567, "1.234567s"),
    ] {
        let time = Time::from_nanos(nanos);
        assert_eq!((time.as_micros(), time.to_string().as_str()), (micros, text));
    }
}

/// Value of a text such as `1.25 kB/s` or `250us`, in thousandths of its smallest unit.
fn parsed(text: &str, units: &[(&str, u128)]) -> Option<u128> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, unit) = (&text[..end], text[end..].trim());
    let factor = units.iter().find(|(name, _)| *name == unit)?.1;
    let (whole, places) = number.split_once('.').unwrap_or((number, ""));
    assert!(places.len() <= 3 && !places.ends_with('0'), "{text}");
    let thousandths = format!("{places:0<3}").parse::<u128>().ok()?;
    Some((whole.parse::<u128>().ok()? * 1_000 + thousandths) * factor)
}

/// Units with the decimal prefixes, of a thousand each.
fn decimal(unit: &str) -> Vec<(String, u128)> {
    let prefixes = ["", "k", "M", "G", "T"];
    (0..)
        .zip(prefixes)
        .map(|(power, prefix)| (format!("{prefix}{unit}"), 1_000_u128.pow(power)))
        .collect()
}

fn parsed_decimal(text: &str, unit: &str) -> Option<u128> {
    let units = decimal(unit);
    let units: Vec<(&str, u128)> = units.iter().map(|(name, it)| (name.as_str(), *it)).collect();
    parsed(text, &units)
}

/// Round numbers and others.
fn numbers() -> impl Strategy<Value = u64> {
    let round =
        (0_u32..19, 0_u64..2_000).prop_map(|(power, n)| n.saturating_mul(10_u64.pow(power)));
    prop_oneof![round, any::<u64>(), 0_u64..100_000]
}

proptest! {
    #[test]
    fn a_quantity_is_shown_exactly(number in numbers()) {
        let all = u128::from(number) * 1_000;
        let times = [("ns", 1), ("us", 1_000), ("ms", 1_000_000), ("s", 1_000_000_000)];
        let text = exact_duration(Duration::from_nanos(number));
        prop_assert_eq!(parsed(&text, &times), Some(all), "{}", text);
        let text = exact_size(number);
        prop_assert_eq!(parsed_decimal(&text, "B"), Some(all), "{}", text);
        if let Some(rate) = ByteRate::new(number) {
            let text = byte_rate(rate);
            prop_assert_eq!(parsed_decimal(&text, "B/s"), Some(all), "{}", text);
            let text = bit_rate(rate);
            prop_assert_eq!(parsed_decimal(&text, "bit/s"), Some(all * 8), "{}", text);
        }
    }

    #[test]
    fn a_chance_is_shown_exactly(parts in 0..=Chance::BILLION) {
        let text = chance(Chance::per_billion(parts).expect("at most all"));
        let number = text.strip_suffix(" %").expect("it is a percentage");
        let (whole, places) = number.split_once('.').unwrap_or((number, ""));
        prop_assert!(!places.ends_with('0') && places.len() <= 7, "{text}");
        let places = format!("{places:0<7}").parse::<u32>().expect("digits");
        prop_assert_eq!(whole.parse::<u32>().expect("digits") * 10_000_000 + places, parts);
    }

    #[test]
    fn a_rate_takes_the_least_time_that_is_enough(rate in 1_u64.., amount: u64) {
        let rates = [
            ByteRate::new(rate).expect("not zero").nanos_for(amount),
            FuelRate::new(rate).expect("not zero").nanos_for(amount),
        ];
        let carried = |nanos: u64| u128::from(nanos) * u128::from(rate);
        let wanted = u128::from(amount) * 1_000_000_000;
        for nanos in rates {
            // Times beyond 584 years end there.
            prop_assert!(carried(nanos) >= wanted || nanos == u64::MAX);
            prop_assert!(nanos == 0 || carried(nanos - 1) < wanted);
        }
    }

    #[test]
    fn a_chance_hits_its_share_of_the_draws(parts in 1..Chance::BILLION, seed: u64) {
        let chance = Chance::per_billion(parts).expect("at most all");
        let mut draws = Seed(seed).entropy("chance", b"", 0);
        let hits = (0..CHANCE_DRAWS).filter(|_| chance.hits(&mut draws)).count() as f64;
        let (share, draws) = (f64::from(parts) / 1e9, f64::from(CHANCE_DRAWS));
        // Six standard errors, and one hit more where nearly none is expected.
        let off = 6.0 * (share * (1.0 - share) * draws).sqrt() + 1.0;
        prop_assert!((hits - share * draws).abs() <= off, "{} of {}", hits, share * draws);
    }

    #[test]
    fn points_in_time_and_their_distances_fit_together(one: u64, other: u64) {
        let (early, late) = (Time::from_nanos(one.min(other)), Time::from_nanos(one.max(other)));
        let between = late.since(early);
        prop_assert_eq!(early + between, late);
        prop_assert_eq!(late - between, early);
        prop_assert_eq!(early.since(late), Duration::ZERO);
        prop_assert_eq!(nanos(between), late.as_nanos() - early.as_nanos());
    }
}

#[test]
fn impossible_rates_and_chances_cannot_be_made() {
    assert_eq!(ByteRate::new(0), None);
    assert_eq!(FuelRate::new(0), None);
    assert_eq!(Chance::per_billion(Chance::BILLION + 1), None);
    let never = Chance::NEVER;
    let ever = Chance::per_billion(Chance::BILLION).expect("all");
    let mut draws = Seed(1).entropy("chance", b"", 0);
    assert!((0..CHANCE_DRAWS).all(|_| !never.hits(&mut draws) && ever.hits(&mut draws)));
}

#[test]
fn a_session_starts_after_its_start_and_the_compilation_of_what_is_new() {
    let sessions = SessionsConfig {
        start: Duration::from_micros(5),
        compile: ByteRate::new(1_000_000).expect("not zero"),
        ..SessionsConfig::default()
    };
    assert_eq!(sessions.startup(0), Duration::from_micros(5));
    assert_eq!(sessions.startup(30_000), Duration::from_micros(30_005));
}

#[test]
fn a_batch_keeps_its_changes_in_order_and_counts_all_their_bytes() {
    let mut batch = Batch::new();
    assert_eq!((batch.size_bytes(), batch.changes().len()), (0, 0));
    batch.put("key", "value");
    batch.delete("gone");
    batch.put("key", "");
    assert_eq!(batch.size_bytes(), 3 + 5 + 4 + 3);
    let changes: Vec<(&[u8], Option<&[u8]>)> =
        batch.changes().iter().map(|(key, value)| (&key[..], value.as_deref())).collect();
    let expected: [(&[u8], Option<&[u8]>); 3] =
        [(b"key", Some(b"value")), (b"gone", None), (b"key", Some(b""))];
    assert_eq!(changes, expected);
}

#[test]
fn errors_of_a_disk_name_the_file() {
    let path = "objects/7".to_owned();
    let texts = [
        DiskError::NotFound { path: path.clone() },
        DiskError::Exists { path },
        DiskError::NoSpace,
        DiskError::Failed { what: "EIO".to_owned() },
    ]
    .map(|error| error.to_string());
    assert_eq!(
        texts,
        [
            "no file objects/7 on the disk",
            "the disk has a file objects/7 already",
            "no space left on the disk",
            "the disk failed: EIO",
        ]
    );
}

#[test]
fn each_purpose_has_a_name_of_its_own_by_which_it_is_found() {
    for purpose in Purpose::ALL {
        assert_eq!(Purpose::named(purpose.name()), Some(purpose));
    }
    assert_eq!(Purpose::named("object_data"), None);
    assert_eq!(Purpose::named(""), None);
}
