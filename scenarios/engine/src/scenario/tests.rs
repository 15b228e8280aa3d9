//! The documents' example, and each way in which a scenario can be refused.

use std::path::{Path, PathBuf};
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::quantity::Decimal;

const BANANA: &str = include_str!("../../../banana.toml");

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../banana.toml")
}

fn parse(text: &str) -> Result<Scenario, ScenarioError> {
    Scenario::parse(text, &file())
}

/// The banana scenario with one thing changed.
pub(super) fn changed(from: &str, to: &str) -> Result<Scenario, ScenarioError> {
    assert!(BANANA.contains(from), "{from} is not in the scenario");
    parse(&BANANA.replacen(from, to, 1))
}

pub(super) fn refused(from: &str, to: &str, key: &str, why: &str) {
    let error = changed(from, to).expect_err(to);
    assert_eq!(error.key, key, "{error}");
    assert!(error.why.contains(why), "{error}");
    assert!(!error.fix.is_empty(), "{error}");
    let line = error.line.expect("a flaw of a key has a line");
    let named = error.to_string();
    assert!(named.contains(&format!("banana.toml:{line}: {key}: ")), "{named}");
}

#[test]
fn the_example_of_the_documents_reads_as_it_says() {
    let scenario = parse(BANANA).unwrap();
    assert_eq!(scenario.name, "banana");
    assert_eq!(scenario.cluster.clients, 4);
    assert_eq!(scenario.node.nic.get(), 1_250_000_000);
    assert_eq!(scenario.worker, scenario.node);
    assert_eq!(scenario.network.cross_zone.latency, Duration::from_micros(500));
    assert_eq!(scenario.network.cross_zone.trunk.unwrap().get(), 5_000_000_000);
    assert_eq!(scenario.network.client.trunk, None);
    assert_eq!(scenario.data.len(), 17);
    assert_eq!(scenario.data[0].name.to_string(), "demo/log-01.txt");
    assert_eq!(scenario.data[15].name.to_string(), "demo/log-16.txt");
    assert_eq!(
        scenario.data[0].content,
        Content::Generate { kind: Generator::Log, size: Size::Fixed(8 << 20) }
    );
    assert_eq!(scenario.data[16].content_type, "application/wasm");
    let work = &scenario.work[0];
    assert_eq!((work.objects.len(), work.runs), (16, 64));
    assert_eq!(work.pick, Pick::Zipf(Decimal::parse("1").unwrap()));
    assert_eq!(work.arrivals, Arrivals::Poisson { per_second: Decimal::parse("20").unwrap() });
    assert_eq!(scenario.policies, Policy::DEFAULT);
    assert_eq!(scenario.expect.len(), 3);
}

#[test]
fn faults_keep_their_times_places_and_lines() {
    let scenario = parse(BANANA).unwrap();
    let [partition, crash] = scenario.faults.as_slice() else { panic!("two faults") };
    assert_eq!(partition.kind.to_string(), "partition of zone:3 from all others");
    assert_eq!(partition.at, Duration::from_millis(500));
    assert_eq!(partition.to_string(), "partition of zone:3 from all others at 500ms for 2s");
    assert_eq!(crash.kind.to_string(), "crash of node:2");
    assert_eq!(crash.for_, Duration::from_secs(3));
    let line = BANANA.lines().position(|line| line.contains("crash =")).unwrap();
    assert!((line.saturating_sub(3)..=line).contains(&crash.line.unwrap()), "{:?}", crash.line);
}

#[test]
fn what_is_left_out_is_as_in_the_example() {
    let short = "name = \"x\"\n[[data]]\npath = \"swift://~/demo/a\"\ngenerate = \"log\"\nsize = \"1 kB\"\n\
                 [[work]]\njob = \"jobs/banana.json\"\nobjects = \"swift://~/demo/a\"\n";
    let (short, full) = (parse(short).unwrap(), parse(BANANA).unwrap());
    assert_eq!(short.cluster, full.cluster);
    assert_eq!(short.node, full.node);
    assert_eq!(short.network, full.network);
    assert_eq!(short.work[0].pick, full.work[0].pick);
    assert_eq!(short.work[0].arrivals, full.work[0].arrivals);
    assert_eq!(short.policies, full.policies);
}

