//! The run as JSON, schema `stayput.run/3`, as the manual's `reference/results.md` describes it.
//!
//! Everything but `wall` is the same for the same seed. Keys may be added; those that are there
//! keep their names and meaning.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use serde::Serialize;
use stayput_engine::record::{
    ByteCounts, ExpectRecord, FaultRecord, HostUse, LoadRecord, PolicyRecord, RunRecord,
};

use super::{Exporter, RunOutput};
use crate::stats::{
    JobCounts, LatencySummary, PhaseSummaries, Saved, WarmUp, job_counts, latency_us,
    load_latency_us, phases_us, place_reasons, saved,
};

/// The name and version of the schema.
const SCHEMA: &str = "stayput.run/3";

/// Writes the run as one JSON object.
pub struct JsonExporter;

impl Exporter for JsonExporter {
    fn format(&self) -> &'static str {
        "json"
    }

    fn write(&self, output: &RunOutput<'_>, out: &mut dyn Write) -> io::Result<()> {
        let run = output.run;
        let json = JsonRun {
            schema: SCHEMA,
            scenario: &run.key.scenario,
            seed: run.key.seed,
            net: run.net.name(),
            trace_hash: run.trace_hash.as_deref(),
            warm_up: output.warm_up,
            policies: run.policies.iter().map(|it| JsonPolicy::new(it, output.warm_up)).collect(),
            saved: saved(run).map(JsonSaved::new),
            latency_comparable: !run.closed_loop,
            faults: run.faults.iter().enumerate().map(|it| JsonFault::new(run, it)).collect(),
            expect: &run.expect,
            broken: &run.broken,
            wall: JsonWall { elapsed_us: micros(output.wall) },
        };
        serde_json::to_writer_pretty(&mut *out, &json)?;
        writeln!(out)
    }
}

#[derive(Serialize)]
struct JsonRun<'a> {
    schema: &'static str,
    scenario: &'a str,
    seed: u64,
    net: &'static str,
    trace_hash: Option<&'a str>,
    warm_up: WarmUp,
    policies: Vec<JsonPolicy<'a>>,
    saved: Option<JsonSaved>,
    latency_comparable: bool,
    faults: Vec<JsonFault<'a>>,
    expect: &'a [ExpectRecord],
    broken: &'a [String],
    wall: JsonWall,
}

#[derive(Serialize)]
struct JsonWall {
    elapsed_us: u64,
}

#[derive(Serialize)]
struct JsonPolicy<'a> {
    name: &'a str,
    trace_hash: Option<&'a str>,
    schedule_hash: Option<&'a str>,
    jobs: JobCounts,
    latency_us: Option<LatencySummary>,
    latency_split_us: Option<PhaseSummaries>,
    makespan_us: u64,
    foreground: Option<JsonLoad>,
    fuel: u64,
    effort: Option<JsonEffort>,
    hosts: Option<&'a [HostUse]>,
    place_reasons: BTreeMap<&'a str, u64>,
    bytes: &'a ByteCounts,
    loading: &'a ByteCounts,
}

impl<'a> JsonPolicy<'a> {
    fn new(run: &'a PolicyRecord, warm_up: WarmUp) -> Self {
        Self {
            name: &run.policy,
            trace_hash: run.trace_hash.as_deref(),
            schedule_hash: run.schedule_hash.as_deref(),
            jobs: job_counts(run),
            latency_us: latency_us(run, warm_up),
            latency_split_us: phases_us(run, warm_up),
            makespan_us: micros(run.makespan),
            foreground: run.load.as_ref().map(JsonLoad::new),
            fuel: run.fuel,
            effort: run.effort.map(|it| JsonEffort { events: it.events, polls: it.polls }),
            hosts: (!run.hosts.is_empty()).then_some(&run.hosts),
            place_reasons: place_reasons(run),
            bytes: &run.bytes,
            loading: &run.loading,
        }
    }
}

#[derive(Serialize)]
struct JsonEffort {
    events: u64,
    polls: u64,
}

#[derive(Serialize)]
struct JsonLoad {
    ok: u64,
    reads: u64,
    writes: u64,
    failed: u64,
    wrong: u64,
    unfinished: u64,
    latency_us: Option<LatencySummary>,
}

impl JsonLoad {
    fn new(load: &LoadRecord) -> Self {
        Self {
            ok: load.ok(),
            reads: load.reads.len() as u64,
            writes: load.writes.len() as u64,
            failed: load.failed,
            wrong: load.wrong,
            unfinished: load.unfinished,
            latency_us: load_latency_us(load),
        }
    }
}

#[derive(Serialize)]
struct JsonSaved {
    bytes: Option<i128>,
    ratio: Option<f64>,
    jobs: u64,
    comparable: bool,
    why: Option<String>,
}

impl JsonSaved {
    fn new(saved: Saved) -> Self {
        let bytes = saved.bytes();
        // Division is exact to the last bit by IEEE 754, so it is the same everywhere.
        let ratio = saved.fraction().map(|(part, whole)| part as f64 / whole as f64);
        let (jobs, why) = match saved {
            Saved::Comparable { jobs, .. } => (jobs, None),
            Saved::NotComparable { why, jobs } => (jobs, Some(why)),
        };
        Self { bytes, ratio, jobs, comparable: why.is_none(), why }
    }
}

#[derive(Serialize)]
struct JsonFault<'a> {
    what: &'a str,
    effect: BTreeMap<&'a str, u64>,
    by_policy: BTreeMap<&'a str, &'a BTreeMap<String, u64>>,
    bit: bool,
    may_miss: bool,
}

impl<'a> JsonFault<'a> {
    fn new(run: &'a RunRecord, (at, fault): (usize, &'a FaultRecord)) -> Self {
        let by_policy: BTreeMap<_, _> =
            run.effects(at).map(|(policy, effect)| (policy, &effect.effect)).collect();
        let mut effect: BTreeMap<&str, u64> = BTreeMap::new();
        for (name, count) in by_policy.values().copied().flatten() {
            let sum = effect.entry(name).or_default();
            *sum = sum.saturating_add(*count);
        }
        Self { what: &fault.what, effect, by_policy, bit: run.bit(at), may_miss: fault.may_miss }
    }
}

fn micros(length: Duration) -> u64 {
    u64::try_from(length.as_micros()).unwrap_or(u64::MAX)
}
