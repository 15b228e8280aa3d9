//! Every bound of a scenario, just inside and just outside: the last value that is taken, and for
//! the first that is not the key, its line and the fix. The same by settings of the command line.

use std::path::PathBuf;

use super::*;

/// A scenario with one section of each kind, and as few of everything as there may be.
const BASE: &str = r#"name = "base"
[cluster]
regions = 1
zones = 1
nodes_per_zone = 1
devices_per_node = 64
replicas = 1
part_power = 1
[node]
[node.disk]
[worker]
[worker.disk]
[network.same_zone]
[network.cross_zone]
[network.cross_region]
[network.client]
[network.worker]
[[data]]
path = "swift://~/demo/log-*"
count = 1
generate = "log"
size = "1 kB"
[[work]]
jobs = [{ job = "[]" }]
objects = "swift://~/demo/log-*"
[[load]]
rate = "poisson 1/s"
objects = "swift://~/demo/log-*"
[[fault]]
at = "1s"
for = "1s"
crash = "node:1"
[compare]
policies = ["on-storage"]
"#;

fn file() -> PathBuf {
    PathBuf::from("base.toml")
}

/// The base with a key of a section set, and the line of that key.
fn with(section: &str, key: &str, value: &str) -> (String, usize) {
    let header = format!("[{section}]");
    let mut lines: Vec<&str> = BASE.lines().collect();
    let at = lines.iter().position(|line| line.trim_matches(['[', ']']) == section);
    let at = at.unwrap_or_else(|| panic!("the base has no {header}"));
    let end = lines[at + 1..].iter().position(|line| line.starts_with('['));
    let end = end.map_or(lines.len(), |end| at + 1 + end);
    let old = (at + 1..end).find(|line| lines[*line].starts_with(&format!("{key} = ")));
    if let Some(old) = old {
        lines.remove(old);
    }
    let line = format!("{key} = {value}");
    lines.insert(at + 1, &line);
    (lines.join("\n"), at + 2)
}

/// Flawed key as messages name it: sections of one name count from 1.
fn named(section: &str, key: &str) -> String {
    let is_list = BASE.contains(&format!("[[{section}]]"));
    if is_list { format!("{section}[1].{key}") } else { format!("{section}.{key}") }
}

fn assert_taken(section: &str, key: &str, value: &str) {
    let (text, _) = with(section, key, value);
    if let Err(error) = Scenario::parse(&text, &file()) {
        panic!("{section}.{key} = {value} is within its bounds: {error}");
    }
}

/// Asserts that the value is refused at its line, with that reason and fix.
fn assert_refused(section: &str, key: &str, value: &str, (why, fix): (&str, &str)) {
    let (text, line) = with(section, key, value);
    let Err(error) = Scenario::parse(&text, &file()) else {
        panic!("{section}.{key} = {value} is beyond its bounds")
    };
    assert_eq!(error.key, named(section, key), "{error}");
    assert_eq!(error.line, Some(line), "{error}");
    assert!(error.why.contains(why), "{error}");
    assert!(error.fix.contains(fix), "{error}");
    assert_eq!(
        error.to_string(),
        format!("base.toml:{line}: {}: {} ({})", error.key, error.why, error.fix)
    );
}

/// Whole numbers: section, key, the least and the greatest.
const WHOLE: &[(&str, &str, i64, i64)] = &[
    ("cluster", "regions", 1, 10_000),
    ("cluster", "zones", 1, 10_000),
    ("cluster", "nodes_per_zone", 1, 10_000),
    ("cluster", "devices_per_node", 1, 64),
    ("cluster", "replicas", 1, 16),
    ("cluster", "part_power", 1, 24),
    ("cluster", "proxies", 1, 10_000),
    ("cluster", "workers", 0, 10_000),
    ("cluster", "workers_zone", 1, 1),
    ("cluster", "clients", 1, 10_000),
    ("node", "cores", 1, 1_024),
    ("node", "sessions", 1, 10_000),
    ("node", "queued", 0, 10_000),
    ("worker", "cores", 1, 1_024),
    ("worker", "sessions", 1, 10_000),
    ("worker", "queued", 0, 10_000),
    ("data", "count", 1, 100_000),
    ("work", "runs", 1, 1_000_000),
];

