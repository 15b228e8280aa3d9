//! Byte ranges: the `Range` header as Swift reads it, and the start of a `Content-Range`.
//!
//! Leaves out units other than bytes.

/// Ranges in one request, at most.
const RANGES_MAX: usize = 50;

/// Pairs of ranges that may overlap: Swift's limit.
const OVERLAPS_MAX: usize = 2;
/// Ranges that are too many if they are out of order: Swift's limit.
const UNORDERED_MAX: usize = 8;

/// Contiguous bytes: the offset of the first one, and their number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteRange {
    /// Offset of the first byte.
    pub first: u64,
    /// Number of bytes.
    pub length: u64,
}

impl ByteRange {
    /// Offset of the last byte. The range must not be empty.
    #[must_use]
    pub const fn last(self) -> u64 {
        self.first + self.length - 1
    }

    /// Value of a `Range` header that asks for it.
    #[must_use]
    pub fn header(self) -> String {
        format!("bytes={}-{}", self.first, self.last())
    }

    const fn end(self) -> u64 {
        self.first + self.length
    }
}

/// Ranges that a `Range` header asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RangeSet {
    /// The whole: the header is not understood.
    Whole,
    /// No byte that exists, or more ranges than are reasonable.
    Unsatisfiable,
    /// These, in the order of the header.
    Ranges(Vec<ByteRange>),
}

impl RangeSet {
    /// Parses a `Range` header for a representation of `length` bytes.
    #[must_use]
    pub fn parse(header: &str, length: u64) -> Self {
        let header: String = header.chars().filter(|char| *char != ' ').collect();
        let Some(specs) = header.get(6..).filter(|_| header[..6].eq_ignore_ascii_case("bytes="))
        else {
            return RangeSet::Whole;
        };
        let mut ranges = Vec::new();
        for spec in specs.split(',') {
            match range_of(spec, length) {
                None => return RangeSet::Whole,
                Some(None) => {}
                Some(Some(range)) if ranges.len() < RANGES_MAX => ranges.push(range),
                Some(Some(_)) => return RangeSet::Unsatisfiable,
            }
        }
        if length == 0 && !ranges.is_empty() {
            return RangeSet::Whole;
        }
        if ranges.is_empty() || is_egregious(&ranges) {
            return RangeSet::Unsatisfiable;
        }
        Self::Ranges(ranges)
    }
}

/// Offset of the first byte that a `Content-Range` names.
#[must_use]
pub fn content_range_start(content_range: &str) -> Option<u64> {
    content_range.strip_prefix("bytes ")?.split_once('-')?.0.parse().ok()
}

/// One range of the header: `None` if it is malformed, `Some(None)` if none of its bytes exists.
fn range_of(spec: &str, length: u64) -> Option<Option<ByteRange>> {
    let (first, last) = spec.split_once('-')?;
    let number = |text: &str| {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        // A number too large for 64 bits is beyond any end.
        digits.then(|| text.parse().unwrap_or(u64::MAX))
    };
    let part = |first: u64, last: u64| {
        let last = last.min(length.saturating_sub(1));
        (first < length).then(|| ByteRange { first, length: last - first + 1 })
    };
    match (first, last) {
        ("", "") => None,
        ("", suffix) => match number(suffix)? {
            0 => Some(None),
            // The last bytes of an empty representation are all of it.
            _ if length == 0 => Some(Some(ByteRange { first: 0, length: 0 })),
            suffix => Some(part(length.saturating_sub(suffix), u64::MAX)),
        },
        (first, "") => Some(part(number(first)?, u64::MAX)),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then(|| part(first, last))
        }
    }
}

