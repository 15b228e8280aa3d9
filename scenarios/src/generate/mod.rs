//! What is drawn for a seed: the bytes of generated objects.
//!
//! Every draw is keyed by what it is for, as hash(seed, purpose, identity), and never taken from
//! a shared sequence: another object, job or policy shifts nothing.

mod keyed;
mod log;

pub use keyed::{key, number};
pub use log::log;
