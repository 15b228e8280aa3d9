//! Judgements and formats, over runs made by hand.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use hdrhistogram::serialization::Deserializer;
use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};
use stayput_engine::record::{JobEnd, LoadRecord, PolicyRecord};
use stayput_engine::scenario::{Policy, Scenario};

use super::*;
use crate::fixtures::{good_run, good_runs, judged_runs, plan};
use crate::stats::{Saved, WarmUp, completed_after, latency_us, saved};

fn text_after(exporter: &dyn Exporter, run: &RunRecord, wall: Duration) -> String {
    let mut out = Vec::new();
    let output = RunOutput { run, command: "stayput run x", warm_up: WarmUp::default(), wall };
    exporter.write(&output, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn text(exporter: &dyn Exporter, run: &RunRecord) -> String {
    text_after(exporter, run, Duration::ZERO)
}

fn table(run: &RunRecord) -> String {
    text(&TableExporter, run)
}

fn fail(run: &mut PolicyRecord, index: usize) {
    run.jobs[index].end = JobEnd::Failed { error: "503".to_owned() };
}

#[test]
fn a_good_run_keeps_all_promises_and_says_what_it_saved() {
    let run = judged_runs(&plan(), good_runs());
    assert_eq!(run.broken, Vec::<String>::new());
    let table = table(&run);
    let verdict = "on-storage moved 3.4 MB, download 1.1 GB: 99.7 % saved over 64 jobs; all answers equal the reference";
    assert!(table.contains(verdict), "{table}");
    assert!(table.contains("✓ expect saved_ratio >= 0.99 (99.7 %)"), "{table}");
    assert!(table.contains("✓ fault crash of node:2"), "{table}");
    for parts in ["1.0 ms / 2.0 ms", "9.0 ms / 5.0 ms", " 3.0 ms │"] {
        assert!(table.contains(parts), "{table}");
    }
    assert!(table.ends_with("again: stayput run x\n"), "{table}");
    assert!(table.contains("unknown"), "bytes that a network does not know: {table}");
}

#[test]
fn runs_that_completed_different_jobs_are_not_compared() {
    let mut runs = good_runs();
    fail(&mut runs[0], 3);
    let run = judged_runs(&plan(), runs);
    let Some(Saved::NotComparable { why, jobs }) = saved(&run) else { panic!("compared") };
    assert_eq!(jobs, 63);
    assert!(why.contains("0 jobs completed under on-storage only and 1 under download"), "{why}");
    assert!(run.broken.iter().any(|b| b.contains("not comparable")), "{:?}", run.broken);
    assert!(table(&run).contains("not comparable: 0 jobs"));
}

#[test]
fn failing_everything_saves_nothing() {
    let mut runs = good_runs();
    for run in &mut runs {
        (0..64).for_each(|index| fail(run, index));
    }
    let run = judged_runs(&plan(), runs);
    assert!(matches!(saved(&run), Some(Saved::NotComparable { .. })));
}

#[test]
fn the_same_job_failing_under_both_leaves_them_comparable() {
    let mut runs = good_runs();
    runs.iter_mut().for_each(|run| fail(run, 3));
    let run = judged_runs(&plan(), runs);
    assert!(matches!(saved(&run), Some(Saved::Comparable { jobs: 63, .. })));
    // The scenario promises that none fails.
    assert_eq!(run.broken, ["expected failed = 0, found on-storage 1, download 1"]);
}

#[test]
fn moving_more_is_shown_as_a_loss() {
    let runs = vec![good_run(Policy::OnStorage, 300), good_run(Policy::Download, 200)];
    let run = judged_runs(&plan(), runs);
    assert_eq!(saved(&run).and_then(|saved| saved.bytes()), Some(-100));
    assert!(table(&run).contains("-50.0 % saved"), "{}", table(&run));
}

#[test]
fn one_policy_alone_is_not_judged_on_what_it_saved() {
    let run = judged_runs(&plan(), vec![good_run(Policy::OnStorage, 100)]);
    assert!(saved(&run).is_none());
    assert_eq!(run.expect[0].holds, None);
    assert!(run.broken.is_empty());
}

#[test]
fn a_wrong_answer_breaks_a_promise_even_if_none_was_made() {
    let mut plan = plan();
    plan.scenario.expect.clear();
    let mut runs = good_runs();
    runs[1].jobs[5].end = JobEnd::Wrong { expected: Bytes::from_static(b"41\n") };
    let run = judged_runs(&plan, runs);
    assert_eq!(run.broken, ["download: 1 answers differ from the reference"]);
    assert!(table(&run).contains("wrong: \"42\\n\" instead of \"41\\n\""));
}

#[test]
fn a_fault_must_bite_under_one_policy_unless_it_may_miss() {
    let mut plan = plan();
    let mut runs = good_runs();
    runs[0].faults[1].bit = false;
    assert!(judged_runs(&plan, runs.clone()).broken.is_empty());
    runs[1].faults[1].bit = false;
    let broken = judged_runs(&plan, runs.clone()).broken;
    assert!(broken.len() == 1 && broken[0].contains("crash of node:2"), "{broken:?}");
    plan.scenario.faults[1].may_miss = true;
    assert!(judged_runs(&plan, runs.clone()).broken.is_empty());
    plan.scenario.faults[1].may_miss = false;
    plan.faults = false;
    assert!(judged_runs(&plan, runs).broken.is_empty());
}

#[test]
fn a_broken_invariant_breaks_a_promise() {
    let mut runs = good_runs();
    runs[0].broken.push("sent 5 is not delivered 3 + dropped 1 + in flight 0".to_owned());
    assert_eq!(judged_runs(&plan(), runs).broken.len(), 1);
}

#[test]
fn the_combined_hash_depends_on_every_hash_and_not_on_their_order() {
    let plan = plan();
    let mut runs = good_runs();
    let hash = |runs: &[PolicyRecord]| judged_runs(&plan, runs.to_vec()).trace_hash;
    let first = hash(&runs);
    runs.reverse();
    assert_eq!(hash(&runs), first);
    runs[0].trace_hash = Some("another".to_owned());
    assert_ne!(hash(&runs), first);
    assert_eq!(first.map(|hash| hash.len()), Some(64));
    runs[0].trace_hash = None;
    assert_eq!(hash(&runs), None);
}

#[test]
fn json_has_the_agreed_keys_and_sets_the_wall_clock_apart() {
    let run = judged_runs(&plan(), good_runs());
    let json = |ms| text_after(&JsonExporter, &run, Duration::from_millis(ms));
    let mut value: serde_json::Value = serde_json::from_str(&json(5)).unwrap();
    assert_eq!(value["schema"], "stayput.run/3");
    assert_eq!(value["policies"][0]["name"], "on-storage");
    assert_eq!(value["policies"][1]["jobs"]["ok"], 64);
    assert_eq!(value["policies"][0]["latency_us"]["max"], 20_000);
    assert_eq!(value["policies"][0]["latency_us"]["mean"], 20_000.0);
    assert_eq!(value["policies"][0]["latency_split_us"]["transfer"]["mean"], 9_000.0);
    assert_eq!(value["policies"][0]["latency_split_us"]["retry"]["mean"], 3_000.0);
    assert_eq!(value["policies"][0]["latency_split_us"]["disk"]["p99"], 2_000);
    assert_eq!(value["policies"][0]["makespan_us"], 4_000_000);
    assert_eq!(value["policies"][0]["bytes"]["by_purpose"]["object data"], 3_400_000);
    assert!(value["policies"][0]["bytes"]["wire"].is_null());
    assert_eq!(value["saved"]["comparable"], true);
    assert_eq!(value["saved"]["jobs"], 64);
    assert_eq!(value["faults"][0]["effect"]["dropped"], 6);
    assert_eq!(value["expect"][0]["holds"], true);
    let mut other: serde_json::Value = serde_json::from_str(&json(9)).unwrap();
    for value in [&mut value, &mut other] {
        value.as_object_mut().unwrap().remove("wall");
    }
    assert_eq!(value, other);
}

#[test]
fn answers_have_one_line_for_each_job() {
    let mut runs = good_runs();
    runs[0].jobs[0].answer = Bytes::from_static(b"a\tb\nc\n");
    fail(&mut runs[0], 1);
    let answers = text(&AnswersExporter, &judged_runs(&plan(), runs));
    let lines: Vec<_> = answers.lines().collect();
    assert_eq!(lines.len(), 128);
    assert!(lines[0].ends_with("\t1704067200.00000\ta\\tb\\nc"), "{}", lines[0]);
    assert!(lines[1].ends_with("\tfailed: 503"), "{}", lines[1]);
    assert!(lines[2].starts_with("on-storage\t2\tdemo/log-"), "{}", lines[2]);
}

#[test]
fn a_table_says_which_jobs_latencies_leave_out() {
    let run = judged_runs(&plan(), good_runs());
    let table = |warm_up| {
        let output =
            RunOutput { run: &run, command: "stayput run x", warm_up, wall: Duration::ZERO };
        let mut out = Vec::new();
        TableExporter.write(&output, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    };
    let left_out = "latencies leave out jobs due in the warm-up: the first ";
    assert!(table(WarmUp::default()).contains(&format!("{left_out}10\u{a0}% of the")));
    assert!(table(WarmUp::Micros(500_000)).contains(&format!("{left_out}500ms")));
    assert!(!table(WarmUp::NONE).contains(left_out));
}

#[test]
fn closed_loops_make_no_claim_about_latency() {
    let mut plan = plan();
    plan.jobs.iter_mut().for_each(|job| job.arrival = None);
    let run = judged_runs(&plan, good_runs());
    assert!(table(&run).contains("closed loop: latencies"));
}

#[test]
fn latency_is_over_completed_jobs_from_their_intended_arrival() {
    let mut run = good_run(Policy::OnStorage, 1);
    run.jobs[7].finished = run.jobs[7].intended + Duration::from_secs(3);
    fail(&mut run, 8);
    run.jobs[8].finished = Duration::MAX;
    let latency = latency_us(&run, WarmUp::NONE).unwrap();
    assert_eq!(latency.max, 3_000_000);
    assert_eq!((latency.p50, latency.p90), (20_000, 20_000), "{latency:?}");
    (0..64).for_each(|index| fail(&mut run, index));
    assert_eq!(latency_us(&run, WarmUp::NONE), None);
}

/// A run with a load of which so many bytes went over the network's hops.
fn loaded_run(policy: Policy, body: u64, load: u64) -> PolicyRecord {
    let mut run = good_run(policy, body + load);
    run.bytes.by_purpose.insert("foreground".to_owned(), load);
    run.load = Some(LoadRecord {
        reads: vec![Duration::from_millis(3); 99],
        writes: vec![Duration::from_millis(9)],
        failed: 2,
        wrong: 0,
        unfinished: 1,
    });
    run
}

#[test]
fn the_load_beside_the_jobs_is_shown_and_is_no_part_of_what_is_saved() {
    let runs = vec![
        loaded_run(Policy::OnStorage, 100, 70_000),
        loaded_run(Policy::Download, 1_000, 90_000),
    ];
    let run = judged_runs(&plan(), runs);
    assert_eq!(saved(&run).and_then(|saved| saved.fraction()), Some((900, 1_000)));
    let shown = table(&run);
    assert!(shown.contains("100 / 2 / 0") && shown.contains("3.0 ms / 9.0 ms"), "{shown}");
    let json: serde_json::Value = serde_json::from_str(&text(&JsonExporter, &run)).unwrap();
    let load = &json["policies"][0]["foreground"];
    assert_eq!(
        (&load["ok"], &load["failed"], &load["unfinished"]),
        (&100.into(), &2.into(), &1.into())
    );
    assert_eq!(load["latency_us"]["max"], 9_000);
    let none = judged_runs(&plan(), good_runs());
    assert!(!table(&none).contains("load ok"));
}

/// Judges one promise of the banana scenario's good runs: the value found, and the verdict.
fn judged(line: &str, runs: Vec<PolicyRecord>) -> (String, Option<bool>) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../banana.toml");
    let text = include_str!("../../../banana.toml").replace("failed = 0", line);
    let mut plan = plan();
    plan.scenario = Scenario::parse(&text, &file).unwrap();
    let verdict = judged_runs(&plan, runs).expect.pop().unwrap();
    (verdict.found, verdict.holds)
}

#[test]
fn a_promise_of_one_policy_is_judged_on_that_one() {
    let good = |line: &str| judged(line, good_runs());
    let (found, holds) = good("\"on-storage.p99_us\" = \"<= 60000\"");
    assert!(found.starts_with("on-storage 20") && holds == Some(true), "{found} {holds:?}");
    assert_eq!(good("\"on-storage.p99_us\" = \"< 20000\"").1, Some(false));
    assert_eq!(good("download.bytes.body = \"> 1e9\"").1, Some(true));
    assert_eq!(good("bytes.body = \"> 1e9\"").1, Some(false), "it does not hold under each");
    assert_eq!(
        good("makespan_us = 4000000"),
        ("on-storage 4000000, download 4000000".to_owned(), Some(true))
    );
    assert_eq!(good("bytes.wire = \"> 0\"").1, None);
    assert_eq!(good("load.p99_us = \"> 0\"").1, None);
    let one = vec![good_run(Policy::OnStorage, 100)];
    let (found, holds) = judged("\"download.ok\" = 64", one);
    assert!(found.contains("download did not run") && holds.is_none(), "{found}");
}

#[test]
fn without_a_completed_job_no_promise_about_latency_is_kept() {
    let mut runs = good_runs();
    (0..64).for_each(|index| fail(&mut runs[0], index));
    let (found, holds) = judged("p50_us = \"< 1e9\"", runs);
    assert!(found.starts_with("on-storage no job completed") && holds == Some(false), "{found}");
}

#[test]
fn a_latency_log_is_read_by_its_own_library() {
    let run = judged_runs(&plan(), good_runs());
    let log = text(&HdrLogExporter, &run);
    let entries: Vec<_> = IntervalLogIterator::new(log.as_bytes()).map(Result::unwrap).collect();
    let read = entries.iter().filter_map(|entry| match entry {
        LogEntry::Interval(interval) => Some(interval),
        _ => None,
    });
    let read: Vec<_> = read.collect();
    assert_eq!(read.len(), 2);
    assert_eq!(read[1].tag().map(|tag| tag.as_str()), Some("download"));
    let bytes = base64(read[1].encoded_histogram());
    let latencies: hdrhistogram::Histogram<u64> =
        Deserializer::new().deserialize(&mut bytes.as_slice()).unwrap();
    let warm = completed_after(&run.policies[1], WarmUp::default()).count();
    assert!((1..64).contains(&warm), "a part of the jobs is due in the warm-up");
    assert_eq!(latencies.len(), warm as u64);
    assert!(latencies.equivalent(latencies.max(), 20_000), "{}", latencies.max());
}

/// Decodes standard base64, which the log's lines are in.
fn base64(text: &str) -> Vec<u8> {
    let digit = |c: u8| match c {
        b'A'..=b'Z' => c - b'A',
        b'a'..=b'z' => c - b'a' + 26,
        b'0'..=b'9' => c - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let digits: Vec<u8> = text.bytes().filter(|c| *c != b'=').map(digit).collect();
    let group = |group: &[u8]| {
        let bits = group.iter().fold(0_u32, |bits, digit| bits << 6 | u32::from(*digit));
        let bits = bits << (6 * (4 - group.len()));
        bits.to_be_bytes()[1..group.len()].to_vec()
    };
    digits.chunks(4).flat_map(group).collect()
}

#[test]
fn formats_have_different_names() {
    let names: std::collections::BTreeSet<_> = EXPORTERS.iter().map(|it| it.format()).collect();
    assert_eq!(names.len(), EXPORTERS.len());
}
