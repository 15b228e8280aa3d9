//! Jobs of one description: over which objects, how many, when.
//!
//! Leaves out the draws themselves (`plan`).

use super::{ObjectName, ObjectPattern};
use crate::quantity::Decimal;

/// Jobs of one description over several objects.
#[derive(Clone, Debug)]
pub struct Work {
    /// The description; `{object}` in it stands for the path of the drawn object.
    pub job: String,
    /// Which objects are meant.
    pub pattern: ObjectPattern,
    /// The objects that match, in the order of the data; never empty.
    pub objects: Vec<ObjectName>,
    /// How a job's object is chosen.
    pub pick: Pick,
    /// How many jobs.
    pub runs: u32,
    /// When they arrive.
    pub arrivals: Arrivals,
}

impl Work {
    /// The job description for one object, `{object}` replaced and escaped as JSON wants it.
    #[must_use]
    pub fn job_for(&self, object: &ObjectName) -> String {
        let quoted = serde_json::Value::String(object.swift_path()).to_string();
        self.job.replace("{object}", &quoted[1..quoted.len() - 1])
    }
}

/// How a job's object is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pick {
    /// The k-th object with a chance in proportion to 1 / k^exponent.
    Zipf(Decimal),
    /// Each with the same chance.
    Uniform,
    /// One after the other, over and over.
    Each,
}

/// When jobs arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrivals {
    /// Open loop: at random, on average so many per second, whatever happens to earlier ones.
    Poisson {
        /// Jobs per second.
        per_second: Decimal,
    },
    /// Closed loop: each client sends its next job when its last one has ended.
    Closed,
}
