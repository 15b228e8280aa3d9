//! What many seeds say together: medians and paired differences with their intervals, and only the words that these carry.
//!
//! Pure: it reads records and draws nothing. Leaves out corrections for looking at many points at once: each interval holds by
//! itself.

mod figures;
mod fuel;
mod gather;
mod interval;
mod verdict;
mod warm_up;

pub use figures::Figure;
pub(crate) use figures::{completed, percentile};
pub use fuel::{FUEL_AXIS, FuelRow, FuelSensitivity};
pub(crate) use gather::PairGathered;
pub use gather::{Ends, Gatherer, PairFigure, PairPoint, Point, PolicyPoint};
pub use interval::{Estimate, METHOD, VALUES_MIN, ranks};
pub use warm_up::WarmUp;