#[test]
fn a_worker_differs_from_a_node_only_where_it_says_so() {
    let scenario =
        changed("[network]", "[worker]\ncores = 2\ndisk = { read = \"1 GB/s\" }\n[network]");
    let scenario = scenario.unwrap();
    assert_eq!(scenario.worker.cores, 2);
    assert_eq!(scenario.worker.disk.read.get(), 1_000_000_000);
    assert_eq!(scenario.worker.disk.write, scenario.node.disk.write);
    assert_eq!(scenario.worker.nic, scenario.node.nic);
}

#[test]
fn the_drawn_object_takes_its_place_in_the_job() {
    let work = &parse(BANANA).unwrap().work[0];
    let job = work.job_for(0, &ObjectName::parse("demo/a\"b\\c.txt").unwrap());
    let json: serde_json::Value = serde_json::from_str(&job).unwrap();
    assert_eq!(json[0]["devices"][1]["path"], "swift://~/demo/a\"b\\c.txt");
}

#[test]
fn an_inline_job_is_taken_as_it_is() {
    let inline =
        changed("\"jobs/banana.json\"", "'[{\"name\": \"x\", \"exec\": {\"path\": \"y\"}}]'");
    assert!(inline.unwrap().work[0].jobs[0].text.starts_with("[{"));
}

#[test]
fn a_users_own_file_takes_the_place_of_an_object_or_joins_the_drawn_ones() {
    let mut scenario = parse(BANANA).unwrap();
    scenario.put_file(ObjectName::parse("demo/log-03.txt").unwrap(), PathBuf::from("mine"));
    assert_eq!(scenario.data.len(), 17);
    assert_eq!(scenario.data[2].content, Content::File(PathBuf::from("mine")));
    scenario.put_file(ObjectName::parse("demo/log-new.txt").unwrap(), PathBuf::from("mine"));
    scenario.put_file(ObjectName::parse("demo/other").unwrap(), PathBuf::from("mine"));
    assert_eq!(scenario.data.len(), 19);
    assert_eq!(scenario.work[0].objects.len(), 17);
}

#[test]
fn unknown_keys_and_wrong_types_name_their_line() {
    refused("zones = 3", "zoness = 3", "cluster.zoness", "unknown field");
    refused("zones = 3", "zones = \"three\"", "cluster.zones", "invalid type");
    refused("at = \"500ms\"", "at = 0.5", "fault[1].at", "invalid type");
    let error = parse("name = ").unwrap_err();
    assert_eq!(error.line, Some(1), "{error}");
    let error = parse("").unwrap_err();
    assert!(error.why.contains("missing field `name`"), "{error}");
}

#[test]
fn counts_are_bounded() {
    refused("zones = 3", "zones = 0", "cluster.zones", "out of bounds");
    refused("clients = 4", "clients = -1", "cluster.clients", "out of bounds");
    refused("part_power = 8", "part_power = 33", "cluster.part_power", "out of bounds");
    let ring = "replicas = 5\npart_power = 24";
    refused("replicas = 3\npart_power = 8", ring, "cluster.part_power", "entries");
    refused("replicas = 3", "replicas = 13", "cluster.replicas", "do not fit");
    refused("nodes_per_zone = 2", "nodes_per_zone = 9999", "cluster.nodes_per_zone", "in all");
    refused("runs = 64", "runs = 10000000", "work[1].runs", "out of bounds");
    refused("count = 16", "count = 200000", "data[1].count", "out of bounds");
    refused("size = \"8 MiB\"", "size = \"1 TiB\"", "data[1].size", "4 GiB");
    refused("for = \"2s\"", "for = \"48h\"", "fault[1].for", "longer than a day");
}

