//! Computing, as the seam sees it: work that says afterwards what it spent.
//!
//! Leaves out what the work is. Fuel is the only clock of compute: a machine's fuel rate turns it into time.

use std::any::Any;

/// Units of fuel (about one per WebAssembly instruction) that work has spent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct SpentFuel(pub u64);

/// Something to be computed on a core. `Send`, so that a real machine may give it to another thread.
pub trait Work: Send + 'static {
    /// Computes, once, and says what that cost.
    fn run(&mut self) -> SpentFuel;

    /// The work itself, for its owner to take its result out of.
    fn into_any(self: Box<Self>) -> Box<dyn Any>;
}
