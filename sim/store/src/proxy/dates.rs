//! The `Date` header of answers, written once a second.

use std::cell::RefCell;

use hyper::header::HeaderValue;
use stayput_host::Time;

use crate::swift::Timestamp;
use crate::swift::date::http_date;

/// What `Date` said last, and of which second that was.
#[derive(Debug, Default)]
pub(super) struct Dates(RefCell<Option<(u64, HeaderValue)>>);

impl Dates {
    /// The date of `now`, rounded down.
    pub(super) fn at(&self, now: Time) -> Option<HeaderValue> {
        let seconds = Timestamp::at(now).unix_seconds();
        let mut last = self.0.borrow_mut();
        if last.as_ref().is_none_or(|(second, _)| *second != seconds) {
            // A date is always fit for a header; without one an answer is complete all the same.
            *last = HeaderValue::try_from(http_date(seconds)).ok().map(|date| (seconds, date));
        }
        last.as_ref().map(|(_, date)| date.clone())
    }
}
