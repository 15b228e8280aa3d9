//! The trace file, of timelines made by hand.

use std::sync::Arc;

use serde_json::Value;
use stayput_host::{JobNumber, SpanKind};

use super::*;

fn at(us: u64) -> Time {
    Time::from_nanos(us * 1_000)
}

fn span(kind: SpanKind, begin_us: u64, end_us: u64) -> Span {
    Span::new(kind, "it", at(begin_us), at(end_us))
}

/// The events of a file with a timeline for each list of spans.
fn events(runs: &[Vec<(Option<HostKey>, Span)>]) -> Vec<Value> {
    let mut file = Vec::new();
    let mut trace = ChromeTrace::begin(&mut file).unwrap();
    for (policy, spans) in [Policy::OnStorage, Policy::Download].into_iter().zip(runs) {
        let hosts = vec!["node:1".to_owned(), "client:1".to_owned()];
        let spans = spans.clone();
        trace.add(&RunTimeline { policy, start: at(100), hosts, spans, left_out: 2 }).unwrap();
    }
    trace.end().unwrap();
    let json: Value = serde_json::from_slice(&file).unwrap();
    assert_eq!(json["displayTimeUnit"], "ms");
    assert_eq!(json["otherData"]["spans_left_out"], 2 * runs.len());
    json["traceEvents"].as_array().unwrap().clone()
}

fn phase<'a>(events: &'a [Value], phase: &str) -> Vec<&'a Value> {
    events.iter().filter(|event| event["ph"] == phase).collect()
}

/// Metadata of `what`, by pid and tid.
fn named(events: &[Value], what: &str) -> Vec<(u64, u64, String)> {
    let named = phase(events, "M").into_iter().filter(|event| event["name"] == what);
    let number = |value: &Value| value.as_u64().unwrap();
    named
        .map(|event| {
            let name = event["args"]["name"].as_str().unwrap_or_default().to_owned();
            (number(&event["pid"]), number(&event["tid"]), name)
        })
        .collect()
}

#[test]
fn nothing_is_an_empty_trace() {
    assert_eq!(events(&[]), Vec::<Value>::new());
    assert_eq!(events(&[Vec::new()]), Vec::<Value>::new());
}

#[test]
fn a_slice_tells_its_time_from_the_start_its_job_and_its_figures() {
    let one = span(SpanKind::Compute, 150, 175).of_job(Some(JobNumber(7))).figure("fuel", 9);
    let events = events(&[vec![(Some(HostKey(0)), one)]]);
    let [slice] = phase(&events, "X")[..] else { panic!("{events:?}") };
    assert_eq!((&slice["ts"], &slice["dur"]), (&50.into(), &25.into()));
    assert_eq!((&slice["args"]["job"], &slice["args"]["fuel"]), (&7.into(), &9.into()));
    assert_eq!(named(&events, "process_name")[0].2, "on-storage node:1");
    assert_eq!(named(&events, "thread_name")[0].2, "cores");
}

#[test]
fn spans_that_overlap_are_in_different_lanes_and_others_share_one() {
    let node = Some(HostKey(0));
    let spans = [(110, 120), (115, 130), (120, 125), (125, 126)]
        .map(|(begin, end)| (node, span(SpanKind::Compute, begin, end)));
    let events = events(&[spans.to_vec()]);
    let tids: Vec<_> = phase(&events, "X").iter().map(|slice| slice["tid"].as_u64()).collect();
    assert_eq!(tids, [Some(1), Some(1), Some(1), Some(2)], "lane by lane");
    let names: Vec<_> = named(&events, "thread_name").into_iter().map(|named| named.2).collect();
    assert_eq!(names, ["cores", "cores (2)"]);
}

#[test]
fn each_device_and_each_kind_has_a_track() {
    let node = Some(HostKey(0));
    let (d1, d2) = (Arc::from("d1"), Arc::from("d2"));
    let events = events(&[vec![
        (node, span(SpanKind::Disk, 110, 120).on(&d1)),
        (node, span(SpanKind::Disk, 110, 120).on(&d2)),
        (node, span(SpanKind::DiskQueue, 105, 110).on(&d2)),
        (node, span(SpanKind::Request, 100, 130)),
    ]]);
    let names: Vec<_> = named(&events, "thread_name").into_iter().map(|named| named.2).collect();
    assert_eq!(names, ["requests", "waiting for disk d2", "disk d1", "disk d2"]);
}

#[test]
fn policies_share_no_process_and_faults_have_one_of_their_own() {
    let all = vec![
        (Some(HostKey(0)), span(SpanKind::Fault, 110, 190)),
        (None, span(SpanKind::Fault, 120, 120)),
        (Some(HostKey(1)), span(SpanKind::Job, 100, 130)),
    ];
    let events = events(&[all.clone(), all]);
    let processes = named(&events, "process_name");
    let names: Vec<_> = processes.iter().map(|named| named.2.as_str()).collect();
    let wanted =
        ["on-storage faults", "on-storage client:1", "download faults", "download client:1"];
    assert_eq!(names, wanted);
    let mut pids: Vec<_> = processes.iter().map(|named| named.0).collect();
    pids.dedup();
    assert_eq!(pids.len(), 4);
    assert_eq!(phase(&events, "i").len(), 2, "a fault of no length is an instant");
    assert_eq!(phase(&events, "X").len(), 4);
}
