//! The server's clock: steady, and set once by the machine's calendar.
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

/// The machine's calendar says that it is before 2024, so what is written now would be older than
/// what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the machine's clock says that it is before 2024: set it, or what is written now counts as old"
)]
pub struct BeforeItsTime;

/// The clock. Copies agree.
#[derive(Clone, Copy, Debug)]
pub(super) struct ServerClock {
    began: tokio::time::Instant,
    began_at: Time,
}

impl ServerClock {
    pub(super) fn starting_now() -> Result<Self, BeforeItsTime> {
        let (calendar, began) = (std::time::SystemTime::now(), tokio::time::Instant::now());
        let unix = calendar.duration_since(std::time::SystemTime::UNIX_EPOCH);
        let since =
            unix.ok().and_then(|unix| unix.checked_sub(Duration::from_secs(WORLD_EPOCH_UNIX_S)));
        Ok(Self { began, began_at: Time::ZERO + since.ok_or(BeforeItsTime)? })
    }

    pub(super) fn now(&self) -> Time {
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
