//! Reads a sweep's records once and makes of them what people and their tools read: `summary.json` and the tables.
//!
//! All of it follows from the records and the warm-up, in the order of the sweep: whatever order the runs were done in, on
//! however many machines, the files are the same.

use std::collections::BTreeMap;
use std::io::Write;

use serde::Serialize;

use super::folder::{SCHEMA, write_whole};
use super::statistics::{FuelSensitivity, Gatherer, METHOD, Point, WarmUp};
use super::tables::Tables;
use super::{FailedRun, Folder, FolderError, Kept, RunKey};

/// Keys of runs that are not there are told up to this many.
const MISSING_SHOWN: usize = 20;

/// `summary.json`: what the sweep says.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
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
    /// What there is results of.
    pub runs: RunCounts,
    /// How the figures were come by.
    pub statistics: Method,
    /// The scenarios with their settings, in the order of the sweep.
    pub points: Vec<Point>,
    /// What the fuel rate does to the comparison.
    pub fuel_sensitivity: FuelSensitivity,
    /// The runs that broke a promise, with what they broke.
    pub broken: Vec<BrokenRun>,
    /// The runs that have no result, with the reason.
    pub failed: Vec<FailedRun>,
}

/// Runs of a sweep by what became of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RunCounts {
    /// What was asked for.
    pub asked: u64,
    /// With a result.
    pub done: u64,
    /// Without one, for a reason.
    pub failed: u64,
    /// Not done yet.
    pub missing: u64,
    /// The first of these.
    pub first_missing: Vec<RunKey>,
}

/// How a summary's figures were come by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Method {
    /// Of medians and intervals.
    pub interval: &'static str,
    /// What was left out of latencies and failures at the beginning of each run.
    pub warm_up: String,
}

/// A run that broke a promise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BrokenRun {
    /// Which.
    pub key: RunKey,
    /// The promises, in words.
    pub broken: Vec<String>,
}

/// Reads all records of `folder`, writes its tables and its summary, and gives the latter.
///
/// # Errors
/// When a record cannot be read, or a file cannot be written.
pub fn collect(folder: &Folder, warm_up: WarmUp) -> Result<Summary, FolderError> {
    let head = folder.head();
    let axes: Vec<String> = head.axes.iter().map(|(key, _)| key.clone()).collect();
    let mut tables = Tables::begin(folder.dir(), &axes)?;
    let mut gatherer = Gatherer::new(warm_up);
    let (mut done, mut missing) = (0, 0);
    let (mut first_missing, mut failed, mut broken) = (Vec::new(), Vec::new(), Vec::new());
    for key in folder.keys() {
        match folder.read(key)? {
            Some(Kept::Run(run)) => {
                done += 1;
                tables.add(&run)?;
                gatherer.add(&run);
                if !run.broken.is_empty() {
                    broken.push(BrokenRun { key: run.key, broken: run.broken });
                }
            }
            Some(Kept::Failed(run)) => failed.push(run),
            None => {
                missing += 1;
                if first_missing.len() < MISSING_SHOWN {
                    first_missing.push(key.clone());
                }
            }
        }
    }
    tables.end()?;
    let points = gatherer.points();
    let asked = folder.keys().len() as u64;
    let summary = Summary {
        schema: SCHEMA,
        version: head.version.clone(),
        scenarios: head.scenarios.clone(),
        axes: head.axes.clone(),
        seeds: head.seeds.clone(),
        runs: RunCounts { asked, done, failed: failed.len() as u64, missing, first_missing },
        statistics: Method { interval: METHOD, warm_up: warm_up.to_string() },
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
        let folder = Folder::begin(dir.path(), head()).unwrap();
        let keys = folder.keys();
        let mut run = record(keys[2].clone(), &[policy("on-storage", &[Some(3)])]);
        run.broken.push("a fault had no effect".to_owned());
        folder.write(&Kept::Run(Box::new(run))).unwrap();
        let failed =
            FailedRun { key: keys[0].clone(), no_progress: false, why: "no room".to_owned() };
        folder.write(&Kept::Failed(failed.clone())).unwrap();
        let summary = collect(&folder, WarmUp::default()).unwrap();
        let first_missing = vec![keys[1].clone(), keys[3].clone()];
        let wanted = RunCounts { asked: 4, done: 1, failed: 1, missing: 2, first_missing };
        assert_eq!(summary.runs, wanted);
        assert_eq!(summary.failed, [failed]);
        assert_eq!(summary.broken[0].broken, ["a fault had no effect"]);
        assert_eq!(summary.statistics.warm_up, "10 %");
        let text = std::fs::read_to_string(dir.path().join("summary.json")).unwrap();
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json["schema"], "stayput.sweep/2");
        assert_eq!(json["points"][0]["policies"][0]["figures"]["latency_p50_us"]["median"], 3.0);
        assert_eq!(json["fuel_sensitivity"]["varied"], false);
    }

    #[test]
    fn the_order_in_which_runs_were_done_decides_nothing() {
        let files = |order: &[usize]| {
            let dir = tempfile::tempdir().unwrap();
            let folder = Folder::begin(dir.path(), head()).unwrap();
            for at in order {
                let key = folder.keys()[*at].clone();
                let latency = Some(key.seed * 10 + 5);
                let run = record(
                    key,
                    &[policy("on-storage", &[latency]), policy("download", &[Some(9)])],
                );
                folder.write(&Kept::Run(Box::new(run))).unwrap();
            }
            collect(&folder, WarmUp::default()).unwrap();
            let files = ["summary.json", "runs.parquet", "jobs.parquet", "ledger.csv"];
            files.map(|file| std::fs::read(dir.path().join(file)).unwrap())
        };
        assert_eq!(files(&[0, 1, 2, 3]), files(&[3, 1, 0, 2]));
        assert_ne!(files(&[0, 1, 2, 3]), files(&[3, 1, 0]));
    }
}
