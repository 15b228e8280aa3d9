//! Warm-up: the beginning of a run that its figures leave out, since caches are cold there and
//! queues are empty.

use std::fmt;

use serde::{Deserialize, Serialize};
use stayput_engine::quantity::{QuantityError, exact_duration, parse_duration};
use stayput_engine::record::{JobRecord, PolicyRecord};

/// Length of the warm-up. Jobs that were due in it are no part of latencies and failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum WarmUp {
    /// A percentage of the time from the first to the last intended arrival.
    Percent(u8),
    /// A time in microseconds.
    Micros(u64),
}

/// A text that is no warm-up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WarmUpError {
    /// Not a whole percentage below 100.
    #[error("`{text}` is no whole percentage below 100 ({WARM_UP_FIX})")]
    Percent {
        /// The text.
        text: String,
    },
    /// Not a duration.
    #[error("{0} ({WARM_UP_FIX})")]
    Time(#[from] QuantityError),
}

const WARM_UP_FIX: &str = "write 10%, a percentage of each run's arrivals, or a time such as 500ms";

impl Default for WarmUp {
    fn default() -> Self {
        Self::Percent(10)
    }
}

impl From<WarmUp> for String {
    fn from(warm_up: WarmUp) -> Self {
        warm_up.to_string()
    }
}

impl TryFrom<String> for WarmUp {
    type Error = WarmUpError;

    fn try_from(text: String) -> Result<Self, WarmUpError> {
        Self::parse(&text)
    }
}

impl WarmUp {
    /// No warm-up: all jobs count.
    pub const NONE: Self = Self::Percent(0);

    /// Description such as `the first 10 % of the arrivals' time`; `None` if no job is left out.
    #[must_use]
    pub fn words(self) -> Option<String> {
        match self {
            Self::Percent(0) | Self::Micros(0) => None,
            Self::Percent(percent) => {
                Some(format!("the first {percent}\u{a0}% of the arrivals' time"))
            }
            Self::Micros(_) => Some(format!("the first {self}")),
        }
    }

    /// Parses `10 %` (below 100) or a time such as `500ms`.
    ///
    /// # Errors
    /// The text is neither.
    pub fn parse(text: &str) -> Result<Self, WarmUpError> {
        if let Some(percent) = text.trim().strip_suffix('%') {
            let percent = percent.trim().parse::<u8>().ok().filter(|percent| *percent < 100);
            return percent
                .map(Self::Percent)
                .ok_or_else(|| WarmUpError::Percent { text: text.to_owned() });
        }
        let time = parse_duration(text)?;
        Ok(Self::Micros(u64::try_from(time.as_micros()).unwrap_or(u64::MAX)))
    }

    /// End of the warm-up in a run, in microseconds after the first job's intended arrival.
    pub(crate) fn end_us(self, run: &PolicyRecord) -> u64 {
        match self {
            Self::Percent(percent) => {
                let last = run.jobs.iter().map(JobRecord::intended_us).max().unwrap_or(0);
                let end = u128::from(last) * u128::from(percent) / 100;
                u64::try_from(end).unwrap_or(u64::MAX)
            }
            Self::Micros(end) => end,
        }
    }
}

impl fmt::Display for WarmUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Percent(percent) => write!(f, "{percent} %"),
            Self::Micros(end) => {
                f.write_str(&exact_duration(std::time::Duration::from_micros(*end)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_and_times_are_read() {
        assert_eq!(WarmUp::parse("10%"), Ok(WarmUp::Percent(10)));
        assert_eq!(WarmUp::parse("0 %"), Ok(WarmUp::Percent(0)));
        assert_eq!(WarmUp::parse("500ms"), Ok(WarmUp::Micros(500_000)));
        for text in ["100%", "-1%", "x%", "", "5 parsecs"] {
            assert!(WarmUp::parse(text).unwrap_err().to_string().contains("500ms"), "{text}");
        }
        for text in ["10 %", "500ms"] {
            let shown = WarmUp::parse(text).unwrap();
            assert_eq!(WarmUp::parse(&shown.to_string()), Ok(shown));
            let json = serde_json::to_string(&shown).unwrap();
            assert_eq!(serde_json::from_str::<WarmUp>(&json).unwrap(), shown, "{json}");
        }
    }
}
