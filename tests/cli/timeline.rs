//! `--trace`: a timeline that opens in Perfetto, and the latency split that comes of the same
//! spans.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::support::{Variant, run_small};

/// The events of the small scenario's trace.
fn trace(words: &[&str]) -> Vec<Value> {
    let folder = Variant::new(&[]);
    let file = folder.path("trace.json");
    let said = run_small(&[words, &["--trace", &file]].concat());
    assert_eq!(said.code, 0, "{said:?}");
    let text = std::fs::read_to_string(file).expect("it was written");
    let json: Value = serde_json::from_str(&text).expect("it is JSON");
    assert_eq!(json["otherData"]["spans_left_out"], 0);
    json["traceEvents"].as_array().expect("it has events").clone()
}

fn number(event: &Value, key: &str) -> u64 {
    event[key].as_u64().unwrap_or_else(|| panic!("{key} of {event} is no whole number"))
}

/// Names of processes, or of the threads of each.
fn names(events: &[Value], what: &str) -> BTreeMap<(u64, u64), String> {
    let named = events.iter().filter(|event| event["ph"] == "M" && event["name"] == what);
    named
        .map(|event| {
            let name = event["args"]["name"].as_str().expect("names are text");
            ((number(event, "pid"), number(event, "tid")), name.to_owned())
        })
        .collect()
}

/// The slices of threads whose name begins so, each with the name of its process.
fn slices<'a>(events: &'a [Value], track: &str) -> Vec<(String, &'a Value)> {
    let (processes, threads) = (names(events, "process_name"), names(events, "thread_name"));
    let slices = events.iter().filter(|event| event["ph"] == "X");
    slices
        .filter(|slice| {
            let thread = (number(slice, "pid"), number(slice, "tid"));
            threads[&thread].starts_with(track)
        })
        .map(|slice| (processes[&(number(slice, "pid"), 0)].clone(), slice))
        .collect()
}

#[test]
fn every_slice_is_on_a_named_thread_of_a_named_process_and_none_overlap_there() {
    let events = trace(&[]);
    let (processes, threads) = (names(&events, "process_name"), names(&events, "thread_name"));
    let mut ends: BTreeMap<(u64, u64), u64> = BTreeMap::new();
    for slice in events.iter().filter(|event| event["ph"] == "X") {
        let thread = (number(slice, "pid"), number(slice, "tid"));
        assert!(threads.contains_key(&thread), "{slice}");
        assert!(processes.contains_key(&(thread.0, 0)), "{slice}");
        let (begin, length) = (number(slice, "ts"), number(slice, "dur"));
        let end = ends.entry(thread).or_default();
        assert!(*end <= begin, "{slice} begins before {end}");
        *end = begin + length;
    }
    let distinct: BTreeSet<&String> = processes.values().collect();
    assert_eq!(distinct.len(), processes.len(), "no two processes have one name");
}

#[test]
fn every_job_computes_on_nodes_or_on_workers_as_its_policy_says() {
    let events = trace(&[]);
    let cores = slices(&events, "cores");
    for (policy, kind) in [("on-storage", "node:"), ("download", "worker:")] {
        let host = format!("{policy} {kind}");
        let of_policy = cores.iter().filter(|(process, _)| process.starts_with(policy));
        let mut jobs = BTreeSet::new();
        for (process, slice) in of_policy {
            assert!(process.starts_with(&host), "{slice} on {process}");
            assert!(number(&slice["args"], "fuel") > 0);
            jobs.insert(number(&slice["args"], "job"));
        }
        assert_eq!(jobs, (0..8).collect(), "{policy}");
    }
    let clients = slices(&events, "jobs");
    assert_eq!(clients.len(), 16);
    assert!(clients.iter().all(|(process, _)| process.contains(" client:")));
}

