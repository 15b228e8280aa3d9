//! `summary.json`, the tables and the latency log of a sweep, from one reading of its records.
//!
//! All of it follows from the records and the warm-up, in the order of the sweep: whatever order
//! the runs were done in, on however many machines, the files are the same.

use std::collections::BTreeMap;
use std::io::Write;

use serde::Serialize;
use stayput_engine::record::RunKey;

use super::folder::{SCHEMA, unwritable, write_whole};
use super::tables::Tables;
use super::{FailedRun, RunOutcome, SweepFolder, SweepFolderError};
use crate::export::LatencyLog;
use crate::stats::{FuelSensitivity, Gatherer, METHOD, SweepPoint, WarmUp};

/// Bound of the missing runs that are named.
const MISSING_SHOWN: usize = 20;

/// `summary.json`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SweepSummary {
    /// The name and version of the schema.
    pub schema: &'static str,
    /// The version of the program, and the commit where one is known.
    pub version: String,
    /// The scenarios: name and digest.
    pub scenarios: Vec<(String, String)>,
    /// The settings that vary, with their values.
    pub axes: Vec<(String, Vec<String>)>,
    /// The seeds, as they were asked for.
    pub seeds: String,
    /// Runs by their outcome.
    pub runs: RunCounts,
    /// The statistical method.
    pub statistics: StatisticsMethod,
    /// The scenarios with their settings, in the order of the sweep.
    pub points: Vec<SweepPoint>,
    /// Sensitivity to the fuel rate.
    pub fuel_sensitivity: FuelSensitivity,
    /// The runs that broke a promise, with the promises.
    pub broken: Vec<BrokenRun>,
    /// The runs that have no result, with the reason.
    pub failed: Vec<FailedRun>,
}

/// Runs of a sweep by their outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RunCounts {
    /// Runs of the whole sweep.
    pub asked: u64,
    /// Runs with a result.
    pub done: u64,
    /// Without one, for a reason.
    pub failed: u64,
    /// Runs that are not done yet.
    pub missing: u64,
    /// The first of these.
    pub first_missing: Vec<RunKey>,
}

/// The statistical method of a summary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StatisticsMethod {
    /// The method of medians and intervals.
    pub interval: &'static str,
    /// The part of each run that latencies and failures leave out.
    pub warm_up: String,
}

/// A run that broke a promise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BrokenRun {
    /// The run.
    pub key: RunKey,
    /// The promises, in words.
    pub broken: Vec<String>,
}

/// Reads all records of `folder`, writes its tables, latency log and summary, and returns the
/// latter.
///
/// # Errors
/// A record cannot be read, or a file cannot be written.
pub fn collect(folder: &SweepFolder, warm_up: WarmUp) -> Result<SweepSummary, SweepFolderError> {
    let head = folder.head();
    let axes: Vec<String> = head.axes.iter().map(|(key, _)| key.clone()).collect();
    let mut tables = Tables::begin(folder.dir(), &axes, warm_up)?;
    let (mut log, log_file) = (LatencyLog::default(), folder.dir().join("latencies.hlog"));
    let mut gatherer = Gatherer::new(warm_up);
    let (mut done, mut missing) = (0, 0);
    let (mut first_missing, mut failed, mut broken) = (Vec::new(), Vec::new(), Vec::new());
    for key in folder.keys() {
        match folder.read(key)? {
            Some(RunOutcome::Run(run)) => {
                done += 1;
                tables.add(&run)?;
                gatherer.add(&run);
                for policy in &run.policies {
                    let tag = log_tag(&run.key, &policy.policy);
                    log.add(&tag, policy, warm_up).map_err(|e| unwritable(&log_file, &e))?;
                }
                if !run.broken.is_empty() {
                    broken.push(BrokenRun { key: run.key, broken: run.broken });
                }
            }
            Some(RunOutcome::Failed(run)) => failed.push(run),
            None => {
                missing += 1;
                if first_missing.len() < MISSING_SHOWN {
                    first_missing.push(key.clone());
                }
            }
        }
    }
    tables.end()?;
    write_whole(&log_file, |out| log.write(out))?;
    let points = gatherer.points();
    let asked = folder.keys().len() as u64;
    let summary = SweepSummary {
        schema: SCHEMA,
        version: head.version.clone(),
        scenarios: head.scenarios.clone(),
        axes: head.axes.clone(),
        seeds: head.seeds.clone(),
        runs: RunCounts { asked, done, failed: failed.len() as u64, missing, first_missing },
        statistics: StatisticsMethod { interval: METHOD, warm_up: warm_up.to_string() },
        fuel_sensitivity: FuelSensitivity::of(&points),
        points,
        broken,
        failed,
    };
    write_whole(&folder.dir().join("summary.json"), |out| {
        serde_json::to_writer_pretty(&mut *out, &summary)?;
        out.write_all(b"\n")
    })?;
    Ok(summary)
}

