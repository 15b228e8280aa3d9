//! Jobs that arrive together: of which descriptions, over which objects, how many, when.
//!
//! Leaves out the draws themselves (`plan`).

use std::fmt;
use std::time::Duration;

use super::{ObjectName, ObjectPattern};
use crate::quantity::{Decimal, exact_duration};

/// Jobs over several objects.
#[derive(Clone, Debug)]
pub struct Work {
    /// The descriptions, of which each job has one; never empty, and one at least has a weight.
    pub jobs: Vec<Description>,
    /// Objects to draw from.
    pub pattern: ObjectPattern,
    /// The objects that match, in the order of the data; never empty.
    pub objects: Vec<ObjectName>,
    /// Choice of a job's object.
    pub pick: Pick,
    /// Number of jobs.
    pub runs: u32,
    /// Arrivals.
    pub arrivals: Arrivals,
}

impl Work {
    /// The job of a description, by its number from 0, for one object, `{object}` replaced and
    /// escaped as JSON wants it.
    #[must_use]
    pub fn job_for(&self, description: usize, object: &ObjectName) -> String {
        filled(&self.jobs[description].text, "object", &object.swift_path())
    }
}

/// A description of jobs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// Its text; `{object}` in it stands for the path of the drawn object.
    pub text: String,
    /// Jobs have it in proportion to this.
    pub weight: u32,
}

/// The description with `value`, escaped as JSON wants it, wherever `{name}` stands.
pub(super) fn filled(text: &str, name: &str, value: &str) -> String {
    let quoted = serde_json::Value::String(value.to_owned()).to_string();
    text.replace(&format!("{{{name}}}"), &quoted[1..quoted.len() - 1])
}

/// Choice of a job's object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pick {
    /// The k-th object with a chance in proportion to 1 / k^exponent.
    Zipf(Decimal),
    /// Each with the same chance.
    Uniform,
    /// One after the other, over and over.
    Each,
}

/// Arrivals of jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrivals {
    /// Open loop: at random, on average so many per second, whatever happens to earlier ones.
    Poisson {
        /// Jobs per second.
        per_second: Decimal,
    },
    /// Open loop: bursts at random, on average so many per second, of so many jobs each.
    Bursts {
        /// Bursts per second.
        per_second: Decimal,
        /// Jobs of a burst.
        of: u32,
        /// The jobs behind the first lie anywhere within this time of it; zero if they come at
        /// once.
        within: Duration,
    },
    /// Closed loop: each client sends its next job when its last one has ended.
    Closed,
}

impl fmt::Display for Pick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zipf(exponent) => write!(f, "zipf {exponent}"),
            Self::Uniform => f.write_str("uniform"),
            Self::Each => f.write_str("each"),
        }
    }
}

impl fmt::Display for Arrivals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Poisson { per_second } => write!(f, "poisson {per_second}/s"),
            Self::Bursts { per_second, of, within } => {
                write!(f, "bursts {per_second}/s of {of}")?;
                if within.is_zero() {
                    return Ok(());
                }
                write!(f, " within {}", exact_duration(*within))
            }
            Self::Closed => f.write_str("closed loop"),
        }
    }
}
