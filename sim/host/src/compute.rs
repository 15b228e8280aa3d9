//! Computing, as the seam sees it: work that says afterwards what it spent.
//!
//! Leaves out what the work is. A machine's fuel rate turns fuel into time; only what is no computing of a guest's, such as
//! starting one, takes time of another kind.

use std::any::Any;
use std::time::Duration;

/// Units of fuel (about one per WebAssembly instruction) that work has spent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct SpentFuel(pub u64);

/// Something to be computed on a core. `Send`, so that a real machine may give it to another thread.
pub trait ComputeWork: Send + 'static {
    /// Computes, once, and says what that cost.
    fn run(&mut self) -> SpentFuel;

    /// Time of the core that it takes beside its fuel, asked once after it ran.
    fn overhead(&mut self) -> Duration {
        Duration::ZERO
    }

    /// The work itself, for its owner to take its result out of.
    fn into_any(self: Box<Self>) -> Box<dyn Any>;
}
