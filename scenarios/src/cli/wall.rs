//! The wall clock, for the figures under `wall` and nothing else.

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
