//! The wall clock, and what the models of disks and cores see of it.
//!
//! tokio's timer counts in milliseconds and rounds up, and a chunk's time at a disk or on a core is
//! a tenth of that: were each slept for, disks and cores would be ten times slower than they are
//! said to be. So the models' waits below a tick are put together until they are one. Leaves out
//! finer timers.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use stayput_host::{LocalFuture, Time};

use crate::clock::Clock;

/// The timer's resolution.
const TICK: Duration = Duration::from_millis(1);

/// The wall clock, from when the world began.
pub(super) struct RealClock {
    #[expect(clippy::disallowed_types, reason = "this is the world's clock")]
    began: tokio::time::Instant,
}

impl RealClock {
    pub(super) fn starting_now() -> Self {
        #[expect(clippy::disallowed_types, reason = "this is the world's clock")]
        Self { began: tokio::time::Instant::now() }
    }
}

impl Clock for RealClock {
    fn now(&self) -> Time {
        Time::ZERO + self.began.elapsed()
    }

    fn sleep_until(&self, at: Time) -> LocalFuture<'static, ()> {
        let end = self.began + at.since(Time::ZERO);
        Box::pin(async move {
            if end.elapsed() == Duration::ZERO {
                tokio::time::sleep_until(end).await;
            }
        })
    }
}

/// The clock of a disk, which is busy until its last access is over: the next one begins then, so
/// what was not slept for is part of the next wait.
pub(super) struct DiskClock(pub(super) Rc<RealClock>);

impl Clock for DiskClock {
    fn now(&self) -> Time {
        self.0.now()
    }

    fn sleep_until(&self, at: Time) -> LocalFuture<'static, ()> {
        if at.since(self.now()) < TICK {
            return Box::pin(std::future::ready(()));
        }
        self.0.sleep_until(at)
    }
}

/// The clock of a host's cores: what was not slept for is owed by whoever waits next. Work of more
/// than a tick never takes less than its time.
pub(super) struct CoreClock {
    clock: Rc<RealClock>,
    owed: Cell<Duration>,
}

impl CoreClock {
    pub(super) fn new(clock: &Rc<RealClock>) -> Self {
        Self { clock: Rc::clone(clock), owed: Cell::default() }
    }
}

impl Clock for CoreClock {
    fn now(&self) -> Time {
        self.clock.now()
    }

    fn sleep_until(&self, at: Time) -> LocalFuture<'static, ()> {
        let now = self.now();
        let owed = self.owed.get() + at.since(now);
        if owed < TICK {
            self.owed.set(owed);
            return Box::pin(std::future::ready(()));
        }
        self.owed.set(Duration::ZERO);
        self.clock.sleep_until(now + owed)
    }
}
