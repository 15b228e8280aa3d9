//! The report as JSON, schema `stayput.run/2`, as the manual's `reference/results.md` describes it.
//!
//! Everything but `wall` is the same for the same seed. Keys may be added; those that are there
//! keep their names and meaning.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use serde::Serialize;
use stayput_engine::record::HostUse;
use stayput_engine::record::{
    ByteCounts, Foreground, Latency, PolicyRun, SplitSummary, foreground_us, latency_split_us,
    latency_us,
};

use super::Exporter;
use crate::report::{ExpectVerdict, FaultVerdict, RunReport, Saved};

/// The name and version of the schema.
const SCHEMA: &str = "stayput.run/2";

/// Writes the report as one JSON object.
pub struct JsonExporter {
    /// How long the run took on the wall clock.
    pub wall: Duration,
}

impl Exporter for JsonExporter {
    fn write(&self, report: &RunReport, out: &mut dyn Write) -> io::Result<()> {
        let json = JsonReport {
            schema: SCHEMA,
            scenario: &report.scenario,
            seed: report.seed,
            net: report.net.to_string(),
            trace_hash: report.trace_hash.as_deref(),
            policies: report.runs.iter().map(JsonPolicy::new).collect(),
            saved: report.saved.as_ref().map(JsonSaved::new),
            latency_comparable: !report.closed_loop,
            faults: report.faults.iter().map(JsonFault::new).collect(),
            expect: report.expect.iter().map(JsonExpect::new).collect(),
            broken: &report.broken,
            wall: JsonWall { elapsed_us: micros(self.wall) },
        };
        serde_json::to_writer_pretty(&mut *out, &json)?;
        writeln!(out)
    }
}

#[derive(Serialize)]
struct JsonReport<'a> {
    schema: &'static str,
    scenario: &'a str,
    seed: u64,
    net: String,
    trace_hash: Option<&'a str>,
    policies: Vec<JsonPolicy<'a>>,
    saved: Option<JsonSaved<'a>>,
    latency_comparable: bool,
    faults: Vec<JsonFault<'a>>,
    expect: Vec<JsonExpect<'a>>,
    broken: &'a [String],
    wall: JsonWall,
}

#[derive(Serialize)]
struct JsonWall {
    elapsed_us: u64,
}

#[derive(Serialize)]
struct JsonPolicy<'a> {
    name: &'static str,
    trace_hash: Option<&'a str>,
    schedule_hash: Option<&'a str>,
    jobs: JsonJobs,
    latency_us: Option<Latency>,
    latency_split_us: Option<SplitSummary>,
    makespan_us: u64,
    foreground: Option<JsonForeground>,
    fuel: u64,
    effort: Option<JsonEffort>,
    hosts: Option<&'a [HostUse]>,
    decisions: BTreeMap<&'a str, u64>,
    bytes: JsonBytes<'a>,
    loading: JsonBytes<'a>,
}

impl<'a> JsonPolicy<'a> {
    fn new(run: &'a PolicyRun) -> Self {
        let counts = run.counts();
        Self {
            name: run.policy.name(),
            trace_hash: run.trace_hash.as_deref(),
            schedule_hash: run.schedule_hash.as_deref(),
            jobs: JsonJobs { ok: counts.ok, failed: counts.failed, wrong: counts.wrong },
            latency_us: latency_us(run),
            latency_split_us: latency_split_us(run),
            makespan_us: micros(run.makespan),
            foreground: run.foreground.as_ref().map(JsonForeground::new),
            fuel: run.fuel,
            effort: run.effort.map(|it| JsonEffort { events: it.events, polls: it.polls }),
            hosts: (!run.hosts.is_empty()).then_some(&run.hosts),
            decisions: run.decisions(),
            bytes: JsonBytes::new(&run.bytes),
            loading: JsonBytes::new(&run.loading),
        }
    }
}

#[derive(Serialize)]
struct JsonEffort {
    events: u64,
    polls: u64,
}

#[derive(Serialize)]
struct JsonForeground {
    ok: u64,
    reads: u64,
    writes: u64,
    failed: u64,
    wrong: u64,
    unfinished: u64,
    latency_us: Option<Latency>,
}

impl JsonForeground {
    fn new(foreground: &Foreground) -> Self {
        Self {
            ok: foreground.ok(),
            reads: foreground.reads.len() as u64,
            writes: foreground.writes.len() as u64,
            failed: foreground.failed,
            wrong: foreground.wrong,
            unfinished: foreground.unfinished,
            latency_us: foreground_us(foreground),
        }
    }
}

#[derive(Serialize)]
struct JsonJobs {
    ok: u64,
    failed: u64,
    wrong: u64,
}

#[derive(Serialize)]
struct JsonBytes<'a> {
    body: u64,
    payload: u64,
    wire: Option<u64>,
    lost: Option<u64>,
    in_flight: Option<u64>,
    end_to_end: Option<u64>,
    cross_zone: u64,
    by_class: &'a BTreeMap<String, u64>,
    by_purpose: &'a BTreeMap<String, u64>,
}

impl<'a> JsonBytes<'a> {
    fn new(counts: &'a ByteCounts) -> Self {
        Self {
            body: counts.body,
            payload: counts.payload,
            wire: counts.wire,
            lost: counts.lost,
            in_flight: counts.in_flight,
            end_to_end: counts.end_to_end,
            cross_zone: counts.cross_zone,
            by_class: &counts.by_class,
            by_purpose: &counts.by_purpose,
        }
    }
}

#[derive(Serialize)]
struct JsonSaved<'a> {
    bytes: Option<i128>,
    ratio: Option<f64>,
    jobs: u64,
    comparable: bool,
    why: Option<&'a str>,
}

impl<'a> JsonSaved<'a> {
    fn new(saved: &'a Saved) -> Self {
        let (jobs, why) = match saved {
            Saved::Comparable { jobs, .. } => (*jobs, None),
            Saved::NotComparable { why, jobs } => (*jobs, Some(why.as_str())),
        };
        Self {
            bytes: saved.bytes(),
            // Division is exact to the last bit by IEEE 754, so it is the same everywhere.
            ratio: saved.fraction().map(|(part, whole)| part as f64 / whole as f64),
            jobs,
            comparable: why.is_none(),
            why,
        }
    }
}

#[derive(Serialize)]
struct JsonFault<'a> {
    what: &'a str,
    effect: &'a BTreeMap<String, u64>,
    by_policy: &'a BTreeMap<&'static str, BTreeMap<String, u64>>,
    bit: bool,
    may_miss: bool,
}

impl<'a> JsonFault<'a> {
    fn new(fault: &'a FaultVerdict) -> Self {
        Self {
            what: &fault.what,
            effect: &fault.effect,
            by_policy: &fault.by_policy,
            bit: fault.bit,
            may_miss: fault.may_miss,
        }
    }
}

#[derive(Serialize)]
struct JsonExpect<'a> {
    figure: String,
    wanted: String,
    found: &'a str,
    holds: Option<bool>,
}

impl<'a> JsonExpect<'a> {
    fn new(verdict: &'a ExpectVerdict) -> Self {
        Self {
            figure: verdict.expectation.figure.key(),
            wanted: verdict.expectation.comparison.to_string(),
            found: &verdict.found,
            holds: verdict.holds,
        }
    }
}

fn micros(length: Duration) -> u64 {
    u64::try_from(length.as_micros()).unwrap_or(u64::MAX)
}