#[test]
fn quantities_show_the_right_form() {
    refused("\"1e9\"", "\"fast\"", "node.fuel_per_second", "`fast`");
    refused("\"10 Gbit/s\"", "\"10 Gbit\"", "node.nic", "`10 Gbit`");
    refused("read = \"500 MB/s\"", "read = \"\"", "node.disk.read", "is not a rate");
    refused("\"20ms\"", "\"20\"", "network.cross_region.latency", "length of time");
    refused("\"8 MiB\"", "\"8 MeB\"", "data[1].size", "is not a size");
}

#[test]
fn data_sections_say_one_source_for_each_object() {
    refused("generate = \"log\"", "generate = \"cats\"", "data[1].generate", "no generator");
    refused("generate = \"log\"", "generate = \"records\"", "data[1].size", "records of 100");
    refused("count = 16", "file = \"x\"", "data[1]", "one of `generate`, `file` and `tar`");
    refused("count = 16", "count = 16\ntar = []", "data[1].tar", "does not go with");
    let file = "file = \"../runtime/guests/linecount.wasm\"";
    refused(file, "tar = [\"a/x\", \"b/x\"]", "data[2].tar", "called x");
    refused(file, "tar = [\"..\"]", "data[2].tar", "is no file");
    refused("count = 16\n", "", "data[1].count", "missing");
    refused("log-*.txt\"     #", "log.txt\" #", "data[1].path", "no `*`");
    refused("swift://~/demo/linecount.wasm", "swift://~/demo/log-01.txt", "data[2].path", "twice");
    refused("swift://~/demo/linecount.wasm", "swift://bob/demo/x", "data[2].path", "own account");
    refused("size = \"8 MiB\"", "", "data[1].size", "missing");
}

#[test]
fn images_have_names_that_jobs_can_use_and_keep_their_lines() {
    let images = "[images]\npython = \"p.tar\"\n\"python2.7\" = \"q.tar\"\n\n[network]";
    let scenario = changed("[network]", images).unwrap();
    let [first, second] = scenario.images.as_slice() else { panic!("two images") };
    assert_eq!((first.name.as_str(), second.name.as_str()), ("python", "python2.7"));
    assert_eq!(second.file, file().with_file_name("q.tar"));
    assert_eq!(second.line, first.line.map(|line| line + 1));
    assert_eq!(second.fix(), "build it: stayput image python");
    refused(
        "[network]",
        "[images]\nstdin = \"x\"\n[network]",
        "images",
        "cannot be a system image",
    );
    refused("[network]", "[images]\npython = 3\n[network]", "images.python", "invalid type");
}

#[test]
fn work_sections_name_jobs_and_objects_that_exist() {
    refused("jobs/banana.json", "jobs/none.json", "work[1].job", "cannot read the job file");
    refused("jobs/banana.json", "banana.toml", "work[1].job", "is no JSON");
    refused("\"jobs/banana.json\"", "'[{]'", "work[1].job", "is no JSON");
    refused(
        "objects = \"swift://~/demo/log-*",
        "objects = \"swift://~/demo/cat-*",
        "work[1].objects",
        "no [[data]] object",
    );
    refused("zipf 1.0", "zipf -1", "work[1].pick", "exponent");
    refused("zipf 1.0", "best", "work[1].pick", "no way to pick");
    refused("poisson 20/s", "poisson 0/s", "work[1].arrivals", "rate");
    refused("poisson 20/s", "often", "work[1].arrivals", "no kind of arrivals");
}

