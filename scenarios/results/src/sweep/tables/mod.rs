//! The tables of a sweep: `runs.parquet`, `jobs.parquet`, `ledger.csv`.
//!
//! A row for each run and policy, for each job, for each row of a ledger, in the order of the
//! sweep. Leaves out judging: they hold facts.

mod parquet;

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use stayput_engine::record::{JobRecord, LatencyPhase, LedgerRow, PolicyRecord, RunKey, RunRecord};

use self::parquet::{Column, ParquetTable, Value};
use super::folder::{SweepFolderError, partial, put, unwritable};
use crate::stats::{WarmUp, job_bytes, job_counts, latencies_us, load_bytes};

/// The tables of a sweep that are being written.
pub(super) struct Tables {
    axes: Vec<String>,
    warm_up: WarmUp,
    runs: ParquetTable,
    jobs: ParquetTable,
    ledger: Csv,
}

/// A table of text that is being written.
struct Csv {
    file: PathBuf,
    writer: csv::Writer<BufWriter<File>>,
}

impl Tables {
    /// Begins the tables of a sweep over these axes in `dir`.
    pub(super) fn begin(
        dir: &Path,
        axes: &[String],
        warm_up: WarmUp,
    ) -> Result<Self, SweepFolderError> {
        let mut ledger = Csv::begin(&dir.join("ledger.csv"))?;
        let key = key_columns(axes).into_iter().map(|column| column.name);
        let own = ["policy", "class", "purpose", "body", "sent", "delivered", "dropped"];
        ledger.add(key.chain(own.map(str::to_owned)).collect())?;
        Ok(Self {
            axes: axes.to_vec(),
            warm_up,
            runs: ParquetTable::begin(&dir.join("runs.parquet"), run_columns(axes))?,
            jobs: ParquetTable::begin(&dir.join("jobs.parquet"), job_columns(axes))?,
            ledger,
        })
    }

    /// Adds a run.
    pub(super) fn add(&mut self, run: &RunRecord) -> Result<(), SweepFolderError> {
        let key = key_values(&run.key, &self.axes);
        for policy in &run.policies {
            self.runs.add([key.clone(), run_values(run, policy, self.warm_up)].concat())?;
            for job in &policy.jobs {
                self.jobs.add([key.clone(), job_values(&policy.policy, job)].concat())?;
            }
            for row in &policy.ledger {
                let key = key.iter().map(text_of);
                self.ledger.add(key.chain(ledger_values(&policy.policy, row)).collect())?;
            }
        }
        Ok(())
    }

    /// Renames the tables into their places.
    pub(super) fn end(self) -> Result<(), SweepFolderError> {
        self.runs.end()?;
        self.jobs.end()?;
        self.ledger.end()
    }
}

impl Csv {
    fn begin(file: &Path) -> Result<Self, SweepFolderError> {
        let created = File::create(partial(file)).map_err(|e| unwritable(file, &e))?;
        let writer = csv::Writer::from_writer(BufWriter::new(created));
        Ok(Self { file: file.to_owned(), writer })
    }

    fn add(&mut self, row: Vec<String>) -> Result<(), SweepFolderError> {
        self.writer.write_record(row).map_err(|e| unwritable(&self.file, &e.into()))
    }

    fn end(self) -> Result<(), SweepFolderError> {
        let file = self.file;
        let flushed = self.writer.into_inner().map_err(csv::IntoInnerError::into_error);
        let written =
            flushed.and_then(|out| out.into_inner().map_err(std::io::IntoInnerError::into_error));
        let put = written.and_then(|written| put(&written, &partial(&file), &file));
        put.map_err(|e| unwritable(&file, &e))
    }
}

fn key_columns(axes: &[String]) -> Vec<Column> {
    let mut columns = vec![Column::text("scenario")];
    columns.extend(axes.iter().map(|axis| Column::text(axis)));
    columns.push(Column::whole("seed"));
    columns
}

fn key_values(key: &RunKey, axes: &[String]) -> Vec<Value> {
    let mut values = vec![Value::Text(key.scenario.clone())];
    let setting = |axis| Value::Text(key.settings.get(axis).cloned().unwrap_or_default());
    values.extend(axes.iter().map(setting));
    values.push(Value::Whole(key.seed));
    values
}

fn run_columns(axes: &[String]) -> Vec<Column> {
    let mut columns = key_columns(axes);
    columns.extend(["policy", "workload", "trace_hash"].map(Column::text));
    columns.extend(["closed_loop", "kept"].map(Column::flag));
    columns.extend(["jobs_ok", "jobs_failed", "jobs_wrong"].map(Column::whole));
    let latencies = ["latency_p50_us", "latency_p90_us", "latency_p99_us", "latency_max_us"];
    columns.extend(latencies.map(|name| Column::whole(name).or_nothing()));
    columns.extend(["makespan_us", "fuel", "body_bytes", "load_bytes"].map(Column::whole));
    columns.push(Column::whole("payload_bytes"));
    let unknown = ["wire_bytes", "lost_bytes", "in_flight_bytes", "end_to_end_bytes"];
    columns.extend(unknown.map(|name| Column::whole(name).or_nothing()));
    columns.push(Column::whole("cross_zone_bytes"));
    columns
}

