//! Wall clock, for the figures under `wall` and the start time of a server only.

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

/// Wall-clock time since 1970, for the start time in a server's metrics; zero before 1970.
#[expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "reported, and decides nothing"
)]
pub(super) fn since_1970() -> Duration {
    let now = std::time::SystemTime::now();
    now.duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap_or_default()
}
