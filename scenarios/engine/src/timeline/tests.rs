//! The trace file, of timelines made by hand.

use std::sync::Arc;

use proptest::prelude::*;
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

/// The most spans that last at one time.
fn depth(spans: &[(u64, u64)]) -> usize {
    let at_once = |at: u64| spans.iter().filter(|(begin, end)| *begin <= at && at < *end).count();
    spans.iter().map(|(begin, _)| at_once(*begin)).max().unwrap_or(0)
}

proptest! {
    #[test]
    fn a_track_has_as_many_lanes_as_spans_at_one_time_and_none_overlaps_in_a_lane(
        spans in prop::collection::vec((100_u64..150, 1_u64..20), 0..20),
    ) {
        let spans: Vec<(u64, u64)> = spans.iter().map(|(begin, us)| (*begin, begin + us)).collect();
        let compute = |(begin, end): &(u64, u64)| span(SpanKind::Compute, *begin, *end);
        let all: Vec<Span> = spans.iter().map(compute).collect();
        let shown = all.iter().map(|span| lanes::Shown::of(span, at(100))).collect();
        let tracks = lanes::by_track(shown);
        let lanes: Vec<_> = tracks.into_values().flatten().collect();
        prop_assert_eq!(lanes.len(), depth(&spans));
        prop_assert_eq!(lanes.iter().map(Vec::len).sum::<usize>(), spans.len());
        for lane in lanes {
            prop_assert!(lane.windows(2).all(|pair| pair[0].end_us <= pair[1].begin_us));
        }
    }

    #[test]
    fn every_span_is_an_event_of_its_host_and_times_are_whole_microseconds(
        spans in prop::collection::vec((0_u32..4, 100_000_u64..200_000, 0_u64..9_999), 0..12),
    ) {
        let timed = |(host, begin, ns): &(u32, u64, u64)| {
            let (begin, end) = (Time::from_nanos(*begin), Time::from_nanos(begin + ns));
            (Some(HostKey(*host)), Span::new(SpanKind::Request, "it", begin, end))
        };
        let events = events(&[spans.iter().map(timed).collect()]);
        let slices = phase(&events, "X");
        prop_assert_eq!(slices.len(), spans.len());
        let of_event = |event: &&Value| {
            let number = |key: &str| event[key].as_u64().expect("it is a whole number");
            (number("pid") - 2, number("ts"), number("dur"))
        };
        let mut found: Vec<_> = slices.iter().map(of_event).collect();
        let us = |ns: u64| (ns - 100_000) / 1_000;
        let of_span = |(host, begin, ns): &(u32, u64, u64)| {
            (u64::from(*host), us(*begin), us(begin + ns) - us(*begin))
        };
        let mut expected: Vec<_> = spans.iter().map(of_span).collect();
        found.sort_unstable();
        expected.sort_unstable();
        prop_assert_eq!(found, expected);
    }
}

#[test]
fn hosts_stand_in_the_way_of_a_job_whatever_the_order_of_their_keys() {
    let names = ["worker:1", "node:1", "other", "proxy:1", "client:1"].map(str::to_owned);
    let spans = (0..5).map(|host| (Some(HostKey(host)), span(SpanKind::Request, 100, 110)));
    let run = RunTimeline {
        policy: Policy::OnStorage,
        start: at(100),
        hosts: names.to_vec(),
        spans: spans.collect(),
        left_out: 0,
    };
    let mut file = Vec::new();
    let mut trace = ChromeTrace::begin(&mut file).unwrap();
    trace.add(&run).unwrap();
    trace.end().unwrap();
    let json: Value = serde_json::from_slice(&file).unwrap();
    let events = json["traceEvents"].as_array().unwrap();
    let sorted = phase(events, "M").into_iter().filter(|it| it["name"] == "process_sort_index");
    let mut places: Vec<(u64, u64)> = sorted
        .map(|event| {
            (event["args"]["sort_index"].as_u64().unwrap(), event["pid"].as_u64().unwrap())
        })
        .collect();
    places.sort_unstable();
    let names: Vec<String> = places
        .iter()
        .map(|(_, pid)| {
            named(events, "process_name").into_iter().find(|it| it.0 == *pid).unwrap().2
        })
        .collect();
    let expected = ["client:1", "proxy:1", "node:1", "worker:1", "other"];
    assert_eq!(names, expected.map(|name| format!("on-storage {name}")));
}

#[test]
fn names_and_figures_of_any_kind_are_valid_json() {
    let hostile = Span::new(SpanKind::Request, "it \"is\"\n</script>", at(110), at(120));
    let events = events(&[vec![(Some(HostKey(0)), hostile.figure("bytes", u64::MAX))]]);
    let [slice] = phase(&events, "X")[..] else { panic!("{events:?}") };
    assert_eq!(slice["name"], "it \"is\"\n</script>");
    assert_eq!(slice["args"]["bytes"], u64::MAX);
}

#[test]
fn a_file_that_cannot_be_written_is_an_error() {
    struct Full(usize);

    impl std::io::Write for Full {
        fn write(&mut self, data: &[u8]) -> std::io::Result<usize> {
            self.0 = self.0.checked_sub(data.len()).ok_or(std::io::ErrorKind::StorageFull)?;
            Ok(data.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    let spans = vec![(Some(HostKey(0)), span(SpanKind::Request, 110, 120))];
    let (policy, start, hosts) = (Policy::OnStorage, at(100), vec!["node:1".to_owned()]);
    let run = RunTimeline { policy, start, hosts, spans, left_out: 0 };
    let written = |room: usize| {
        let mut trace = ChromeTrace::begin(Full(room))?;
        trace.add(&run)?;
        trace.end()
    };
    assert!(written(10_000).is_ok());
    for room in [0, 50, 200, 400] {
        let error = written(room).expect_err("it is full");
        assert_eq!(error.kind(), std::io::ErrorKind::StorageFull, "{room}");
    }
}
