//! Plans of descriptions, and findings with their places to the character.

use super::*;

fn checked(text: &str) -> Checked {
    check(Path::new("job.json"), text.as_bytes())
}

fn said(text: &str) -> Vec<String> {
    checked(text).findings.iter().map(ToString::to_string).collect()
}

fn assert_said(text: &str, beginnings: &[&str]) {
    let said = said(text);
    assert_eq!(said.len(), beginnings.len(), "{text}\n  gave: {said:#?}");
    for (said, beginning) in said.iter().zip(beginnings) {
        assert!(said.starts_with(beginning), "{text}\n  gave: {said}\n  not:  {beginning}");
    }
}

#[test]
fn flaws_stand_where_their_fields_stand() {
    let text = "[\n  {\"name\": \"a\",\n   \"exec\": {\"path\": \"swift://~/c/x\", \"args\": [\"ä\", 7]},\n   \
                \"count\": 0, \"attach\": \"stdin\"},\n {\"name\": \"b\"},\n 7]";
    assert_said(
        text,
        &[
            "job.json:3:52: error: node \"a\", field `exec.args[1]`: must be a string",
            "job.json:4:4: error: node \"a\", field `count`: must be",
            "job.json:5:2: error: node \"b\", field `exec`: is missing",
            "job.json:6:2: error: node 2 (from 0), field `node`: must be an object",
        ],
    );
    assert!(checked(text).plan.is_none());
}

#[test]
fn what_is_no_json_has_its_place_too() {
    assert_said("[{\"name\":\n  }]", &["job.json:2:3: error: the job description is no JSON"]);
    assert_said("", &["job.json:1:1: error: the job description is no JSON: EOF"]);
    assert_said("7", &["job.json:1:1: error: the job, field `nodes`: must be a list"]);
    assert_said(&" ".repeat(70_000), &["job.json: error: the job description has 70000 bytes"]);
    assert_said(&"[".repeat(60_000), &["job.json:1:128: error: the job description is no JSON"]);
}

#[test]
fn what_is_accepted_without_effect_is_warned_of() {
    let text = r#"[{"name": "a", "name": "b", "exec": {"path": "tool"}, "conect": ["b"],
        "devices": [{"name": "stdin"}]},
        {"name": "c", "exec": {"path": "file://python:python"}}]"#;
    assert_said(
        text,
        &[
            "job.json:2:21: warning: node \"b\", field `devices[0].path`: is missing",
            "job.json:1:55: warning: node \"b\", field `conect`: is no field of a node",
            "job.json:1:16: warning: field `name` is here for the second time",
            "job.json: warning: node \"b\", field `exec.path`: \"tool\" is a file of an image",
            "job.json: warning: node \"c\", field `exec.path`: the image \"python\" is no device",
        ],
    );
    assert!(checked(text).plan.is_some());
}

#[test]
fn what_sessions_make_wrong_is_a_flaw() {
    let text = r#"[{"name": "a", "exec": {"path": "swift://~/c/x"}, "count": 2,
        "devices": [{"name": "stdout", "path": "zvm://b:/dev/stdin"}]},
        {"name": "b", "exec": {"path": "swift://~/c/x"}}]"#;
    assert_said(text, &["job.json:2:40: error: node \"a\", field `devices[0].path`: connects one"]);
}

#[test]
fn names_cannot_paint_the_terminal() {
    let text = "[{\"name\": \"a\", \"exec\": {\"path\": \"swift://~/c/x\"}, \"\\u001b[2J\": 1}]";
    assert!(said(text)[0].contains("\\u{1b}[2J"), "{:?}", said(text));
}

#[test]
fn the_plan_tells_what_runs_where_and_what_moves() {
    let text = r#"[{"name": "map", "exec": {"path": "swift://~/c/map.wasm", "args": "-n 'a b'", "env": {"N": 3}},
          "devices": [{"name": "stdin", "path": "swift://~/logs/*.txt"}, {"name": "script", "path": "swift://~/c/s"},
            {"name": "stderr", "path": "swift://~/err/*", "content_type": "text/x", "meta": {"k": "v"}, "min_size": 9}],
          "connect": ["red"], "replicate": 2},
         {"name": "red", "exec": {"path": "file://py:py", "name": "r"}, "count": 2, "location": "here",
          "devices": [{"name": "py"}, {"name": "image", "path": "swift://~/c/i.tar"},
            {"name": "stdout", "content_type": "text/csv"}]}]"#;
    assert_said(text, &[]);
    let plan = checked(text).plan.unwrap_or_default();
    for line in [
        "  node      map (a session for each match: map-1, map-2, …)",
        "    runs    swift://~/c/map.wasm, fetched by the proxy and pushed",
        "    argv    \"map-1\" \"-n\" \"a b\"",
        "    env     N=\"3\"",
        "    where   a node that holds a replica of swift://~/logs/*.txt (the rule chooses stdin)",
        "    reads   /dev/stdin: swift://~/logs/*.txt, which lies there",
        "    reads   /dev/script: swift://~/c/s, fetched by the proxy and pushed",
        "    writes  /dev/stderr: stored as swift://~/err/*, as text/x, with k: v, filled up to 9 bytes",
        "    writes  /dev/out/red-1 /dev/out/red-2: pipes",
        "    copies  2 on different nodes; their outputs are compared",
        "  node      red (2 sessions: red-1 to red-2)",
        "    runs    py of the image py",
        "    argv    \"r\"",
        "    where   a node that holds a replica of swift://~/c/i.tar (the rule chooses image)",
        "    at /    py, a system image of the cluster",
        "    at /    swift://~/c/i.tar, fetched by the proxy, pushed and unpacked",
        "    writes  /dev/stdout: the response, as text/csv",
        "    location \"here\": near the sessions of the same location",
        "  response  stdout of red-1, then stdout of red-2, as text/csv",
        "  at once   map-1 … red-1 red-2: pipes connect them",
    ] {
        assert!(plan.lines().any(|have| have == line), "{line}\n  is not in\n{plan}");
    }
}
