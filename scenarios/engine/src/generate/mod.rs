//! Generated objects: their bytes, drawn from a seed.
//!
//! Every draw is keyed by what it is for, as hash(seed, purpose, identity), and never taken from
//! a shared sequence: another object, job or policy shifts nothing.

mod csv;
mod keyed;
mod log;
mod records;
mod text;

pub use csv::csv;
pub use keyed::{key, number};
pub use log::log;
pub use records::{RECORD_BYTES, records};
pub use text::text;
