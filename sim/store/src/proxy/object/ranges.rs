//! The `Range` header, with one range or several, as Swift reads it.
//!
//! A single range of an ordinary object is its node's to read. Leaves out units other than bytes.

use crate::proxy::limits::RANGES_MAX;

/// Pairs of ranges that may overlap, and ranges out of order from which on they are too many: Swift's limits.
const OVERLAPS_MAX: usize = 2;
const UNORDERED_MAX: usize = 8;

/// A run of bytes: the number of the first one, and how many they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) first: u64,
    pub(super) length: u64,
}

impl Run {
    /// The number of the last byte; a run has at least one.
    pub(super) const fn last(self) -> u64 {
        self.first + self.length - 1
    }

    const fn end(self) -> u64 {
        self.first + self.length
    }
}

/// What a `Range` comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// All of it: the header is none that is understood.
    Whole,
    /// Nothing that is there, or more than is good for anybody.
    Unsatisfiable,
    /// These, in the order in which they were asked for.
    Parts(Vec<Run>),
}

/// Reads the header for something of `length` bytes.
pub(super) fn parse(header: &str, length: u64) -> Wanted {
    let header: String = header.chars().filter(|char| *char != ' ').collect();
    let Some(specs) = header.get(6..).filter(|_| header[..6].eq_ignore_ascii_case("bytes=")) else {
        return Wanted::Whole;
    };
    let mut runs = Vec::new();
    for spec in specs.split(',') {
        match run(spec, length) {
            None => return Wanted::Whole,
            Some(None) => {}
            Some(Some(run)) if runs.len() < RANGES_MAX => runs.push(run),
            Some(Some(_)) => return Wanted::Unsatisfiable,
        }
    }
    if length == 0 && !runs.is_empty() {
        return Wanted::Whole;
    }
    if runs.is_empty() || is_egregious(&runs) {
        return Wanted::Unsatisfiable;
    }
    Wanted::Parts(runs)
}

/// `None` if it makes no sense, `Some(None)` if none of its bytes is there.
fn run(spec: &str, length: u64) -> Option<Option<Run>> {
    let (first, last) = spec.split_once('-')?;
    let number = |text: &str| {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        // A number that is too large is beyond any end.
        digits.then(|| text.parse().unwrap_or(u64::MAX))
    };
    let part = |first: u64, last: u64| {
        let last = last.min(length.saturating_sub(1));
        (first < length).then(|| Run { first, length: last - first + 1 })
    };
    match (first, last) {
        ("", "") => None,
        ("", suffix) => match number(suffix)? {
            0 => Some(None),
            // Of nothing, the last bytes are all that there is.
            _ if length == 0 => Some(Some(Run { first: 0, length: 0 })),
            suffix => Some(part(length.saturating_sub(suffix), u64::MAX)),
        },
        (first, "") => Some(part(number(first)?, u64::MAX)),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then(|| part(first, last))
        }
    }
}

/// Whether so many ranges overlap, or come in such disorder, that they are a way to make work: RFC 9110, section 14.2.
fn is_egregious(runs: &[Run]) -> bool {
    let pairs = runs
        .iter()
        .enumerate()
        .flat_map(|(at, one)| runs[at + 1..].iter().map(move |other| (one, other)));
    let overlaps = pairs.filter(|(one, other)| one.first < other.end() && other.first < one.end());
    overlaps.count() > OVERLAPS_MAX
        || (runs.len() >= UNORDERED_MAX && !runs.is_sorted_by_key(|run| run.first))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parts(header: &str) -> Vec<(u64, u64)> {
        match parse(header, 100) {
            Wanted::Parts(runs) => runs.iter().map(|run| (run.first, run.last())).collect(),
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
            assert_eq!(parse(senseless, 100), Wanted::Whole, "{senseless:?}");
        }
        assert_eq!(parse("bytes=100-,-0", 100), Wanted::Unsatisfiable);
        assert_eq!(parse("bytes=-5", 0), Wanted::Whole);
        assert_eq!(parse("bytes=0-", 0), Wanted::Unsatisfiable);
    }

    #[test]
    fn egregious_ranges_are_refused() {
        let list = |runs: &[(u64, u64)]| {
            let runs: Vec<_> = runs.iter().map(|(first, last)| format!("{first}-{last}")).collect();
            parse(&format!("bytes={}", runs.join(",")), 1_000)
        };
        let apart: Vec<_> = (0..51).map(|at| (at * 3, at * 3 + 1)).collect();
        assert!(matches!(list(&apart[..50]), Wanted::Parts(_)));
        assert_eq!(list(&apart), Wanted::Unsatisfiable);
        assert!(matches!(list(&[(0, 9), (5, 15), (10, 20)]), Wanted::Parts(_)), "two overlap");
        assert_eq!(list(&[(0, 9), (0, 9), (0, 9)]), Wanted::Unsatisfiable);
        let backwards: Vec<_> = apart[..8].iter().rev().copied().collect();
        assert_eq!(list(&backwards), Wanted::Unsatisfiable);
        assert!(matches!(list(&backwards[1..]), Wanted::Parts(_)));
    }

    proptest! {
        #[test]
        fn parts_lie_within_what_is_there(
            text in "[Bb]ytes=[-0-9, ]{0,40}|.{0,30}", length in any::<u64>(),
        ) {
            if let Wanted::Parts(runs) = parse(&text, length) {
                prop_assert!(!runs.is_empty() && runs.len() <= RANGES_MAX);
                for run in runs {
                    prop_assert!(run.length > 0);
                    prop_assert!(run.first.checked_add(run.length).is_some_and(|end| end <= length));
                }
            }
        }
    }
}
