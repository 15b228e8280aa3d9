//! Export formats of one run, a file each, behind one trait.
//!
//! `stayput run --export FORMAT=FILE` chooses from a list of exporters: [`EXPORTERS`], or a longer
//! one that another crate passes to the command. A new format is a file here and its line in that
//! list.

mod answers;
mod hdr_log;
mod json;
mod table;
#[cfg(test)]
mod tests;

use std::io::{self, Write};
use std::time::Duration;

use stayput_engine::record::RunRecord;

use crate::stats::WarmUp;

pub use answers::AnswersExporter;
pub use hdr_log::{HdrLogExporter, LatencyLog};
pub use json::JsonExporter;
pub use table::TableExporter;

/// A judged run, and the data that exporters may add to it.
#[derive(Clone, Copy, Debug)]
pub struct RunOutput<'a> {
    /// The run.
    pub run: &'a RunRecord,
    /// The command that repeats it, to be pasted into a shell.
    pub command: &'a str,
    /// Warm-up that latencies leave out.
    pub warm_up: WarmUp,
    /// Its length on the wall clock, the one figure that differs between two runs of one seed.
    pub wall: Duration,
}

/// A format of a run.
pub trait Exporter: Sync {
    /// The name of the format in `--export FORMAT=FILE`: lower-case words joined by hyphens.
    fn format(&self) -> &'static str;

    /// Writes the whole run.
    ///
    /// # Errors
    /// When `out` cannot be written.
    fn write(&self, output: &RunOutput<'_>, out: &mut dyn Write) -> io::Result<()>;
}

/// The built-in formats.
pub const EXPORTERS: &[&dyn Exporter] =
    &[&TableExporter, &JsonExporter, &AnswersExporter, &HdrLogExporter];