#[test]
fn whole_numbers_are_taken_within_their_bounds_and_refused_beside_them() {
    for (section, key, least, most) in WHOLE {
        assert_taken(section, key, &least.to_string());
        assert_taken(section, key, &most.to_string());
        let fix = format!("write a number from {least} to {most}");
        for outside in [*least - 1, *most + 1, -1, i64::MIN, i64::MAX] {
            let why = format!("{outside} is out of bounds");
            assert_refused(section, key, &outside.to_string(), (&why, &fix));
        }
    }
}

/// Lengths of time, of a day at most.
const TIMES: &[(&str, &str)] = &[
    ("cluster", "replicate"),
    ("node", "start"),
    ("node.disk", "seek"),
    ("worker", "start"),
    ("worker.disk", "seek"),
    ("network.same_zone", "latency"),
    ("network.cross_zone", "latency"),
    ("network.cross_region", "latency"),
    ("network.client", "latency"),
    ("network.worker", "latency"),
    ("fault", "at"),
    ("fault", "for"),
];

#[test]
fn times_are_a_day_at_most() {
    for (section, key) in TIMES {
        assert_taken(section, key, "\"24h\"");
        let refused = ("is longer than a day", "write a shorter time");
        assert_refused(section, key, "\"86400000000001ns\"", refused);
        assert_refused(section, key, "\"1 day\"", ("is not a length of time", "such as \"250us\""));
    }
    for class in ["same_zone", "cross_zone", "cross_region", "client", "worker"] {
        let section = format!("network.{class}");
        for shape in ["uniform", "exponential"] {
            assert_taken(&section, "jitter", &format!("\"{shape} 86400s\""));
            let refused = ("is longer than a day", "write a shorter time");
            assert_refused(&section, "jitter", &format!("\"{shape} 86401s\""), refused);
        }
    }
}

#[test]
fn the_least_values_are_taken_and_those_below_refused() {
    let pause = ("is shorter than 100ms", "leave it out");
    assert_taken("cluster", "replicate", "\"100ms\"");
    assert_refused("cluster", "replicate", "\"99999999ns\"", pause);
    for (section, key) in [("node", "nic"), ("node.disk", "read"), ("worker.disk", "write")] {
        assert_taken(section, key, "\"1 B/s\"");
        let refused = ("is not a rate above zero", "500 MB/s");
        assert_refused(section, key, "\"0 B/s\"", refused);
        assert_refused(section, key, "\"7 bit/s\"", refused);
    }
    assert_taken("node", "fuel_per_second", "\"1\"");
    assert_refused("node", "fuel_per_second", "\"0\"", ("above zero", "\"1e9\""));
    assert_refused("node", "fuel_per_second", "\"0.5\"", ("is not a whole number", "\"1e9\""));
    assert_taken("node.disk", "capacity", "\"0\"");
    assert_refused("node.disk", "capacity", "\"0.5 B\"", ("is not a size", "8 MiB"));
    assert_taken("fault", "for", "\"1ns\"");
    assert_refused("fault", "for", "\"0s\"", ("is zero", "write how long"));
}

#[test]
fn shares_are_from_nothing_to_all() {
    assert_taken("network.client", "loss", "\"0\"");
    assert_taken("network.client", "loss", "\"0.999999999\"");
    assert_refused("network.client", "loss", "\"100 %\"", ("loses everything", "less than 100 %"));
    let refused = ("is not a probability", "\"0.1 %\"");
    assert_refused("network.client", "loss", "\"1.000000001\"", refused);
    assert_refused("network.client", "loss", "\"0.0000000001\"", refused);
    for inside in ["0", "1", "0.5", "\"90 %\"", "\"1e-9\""] {
        assert_taken("load", "read", inside);
    }
    for outside in ["2", "-1", "1.01", "\"101 %\""] {
        assert_refused("load", "read", outside, ("is not a probability", "read = 0.9"));
    }
}

