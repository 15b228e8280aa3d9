//! Time on the seam: nanoseconds since the world began, and the calendar of Swift's `X-Timestamp`.
//!
//! Leaves out time zones and leap seconds: a world has one clock that all its hosts share.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

/// Point in time, in nanoseconds since the world began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(u64);

/// Unix time of the beginning of every simulated world, in seconds: 2024-01-01T00:00:00Z.
pub const WORLD_EPOCH_UNIX_S: u64 = 1_704_067_200;

impl Time {
    /// The beginning of the world.
    pub const ZERO: Self = Self(0);
    /// Latest time, later than everything that happens.
    pub const MAX: Self = Self(u64::MAX);

    /// The point `ns` nanoseconds after the world began.
    #[must_use]
    pub const fn from_nanos(ns: u64) -> Self {
        Self(ns)
    }

    /// Nanoseconds since the world began.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Whole microseconds since the world began.
    #[must_use]
    pub const fn as_micros(self) -> u64 {
        self.0 / 1_000
    }

    /// Nanoseconds since the Unix epoch, by the simulated calendar.
    #[must_use]
    pub const fn unix_nanos(self) -> u64 {
        self.0.saturating_add(WORLD_EPOCH_UNIX_S * 1_000_000_000)
    }

    /// Duration since `earlier`; zero when that is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// `duration` in nanoseconds, saturating (584 years).
#[must_use]
pub fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

impl Add<Duration> for Time {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(nanos(duration)))
    }
}

impl Sub<Duration> for Time {
    type Output = Self;

    fn sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(nanos(duration)))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06}s", self.0 / 1_000_000_000, self.0 / 1_000 % 1_000_000)
    }
}
