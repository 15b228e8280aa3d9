//! The `Date` header of responses, formatted once a second.

use std::cell::RefCell;

use hyper::header::HeaderValue;
use stayput_host::Time;

use crate::swift::Timestamp;
use crate::swift::date::http_date;

/// Cache of the last `Date` header, with the Unix second that it names.
#[derive(Debug, Default)]
pub(super) struct DateHeader(RefCell<Option<(u64, HeaderValue)>>);

impl DateHeader {
    /// Date of `now`, rounded down to a second.
    pub(super) fn at(&self, now: Time) -> Option<HeaderValue> {
        let seconds = Timestamp::at(now).unix_seconds();
        let mut last = self.0.borrow_mut();
        if last.as_ref().is_none_or(|(second, _)| *second != seconds) {
            // A date always fits into a header; without one a response is complete all the same.
            *last = HeaderValue::try_from(http_date(seconds)).ok().map(|date| (seconds, date));
        }
        last.as_ref().map(|(_, date)| date.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_follows_the_clock_in_whole_seconds() {
        let dates = DateHeader::default();
        let at = |nanos| dates.at(Time::from_nanos(nanos)).unwrap();
        let first = at(5_000_000_000);
        assert_eq!(first, at(5_999_999_999));
        assert_ne!(first, at(6_000_000_000));
        assert_eq!(first, at(5_000_000_000), "also when it is asked about the past");
    }
}