#[test]
fn shapes_of_draws_have_bounds_of_their_own() {
    let runs = |value: &str| format!("\"{value}\"");
    let picks = ("the exponent is not from 0 to 8", "zipf 1.0");
    for (section, key, inside, outside, refused) in [
        ("work", "pick", vec!["zipf 0", "zipf 8"], vec!["zipf 8.000001", "zipf -0.1"], picks),
        ("load", "pick", vec!["zipf 0", "zipf 8"], vec!["zipf 9"], picks),
        (
            "work",
            "arrivals",
            vec!["poisson 1000000/s", "poisson 0.000001/s"],
            vec!["poisson 1000000.1/s", "poisson 0.0000001/s", "poisson 0/s", "poisson -1/s"],
            ("the rate is not from 0.000001 to 1000000 per second", "poisson 20/s"),
        ),
        (
            "work",
            "arrivals",
            vec!["bursts 1/s of 1", "bursts 1/s of 100000"],
            vec!["bursts 1/s of 0", "bursts 1/s of 100001"],
            ("is out of bounds", "write a number from 1 to 100000"),
        ),
        (
            "work",
            "arrivals",
            vec!["bursts 1/s of 2 within 24h"],
            vec!["bursts 1/s of 2 within 86401s"],
            ("over more than a day", "bursts 5/s of 8"),
        ),
        (
            "data",
            "size",
            vec!["lognormal 1 MiB sigma 8", "lognormal 1 MiB sigma 0.000001"],
            vec!["lognormal 1 MiB sigma 8.000001", "lognormal 1 MiB sigma 0.0000001"],
            ("is not above 0, up to 8", "sigma 1.0"),
        ),
        (
            "data",
            "size",
            vec!["pareto 1 MiB alpha 100", "pareto 64 MiB alpha 1"],
            vec!["pareto 1 MiB alpha 100.1", "pareto 1 MiB alpha 0"],
            ("is not above 0, up to 100", "alpha 1.5"),
        ),
        (
            "data",
            "size",
            vec!["uniform 1 B..4 GiB", "uniform 5 B..5 B"],
            vec!["uniform 1 B..4294967297 B"],
            ("is above 4 GiB", "write a smaller size"),
        ),
        (
            "data",
            "size",
            vec!["0", "4 GiB"],
            vec!["4294967297"],
            ("more than 4 GiB of data in all", "smaller or fewer"),
        ),
        (
            "load",
            "size",
            vec!["4 GiB", "uniform 1 B..4 GiB"],
            vec!["uniform 0 B..4 GiB"],
            ("begins at nothing", "1 B or more"),
        ),
    ] {
        for value in inside {
            assert_taken(section, key, &runs(value));
        }
        for value in outside {
            assert_refused(section, key, &runs(value), refused);
        }
    }
}

#[test]
fn all_objects_together_are_bounded_as_one_is() {
    // 4 GiB in 64 objects, and a byte more.
    let sized = |size: &str| {
        let (text, line) = with("data", "size", size);
        (text.replace("count = 1", "count = 64"), line)
    };
    let (text, _) = sized("\"64 MiB\"");
    Scenario::parse(&text, &file()).expect("it is just as much as there may be");
    let (text, line) = sized("67108865");
    let error = Scenario::parse(&text, &file()).expect_err("it is more");
    assert_eq!((error.key.as_str(), error.line), ("data[1].size", Some(line)));
}

#[test]
fn a_ring_has_no_more_entries_than_its_bound() {
    let ring = |replicas: u32| BASE.replace("replicas = 1", &format!("replicas = {replicas}"));
    let ring = |replicas| ring(replicas).replace("part_power = 1", "part_power = 24");
    Scenario::parse(&ring(4), &file()).expect("it is just as large as a ring may be");
    let error = Scenario::parse(&ring(5), &file()).expect_err("it is larger");
    assert_eq!((error.key.as_str(), error.line), ("cluster.part_power", Some(8)));
    assert!(error.why.contains("more than 67108864 entries"), "{error}");
}

