//! The server's clock: steady, and set once: by the machine's calendar, or to the beginning of a
//! run.
//!
//! Changes of the calendar while the server runs (a correction, a leap second) move nothing here:
//! timestamps of one server never go back. Leaves out servers whose calendars disagree, which is as
//! in Swift: the later timestamp wins.
#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "this is the server's clock"
)]

use std::time::Duration;

use stayput_host::time::WORLD_EPOCH_UNIX_S;
use stayput_host::{LocalFuture, Time};

/// Error of a machine whose calendar is before 2024, where what is written now would be older than
/// what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the machine's clock says that it is before 2024: set it, or what is written now counts as old"
)]
pub struct UnsetClockError;

/// A server's clock, for any thread. Copies agree.
#[derive(Clone, Copy, Debug)]
pub struct ServerClock {
    began: tokio::time::Instant,
    began_at: Time,
}

impl ServerClock {
    /// A clock that goes by the machine's calendar.
    pub(super) fn by_calendar() -> Result<Self, UnsetClockError> {
        let (calendar, began) = (std::time::SystemTime::now(), tokio::time::Instant::now());
        let unix = calendar.duration_since(std::time::SystemTime::UNIX_EPOCH);
        let since =
            unix.ok().and_then(|unix| unix.checked_sub(Duration::from_secs(WORLD_EPOCH_UNIX_S)));
        Ok(Self { began, began_at: Time::ZERO + since.ok_or(UnsetClockError)? })
    }

    /// A clock that is at zero now.
    pub(super) fn from_zero() -> Self {
        Self { began: tokio::time::Instant::now(), began_at: Time::ZERO }
    }

    /// The time now.
    #[must_use]
    pub fn now(&self) -> Time {
        self.began_at + self.began.elapsed()
    }

    pub(super) fn sleep_until(&self, at: Time) -> LocalFuture<'static, ()> {
        // Later than tokio can say is never.
        let end = self.began.checked_add(at.since(self.began_at));
        Box::pin(async move {
            match end {
                Some(end) => tokio::time::sleep_until(end).await,
                None => std::future::pending().await,
            }
        })
    }
}
