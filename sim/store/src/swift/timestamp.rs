//! Swift's timestamps: Unix seconds with five decimals, as `1704067200.00042`.
//!
//! Leaves out Swift's offsets (`_0000000000000001`), which only its expirer and replicators write.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use stayput_host::Time;

/// Timestamps in a second.
const PER_SECOND: u64 = 100_000;
/// Last second that has ten digits, as in Swift.
const SECONDS_MAX: u64 = 9_999_999_999;

/// Time of a change, by the proxy that took it: the larger one precedes.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(try_from = "String", into = "String")]
pub struct Timestamp(u64);

/// Text that is no timestamp.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no timestamp: write Unix seconds with five decimals, as 1704067200.00042")]
pub struct BadTimestamp {
    text: String,
}

impl Timestamp {
    /// Timestamp before all changes.
    pub const ZERO: Self = Self(0);

    /// Timestamp of `time`, rounded down.
    #[must_use]
    pub const fn at(time: Time) -> Self {
        Self(time.unix_nanos() / (1_000_000_000 / PER_SECOND))
    }

    /// Next timestamp after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// This timestamp, or the first after it, that belongs to the writer numbered `number` (from 0)
    /// of `of` who take turns.
    #[must_use]
    pub fn in_turn(self, number: u32, of: u32) -> Self {
        let (number, of) = (u64::from(number), u64::from(of.max(1)));
        let ahead = (number % of + of - self.0 % of) % of;
        Self(self.0 + ahead)
    }

    /// Whole seconds since the Unix epoch.
    #[must_use]
    pub const fn unix_seconds(self) -> u64 {
        self.0 / PER_SECOND
    }

    /// Part of a second after [`Timestamp::unix_seconds`], in microseconds.
    #[must_use]
    pub const fn subsec_micros(self) -> u64 {
        self.0 % PER_SECOND * 10
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:010}.{:05}", self.0 / PER_SECOND, self.0 % PER_SECOND)
    }
}

impl FromStr for Timestamp {
    type Err = BadTimestamp;

    fn from_str(text: &str) -> Result<Self, BadTimestamp> {
        let bad = || BadTimestamp { text: text.to_owned() };
        let (seconds, decimals) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !digits(seconds) || !digits(decimals) || seconds.len() > 10 {
            return Err(bad());
        }
        let seconds: u64 = seconds.parse().map_err(|_| bad())?;
        // Clients may write more decimals than are stored, or fewer.
        let stored: String = decimals.chars().chain("00000".chars()).take(5).collect();
        let decimals: u64 = stored.parse().map_err(|_| bad())?;
        if seconds > SECONDS_MAX {
            return Err(bad());
        }
        Ok(Self(seconds * PER_SECOND + decimals))
    }
}

impl TryFrom<String> for Timestamp {
    type Error = BadTimestamp;

    fn try_from(text: String) -> Result<Self, BadTimestamp> {
        text.parse()
    }
}

impl From<Timestamp> for String {
    fn from(timestamp: Timestamp) -> Self {
        timestamp.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_timestamp_reads_back_as_it_was_written() {
        for text in ["1704067200.00042", "0000000000.00001", "9999999999.99999"] {
            assert_eq!(text.parse::<Timestamp>().unwrap().to_string(), text);
        }
        assert_eq!("17.5".parse::<Timestamp>().unwrap().to_string(), "0000000017.50000");
        assert_eq!("17.1234567".parse::<Timestamp>().unwrap().to_string(), "0000000017.12345");
    }

    #[test]
    fn what_is_no_timestamp_is_refused() {
        for text in ["", ".", "1.", "-1.0", "1e5", "99999999999.0", "1.0.0", " 1.0", "١.0"] {
            assert!(text.parse::<Timestamp>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn order_in_text_is_order_in_time() {
        let (a, b) = (Timestamp::at(Time::ZERO), Timestamp::at(Time::from_nanos(10_000)));
        assert!(a < b);
        assert!(a.to_string() < b.to_string());
        assert_eq!(a.next(), b);
    }

    fn parts(ns: u64) -> Timestamp {
        Timestamp::at(Time::from_nanos(ns))
    }

    proptest! {
        #[test]
        fn any_timestamp_reads_back_and_text_is_in_the_order_of_time(
            one in 0_u64..1 << 60, other in 0_u64..1 << 60,
        ) {
            let (one, other) = (parts(one), parts(other));
            prop_assert_eq!(one.to_string().parse::<Timestamp>(), Ok(one));
            prop_assert_eq!(one.cmp(&other), one.to_string().cmp(&other.to_string()));
            prop_assert!(one < one.next());
            let json = serde_json::to_string(&one).expect("it is text");
            prop_assert_eq!(serde_json::from_str::<Timestamp>(&json).expect("it was written so"), one);
        }

        #[test]
        fn a_turn_is_the_first_at_or_after_that_is_the_writers(
            ns in 0_u64..1 << 50, number in 0_u32..9, of in 0_u32..9,
        ) {
            let before = parts(ns);
            let turn = before.in_turn(number, of);
            let writers = u64::from(of.max(1));
            let is_its = |it: &Timestamp| it.0 % writers == u64::from(number) % writers;
            let first = (0..writers).map(|ahead| Timestamp(before.0 + ahead)).find(is_its);
            prop_assert_eq!(Some(turn), first);
        }

        #[test]
        fn any_text_is_a_timestamp_or_refused_with_the_text(text in ".{0,24}") {
            if let Err(bad) = text.parse::<Timestamp>() {
                let begin = format!("{text:?} is no timestamp");
                prop_assert!(bad.to_string().starts_with(&begin), "{}", bad);
            }
        }
    }
}