/// The tag of a point and policy in the latency log.
fn log_tag(key: &RunKey, policy: &str) -> String {
    let settings = key.settings.iter().map(|(key, value)| format!("{key}={value}/"));
    format!("{}/{}{policy}", key.scenario, settings.collect::<String>())
}

/// The settings of a point, as messages write them; empty without any.
#[must_use]
pub fn settings_text(settings: &BTreeMap<String, String>) -> String {
    let each = settings.iter().map(|(key, value)| format!("{key}={value}"));
    each.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{head, policy, record};

    #[test]
    fn a_summary_counts_what_is_there_what_failed_and_what_is_missing() {
        let dir = tempfile::tempdir().unwrap();
        let folder = SweepFolder::begin(dir.path(), head()).unwrap();
        let keys = folder.keys();
        let mut run = record(keys[2].clone(), &[policy("on-storage", &[Some(3)])]);
        run.broken.push("a fault had no effect".to_owned());
        folder.write(&RunOutcome::Run(Box::new(run))).unwrap();
        let failed =
            FailedRun { key: keys[0].clone(), no_progress: false, why: "no room".to_owned() };
        folder.write(&RunOutcome::Failed(failed.clone())).unwrap();
        let summary = collect(&folder, WarmUp::default()).unwrap();
        let first_missing = vec![keys[1].clone(), keys[3].clone()];
        let wanted = RunCounts { asked: 4, done: 1, failed: 1, missing: 2, first_missing };
        assert_eq!(summary.runs, wanted);
        assert_eq!(summary.failed, [failed]);
        assert_eq!(summary.broken[0].broken, ["a fault had no effect"]);
        assert_eq!(summary.statistics.warm_up, "10 %");
        let text = std::fs::read_to_string(dir.path().join("summary.json")).unwrap();
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json["schema"], "stayput.sweep/3");
        assert_eq!(json["points"][0]["policies"][0]["figures"]["latency_p50_us"]["median"], 3.0);
        assert_eq!(json["fuel_sensitivity"]["varied"], false);
    }

    #[test]
    fn the_order_in_which_runs_were_done_decides_nothing() {
        let files = |order: &[usize]| {
            let dir = tempfile::tempdir().unwrap();
            let folder = SweepFolder::begin(dir.path(), head()).unwrap();
            for at in order {
                let key = folder.keys()[*at].clone();
                let latency = Some(key.seed * 10 + 5);
                let run = record(
                    key,
                    &[policy("on-storage", &[latency]), policy("download", &[Some(9)])],
                );
                folder.write(&RunOutcome::Run(Box::new(run))).unwrap();
            }
            collect(&folder, WarmUp::default()).unwrap();
            let files = ["summary.json", "runs.parquet", "jobs.parquet", "ledger.csv"];
            files.map(|file| std::fs::read(dir.path().join(file)).unwrap())
        };
        assert_eq!(files(&[0, 1, 2, 3]), files(&[3, 1, 0, 2]));
        assert_ne!(files(&[0, 1, 2, 3]), files(&[3, 1, 0]));
    }
}
