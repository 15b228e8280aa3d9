//! The wall clock, for the figures under `wall`, for when a server began, and for nothing else.

use std::time::Duration;

/// A stopwatch.
#[expect(
    clippy::disallowed_types,
    reason = "wall figures measure the real run, and decide nothing"
)]
pub(super) struct Wall(std::time::Instant);

impl Wall {
    #[expect(clippy::disallowed_methods, reason = "wall figures measure the real run")]
    pub(super) fn start() -> Self {
        #[expect(clippy::disallowed_types, reason = "as above")]
        Self(std::time::Instant::now())
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// The time by the calendar, as a server's metrics tell when it began: since 1970, and nothing before.
#[expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "told, and decides nothing"
)]
pub(super) fn since_1970() -> Duration {
    let now = std::time::SystemTime::now();
    now.duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap_or_default()
}
