//! What a scenario says its figures must be: `saved_ratio = ">= 0.99"`, `wrong = 0`.
//!
//! Leaves out where the figures come from (`report`).

use std::cmp::Ordering;
use std::fmt;

use crate::quantity::Decimal;

/// A promise about one figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// Of what.
    pub figure: Figure,
    /// How it must be.
    pub comparison: Comparison,
}

/// A figure that a scenario can make a promise about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Figure {
    /// The fraction of hop body bytes that `on-storage` saved against `download`.
    SavedRatio,
    /// Jobs with a wrong answer, under each policy.
    Wrong,
    /// Jobs that failed honestly, under each policy.
    Failed,
    /// Jobs that ended well, under each policy.
    Ok,
}

impl Figure {
    /// The key in `[expect]`.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::SavedRatio => "saved_ratio",
            Self::Wrong => "wrong",
            Self::Failed => "failed",
            Self::Ok => "ok",
        }
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

/// How a figure must stand to its limit.
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

    /// Whether the fraction `numerator` / `denominator` (not zero) is as it must be.
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
