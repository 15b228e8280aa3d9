//! The clock that the models share.
//!
//! Leaves out clocks that differ between hosts: that is a fault of a later version.

use stayput_host::{LocalFuture, Time};

/// Clock that can be waited for. The disk and core models know time only through it, so each
/// backend brings its own.
pub trait Clock {
    /// Current time.
    fn now(&self) -> Time;
    /// Waits until `at`.
    fn sleep_until(&self, at: Time) -> LocalFuture<'static, ()>;
}

/// Queue of a server that serves first come, first served: a disk's head.
#[derive(Clone, Copy, Debug, Default)]
pub struct ServiceQueue {
    free_at: Time,
}

impl ServiceQueue {
    /// Queues an access of `nanos` that comes at `now`; returns its end.
    pub fn serve(&mut self, now: Time, nanos: u64) -> Time {
        let start = self.free_at.max(now);
        self.free_at = Time::from_nanos(start.as_nanos().saturating_add(nanos));
        self.free_at
    }

    /// Busy nanoseconds left after `now`, until all that was queued is served.
    #[must_use]
    pub fn left(&self, now: Time) -> u64 {
        self.free_at.as_nanos().saturating_sub(now.as_nanos())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_serves_one_after_the_other_and_idles_in_between() {
        let mut line = ServiceQueue::default();
        assert_eq!(line.serve(Time::from_nanos(10), 5).as_nanos(), 15);
        assert_eq!(line.serve(Time::from_nanos(11), 5).as_nanos(), 20);
        assert_eq!(line.serve(Time::from_nanos(100), 5).as_nanos(), 105);
    }

    #[test]
    fn work_that_is_left_is_what_was_queued_and_not_yet_served() {
        let mut line = ServiceQueue::default();
        assert_eq!(line.left(Time::from_nanos(7)), 0);
        line.serve(Time::from_nanos(10), 5);
        line.serve(Time::from_nanos(12), 8);
        assert_eq!(
            [10, 12, 22, 23, 99].map(|now| line.left(Time::from_nanos(now))),
            [13, 11, 1, 0, 0]
        );
    }

    #[test]
    fn a_service_that_would_end_after_all_time_ends_with_it() {
        let mut line = ServiceQueue::default();
        assert_eq!(line.serve(Time::from_nanos(10), u64::MAX), Time::MAX);
        assert_eq!(line.serve(Time::from_nanos(20), 1), Time::MAX);
    }
}
