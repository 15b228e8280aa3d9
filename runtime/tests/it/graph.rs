//! Sessions and pipes of a job: wildcards, groups and connections, by the rules of the job
//! language.

use stayput_runtime::job::{
    Account, JobGraph, JobPath, JobSession, Matches, ObjectPath, SESSIONS_MAX, parse,
};

/// The graph of a job of these nodes, in a store of these objects of the container `c` and
/// containers.
fn graph_in(nodes: &str, objects: &[&str], containers: &[&str]) -> Result<JobGraph, String> {
    let job = parse(format!("[{nodes}]").as_bytes()).map_err(|error| error.to_string())?;
    let mut matches = Matches::default();
    for pattern in job.wildcards() {
        let found = |container: &str, object: Option<&str>| {
            pattern
                .captures(container, object)
                .map(|_| ObjectPath::of_match(&Account::Own, container, object))
        };
        let objects = objects.iter().filter_map(|object| found("c", Some(object)));
        let containers = containers.iter().filter_map(|container| found(container, None));
        matches.insert(pattern.clone(), objects.chain(containers).collect());
    }
    job.graph(&matches).map_err(|error| error.to_string())
}

fn graph(nodes: &str) -> JobGraph {
    graph_in(nodes, &["a.txt", "b.txt", "d/e.txt"], &["c", "c2"]).expect("the job is good")
}

fn refused(nodes: &str) -> String {
    graph_in(nodes, &["a.txt", "b.txt", "d/e.txt"], &["c", "c2"]).expect_err("the job is bad")
}

fn node(name: &str, devices: &str, more: &str) -> String {
    format!(
        r#"{{"name": "{name}", "exec": {{"path": "swift://~/c/m.wasm"}}, "devices": [{devices}] {more}}}"#
    )
}

fn names(graph: &JobGraph) -> Vec<&str> {
    graph.sessions.iter().map(|session| session.name.as_str()).collect()
}

fn object(session: &JobSession, device: &str) -> String {
    let found = session.devices.iter().find(|it| it.name == device).expect("it has the device");
    match &found.path {
        JobPath::Object(path) => path.to_string(),
        path => format!("{path:?}"),
    }
}

/// The pipes as "session/device > session/device".
fn pipes(graph: &JobGraph) -> Vec<String> {
    let tip = |tip: stayput_runtime::job::PipeTip| {
        let session = &graph.sessions[tip.session];
        format!("{}/{}", session.name, session.devices[tip.device].name)
    };
    graph.pipes.iter().map(|pipe| format!("{} > {}", tip(pipe.from), tip(pipe.to))).collect()
}

const INPUT: &str = r#"{"name": "input", "path": "swift://~/c/*.txt"}"#;

