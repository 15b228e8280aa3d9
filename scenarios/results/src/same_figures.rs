//! One small sweep, and each figure that stands in two places: terminal, JSON, `summary.json`,
//! Parquet, page.
//!
//! The sweep is real, with a fault and a load beside the jobs; in each record one job is made to
//! have failed and one to be wrong, so that a view that counts them in another way shows another
//! figure.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::time::Duration;

use parquet::file::reader::{FileReader, SerializedFileReader};
use serde_json::Value;
use stayput_engine::plan::{Net, RunPlan};
use stayput_engine::quantity;
use stayput_engine::record::{JobEnd, RunKey, RunRecord};
use stayput_engine::run::{Wanted, run_policy};
use stayput_engine::scenario::Scenario;

use crate::export::{Exporter, JsonExporter, RunOutput, TableExporter};
use crate::page::{ReportPage, SweepResults, show};
use crate::stats::{DOWNLOAD, Estimate, ON_STORAGE, WarmUp};
use crate::sweep::{RunOutcome, SweepFolder, SweepHead, collect};

const SEEDS: u64 = 6;
/// So many that no two percentiles are the same rank.
const JOBS: &str = "runs = 160";
const WARM_UP: WarmUp = WarmUp::Percent(20);
const LOAD: &str = "\n[[load]]\nread = 0.8\nrate = \"poisson 200/s\"\n\
    objects = \"swift://~/demo/log-*.txt\"\nsize = \"lognormal 8 KiB sigma 1.0\"\n\
    size_max = \"64 KiB\"\n\n[compare]";

/// The run of a seed, with one failed and one wrong job under each policy.
fn run(seed: u64) -> RunRecord {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/cli/small.toml");
    let small = include_str!("../../../tests/cli/small.toml").replace("\n[compare]", LOAD);
    let text = small.replace("runs = 8", JOBS);
    assert_ne!(text, small, "the scenario has as many jobs as the percentiles need");
    let scenario = Scenario::parse(&text, &file).unwrap();
    let plan = RunPlan::build(scenario, seed, Net::Fabric, true).unwrap();
    let mut policies = Vec::new();
    for policy in &plan.scenario.policies {
        let mut run = run_policy(&plan, *policy, &mut |_| (), Wanted::default()).unwrap();
        // The last two: they are due after the warm-up, and their latencies are among the longest.
        let last = run.jobs.len() - 1;
        run.jobs[last].end = JobEnd::Failed { error: "503".to_owned() };
        run.jobs[last - 1].end = JobEnd::Wrong { expected: bytes::Bytes::new() };
        policies.push(run);
    }
    let key = RunKey { scenario: "small".to_owned(), settings: BTreeMap::new(), seed };
    crate::judged(key, &plan, policies, WARM_UP)
}

/// The rows of `runs.parquet`, by policy, in the order of the seeds; columns by name.
fn rows(dir: &Path, policy: &str) -> Vec<BTreeMap<String, String>> {
    let reader = SerializedFileReader::new(File::open(dir.join("runs.parquet")).unwrap()).unwrap();
    let rows = reader.get_row_iter(None).unwrap().map(|row| {
        let row = row.unwrap();
        let columns = row.get_column_iter();
        columns.map(|(name, field)| (name.clone(), field.to_string())).collect()
    });
    let of_policy = |row: &BTreeMap<String, String>| row["policy"].trim_matches('"') == policy;
    rows.filter(of_policy).collect()
}

fn numbers(rows: &[BTreeMap<String, String>], column: &str) -> Vec<u64> {
    rows.iter().map(|row| row[column].parse().unwrap()).collect()
}

/// The page's table row that begins with these cells, within a section.
fn page_row(page: &str, section: &str, cells: &[&str]) -> String {
    let section = page.split(&format!("<section id=\"{section}\">")).nth(1).unwrap();
    let section = section.split("</section>").next().unwrap();
    let rows = section.split("<tr>").map(|row| row.split("</tr>").next().unwrap_or_default());
    let found = rows.map(bare).find(|row| row.starts_with(&cells.join("|")));
    found.unwrap_or_else(|| panic!("no row {cells:?}"))
}

