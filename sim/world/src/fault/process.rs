//! Faults of a host's process and power.
//!
//! Leaves out how the world takes a host down: see `fabric::faults`.

use super::description::FaultDescription;

/// Fault of a host's process or power.
pub trait ProcessFault: FaultDescription {
    /// Begins the fault.
    fn begin(&self, host: &dyn HostControl);

    /// Ends the fault.
    fn end(&self, host: &dyn HostControl);
}

/// Control of one host, for one fault. Effects are charged to that fault.
pub trait HostControl {
    /// Kills the process: its kernel resets its connections, its files stay.
    fn kill_process(&self);

    /// Cuts the power: peers hear nothing, and what was not synced is lost.
    fn cut_power(&self);

    /// Ends what this fault did; starts the host's main function unless another fault keeps the
    /// host down.
    fn restore(&self);
}
