//! Work for a core, which reports the fuel that it spent.
//!
//! Leaves out the work itself. A host's fuel rate turns fuel into time; overhead is time that is no
//! computing of a guest's, such as starting one.

use std::any::Any;
use std::time::Duration;

/// Fuel that work has spent, in units of about one WebAssembly instruction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct SpentFuel(pub u64);

/// Computation for a core. `Send`, so that a real machine may run it on another thread.
pub trait ComputeWork: Send + 'static {
    /// Computes, once, and returns the fuel that it spent.
    fn run(&mut self) -> SpentFuel;

    /// Time of the core beside the fuel's, asked once after [`ComputeWork::run`].
    fn overhead(&mut self) -> Duration {
        Duration::ZERO
    }

    /// Converts the work for its owner, who takes the result out of it.
    fn into_any(self: Box<Self>) -> Box<dyn Any>;
}
