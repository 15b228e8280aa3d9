//! Each rule of wildcards, groups and connections, likewise.

use super::rules::{A, all_good, devices, each_flawed, flawed, good, node};

/// A job of node `a` with further fields, and of a plain node `b`.
fn two(fields: &str) -> String {
    format!(
        r#"[{{"name": "a", "exec": {{"path": "x"}}, {fields}}},
            {{"name": "b", "exec": {{"path": "x"}}, "devices": [{{"name": "stdin"}}, {{"name": "stdout"}}]}}]"#
    )
}

#[test]
fn wildcards_capture_what_written_paths_take() {
    all_good(&[
        devices(r#"{"name": "stdin", "path": "swift://~/*/*"}, {"name": "stdout"}"#),
        devices(
            r#"{"name": "stdin", "path": "swift://~/c/*.txt"}, {"name": "input", "path": "swift://~/d/*.idx"},
               {"name": "stdout", "path": "swift://~/e/*.out"}, {"name": "stderr", "path": "swift://~/*/log"}"#,
        ),
        devices(r#"{"name": "stdout", "path": "swift://~/c/*.out"}"#),
        devices(r#"{"name": "stdout", "path": "swift://~/*/*"}"#),
        node(r#""count": 3, "devices": [{"name": "stdout", "path": "swift://~/c/*.out"}]"#),
        node(r#""count": 1, "devices": [{"name": "stdout", "path": "swift://~/c/fixed"}]"#),
        node(r#""count": 3, "devices": [{"name": "stdin", "path": "swift://~/c/fixed"}]"#),
    ]);
    let fixed = "is one fixed object for several sessions";
    let input = r#"{"name": "input", "path": "swift://~/c/*"}"#;
    let to = |path: &str| devices(&format!(r#"{input}, {{"name": "output", "path": "{path}"}}"#));
    each_flawed(&[
        (to("swift://~/c/fixed"), "devices[1].path", fixed),
        (to("swift://~/c/*-*"), "devices[1].path", "has 2 `*`, but only 1 are matched"),
        (
            node(r#""count": 2, "devices": [{"name": "stdout", "path": "swift://~/c/fixed"}]"#),
            "devices[0].path",
            fixed,
        ),
        (
            devices(&format!(r#"{input}, {{"name": "stdin", "path": "swift://~/*/*"}}"#)),
            "devices[1].path",
            "has another number of `*` than an earlier device",
        ),
    ]);
}

#[test]
fn counts_and_copies_are_bounded() {
    all_good(&[
        node(r#""count": 1"#),
        node(r#""count": 10000"#),
        node(r#""count": null"#),
        node(r#""replicate": 1"#),
        node(r#""replicate": 3"#),
    ]);
    let whole = "must be a whole number from 1 to 10000";
    let copies = "must be 1, 2 or 3";
    for value in ["0", "-1", "10001", "1.5", "\"2\"", "1e30", "[]", "true"] {
        flawed(&node(&format!(r#""count": {value}"#)), &[(A, "count", whole)]);
    }
    for value in ["0", "-1", "4", "1.5", "\"2\"", "[]", "false"] {
        flawed(&node(&format!(r#""replicate": {value}"#)), &[(A, "replicate", copies)]);
    }
}

#[test]
fn connections_lead_to_other_nodes_or_within_a_group() {
    let wild = r#""devices": [{"name": "stdin", "path": "swift://~/c/*"}]"#;
    all_good(&[
        two(r#""connect": ["b"]"#),
        two(r#""connect": []"#),
        node(r#""count": 1, "connect": ["a"]"#),
        node(r#""count": 3, "connect": ["a"]"#),
        node(&format!(r#"{wild}, "connect": ["a"]"#)),
    ]);
    each_flawed(&[
        (two(r#""connect": "b""#), "connect", "must be a list"),
        (two(r#""connect": [7]"#), "connect[0]", "must be a string"),
        (two(r#""connect": ["b c"]"#), "connect[0]", "is no name of a node"),
        (two(r#""connect": ["b", "c"]"#), "connect[1]", "there is no node \"c\""),
        (two(r#""connect": ["b", "b"]"#), "connect[1]", "names \"b\" twice"),
        (two(r#""connect": ["b", "a"]"#), "connect[1]", "connects the node to itself"),
        (node(r#""replicate": 2, "connect": ["a"]"#), "connect[0]", "connects the node to itself"),
    ]);
}

#[test]
fn a_zvm_path_connects_what_is_read_to_what_is_written() {
    let to = |name: &str, path: &str| {
        two(&format!(r#""devices": [{{"name": "{name}", "path": "{path}"}}]"#))
    };
    all_good(&[
        to("stdout", "zvm://b:/dev/stdin"),
        to("stdin", "zvm://b:/dev/stdout"),
        to("stderr", "zvm://b:/dev/stdin"),
        to("stdout", "zvm://b:/dev/undeclared"),
        to("stdin", "zvm://b:/dev/undeclared"),
    ]);
    let pair = |back: &str| {
        format!(
            r#"[{{"name": "a", "exec": {{"path": "x"}},
                  "devices": [{{"name": "stdout", "path": "zvm://b:/dev/stdin"}}]}},
                {{"name": "b", "exec": {{"path": "x"}},
                  "devices": [{{"name": "stdin", "path": "{back}"}}, {{"name": "python"}}]}}]"#
        )
    };
    good(&pair("zvm://a:/dev/stdout"));
    let path = "devices[0].path";
    let form = "must be `zvm://node:/dev/name`";
    let both = "one must be read, the other written, both from front to back";
    let said = format!("connects \"stdout\" to \"stdout\": {both}");
    each_flawed(&[
        (to("stdout", "zvm://b"), path, form),
        (to("stdout", "zvm://b:stdin"), path, form),
        (to("stdout", "zvm://b:/dev/"), path, form),
        (to("stdout", "zvm://:/dev/stdin"), path, form),
        (to("stdout", "zvm://b:/dev/a/b"), path, form),
        (to("stdout", "zvm://c:/dev/stdin"), path, "names the node \"c\", which the job does not"),
        (to("stdout", "zvm://b:/dev/stdout"), path, &said),
        (to("stdin", "zvm://b:/dev/stdin"), path, "connects \"stdin\" to \"stdin\""),
        (to("stdout", "zvm://b:/dev/input"), path, "connects \"stdout\" to \"input\""),
        (to("stdout", "zvm://b:/dev/image"), path, "connects \"stdout\" to \"image\""),
        (to("output", "zvm://b:/dev/stdin"), path, "connects \"output\", which is read or written"),
        (to("input", "zvm://b:/dev/stdout"), path, "connects \"input\", which is read or written"),
        (pair("swift://~/c/o"), path, "names \"stdin\" of node \"b\", which has another path"),
        (
            pair("swift://~/c/o").replace("b:/dev/stdin", "b:/dev/python"),
            path,
            "names \"python\", which is a system image of node \"b\"",
        ),
        (to("stdout", "zvm://a:/dev/stdin"), path, "connects a node to itself"),
    ]);
}

#[test]
fn attach_and_location_are_names() {
    let attached = |to: &str| node(&format!(r#""attach": {to}, "devices": [{{"name": "stdin"}}]"#));
    all_good(&[attached("\"stdin\""), attached("null"), node(r#""location": "any text""#)]);
    each_flawed(&[
        (attached("\"input\""), "attach", "names the device \"input\", which the node does not"),
        (attached("7"), "attach", "must be a string"),
        (attached("\"\""), "attach", "is empty"),
        (node(r#""location": 7"#), "location", "must be a string"),
        (node(r#""location": """#), "location", "is empty"),
        (node(r#""location": "a\u0007""#), "location", "has the control character"),
    ]);
}