#[test]
fn all_nodes_and_copies_are_counted_together() {
    let cluster = |regions: u32, zones: u32, nodes: u32, replicas: u32, devices: u32| {
        let text = BASE
            .replace("regions = 1", &format!("regions = {regions}"))
            .replace("zones = 1", &format!("zones = {zones}"))
            .replace("nodes_per_zone = 1", &format!("nodes_per_zone = {nodes}"))
            .replace("devices_per_node = 64", &format!("devices_per_node = {devices}"))
            .replace("replicas = 1", &format!("replicas = {replicas}"));
        Scenario::parse(&text, &file())
    };
    assert!(cluster(10, 10, 100, 1, 1).is_ok());
    for (regions, zones, nodes) in [(10, 10, 101), (10_000, 10_000, 10_000), (73, 137, 2)] {
        let error = cluster(regions, zones, nodes, 1, 1).expect_err("there are too many");
        let all = u64::from(regions) * u64::from(zones) * u64::from(nodes);
        assert_eq!(error.key, "cluster.nodes_per_zone");
        assert!(error.why.contains(&format!("makes {all} nodes in all")), "{error}");
    }
    assert!(cluster(1, 2, 3, 12, 2).is_ok(), "there is a device for each copy");
    let error = cluster(1, 2, 3, 13, 2).expect_err("there is one too few");
    assert_eq!((error.key.as_str(), error.line), ("cluster.replicas", Some(7)));
    assert_eq!(error.why, "13 copies do not fit on 12 devices");
}

#[test]
fn lists_have_as_many_sections_as_their_bounds_say() {
    let section = |name: &str| {
        let (_, rest) = BASE.split_once(&format!("[[{name}]]")).expect("it is there");
        let body = rest.split_once("\n[").map_or(rest, |(body, _)| body);
        format!("\n[[{name}]]{body}")
    };
    for (name, most) in [("work", 100), ("load", 20), ("fault", 1_000)] {
        let of = |count: usize| format!("{BASE}{}", section(name).repeat(count - 1));
        Scenario::parse(&of(most), &file()).unwrap_or_else(|error| panic!("{error}"));
        let error = Scenario::parse(&of(most + 1), &file()).expect_err("one too many");
        assert_eq!(error.key, name);
        assert_eq!(error.why, format!("there are more than {most}"));
    }
    let jobs = |count: usize| format!("[{}]", vec!["{ job = \"[]\" }"; count].join(", "));
    assert_taken("work", "jobs", &jobs(100));
    assert_refused("work", "jobs", &jobs(101), ("there are more than 100", "write fewer"));
}

#[test]
fn jobs_of_all_sections_are_counted_together() {
    let (first, _) = with("work", "runs", "999999");
    let more = |runs: u32| {
        format!("{first}\n[[work]]\njob = \"[]\"\nobjects = \"demo/log-*\"\nruns = {runs}\n")
    };
    Scenario::parse(&more(1), &file()).expect("they are just as many as there may be");
    let error = Scenario::parse(&more(2), &file()).expect_err("one too many");
    assert_eq!(error.key, "work[2].runs");
    assert_eq!(error.line, Some(more(2).lines().count()));
    assert!(error.why.contains("more than 1000000 jobs in all"), "{error}");
}

#[test]
fn weights_and_descriptions_are_bounded() {
    let weighed =
        |weight: &str| format!("[{{ job = \"[]\" }}, {{ job = \"[]\", weight = {weight} }}]");
    for weight in ["0", "1000000"] {
        assert_taken("work", "jobs", &weighed(weight));
    }
    for weight in ["-1", "1000001"] {
        let (text, line) = with("work", "jobs", &weighed(weight));
        let error = Scenario::parse(&text, &file()).expect_err(weight);
        assert_eq!((error.key.as_str(), error.line), ("work[1].jobs[2].weight", Some(line)));
        assert!(error.fix.contains("from 0 to 1000000"), "{error}");
    }
    let description = |bytes: usize| format!("[{{ job = '[{}]' }}]", " ".repeat(bytes - 2));
    assert_taken("work", "jobs", &description(64 << 10));
    let (text, line) = with("work", "jobs", &description((64 << 10) + 1));
    let error = Scenario::parse(&text, &file()).expect_err("it is too long");
    assert_eq!((error.key.as_str(), error.line), ("work[1].jobs[1].job", Some(line)));
    assert!(error.why.contains("over 64 KiB"), "{error}");
}

