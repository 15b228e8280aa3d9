//! The fault kinds, a file each: keys of the scenario, texts, and what the fault does.
//!
//! A kind of your own is such a file and an entry in `BUILT_IN`, or, in a crate of your own, in
//! the [`super::FaultCatalog`] that the scenario is read with. Leaves out bits that flip and
//! clocks that drift.

mod crash;
mod flap;
mod full_disk;
mod latency;
mod loss;
mod partition;
mod power;
mod read_errors;
mod slow_disk;
mod stop_disk;
#[cfg(test)]
mod tests;
mod throttle;
mod torn_writes;

pub use crash::Crash;
pub use full_disk::FullDisk;
pub use latency::Latency;
pub use loss::Loss;
pub use partition::NetworkPartition;
pub use power::Power;
pub use read_errors::ReadErrors;
pub use slow_disk::SlowDisk;
pub use stop_disk::StopDisk;
pub use throttle::Throttle;
pub use torn_writes::TornWrites;

use super::spec::FaultSpec;

/// Kinds that a scenario can name, in the order in which messages list them.
pub(super) const BUILT_IN: [&FaultSpec; 10] = [
    &partition::SPEC,
    &latency::SPEC,
    &loss::SPEC,
    &throttle::SPEC,
    &flap::SPEC,
    &crash::SPEC,
    &power::SPEC,
    &slow_disk::SPEC,
    &full_disk::SPEC,
    &read_errors::SPEC,
];
