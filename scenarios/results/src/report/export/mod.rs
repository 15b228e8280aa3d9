//! Formats of a report, one file each.

mod answers;
mod json;
mod table;

use std::io::{self, Write};

pub use answers::AnswersExporter;
pub use json::JsonExporter;
pub use table::TableExporter;

use super::RunReport;

/// A format that a report can be written in.
pub trait Exporter {
    /// Writes the whole report.
    ///
    /// # Errors
    /// When `out` cannot be written.
    fn write(&self, report: &RunReport, out: &mut dyn Write) -> io::Result<()>;
}