fn run_values(run: &RunRecord, policy: &PolicyRecord, warm_up: WarmUp) -> Vec<Value> {
    let some = |value: Option<u64>| value.map_or(Value::Nothing, Value::Whole);
    let (counts, latencies) = (job_counts(policy), latencies_us(policy, warm_up));
    let bytes = &policy.bytes;
    vec![
        Value::Text(policy.policy.clone()),
        Value::Text(run.workload.clone()),
        Value::Text(policy.trace_hash.clone().unwrap_or_default()),
        Value::Flag(run.closed_loop),
        Value::Flag(run.broken.is_empty()),
        Value::Whole(counts.ok),
        Value::Whole(counts.failed),
        Value::Whole(counts.wrong),
        some(latencies.percentile(50)),
        some(latencies.percentile(90)),
        some(latencies.percentile(99)),
        some(latencies.max()),
        Value::Whole(u64::try_from(policy.makespan.as_micros()).unwrap_or(u64::MAX)),
        Value::Whole(policy.fuel),
        Value::Whole(job_bytes(policy)),
        Value::Whole(load_bytes(policy)),
        Value::Whole(bytes.payload),
        some(bytes.wire),
        some(bytes.lost),
        some(bytes.in_flight),
        some(bytes.end_to_end),
        Value::Whole(bytes.cross_zone),
    ]
}

fn job_columns(axes: &[String]) -> Vec<Column> {
    let mut columns = key_columns(axes);
    columns.push(Column::text("policy"));
    columns.extend(["job", "client", "work"].map(Column::whole));
    columns.push(Column::text("object"));
    columns.push(Column::whole("object_bytes"));
    columns.extend(["end", "error"].map(Column::text));
    columns.extend(["intended_us", "finished_us", "latency_us"].map(Column::whole));
    columns.extend(LatencyPhase::ALL.map(|phase| Column::whole(&format!("{}_us", phase.name()))));
    columns.push(Column::whole("answer_bytes"));
    columns.extend(["place", "place_reason"].map(Column::text));
    columns
}

fn job_values(policy: &str, job: &JobRecord) -> Vec<Value> {
    let text = |text: &str| Value::Text(text.to_owned());
    let placement = job.placement.as_ref();
    let mut values = vec![
        text(policy),
        Value::Whole(job.index.into()),
        Value::Whole(job.client.into()),
        Value::Whole(job.work.into()),
        text(&job.object),
        Value::Whole(job.object_bytes),
        text(job.end.name()),
        text(job.end.error().unwrap_or_default()),
        Value::Whole(job.intended_us()),
        Value::Whole(job.finished_us()),
        Value::Whole(job.latency_us()),
    ];
    values.extend(LatencyPhase::ALL.map(|phase| Value::Whole(job.phases.get_us(phase))));
    values.extend([
        Value::Whole(job.answer_bytes),
        text(placement.map_or("", |placement| placement.place.name())),
        text(placement.map_or("", |placement| &placement.reason)),
    ]);
    values
}

fn ledger_values(policy: &str, row: &LedgerRow) -> Vec<String> {
    let mut values = vec![policy.to_owned(), row.class.clone(), row.purpose.clone()];
    values.extend([row.body, row.sent, row.delivered, row.dropped].map(|n| n.to_string()));
    values
}

fn text_of(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Whole(number) => number.to_string(),
        Value::Flag(flag) => flag.to_string(),
        Value::Nothing => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use ::parquet::file::reader::{FileReader, SerializedFileReader};
    use ::parquet::record::Row;

    use super::*;
    use crate::fixtures::{policy, record};

    fn rows(file: &Path) -> Vec<Row> {
        let reader = SerializedFileReader::new(File::open(file).unwrap()).unwrap();
        reader.get_row_iter(None).unwrap().map(Result::unwrap).collect()
    }

    fn column(row: &Row, name: &str) -> String {
        let found = row.get_column_iter().find(|(column, _)| *column == name);
        found.unwrap_or_else(|| panic!("{name} is a column")).1.to_string()
    }

    #[test]
    fn each_table_has_a_row_for_each_of_its_things() {
        let dir = tempfile::tempdir().unwrap();
        let axes = ["node.cores".to_owned()];
        let settings = BTreeMap::from([("node.cores".to_owned(), "4, or so".to_owned())]);
        let key = RunKey { scenario: "banana".to_owned(), settings, seed: u64::MAX };
        let policies =
            [policy("on-storage", &[Some(10), None]), policy("download", &[Some(30), Some(50)])];
        let mut tables = Tables::begin(dir.path(), &axes, WarmUp::NONE).unwrap();
        tables.add(&record(key, &policies)).unwrap();
        tables.end().unwrap();
        let runs = rows(&dir.path().join("runs.parquet"));
        assert_eq!(runs.len(), 2);
        assert_eq!(column(&runs[0], "seed"), u64::MAX.to_string());
        assert_eq!(column(&runs[0], "jobs_failed"), "1");
        assert_eq!(column(&runs[1], "latency_p50_us"), "30");
        assert_eq!(column(&runs[1], "latency_max_us"), "50");
        assert_eq!(column(&runs[1], "wire_bytes"), "null");
        let jobs = rows(&dir.path().join("jobs.parquet"));
        assert_eq!(jobs.len(), 4);
        assert_eq!(column(&jobs[3], "latency_us"), "50");
        assert_eq!(column(&jobs[1], "error"), "\"503\"");
        let ledger = std::fs::read_to_string(dir.path().join("ledger.csv")).unwrap();
        let seed = u64::MAX;
        assert_eq!(
            ledger,
            format!(
                "scenario,node.cores,seed,policy,class,purpose,body,sent,delivered,dropped\n\
                 banana,\"4, or so\",{seed},on-storage,cross zone,object data,100,200,190,10\n\
                 banana,\"4, or so\",{seed},download,cross zone,object data,100,200,190,10\n"
            )
        );
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 3, "nothing partial is left");
    }
}
