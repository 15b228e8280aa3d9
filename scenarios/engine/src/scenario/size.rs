//! Sizes of generated objects: all the same, or each drawn from a distribution.
//!
//! Leaves out the draws themselves (`plan`).

use crate::quantity::Decimal;

/// The sizes of objects, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// All the same.
    Fixed(u64),
    /// Each size in between with the same chance.
    Uniform {
        /// The least.
        least: u64,
        /// The largest, which is at least `least`.
        most: u64,
    },
    /// The logarithm is normal: half of the objects are below the median, a few are far above it.
    Lognormal {
        /// The median.
        median: u64,
        /// The standard deviation of the natural logarithm.
        sigma: Decimal,
        /// Upper bound; larger draws are cut to it.
        most: u64,
    },
    /// A size exceeds x with a chance of (least / x)^alpha: many small objects, and most of the
    /// bytes in few large ones.
    Pareto {
        /// The least.
        least: u64,
        /// Shape: the tail's exponent, above zero.
        alpha: Decimal,
        /// Upper bound; larger draws are cut to it.
        most: u64,
    },
}

impl Size {
    /// The largest size that can be drawn.
    #[must_use]
    pub const fn most(self) -> u64 {
        match self {
            Self::Fixed(size) => size,
            Self::Uniform { most, .. }
            | Self::Lognormal { most, .. }
            | Self::Pareto { most, .. } => most,
        }
    }
}