#[test]
fn a_scenario_file_is_read_up_to_its_bound() {
    let folder = tempfile::tempdir().expect("there is room");
    let path = folder.path().join("padded.toml");
    let padded = |bytes: u64| {
        let comment = "#".repeat(usize::try_from(bytes).expect("it fits") - BASE.len());
        std::fs::write(&path, format!("{BASE}{comment}")).expect("there is room");
        Scenario::load(&path)
    };
    assert!(padded(limits::MAX_SCENARIO_BYTES).is_ok());
    let error = padded(limits::MAX_SCENARIO_BYTES + 1).expect_err("it is a byte too long");
    assert_eq!((error.line, error.why.as_str()), (None, "is larger than 1 MiB"));
}

#[test]
fn repeated_and_drawn_faults_are_bounded() {
    let repeated = |times: &str| format!("\"1s\"\ntimes = {times}");
    assert_taken("fault", "every", &repeated("100000"));
    let (text, line) = with("fault", "every", &repeated("100001"));
    let error = Scenario::parse(&text, &file()).expect_err("it comes too often");
    assert_eq!((error.key.as_str(), error.line), ("fault[1].times", Some(line + 1)));
    let drawn = |rate: &str| format!("\"{rate}\"\nuntil = \"1001s\"");
    assert_taken("fault", "rate", &drawn("1/s"));
    assert_refused("fault", "rate", &drawn("1.001/s"), ("makes about 1001 faults", "smaller rate"));
    assert_taken("fault", "rate", &drawn("0.000001/s"));
    assert_refused("fault", "rate", &drawn("0.0000001/s"), ("at most six places", "\"0.5/s\""));
}

#[test]
fn names_are_taken_up_to_their_bounds() {
    let path = |container: usize, object: usize| {
        let (text, _) = with("data", "path", "\"x/y\"");
        let path = format!("{}/{}", "c".repeat(container), "o".repeat(object));
        let text = text.replace("\"x/y\"", &format!("\"{path}\"")).replace("demo/log-*", &path);
        Scenario::parse(&text.replace("swift://~/", ""), &file())
    };
    assert!(path(256, 1_024).is_ok());
    for (container, object) in [(257, 1), (1, 1_025)] {
        let error = path(container, object).expect_err("it is too long");
        assert_eq!(error.key, "data[1].path");
        assert!(error.why.contains("longer than Swift allows"), "{error}");
    }
}

/// The scenario without its settings and without lines, which a setting has none of.
fn shown(scenario: &Scenario) -> String {
    let same = Scenario { settings: Vec::new(), ..scenario.clone() };
    let mut text = String::new();
    for part in format!("{same:?}").split("line: ") {
        let rest = part.trim_start_matches("None").trim_start_matches("Some(");
        text.push_str(rest.trim_start_matches(|c: char| c.is_numeric() || c == ')'));
    }
    text
}

fn set(key: &str, value: &str) -> Result<Scenario, ScenarioError> {
    let settings = [Setting::new(key, value).unwrap_or_else(|error| panic!("{error}"))];
    Scenario::parse_with(BASE, &file(), &settings, &ScenarioCatalog::default())
}

#[test]
fn a_setting_does_what_the_key_in_the_file_does_within_bounds_and_beside_them() {
    for (section, key, least, most) in WHOLE {
        let path = named(section, key);
        for inside in [*least, (*least + 1).min(*most)] {
            let (text, _) = with(section, key, &inside.to_string());
            let written = Scenario::parse(&text, &file()).expect("it is within its bounds");
            let set = set(&path, &inside.to_string()).unwrap_or_else(|error| panic!("{error}"));
            assert!(shown(&set) == shown(&written), "{path} = {inside}");
        }
        for outside in [least - 1, most + 1] {
            let (text, _) = with(section, key, &outside.to_string());
            let written = Scenario::parse(&text, &file()).expect_err("it is beyond its bounds");
            let set = set(&path, &outside.to_string()).expect_err("it is beyond its bounds");
            let dotted = path.replace('[', ".").replace(']', "");
            assert_eq!(set.key, format!("--set {dotted}={outside}"));
            assert_eq!((set.why, set.fix, set.line), (written.why, written.fix, None));
        }
    }
    for (section, key) in TIMES {
        let path = named(section, key);
        let (text, _) = with(section, key, "\"1s\"");
        let written = Scenario::parse(&text, &file()).expect("it is within its bounds");
        let set = set(&path, "1s").unwrap_or_else(|error| panic!("{error}"));
        assert!(shown(&set) == shown(&written), "{path}");
    }
}
