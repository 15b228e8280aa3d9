//! Generated objects: their bytes, drawn from a seed.
//!
//! Each object has a stream of its own, named by its path: another object shifts nothing. Bits of
//! a draw are taken apart where there is one per line, since generating is much of a run's time.

mod csv;
mod log;
mod records;
mod text;

use stayput_host::{Entropy, Seed};

pub use csv::csv;
pub use log::log;
pub use records::{RECORD_BYTES, records};
pub use text::text;

fn stream(seed: u64, path: &str) -> Entropy {
    Seed(seed).stream("data", path.as_bytes())
}