#[test]
fn faults_hit_places_that_exist() {
    refused("zone:3\"]", "zone:4\"]", "fault[1].partition", "the cluster has 3");
    refused("zone:3\"]", "zone:0\"]", "fault[1].partition", "does not exist");
    refused("zone:3\"]", "device:1\"]", "fault[1].partition", "no network");
    refused("zone:3\"]", "moon\"]", "fault[1].partition", "not the name of a place");
    refused("[\"zone:3\"] ", "[] ", "fault[1].partition", "empty side");
    refused("crash = \"node:2\"", "crash = \"zone:2\"", "fault[2].crash", "single machine");
    refused("crash = \"node:2\"", "crash = \"node:7\"", "fault[2].crash", "the cluster has 6");
    refused("crash = \"node:2\"", "clock = 1", "fault[2].clock", "this version has no `clock`");
    refused("crash = \"node:2\"", "may_miss = true", "fault[2]", "exactly one of");
    refused(
        "crash = \"node:2\"",
        "crash = \"node:2\"\none_way = true",
        "fault[2].one_way",
        "goes with partition, latency, loss, flap only",
    );
    refused(
        "crash = \"node:2\"",
        "between = [[\"zone:1\"], [\"zone:1\"]]",
        "fault[2].between",
        "on both sides",
    );
    refused("for = \"3s\"", "for = \"0s\"", "fault[2].for", "zero");
}

#[test]
fn policies_and_promises_are_known_ones() {
    refused("\"download\"]", "\"magic\"]", "compare.policies", "`magic`");
    let error = changed("\"download\"]", "\"magic\"]").unwrap_err();
    assert!(error.fix.contains("on-storage, download"), "{error}");
    refused("\"download\"]", "\"on-storage\"]", "compare.policies", "twice");
    refused("workers = 2", "workers = 0", "cluster.workers", "download");
    refused("\">= 0.99\"", "\"much\"", "expect.saved_ratio", "no comparison");
    let expect = |line: &str, key: &str, why: &str| {
        refused("failed = 0", &format!("failed = 0\n{line}"), &format!("expect.{key}"), why);
    };
    expect("p98_us = 1", "p98_us", "is no figure");
    expect("\"magic.p99_us\" = 1", "magic.p99_us", "`magic` is not a policy");
    expect("\"download.p98_us\" = 1", "download.p98_us", "`p98_us` is no figure");
    expect("download.p98_us = 1", "download.p98_us", "`p98_us` is no figure");
    expect("\"download.saved_ratio\" = 1", "download.saved_ratio", "already");
    expect("\"failed.failed\" = 0", "failed.failed", "`failed` is not a policy");
    expect("ok = 0.5", "ok", "neither a text nor a whole number");
    let twice = "\"download.ok\" = 1\ndownload.ok = 1";
    expect(twice, "download.ok", "said twice");
}

#[test]
fn a_later_scenario_is_not_too_large_to_say_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.toml");
    std::fs::write(&path, vec![b'#'; (1 << 20) + 1]).unwrap();
    assert!(Scenario::load(&path).unwrap_err().why.contains("larger than 1 MiB"));
    let missing = Scenario::load(&folder.path().join("none.toml")).unwrap_err();
    assert!(missing.why.contains("cannot read"), "{missing}");
}

#[test]
fn deep_nesting_is_an_error_and_no_overflow() {
    let deep = format!("name = {}", "[".repeat(100_000));
    assert!(parse(&deep).is_err());
    let keys = format!("{}x = 1", "a.".repeat(100_000));
    assert!(parse(&keys).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn arbitrary_text_is_refused_without_a_panic(text in ".{0,400}") {
        prop_assert!(parse(&text).is_err());
    }

    #[test]
    fn a_scenario_with_a_piece_cut_out_never_panics(
        from in 0_usize..BANANA.len(),
        length in 1_usize..40,
        put in "[a-z0-9\"\\[\\]{}=:*\n -]{0,8}",
    ) {
        let bytes = BANANA.as_bytes();
        let end = (from + length).min(bytes.len());
        let mut text = bytes[..from].to_vec();
        text.extend_from_slice(put.as_bytes());
        text.extend_from_slice(&bytes[end..]);
        let _ = parse(&String::from_utf8_lossy(&text));
    }
}
