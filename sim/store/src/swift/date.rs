//! Dates as HTTP and Swift's listings write them, in UTC.
//!
//! Leaves out leap seconds, and the two obsolete formats of HTTP dates.

use crate::swift::Timestamp;

const DAY_S: u64 = 86_400;
const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Day of the Gregorian calendar.
struct Day {
    year: u64,
    /// From 1.
    month: u64,
    /// From 1.
    day: u64,
}

/// Day that begins `days` days after 1970-01-01, by Howard Hinnant's `civil_from_days`.
const fn day_of(days: u64) -> Day {
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let january_or_february = if month <= 2 { 1 } else { 0 };
    Day {
        year: year_of_era + era * 400 + january_or_february,
        month,
        day: day_of_year - (153 * month_from_march + 2) / 5 + 1,
    }
}

/// Number of days from 1970-01-01 to a day not before it: the inverse of [`day_of`].
const fn days_of(date: &Day) -> u64 {
    let year = if date.month <= 2 { date.year - 1 } else { date.year };
    let year_of_era = year % 400;
    let month_from_march = (date.month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + date.day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    year / 400 * 146_097 + day_of_era - 719_468
}

/// Whole second of `timestamp`, rounded up: the time of modification, as in Swift.
#[must_use]
pub const fn modified_seconds(timestamp: Timestamp) -> u64 {
    timestamp.unix_seconds() + if timestamp.subsec_micros() > 0 { 1 } else { 0 }
}

/// Date as in `Last-Modified`: `Mon, 01 Jan 2024 00:00:00 GMT`.
#[must_use]
pub fn http_date(unix_seconds: u64) -> String {
    let (days, second) = (unix_seconds / DAY_S, unix_seconds % DAY_S);
    let Day { year, month, day } = day_of(days);
    let weekday = usize::try_from(days % 7).map_or("", |index| WEEKDAYS[index]);
    let month = usize::try_from(month - 1).map_or("", |index| MONTHS[index]);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
}

/// Reads a date as [`http_date`] writes it, in Unix seconds.
#[must_use]
pub fn parse_http_date(text: &str) -> Option<u64> {
    let words: Vec<&str> = text.split_once(", ")?.1.split(' ').collect();
    let [day, month, year, clock, "GMT"] = words[..] else {
        return None;
    };
    let month = MONTHS.iter().position(|name| *name == month)? as u64 + 1;
    let number = |text: &str, below: u64| -> Option<u64> {
        text.parse().ok().filter(|number| *number < below)
    };
    let mut clock = clock.split(':');
    let (hour, minute, second) =
        (number(clock.next()?, 24)?, number(clock.next()?, 60)?, number(clock.next()?, 61)?);
    let date = Day { year: number(year, 10_000)?, month, day: number(day, 32)? };
    if clock.next().is_some() || date.year < 1970 || date.day == 0 {
        return None;
    }
    Some(days_of(&date) * DAY_S + hour * 3_600 + minute * 60 + second)
}

/// Date as in listings: `2024-01-01T00:00:00.000420`.
#[must_use]
pub fn iso_date(timestamp: Timestamp) -> String {
    let (days, second) = (timestamp.unix_seconds() / DAY_S, timestamp.unix_seconds() % DAY_S);
    let Day { year, month, day } = day_of(days);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    let micros = timestamp.subsec_micros();
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_dates_are_written_as_the_standards_write_them() {
        assert_eq!(http_date(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(http_date(1_709_208_000), "Thu, 29 Feb 2024 12:00:00 GMT");
        let timestamp: Timestamp = "1704067200.00042".parse().unwrap();
        assert_eq!(iso_date(timestamp), "2024-01-01T00:00:00.000420");
        assert_eq!(modified_seconds(timestamp), 1_704_067_201);
    }

    proptest! {
        #[test]
        fn a_date_reads_back_as_it_was_written(seconds in 0_u64..200_000_000_000) {
            prop_assert_eq!(parse_http_date(&http_date(seconds)), Some(seconds));
        }

        #[test]
        fn any_text_is_a_date_or_not(text in ".{0,40}") {
            let _either = parse_http_date(&text);
        }
    }

    fn is_leap(year: u64) -> bool {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    }

    #[test]
    fn days_follow_each_other_as_in_a_calendar_on_the_wall() {
        let (mut year, mut month, mut day, mut weekday) = (1970, 0, 1, 4);
        let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
        // To the year 2400, so that there is a century that leaps and three that do not.
        for number in 0..157_420 {
            let shown = http_date(number * DAY_S);
            let (name, month_name) = (weekdays[weekday], MONTHS[month]);
            let expected = format!("{name}, {day:02} {month_name} {year:04} 00:00:00 GMT");
            assert_eq!(shown, expected);
            weekday = (weekday + 1) % 7;
            let february = if is_leap(year) { 29 } else { 28 };
            let days = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month];
            day += 1;
            if day > days {
                (day, month) = (1, month + 1);
            }
            if month == 12 {
                (month, year) = (0, year + 1);
            }
        }
        assert_eq!(year, 2401);
    }

    #[test]
    fn what_is_no_date_of_this_form_is_none() {
        let good = "Mon, 01 Jan 2024 00:00:00 GMT";
        assert_eq!(parse_http_date(good), Some(1_704_067_200));
        for (from, to) in [
            ("GMT", "UTC"),
            ("GMT", "GMT+1"),
            (" GMT", ""),
            ("Jan", "jan"),
            ("Jan", "1"),
            ("00:00:00", "24:00:00"),
            ("00:00:00", "00:60:00"),
            ("00:00:00", "00:00:61"),
            ("00:00:00", "00:00"),
            ("00:00:00", "00:00:00:00"),
            ("01 Jan", "00 Jan"),
            ("01 Jan", "32 Jan"),
            ("01 Jan", "-1 Jan"),
            ("2024", "1969"),
            ("2024", "10000"),
            ("2024", ""),
            ("Mon, ", ""),
        ] {
            let bad = good.replace(from, to);
            assert_eq!(parse_http_date(&bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn dates_in_text_are_in_the_order_of_time(one in 0_u64..1 << 50, other in 0_u64..1 << 50) {
            let of = |ticks: u64| iso_date(Timestamp::at(stayput_host::Time::from_nanos(ticks)));
            let (shorter, longer) = (of(one), of(other));
            prop_assert_eq!(shorter.len(), longer.len());
            prop_assert_eq!(shorter.cmp(&longer), (one / 10_000).cmp(&(other / 10_000)));
        }

        #[test]
        fn a_modification_is_at_the_next_whole_second(ns: u64) {
            let timestamp = Timestamp::at(stayput_host::Time::from_nanos(ns / 4));
            let seconds = modified_seconds(timestamp);
            let micros = timestamp.unix_seconds() * 1_000_000 + timestamp.subsec_micros();
            prop_assert!(seconds * 1_000_000 >= micros && seconds * 1_000_000 < micros + 1_000_000);
        }
    }
}
