//! Each kind of fault as it may be written, and each way in which it may not.

use std::num::NonZeroU32;
use std::time::Duration;

use stayput_host::config::{Chance, Jitter};
use stayput_world::fault::kinds::{
    FullDisk, Latency, Loss, NetworkPartition, Power, ReadErrors, SlowDisk, Throttle,
};
use stayput_world::fault::{ClusterPlace, FaultKind, Repeat, Sides};

use super::tests::{changed, refused};
use super::*;
use crate::quantity::{parse_byte_rate, parse_chance};

const CRASH: &str = "crash = \"node:2\"";

/// Text in the place of the banana scenario's crash, which comes at 1 s for 3 s.
fn fault(written: &str) -> ScenarioFault {
    let scenario = changed(CRASH, written).unwrap_or_else(|error| panic!("{error}"));
    scenario.faults[1].clone()
}

fn drawn(written: &str) -> DrawnFault {
    let scenario = changed(CRASH, written).unwrap_or_else(|error| panic!("{error}"));
    let [drawn] = scenario.drawn_faults.as_slice() else { panic!("one is drawn") };
    assert_eq!(scenario.faults.len(), 1, "a drawn fault is none of the fixed ones");
    drawn.clone()
}

fn sides(from: ClusterPlace, to: Option<ClusterPlace>, one_way: bool) -> Sides<ClusterPlace> {
    Sides { from: vec![from], to: to.map(|to| vec![to]), one_way }
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn chance(text: &str) -> Chance {
    parse_chance(text).unwrap()
}

/// Kinds are trait objects: their text and their parts show that they are the same.
#[track_caller]
fn assert_same(kind: &FaultKind<ClusterPlace>, expected: &FaultKind<ClusterPlace>) {
    assert_eq!(kind.to_string(), expected.to_string());
    assert_eq!(format!("{kind:?}"), format!("{expected:?}"));
}

#[test]
fn each_kind_reads_as_it_says() {
    use FaultKind as K;
    let (zone, other) = (ClusterPlace::Zone(1), ClusterPlace::Zone(2));
    let (node, device) = (ClusterPlace::Node(5), ClusterPlace::Device(9));
    let throttle = || Throttle { rate: parse_byte_rate("100 Mbit/s").unwrap() };
    let between = "between = [[\"zone:1\"], [\"zone:2\"]]";
    let slow = || SlowDisk { factor: NonZeroU32::new(10).unwrap() };
    let later = Latency { added: ms(20) };
    let errors = ReadErrors { chance: chance("1 %") };
    let cases: Vec<(String, FaultKind<ClusterPlace>)> = vec![
        ("partition = \"zone:1\"".into(), K::ways(sides(zone, None, false), NetworkPartition)),
        (
            format!("{between}\none_way = true"),
            K::ways(sides(zone, Some(other), true), NetworkPartition),
        ),
        ("latency = \"20ms\"\non = [\"zone:1\"]".into(), K::ways(sides(zone, None, false), later)),
        (
            format!("latency = \"20ms\"\n{between}\none_way = true"),
            K::ways(sides(zone, Some(other), true), later),
        ),
        (
            "loss = \"1 %\"\non = \"zone:1\"".into(),
            K::ways(sides(zone, None, false), Loss { chance: chance("0.01") }),
        ),
        (
            format!("loss = \"1e-3\"\n{between}"),
            K::ways(sides(zone, Some(other), false), Loss { chance: chance("0.1 %") }),
        ),
        ("throttle = \"100 Mbit/s\"\non = \"node:5\"".into(), K::card(node, throttle())),
        (format!("throttle = \"100 Mbit/s\"\n{between}"), K::trunk([zone, other], throttle())),
        (
            "throttle = \"100 Mbit/s\"\nbetween = [[\"worker:1\"], [\"zone:2\"]]".into(),
            K::trunk([ClusterPlace::Worker(1), other], throttle()),
        ),
        ("power = \"proxy:1\"".into(), K::process(ClusterPlace::Proxy(1), Power)),
        ("slow_disk = \"device:9\"\nfactor = 10".into(), K::disk(device, None, slow())),
        ("slow_disk = \"node:5\"\nfactor = 10".into(), K::disk(node, None, slow())),
        ("full_disk = \"device:9\"".into(), K::disk(device, None, FullDisk)),
        ("read_errors = \"device:9\"\nchance = \"1 %\"".into(), K::disk(device, None, errors)),
    ];
    for (written, kind) in cases {
        let fault = fault(&written);
        assert_same(&fault.kind, &kind);
        assert_eq!((fault.at, fault.for_, fault.repeat), (ms(1_000), ms(3_000), None), "{written}");
    }
}

#[test]
fn faults_come_again_and_links_flap() {
    let again = fault("crash = \"node:2\"\nevery = \"5s\"\ntimes = 4");
    assert_eq!(again.repeat, Some(Repeat { every: ms(5_000), times: 4 }));
    assert_eq!(again.to_string(), "crash of node:2 at 1s for 3s, every 5s 4 times");
    for side in ["flap = [\"zone:1\"]", "between = [[\"zone:1\"], [\"zone:2\"]]"] {
        let flap = fault(&format!("{side}\ndown = \"50ms\"\nup = \"150ms\""));
        assert_eq!(flap.kind.name(), "partition", "{flap}");
        assert_eq!(flap.for_, ms(50));
        assert_eq!(flap.repeat, Some(Repeat { every: ms(200), times: 15 }), "within 3 s");
    }
}

#[test]
fn drawn_faults_hit_one_of_all_places_of_a_kind() {
    let crash = drawn("crash = \"node:*\"\nrate = \"0.5/s\"\nuntil = \"20s\"");
    assert_eq!((crash.at, crash.until, crash.for_), (ms(1_000), ms(20_000), ms(3_000)));
    assert_eq!(crash.targets, (1..=6).map(ClusterPlace::Node).collect::<Vec<_>>());
    assert_eq!(crash.section, 2);
    let zones = drawn("partition = [\"zone:*\"]\nrate = \"1/s\"\nuntil = \"20s\"");
    assert_eq!(zones.targets.len(), 3);
    let third = FaultKind::ways(sides(ClusterPlace::Zone(3), None, false), NetworkPartition);
    assert_same(&zones.kind.moved_to(zones.targets[2]), &third);
    let disks = drawn("slow_disk = \"device:*\"\nfactor = 3\nrate = \"1/s\"\nuntil = \"20s\"");
    assert_eq!(disks.targets.len(), 12);
    let written = drawn("full_disk = \"device:9\"\nrate = \"1/s\"\nuntil = \"20s\"");
    assert!(written.targets.is_empty(), "its place is written, only its times are drawn");
}

#[test]
fn a_drawn_fault_begins_with_the_jobs_unless_it_says_when() {
    let text = "at = \"1s\"\nfor = \"3s\"\ncrash = \"node:2\"";
    let to = "for = \"3s\"\ncrash = \"node:*\"\nrate = \"1/s\"\nuntil = \"2s\"";
    assert_eq!(changed(text, to).unwrap().drawn_faults[0].at, Duration::ZERO);
    let error = changed(text, "for = \"3s\"\ncrash = \"node:2\"").unwrap_err();
    assert_eq!((error.key.as_str(), error.why.as_str()), ("fault[2].at", "is missing"), "{error}");
}

/// Text in the place of the crash, the flawed key, and part of the reason.
const REFUSED: &[(&str, &str, &str)] = &[
    ("latency = \"20ms\"", "on", "is missing"),
    ("latency = \"0s\"\non = \"zone:1\"", "latency", "zero"),
    ("latency = \"20\"\non = \"zone:1\"", "latency", "length of time"),
    ("latency = \"1ms\"\non = \"device:1\"", "on", "no network"),
    (
        "latency = \"1ms\"\non = \"zone:1\"\nbetween = [[\"zone:1\"], [\"zone:2\"]]",
        "between",
        "beside",
    ),
    ("loss = \"101 %\"\non = \"zone:1\"", "loss", "probability"),
    ("loss = \"100 %\"\non = \"zone:1\"", "loss", "everything"),
    ("loss = \"0\"\non = \"zone:1\"", "loss", "zero"),
    ("throttle = \"100 Mbit\"\non = \"node:5\"", "throttle", "rate"),
    ("throttle = \"1 Mbit/s\"", "throttle", "either `on` or `between`"),
    ("throttle = \"1 Mbit/s\"\non = \"zone:1\"", "on", "single machine"),
    ("throttle = \"1 Mbit/s\"\non = [\"node:1\", \"node:2\"]", "on", "one card"),
    ("throttle = \"1 Mbit/s\"\nbetween = [[\"zone:1\"], [\"region:1\"]]", "between", "no trunk"),
    ("throttle = \"1 Mbit/s\"\nbetween = [[\"worker:1\"], [\"worker:2\"]]", "between", "no trunk"),
    ("throttle = \"1 Mbit/s\"\nbetween = [[\"zone:1\"], [\"node:5\"]]", "between", "between zones"),
    (
        "throttle = \"1 Mbit/s\"\nbetween = [[\"zone:1\", \"zone:2\"], [\"zone:3\"]]",
        "between",
        "two places",
    ),
    ("flap = [\"zone:1\"]\nup = \"1s\"", "down", "missing"),
    ("flap = [\"zone:1\"]\ndown = \"4s\"\nup = \"1s\"", "for", "shorter than the first time down"),
    ("flap = [\"zone:1\"]\ndown = \"1ns\"\nup = \"1ns\"", "for", "times down"),
    (
        "flap = [\"zone:1\"]\ndown = \"1ms\"\nup = \"1ms\"\nevery = \"1s\"\ntimes = 2",
        "every",
        "by itself",
    ),
    ("slow_disk = \"device:9\"", "factor", "missing"),
    ("slow_disk = \"device:9\"\nfactor = 1", "factor", "out of bounds"),
    ("slow_disk = \"device:13\"\nfactor = 2", "slow_disk", "the cluster has 12"),
    ("slow_disk = \"zone:1\"\nfactor = 2", "slow_disk", "no disk"),
    ("full_disk = \"proxy:1\"", "full_disk", "no disk"),
    ("full_disk = \"device:1\"\nfactor = 2", "factor", "slow_disk only, this is full_disk"),
    ("read_errors = \"device:1\"", "chance", "missing"),
    ("read_errors = \"device:1\"\nchance = \"often\"", "chance", "probability"),
    ("crash = \"node:2\"\non = \"zone:1\"", "on", "latency, loss, throttle only"),
    ("crash = \"node:2\"\ndown = \"1s\"", "down", "flap only"),
    ("crash = \"node:2\"\ntimes = 4", "times", "`every`"),
    ("crash = \"node:2\"\nevery = \"5s\"", "every", "`times`"),
    ("crash = \"node:2\"\nevery = \"2s\"\ntimes = 2", "every", "overlap itself"),
    ("crash = \"node:2\"\nevery = \"5s\"\ntimes = 0", "times", "out of bounds"),
    ("crash = \"node:2\"\nuntil = \"5s\"", "until", "`rate`"),
    ("crash = \"node:*\"\nrate = \"1/s\"", "until", "missing"),
    ("crash = \"node:*\"\nrate = \"1/s\"\nuntil = \"1s\"", "until", "not after"),
    ("crash = \"node:*\"\nrate = \"1\"\nuntil = \"2s\"", "rate", "no rate"),
    ("crash = \"node:*\"\nrate = \"0/s\"\nuntil = \"2s\"", "rate", "no rate"),
    ("crash = \"node:*\"\nrate = \"9999/s\"\nuntil = \"2s\"", "rate", "more than 1000"),
    ("crash = \"node:*\"\nrate = \"1/s\"\nuntil = \"2s\"\nmay_miss = true", "may_miss", "drawn"),
    ("crash = \"moon:*\"\nrate = \"1/s\"\nuntil = \"2s\"", "crash", "not the name of a place"),
    ("crash = \"zone:*\"\nrate = \"1/s\"\nuntil = \"2s\"", "crash", "single machine"),
    ("partition = [\"zone:*\", \"zone:1\"]\nrate = \"1/s\"\nuntil = \"2s\"", "partition", "beside"),
    (
        "between = [[\"zone:*\"], [\"zone:1\"]]\nrate = \"1/s\"\nuntil = \"2s\"",
        "between",
        "all others",
    ),
    ("bit_flips = \"device:1\"", "bit_flips", "this version has no `bit_flips`"),
    ("crash = \"node:2\"\nmoon = 1", "moon", "unknown field `moon`"),
    ("crash = 2", "crash", "invalid type"),
    ("crash = \"node:2\"\nmay_miss = 1", "may_miss", "invalid type"),
];

#[test]
fn what_makes_no_fault_is_refused_with_its_key() {
    for (written, key, why) in REFUSED {
        refused(CRASH, written, &format!("fault[2].{key}"), why);
    }
    refused(CRASH, "crash = \"node:*\"", "fault[2]", "drawn");
    refused(CRASH, "crash = \"node:2\"\npower = \"node:2\"", "fault[2]", "exactly one of");
    refused(CRASH, "latency = 0.5\non = \"zone:1\"", "fault[2].latency", "invalid type");
}

#[test]
fn links_may_jitter_and_lose_and_connections_start_slowly() {
    let from = "cross_region = { latency = \"20ms\",";
    let to = "slow_start = true\ncross_region = { latency = \"20ms\", \
              jitter = \"exponential 100us\", loss = \"0.1 %\",";
    let scenario = changed(from, to).unwrap();
    let link = &scenario.network.cross_region;
    assert_eq!(link.jitter, Jitter::Exponential { mean: Duration::from_micros(100) });
    assert_eq!(link.loss, chance("0.001"));
    assert!(scenario.network.slow_start);
    let uniform = changed(from, "cross_region = { latency = \"20ms\", jitter = \"uniform 200us\",");
    let max = Duration::from_micros(200);
    assert_eq!(uniform.unwrap().network.cross_region.jitter, Jitter::Uniform { max });
    for (key, value, why) in [
        ("jitter", "200us", "no kind of jitter"),
        ("jitter", "uniform", "length of time"),
        ("jitter", "normal 1ms", "no kind of jitter"),
        ("loss", "2", "probability"),
        ("loss", "100 %", "everything"),
    ] {
        let to = format!("cross_region = {{ latency = \"20ms\", {key} = \"{value}\",");
        refused(from, &to, &format!("network.cross_region.{key}"), why);
    }
}

#[test]
fn machines_may_have_small_disks_and_run_few_sessions() {
    let from = "seek = \"100us\" }";
    let to = "seek = \"100us\", capacity = \"1 TB\" }\nsessions = 2\nqueued = 0\nstart = \"1ms\"\ncompile = \"1 MB/s\"";
    let scenario = changed(from, to).unwrap();
    assert_eq!(scenario.node.disk.capacity, Some(1_000_000_000_000));
    let sessions = scenario.node.sessions;
    assert_eq!((sessions.running, sessions.queued), (2, 0));
    assert_eq!(sessions.startup(500_000), ms(501));
    assert_eq!(scenario.worker, scenario.node);
    let unsaid = changed(from, from).unwrap().node;
    assert_eq!((unsaid.sessions.running, unsaid.sessions.queued), (10, 3));
    assert_eq!(unsaid.disk.capacity, None);
    refused(from, "seek = \"100us\", capacity = \"much\" }", "node.disk.capacity", "size");
    refused(from, "seek = \"100us\" }\nsessions = 0", "node.sessions", "out of bounds");
    refused(from, "seek = \"100us\" }\nstart = \"5\"", "node.start", "length of time");
}
