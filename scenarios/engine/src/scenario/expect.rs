//! Expectations of a scenario: `saved_ratio = ">= 0.99"`, `"on-storage.p99_us" = "<= 60000"`.
//!
//! Leaves out where the figures come from (`report`).

use std::cmp::Ordering;
use std::fmt;

use super::Policy;
use crate::quantity::Decimal;

/// A promise about one figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// Of what.
    pub figure: Figure,
    /// Relation to the limit.
    pub comparison: Comparison,
}

/// A figure that a scenario can make a promise about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figure {
    /// Measured quantity.
    pub measure: Measure,
    /// Under which policy; under each that ran if none is named.
    pub policy: Option<Policy>,
}

/// Quantity that is measured of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// The fraction of hop body bytes that `on-storage` saved against `download`.
    SavedRatio,
    /// Jobs with a wrong answer.
    Wrong,
    /// Jobs that failed honestly.
    Failed,
    /// Jobs that ended well.
    Ok,
    /// The median latency of completed jobs, in microseconds.
    P50Us,
    /// 90th percentile.
    P90Us,
    /// 99th percentile.
    P99Us,
    /// The longest.
    MaxUs,
    /// From the first intended arrival to the last job's end, in microseconds.
    MakespanUs,
    /// Fuel that guests used.
    Fuel,
    /// Hop bytes of bodies.
    BytesBody,
    /// Hop bytes of the streams.
    BytesPayload,
    /// Hop bytes on the wire.
    BytesWire,
    /// Body bytes from one zone to another.
    BytesCrossZone,
    /// End-to-end bytes: a consumer's request, once.
    BytesEndToEnd,
    /// Requests of the load that failed.
    LoadFailed,
    /// 99th percentile of the load's requests, in microseconds.
    LoadP99Us,
}

impl Measure {
    /// All of them, as the documents order them.
    pub const ALL: [Self; 17] = [
        Self::SavedRatio,
        Self::Wrong,
        Self::Failed,
        Self::Ok,
        Self::P50Us,
        Self::P90Us,
        Self::P99Us,
        Self::MaxUs,
        Self::MakespanUs,
        Self::Fuel,
        Self::BytesBody,
        Self::BytesPayload,
        Self::BytesWire,
        Self::BytesCrossZone,
        Self::BytesEndToEnd,
        Self::LoadFailed,
        Self::LoadP99Us,
    ];

    /// The key in `[expect]`.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::SavedRatio => "saved_ratio",
            Self::Wrong => "wrong",
            Self::Failed => "failed",
            Self::Ok => "ok",
            Self::P50Us => "p50_us",
            Self::P90Us => "p90_us",
            Self::P99Us => "p99_us",
            Self::MaxUs => "max_us",
            Self::MakespanUs => "makespan_us",
            Self::Fuel => "fuel",
            Self::BytesBody => "bytes.body",
            Self::BytesPayload => "bytes.payload",
            Self::BytesWire => "bytes.wire",
            Self::BytesCrossZone => "bytes.cross_zone",
            Self::BytesEndToEnd => "bytes.end_to_end",
            Self::LoadFailed => "load.failed",
            Self::LoadP99Us => "load.p99_us",
        }
    }
}

impl Figure {
    /// The key in `[expect]`: `failed`, `on-storage.p99_us`.
    #[must_use]
    pub fn key(&self) -> String {
        let key = self.measure.key();
        self.policy.map_or(key.to_owned(), |policy| format!("{policy}.{key}"))
    }
}

/// A sign and a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// The sign.
    pub sign: Sign,
    /// The number on its right.
    pub limit: Decimal,
}

/// Comparison of a figure with its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// `=`, or no sign at all.
    Equal,
    /// `>=`
    AtLeast,
    /// `<=`
    AtMost,
    /// `>`
    Above,
    /// `<`
    Below,
}

impl Comparison {
    /// Parses ">= 0.99", "= 5", "0". `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let signs = [
            (">=", Sign::AtLeast),
            ("<=", Sign::AtMost),
            ("==", Sign::Equal),
            (">", Sign::Above),
            ("<", Sign::Below),
            ("=", Sign::Equal),
        ];
        let found = signs.iter().find_map(|(s, sign)| Some((*sign, text.strip_prefix(s)?)));
        let (sign, number) = found.unwrap_or((Sign::Equal, text));
        Some(Self { sign, limit: Decimal::parse(number.trim())? })
    }

    /// True if the fraction `numerator` / `denominator` (not zero) is as expected.
    #[must_use]
    pub fn holds(&self, numerator: i128, denominator: u64) -> bool {
        let order = self.limit.compare_fraction(numerator, denominator);
        match self.sign {
            Sign::Equal => order == Ordering::Equal,
            Sign::AtLeast => order != Ordering::Less,
            Sign::AtMost => order != Ordering::Greater,
            Sign::Above => order == Ordering::Greater,
            Sign::Below => order == Ordering::Less,
        }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.sign {
            Sign::Equal => "=",
            Sign::AtLeast => ">=",
            Sign::AtMost => "<=",
            Sign::Above => ">",
            Sign::Below => "<",
        };
        write!(f, "{sign} {}", self.limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sign_holds_where_it_should() {
        let holds = |text: &str, n| Comparison::parse(text).unwrap().holds(n, 10);
        assert!(holds(">= 0.9", 9));
        assert!(!holds("> 0.9", 9));
        assert!(holds("<=0.9", 9));
        assert!(!holds("< 0.9", 9));
        assert!(holds("0.9", 9));
        assert!(holds("= 0.9", 9));
        assert!(!holds("== 0.9", 8));
        assert!(Comparison::parse("about 1").is_none());
    }
}
