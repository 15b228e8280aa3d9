//! The `Range` header: the bytes of an object that a request asks for.
//!
//! Leaves out several ranges at a time (answered with the whole object, as HTTP allows) and
//! `If-Range`.

/// Range of an object's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ByteRange {
    pub(super) first: u64,
    pub(super) len: u64,
}

/// Outcome of a `Range` header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RequestedRange {
    /// All bytes: there is no header, or none that is understood.
    Whole,
    /// Some bytes.
    Part(ByteRange),
    /// No byte that the object has.
    Unsatisfiable,
}

impl RequestedRange {
    /// Reads the header for an object of `length` bytes.
    pub(super) fn parse(header: Option<&str>, length: u64) -> Self {
        let Some((first, last)) = header
            .and_then(|text| text.trim().strip_prefix("bytes="))
            .and_then(|range| range.trim().split_once('-'))
        else {
            return Self::Whole;
        };
        // Digits alone: a list of ranges fails here, as a sign would.
        let number = |text: &str| {
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            digits.then(|| text.parse().unwrap_or(u64::MAX))
        };
        match (first, number(first), last, number(last)) {
            (_, Some(first), _, Some(last)) if first > last => Self::Whole,
            (_, Some(first), _, Some(last)) => Self::part(first, last, length),
            (_, Some(first), "", None) => Self::part(first, u64::MAX, length),
            ("", None, _, Some(0)) => Self::Unsatisfiable,
            ("", None, _, Some(_)) if length == 0 => Self::Whole,
            ("", None, _, Some(suffix)) => {
                Self::part(length.saturating_sub(suffix), u64::MAX, length)
            }
            _ => Self::Whole,
        }
    }

    const fn part(first: u64, last: u64, length: u64) -> Self {
        if first >= length {
            return Self::Unsatisfiable;
        }
        let last = if last < length { last } else { length - 1 };
        Self::Part(ByteRange { first, len: last - first + 1 })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn single_suffix_and_open_ranges_are_parts() {
        let part = |text| RequestedRange::parse(Some(text), 100);
        assert_eq!(part("bytes=0-9"), RequestedRange::Part(ByteRange { first: 0, len: 10 }));
        assert_eq!(part("bytes=90-1000"), RequestedRange::Part(ByteRange { first: 90, len: 10 }));
        assert_eq!(part("bytes=-5"), RequestedRange::Part(ByteRange { first: 95, len: 5 }));
        assert_eq!(part("bytes=-500"), RequestedRange::Part(ByteRange { first: 0, len: 100 }));
        assert_eq!(part("bytes=99-"), RequestedRange::Part(ByteRange { first: 99, len: 1 }));
        assert_eq!(part("bytes=100-"), RequestedRange::Unsatisfiable);
        assert_eq!(part("bytes=-0"), RequestedRange::Unsatisfiable);
    }

    #[test]
    fn what_is_not_understood_is_the_whole_object() {
        for text in
            ["bytes=0-1,5-6", "bytes=5-1", "bytes=-", "bytes=a-b", "lines=1-2", "", "bytes=+1-2"]
        {
            assert_eq!(RequestedRange::parse(Some(text), 100), RequestedRange::Whole, "{text:?}");
        }
        assert_eq!(RequestedRange::parse(None, 0), RequestedRange::Whole);
    }

    proptest! {
        #[test]
        fn a_part_lies_within_the_object(
            text in "bytes=[0-9]{0,22}-[0-9]{0,22}", length in any::<u64>(),
        ) {
            if let RequestedRange::Part(range) = RequestedRange::parse(Some(&text), length) {
                prop_assert!(range.len > 0);
                prop_assert!(range.first.checked_add(range.len).is_some_and(|end| end <= length));
            }
        }
    }
}