/// The cells of a row as text, joined by bars.
fn bare(row: &str) -> String {
    let row = row.replace("</th>", "|").replace("</td>", "|");
    let (mut text, mut within) = (String::new(), false);
    for c in row.chars() {
        match c {
            '<' => within = true,
            '>' => within = false,
            c if !within => text.push(c),
            _ => {}
        }
    }
    text
}

fn estimate(figures: &Value) -> (Option<f64>, Option<f64>, Option<f64>) {
    let at = |key: &str| figures[key].as_f64();
    (at("median"), at("low"), at("high"))
}

fn export(exporter: &dyn Exporter, run: &RunRecord) -> String {
    let mut out = Vec::new();
    let output = RunOutput { run, command: "", warm_up: WARM_UP, wall: Duration::ZERO };
    exporter.write(&output, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// A sweep of the runs in a directory.
fn sweep(dir: &Path, runs: &[RunRecord]) -> Value {
    let scenarios = vec![("small".to_owned(), "digest".to_owned())];
    let seeds = format!("0..{SEEDS}");
    let head = SweepHead { scenarios, seeds, warm_up: WARM_UP, ..crate::fixtures::head() };
    let folder = SweepFolder::begin(dir, head).unwrap();
    for run in runs {
        folder.write(&RunOutcome::Run(Box::new(run.clone()))).unwrap();
    }
    collect(&folder, WARM_UP).unwrap();
    serde_json::from_slice(&std::fs::read(dir.join("summary.json")).unwrap()).unwrap()
}

#[test]
fn a_figure_is_the_same_wherever_it_stands() {
    let runs: Vec<RunRecord> = (0..SEEDS).map(run).collect();
    let dir = tempfile::tempdir().unwrap();
    let summary = sweep(dir.path(), &runs);
    for policy in [ON_STORAGE, DOWNLOAD] {
        for (run, row) in runs.iter().zip(rows(dir.path(), policy)) {
            one_run_is_the_same_in_json_terminal_and_parquet(run, policy, &row);
        }
    }
    let (near, far) = (rows(dir.path(), ON_STORAGE), rows(dir.path(), DOWNLOAD));
    let bytes = [&near, &far].map(|rows| numbers(rows, "body_bytes"));
    for (at, run) in runs.iter().enumerate() {
        let json: Value = serde_json::from_str(&export(&JsonExporter, run)).unwrap();
        let saved = bytes[1][at] as f64 - bytes[0][at] as f64;
        assert_eq!(json["saved"]["bytes"].as_f64(), Some(saved));
        let near = quantity::bytes(bytes[0][at]);
        let far = quantity::bytes(bytes[1][at]);
        let table = export(&TableExporter, run);
        assert!(table.contains(&format!("on-storage moved {near}, download {far}:")), "{table}");
    }
    let page = ReportPage::of(&SweepResults::read(dir.path()).unwrap()).html;
    many_runs_are_the_same_in_parquet_summary_and_page(dir.path(), &summary, &page);
    let saved = bytes[1].iter().zip(&bytes[0]).map(|(far, near)| *far as f64 - *near as f64);
    let net = show::estimate(Estimate::of(saved).as_ref(), show::size);
    assert_eq!(page_row(&page, "ledger", &["net"]), format!("net|{net}|"));
}

fn one_run_is_the_same_in_json_terminal_and_parquet(
    run: &RunRecord,
    policy: &str,
    row: &BTreeMap<String, String>,
) {
    let json: Value = serde_json::from_str(&export(&JsonExporter, run)).unwrap();
    let at = run.policies.iter().position(|it| it.policy == policy).unwrap();
    let json = &json["policies"][at];
    let number = |column: &str| -> u64 { row[column].parse().unwrap() };
    for figure in ["p50", "p90", "p99", "max"] {
        let column = number(&format!("latency_{figure}_us"));
        assert_eq!(json["latency_us"][figure].as_u64(), Some(column), "{figure}");
    }
    for end in ["ok", "failed", "wrong"] {
        assert_eq!(json["jobs"][end].as_u64(), Some(number(&format!("jobs_{end}"))), "{end}");
    }
    assert_eq!(number("jobs_wrong"), 1);
    let load = json["bytes"]["by_purpose"]["foreground"].as_u64();
    assert_eq!(load, Some(number("load_bytes")));
    assert!(load > Some(0), "the load moved bytes");
    let body = number("body_bytes") + number("load_bytes");
    for (key, wanted) in [
        (&json["makespan_us"], number("makespan_us")),
        (&json["fuel"], number("fuel")),
        (&json["bytes"]["body"], body),
        (&json["bytes"]["cross_zone"], number("cross_zone_bytes")),
    ] {
        assert_eq!(key.as_u64(), Some(wanted));
    }
    // The terminal's column of the policy: the cell behind so many bars.
    let table = export(&TableExporter, run);
    let cell = |name: &str| -> String {
        let line = table.lines().find(|line| line.contains(name)).unwrap();
        let cells: Vec<&str> = line.split(['│', '┆']).map(str::trim).collect();
        cells[at + 2].to_owned()
    };
    let us = |column: &str| quantity::duration(Duration::from_micros(number(column)));
    let counts = ["ok", "failed", "wrong"].map(|end| row[&format!("jobs_{end}")].clone());
    assert_eq!(cell("jobs ok / failed / wrong"), counts.join(" / "));
    for (name, one, other) in [
        ("latency p50 / p90", "latency_p50_us", "latency_p90_us"),
        ("latency p99 / max", "latency_p99_us", "latency_max_us"),
    ] {
        assert_eq!(cell(&format!("│ {name}")), format!("{} / {}", us(one), us(other)));
    }
    assert_eq!(cell("│ body bytes, all hops"), quantity::bytes(body));
}

/// Column, and the page's form of its value.
type ColumnForm = (&'static str, fn(f64) -> String);

fn many_runs_are_the_same_in_parquet_summary_and_page(dir: &Path, summary: &Value, page: &str) {
    let point = &summary["points"][0];
    let units: [ColumnForm; 5] = [
        ("body_bytes", show::size),
        ("latency_p50_us", show::micros),
        ("latency_p90_us", show::micros),
        ("latency_p99_us", show::micros),
        ("makespan_us", show::micros),
    ];
    for (at, policy) in [ON_STORAGE, DOWNLOAD].into_iter().enumerate() {
        let rows = rows(dir, policy);
        let own = &point["policies"][at];
        assert_eq!(own["policy"], policy);
        let row = page_row(page, "policies", &[policy]);
        let mut cells = row.split('|').skip(1);
        for (figure, unit) in units {
            let values = numbers(&rows, figure).into_iter().map(|value| value as f64);
            let wanted = Estimate::of(values).unwrap();
            let found = estimate(&own["figures"][figure]);
            assert_eq!(found, (Some(wanted.median), wanted.low, wanted.high), "{figure}");
            assert_eq!(
                cells.next(),
                Some(show::estimate(Some(&wanted), unit).as_str()),
                "{figure}"
            );
        }
        let sum = |column: &str| numbers(&rows, column).iter().sum::<u64>();
        let counts = ["ok", "failed", "wrong"].map(|end| {
            let sum = sum(&format!("jobs_{end}"));
            assert_eq!(own["jobs"][end].as_u64(), Some(sum), "{end}");
            sum.to_string()
        });
        assert_eq!(cells.next(), Some(counts.join(" / ").as_str()));
    }
    let pair = &point["pairs"][0];
    let names = [
        ("latency_p50_us", "median latency"),
        ("latency_p90_us", "p90 latency"),
        ("latency_p99_us", "p99 latency"),
        ("body_bytes", "bytes moved (bodies, all hops)"),
        ("cross_zone_bytes", "bytes between zones"),
        ("makespan_us", "makespan"),
    ];
    for (key, name) in names {
        let (median, low, high) = estimate(&pair["figures"][key]["ratio"]);
        let count = usize::try_from(pair["figures"][key]["seeds"].as_u64().unwrap()).unwrap();
        let ratio = Estimate { median: median.unwrap(), low, high, count };
        let row = page_row(page, "verdict", &["small", name]);
        let shown = format!("|{}|{count}|", show::estimate(Some(&ratio), show::times));
        assert!(row.ends_with(&shown), "{shown} is not the end of {row}");
    }
}