#[test]
fn requests_and_reads_are_told_with_the_job_that_they_are_for() {
    let events = trace(&["--no-faults"]);
    let requests = slices(&events, "requests");
    for (process, name) in [
        ("on-storage proxy:", "POST /v1/AUTH_stayput"),
        ("on-storage node:", "POST /running/"),
        ("on-storage node:", "HEAD /d1/"),
        ("download worker:", "POST /v1/AUTH_stayput"),
        ("download proxy:", "GET /v1/AUTH_stayput/demo/log-"),
        ("download node:", "GET /d1/"),
    ] {
        let mut jobs = BTreeSet::new();
        for (of, slice) in &requests {
            let called = slice["name"].as_str().expect("slices have names");
            if of.starts_with(process) && called.starts_with(name) {
                // Whoever has answers enough leaves the others.
                let status = &slice["args"]["status"];
                assert!(*status == 200 || status.is_null(), "{slice}");
                jobs.insert(number(&slice["args"], "job"));
            }
        }
        assert_eq!(jobs, (0..8).collect(), "{name} at {process}");
    }
    for policy in ["on-storage", "download"] {
        let reads = slices(&events, "disk d1").into_iter();
        let of_policy = reads.filter(|(process, _)| process.starts_with(policy));
        let jobs: BTreeSet<u64> =
            of_policy.filter_map(|(_, slice)| slice["args"]["job"].as_u64()).collect();
        assert_eq!(jobs, (0..8).collect(), "{policy}");
    }
}

#[test]
fn a_run_is_the_same_whether_or_not_it_is_recorded() {
    let folder = Variant::new(&[]);
    let (trace, events) = (folder.path("trace"), folder.path("events"));
    let mut plain = run_small(&["--json", "-"]).json();
    let mut told = run_small(&["--json", "-", "--trace", &trace, "--events", &events]).json();
    for json in [&mut plain, &mut told] {
        json["wall"] = Value::Null;
    }
    assert_eq!(plain, told);
    let again = folder.path("again");
    run_small(&["--trace", &again]);
    let read = |path: &str| std::fs::read(path).expect("it was written");
    assert!(read(&trace) == read(&again), "two traces of one run differ");
}

#[test]
fn a_run_that_gets_stuck_leaves_a_whole_trace() {
    let variant = Variant::new(&[
        ("clients = 2", "clients = 1"),
        ("runs = 8", "runs = 10000"),
        ("\"poisson 20/s\"", "\"closed\""),
        ("at = \"50ms\"\nfor = \"500ms\"", "at = \"0s\"\nfor = \"86400s\""),
        ("[\"zone:3\"]", "[\"client:1\"]"),
    ]);
    let file = variant.path("trace.json");
    let said = variant.run(&["--policy", "download", "--trace", &file]);
    assert_eq!(said.code, 3, "{said:?}");
    let text = std::fs::read_to_string(file).expect("it was written");
    let json: Value = serde_json::from_str(&text).expect("it is JSON");
    assert!(json["traceEvents"].as_array().is_some_and(|events| !events.is_empty()));
}

#[test]
fn what_came_to_nothing_has_tracks_of_its_own_and_none_where_nothing_was_lost() {
    let (troubled, quiet) = (trace(&[]), trace(&["--no-faults"]));
    let lost = slices(&troubled, "lost requests");
    assert!(!lost.is_empty(), "a zone is cut off");
    assert!(lost.iter().all(|(_, slice)| slice["args"]["job"].is_u64()), "{lost:?}");
    assert!(slices(&quiet, "lost").is_empty());
    assert!(!slices(&quiet, "attempts").is_empty());
}

#[test]
fn the_means_of_the_phases_add_up_to_the_mean_latency() {
    for words in [[].as_slice(), &["--no-faults"], &["--no-faults", "--net", "turmoil"]] {
        let json = run_small(&[words, &["--json", "-"]].concat()).json();
        for policy in json["policies"].as_array().into_iter().flatten() {
            let mean = |part: &Value| part["mean"].as_f64().expect("it has a mean");
            let parts = policy["latency_split_us"].as_object().expect("jobs completed");
            let sum: f64 = parts.values().map(mean).sum();
            let whole = mean(&policy["latency_us"]);
            assert!((sum - whole).abs() < 0.001, "{sum} is not {whole}: {policy}");
            for phase in ["disk", "transfer", "compute"] {
                assert!(mean(&parts[phase]) > 0.0, "{phase}: {policy}");
            }
        }
    }
}

#[test]
fn jobs_that_come_faster_than_their_host_works_queue() {
    let variant = Variant::new(&[
        ("[cluster]", "[node]\ncores = 1\nfuel_per_second = \"1e7\"\n\n[cluster]"),
        ("poisson 20/s", "poisson 20000/s"),
        ("count = 4", "count = 1"),
    ]);
    let said = variant.run(&["--no-faults", "--json", "-"]);
    assert_eq!(said.code, 0, "{said:?}");
    let queue = &said.json()["policies"][1]["latency_split_us"]["queue"];
    assert!(number(queue, "p99") > 100, "{queue}");
}
