//! Answers as text, a line per job: policy, index, object, version, answer, separated by tabs.
//!
//! Equal for equal seeds. Leaves out times and bytes, so that answers of two networks or
//! two machines can be compared as text.

use std::io::{self, Write};

use stayput_engine::quantity;
use stayput_engine::record::JobEnd;

use super::{Exporter, RunOutput};

/// Writes the answer of each job.
pub struct AnswersExporter;

impl Exporter for AnswersExporter {
    fn format(&self) -> &'static str {
        "answers"
    }

    fn write(&self, output: &RunOutput<'_>, out: &mut dyn Write) -> io::Result<()> {
        for run in &output.run.policies {
            for job in &run.jobs {
                let version = if job.version.is_empty() { "-" } else { &job.version };
                write!(out, "{}\t{}\t{}\t{version}\t", run.policy, job.index, job.object)?;
                match &job.end {
                    JobEnd::Failed { error } => writeln!(out, "failed: {}", one_line(error))?,
                    JobEnd::Ok | JobEnd::Wrong { .. } => {
                        writeln!(out, "{}", one_line(&String::from_utf8_lossy(&job.answer)))?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// The text without its last newline, other control characters escaped.
fn one_line(text: &str) -> String {
    quantity::printable(text.strip_suffix('\n').unwrap_or(text))
}