#[test]
fn a_wildcard_makes_a_session_of_each_match_in_listing_order() {
    let graph = graph(&node("map", INPUT, r#", "count": 7"#));
    assert_eq!(names(&graph), ["map-1", "map-2", "map-3"], "count is ignored");
    assert_eq!(object(&graph.sessions[2], "input"), "swift://~/c/d/e.txt", "* matches slashes");
    assert_eq!(graph.gangs.len(), 3, "sessions without pipes have no need of each other");
}

#[test]
fn a_wildcard_with_one_match_still_numbers_its_session() {
    let devices = r#"{"name": "input", "path": "swift://~/c/a*"}"#;
    assert_eq!(names(&graph(&node("map", devices, ""))), ["map-1"]);
}

#[test]
fn a_wildcard_without_a_match_is_refused() {
    let devices = r#"{"name": "input", "path": "swift://~/c/*.bak"}"#;
    let why = refused(&node("map", devices, ""));
    assert!(why.contains("\"map\", field `devices[0].path`: swift://~/c/*.bak matches"), "{why}");
}

#[test]
fn what_a_wildcard_matched_goes_into_the_writable_paths_of_its_session() {
    let output = r#"{"name": "output", "path": "swift://~/out/*.count"}"#;
    let graph = graph(&node("map", &format!("{INPUT}, {output}"), ""));
    assert_eq!(object(&graph.sessions[0], "output"), "swift://~/out/a.count");
    assert_eq!(object(&graph.sessions[2], "output"), "swift://~/out/d/e.count");
}

#[test]
fn several_wildcards_of_a_node_go_together_by_what_they_matched() {
    let script = r#"{"name": "script", "path": "swift://~/c/*.tx*"}"#;
    let why = refused(&node("map", &format!("{INPUT}, {script}"), ""));
    assert!(why.contains("devices[1].path"), "{why}");
    let stdin = r#"{"name": "stdin", "path": "swift://~/c/d*.txt"}"#;
    let why = refused(&node("map", &format!("{INPUT}, {stdin}"), ""));
    assert!(why.contains("devices[1].path`: matches other texts"), "{why}");
    let same = r#"{"name": "stdin", "path": "swift://~/c/*.txt"}"#;
    let graph = graph(&node("map", &format!("{INPUT}, {same}"), ""));
    assert_eq!(object(&graph.sessions[1], "stdin"), "swift://~/c/b.txt");
}

#[test]
fn a_wildcard_of_a_container_alone_reads_the_listings() {
    let graph = graph(&node("list", r#"{"name": "input", "path": "swift://~/c*"}"#, ""));
    assert_eq!(names(&graph), ["list-1", "list-2"]);
    assert_eq!(object(&graph.sessions[1], "input"), "swift://~/c2");
}

#[test]
fn a_wildcard_in_a_writable_path_alone_takes_the_sessions_name() {
    let output = r#"{"name": "output", "path": "swift://~/out/*/*.txt"}"#;
    let one = graph(&node("sort", output, r#", "count": 1"#));
    assert_eq!(object(&one.sessions[0], "output"), "swift://~/out/sort/sort.txt");
    let two = graph(&node("sort", output, r#", "count": 2"#));
    assert_eq!(names(&two), ["sort-1", "sort-2"]);
    assert_eq!(object(&two.sessions[1], "output"), "swift://~/out/sort-2/sort-2.txt");
}

#[test]
fn connections_lead_from_each_session_of_a_node_to_each_of_the_other() {
    let graph = graph(&format!(
        "{}, {}, {}",
        node("map", INPUT, r#", "connect": ["red"]"#),
        node("red", "", r#", "count": 2, "connect": ["all"]"#),
        node("all", r#"{"name": "stdout"}"#, ""),
    ));
    let laid = pipes(&graph);
    assert_eq!(laid.len(), 3 * 2 + 2);
    assert_eq!(laid[0], "map-1/out/red-1 > red-1/in/map-1");
    assert_eq!(laid[7], "red-2/out/all > all/in/red-2");
    assert_eq!(graph.gangs.len(), 1);
    assert_eq!(graph.gangs[0].sessions, [0, 1, 2, 3, 4, 5]);
}

#[test]
fn a_group_connected_to_itself_sees_its_peers_and_not_itself() {
    let peers = graph(&node("ring", "", r#", "count": 3, "connect": ["ring"]"#));
    assert_eq!(peers.pipes.len(), 6);
    assert!(!pipes(&peers).contains(&"ring-1/out/ring-1 > ring-1/in/ring-1".to_owned()));
    let alone = graph(&node("ring", "", r#", "count": 1, "connect": ["ring"]"#));
    assert!(alone.pipes.is_empty(), "a group of one has no peers");
}

#[test]
fn a_path_to_a_node_joins_two_devices_and_makes_the_one_that_is_not_there() {
    let graph = graph(&format!(
        "{}, {}, {}",
        node("one", r#"{"name": "stdout", "path": "zvm://two:/dev/stdin"}"#, ""),
        node("two", r#"{"name": "stdout", "path": "zvm://three:/dev/sorted"}"#, ""),
        node("three", r#"{"name": "stdin", "path": "zvm://four:/dev/stdout"}"#, "")
            + ", "
            + &node("four", r#"{"name": "stdout"}"#, ""),
    ));
    assert_eq!(
        pipes(&graph),
        ["one/stdout > two/stdin", "two/stdout > three/sorted", "four/stdout > three/stdin",]
    );
    assert_eq!(graph.gangs.len(), 1);
}

#[test]
fn two_devices_that_name_each_other_are_one_pipe() {
    let graph = graph(&format!(
        "{}, {}",
        node(
            "one",
            r#"{"name": "stdout", "path": "zvm://two:/dev/stdin"}"#,
            r#", "connect": ["two"]"#
        ),
        node("two", r#"{"name": "stdin", "path": "zvm://one:/dev/stdout"}"#, ""),
    ));
    assert_eq!(pipes(&graph), ["one/stdout > two/stdin"], "it takes the place of /dev/out/two");
}

#[test]
fn a_path_to_a_node_is_refused_where_it_makes_no_sense() {
    let to = |devices: &str, others: &str| format!("{}, {others}", node("one", devices, ""));
    let two = node("two", "", "");
    let cases = [
        (
            to(r#"{"name": "output", "path": "zvm://two:/dev/stdin"}"#, &two),
            "read or written anywhere",
        ),
        (to(r#"{"name": "stdout", "path": "zvm://two:/dev/input"}"#, &two), "one must be read"),
        (to(r#"{"name": "stdout", "path": "zvm://two:/dev/stderr"}"#, &two), "one must be read"),
        (to(r#"{"name": "stdout", "path": "zvm://one:/dev/stdin"}"#, &two), "to itself"),
        (to(r#"{"name": "stdout", "path": "zvm://six:/dev/stdin"}"#, &two), "the node \"six\""),
        (
            to(
                r#"{"name": "stdout", "path": "zvm://two:/dev/stdin"}"#,
                &node("two", r#"{"name": "stdin", "path": "swift://~/c/a.txt"}"#, ""),
            ),
            "another path",
        ),
        (
            to(
                r#"{"name": "stdout", "path": "zvm://two:/dev/stdin"}, {"name": "stderr", "path": "zvm://two:/dev/stdin"}"#,
                &two,
            ),
            "to which another path leads",
        ),
        (
            to(
                r#"{"name": "stdout", "path": "zvm://two:/dev/stdin"}"#,
                &node("two", "", r#", "count": 2"#),
            ),
            "to several sessions",
        ),
    ];
    for (nodes, why) in cases {
        let said = refused(&nodes);
        assert!(said.contains("\"one\", field `devices[") && said.contains(why), "{said}");
    }
}

#[test]
fn a_gang_has_as_many_copies_as_any_of_its_nodes_wants() {
    let graph = graph(&format!(
        "{}, {}, {}",
        node("one", "", r#", "connect": ["two"], "replicate": 2"#),
        node("two", "", r#", "replicate": 3"#),
        node("lone", "", ""),
    ));
    let copies: Vec<u8> = graph.gangs.iter().map(|gang| gang.copies).collect();
    assert_eq!(copies, [3, 1]);
}

#[test]
fn sessions_of_one_name_are_refused() {
    let why = refused(&format!("{}, {}", node("a", "", r#", "count": 2"#), node("a-2", "", "")));
    assert!(why.contains("\"a-2\", field `name`"), "{why}");
}

#[test]
fn too_many_sessions_or_pipes_are_refused() {
    let why = refused(&node("many", "", &format!(r#", "count": {}"#, SESSIONS_MAX + 1)));
    assert!(why.contains("field `count`: makes more than 1000 sessions"), "{why}");
    let why = refused(&node("ring", "", r#", "count": 500, "connect": ["ring"]"#));
    assert!(why.contains("field `connect[0]`: makes more than 4096 connections"), "{why}");
}

#[test]
fn a_session_is_attached_to_the_object_that_its_wildcard_matched() {
    let graph = graph(&node("map", INPUT, ""));
    let attached = graph.sessions[1].attached.as_ref().expect("it reads an object");
    assert_eq!(attached.path.to_string(), "swift://~/c/b.txt");
    assert!(!attached.is_written);
}
