//! Latencies as an HdrHistogram interval log, which that library's own tools open.
//!
//! A line for each policy, tagged with its name: a histogram of the latencies of completed jobs in
//! microseconds, with three significant digits. Histograms of many runs are merged without loss,
//! which exact ranks are not.

use std::io::{self, Write};
use std::time::Duration;

use hdrhistogram::Histogram;
use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{
    IntervalLogWriterBuilder, IntervalLogWriterError, Tag,
};
use stayput_engine::record::PolicyRecord;

use super::{Exporter, RunOutput};
use crate::stats::{WarmUp, completed_after};

/// Writes the latencies of each policy's jobs.
pub struct HdrLogExporter;

impl Exporter for HdrLogExporter {
    fn format(&self) -> &'static str {
        "hdr-log"
    }

    fn write(&self, output: &RunOutput<'_>, out: &mut dyn Write) -> io::Result<()> {
        let mut log = LatencyLog::default();
        for policy in &output.run.policies {
            log.add(&policy.policy, policy, output.warm_up)?;
        }
        log.write(out)
    }
}

/// Histograms of latencies by tag, merged over runs.
#[derive(Debug, Default)]
pub struct LatencyLog(Vec<Tagged>);

#[derive(Debug)]
struct Tagged {
    tag: String,
    latencies: Histogram<u64>,
    makespan: Duration,
}

impl LatencyLog {
    /// Adds the jobs of a run that were due after the warm-up to the histogram of a tag.
    ///
    /// # Errors
    /// A latency cannot be recorded.
    pub fn add(&mut self, tag: &str, run: &PolicyRecord, warm_up: WarmUp) -> io::Result<()> {
        // The format separates fields by commas and spaces.
        let tag = tag.replace([',', ' ', '\n', '\r'], "_");
        let at = match self.0.iter().rposition(|known| known.tag == tag) {
            Some(at) => at,
            None => {
                let latencies = Histogram::new(3).map_err(io::Error::other)?;
                self.0.push(Tagged { tag, latencies, makespan: Duration::ZERO });
                self.0.len() - 1
            }
        };
        let tagged = &mut self.0[at];
        tagged.makespan = tagged.makespan.max(run.makespan);
        for job in completed_after(run, warm_up) {
            tagged.latencies.record(job.latency_us()).map_err(io::Error::other)?;
        }
        Ok(())
    }

    /// Writes a line for each tag, in the order in which they came.
    ///
    /// # Errors
    /// When `out` cannot be written.
    pub fn write(&self, mut out: &mut dyn Write) -> io::Result<()> {
        let mut serializer = V2DeflateSerializer::new();
        let mut builder = IntervalLogWriterBuilder::new();
        builder.add_comment("[Latencies of completed jobs in microseconds]");
        // The reader divides the column of maxima by it; as it is, they are microseconds.
        builder.with_max_value_divisor(1.0);
        let mut log = builder.begin_log_with(&mut out, &mut serializer)?;
        for Tagged { tag, latencies, makespan } in &self.0 {
            log.write_histogram(latencies, Duration::ZERO, *makespan, Tag::new(tag)).map_err(
                |error| match error {
                    IntervalLogWriterError::IoError(error) => error,
                    IntervalLogWriterError::SerializeError(error) => io::Error::other(error),
                },
            )?;
        }
        Ok(())
    }
}