/// True if so many ranges overlap, or are out of order, that they are an attack: RFC 9110, section
/// 14.2.
fn is_egregious(ranges: &[ByteRange]) -> bool {
    let pairs = ranges
        .iter()
        .enumerate()
        .flat_map(|(at, one)| ranges[at + 1..].iter().map(move |other| (one, other)));
    let overlaps = pairs.filter(|(one, other)| one.first < other.end() && other.first < one.end());
    overlaps.count() > OVERLAPS_MAX
        || (ranges.len() >= UNORDERED_MAX && !ranges.is_sorted_by_key(|range| range.first))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parts(header: &str) -> Vec<(u64, u64)> {
        match RangeSet::parse(header, 100) {
            RangeSet::Ranges(ranges) => {
                ranges.iter().map(|range| (range.first, range.last())).collect()
            }
            other => panic!("{header}: {other:?}"),
        }
    }

    #[test]
    fn ranges_are_read_as_swift_reads_them() {
        assert_eq!(parts("bytes=0-9"), [(0, 9)]);
        assert_eq!(parts("bytes=0-0, 90- ,-5"), [(0, 0), (90, 99), (95, 99)]);
        assert_eq!(parts("Bytes=98-99999999999999999999999"), [(98, 99)]);
        assert_eq!(parts("bytes=200-300,5-6"), [(5, 6)], "what is not there is left out");
        assert_eq!(parts("bytes=-500"), [(0, 99)]);
        for senseless in
            ["bytes=0-1,", "bytes=5-1", "bytes=-", "lines=1-2", "bytes=a-b,1-2", "", "é-"]
        {
            assert_eq!(RangeSet::parse(senseless, 100), RangeSet::Whole, "{senseless:?}");
        }
        assert_eq!(RangeSet::parse("bytes=100-,-0", 100), RangeSet::Unsatisfiable);
        assert_eq!(RangeSet::parse("bytes=-5", 0), RangeSet::Whole);
        assert_eq!(RangeSet::parse("bytes=0-", 0), RangeSet::Unsatisfiable);
    }

    #[test]
    fn egregious_ranges_are_refused() {
        let list = |ranges: &[(u64, u64)]| {
            let ranges: Vec<_> =
                ranges.iter().map(|(first, last)| format!("{first}-{last}")).collect();
            RangeSet::parse(&format!("bytes={}", ranges.join(",")), 1_000)
        };
        let apart: Vec<_> = (0..51).map(|at| (at * 3, at * 3 + 1)).collect();
        assert!(matches!(list(&apart[..50]), RangeSet::Ranges(_)));
        assert_eq!(list(&apart), RangeSet::Unsatisfiable);
        assert!(matches!(list(&[(0, 9), (5, 15), (10, 20)]), RangeSet::Ranges(_)), "two overlap");
        assert_eq!(list(&[(0, 9), (0, 9), (0, 9)]), RangeSet::Unsatisfiable);
        let backwards: Vec<_> = apart[..8].iter().rev().copied().collect();
        assert_eq!(list(&backwards), RangeSet::Unsatisfiable);
        assert!(matches!(list(&backwards[1..]), RangeSet::Ranges(_)));
    }

    #[test]
    fn a_content_range_names_its_first_byte() {
        assert_eq!(content_range_start("bytes 5-9/10"), Some(5));
        for bad in ["", "bytes */10", "bytes=5-9", "items 5-9/10", "bytes -9/10"] {
            assert_eq!(content_range_start(bad), None, "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn a_range_is_read_as_it_is_written(first in 0_u64..100, length in 1_u64..100) {
            let range = ByteRange { first, length };
            let read = RangeSet::parse(&range.header(), first + length);
            prop_assert_eq!(read, RangeSet::Ranges(vec![range]));
        }

        #[test]
        fn parts_lie_within_what_is_there(
            text in "[Bb]ytes=[-0-9, ]{0,40}|.{0,30}", length in any::<u64>(),
        ) {
            if let RangeSet::Ranges(ranges) = RangeSet::parse(&text, length) {
                prop_assert!(!ranges.is_empty() && ranges.len() <= RANGES_MAX);
                for range in ranges {
                    prop_assert!(range.length > 0);
                    prop_assert!(range.first.checked_add(range.length).is_some_and(|end| end <= length));
                }
            }
        }
    }

    /// Parts of one range: its first and last offset, as they are written.
    type Written = (Option<u64>, Option<u64>);

    /// Offsets that a range names among `length` bytes, by looking at each; `None` if it names none
    /// rightly.
    fn offsets((first, last): Written, length: u64) -> Option<Vec<u64>> {
        match (first, last) {
            (None, None) => None,
            (Some(first), Some(last)) if first > last => None,
            (Some(first), last) => {
                let last = last.unwrap_or(u64::MAX);
                Some((0..length).filter(|at| (first..=last).contains(at)).collect())
            }
            (None, Some(suffix)) => Some((0..length).filter(|at| length - at <= suffix).collect()),
        }
    }

    /// Outcome of a header with these ranges.
    fn by_offsets(written: &[Written], length: u64) -> RangeSet {
        let Some(each) = written.iter().map(|it| offsets(*it, length)).collect::<Option<Vec<_>>>()
        else {
            return RangeSet::Whole;
        };
        let each: Vec<Vec<u64>> = each.into_iter().filter(|offsets| !offsets.is_empty()).collect();
        let shared = |one: &[u64], other: &[u64]| one.iter().any(|at| other.contains(at));
        let overlaps = (0..each.len())
            .flat_map(|one| (0..one).map(move |other| (one, other)))
            .filter(|(one, other)| shared(&each[*one], &each[*other]))
            .count();
        let is_ordered = each.windows(2).all(|pair| pair[0][0] <= pair[1][0]);
        if each.is_empty() || overlaps > 2 || (each.len() >= 8 && !is_ordered) {
            return RangeSet::Unsatisfiable;
        }
        let range = |of: &Vec<u64>| ByteRange { first: of[0], length: of.len() as u64 };
        RangeSet::Ranges(each.iter().map(range).collect())
    }

    proptest! {
        #[test]
        fn ranges_are_the_offsets_that_they_name(
            written in prop::collection::vec(
                (prop::option::of(0_u64..25), prop::option::of(0_u64..25)), 1..11),
            length in 1_u64..20,
        ) {
            let text = |number: &Option<u64>| number.map_or(String::new(), |it| it.to_string());
            let spec = |(first, last): &Written| format!("{}-{}", text(first), text(last));
            let header = written.iter().map(spec).collect::<Vec<_>>().join(", ");
            let parsed = RangeSet::parse(&format!("bytes={header}"), length);
            prop_assert_eq!(parsed, by_offsets(&written, length), "{} of {}", header, length);
        }

        #[test]
        fn any_content_range_has_a_start_or_not(text in ".{0,40}", first: u64) {
            let _either = content_range_start(&text);
            prop_assert_eq!(content_range_start(&format!("bytes {first}-9/10")), Some(first));
        }
    }
}
