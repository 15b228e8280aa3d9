//! Job descriptions: what is understood, and what is refused with which words.

mod groups;
mod near;
mod oracle;
mod rules;
mod schema;

use stayput_runtime::device::DeviceMode;
use stayput_runtime::job::{
    self, Account, DescriptionError, DeviceClass, DevicePath, ExecPath, Replicate, attached_device,
    split_words,
};

const PUBLISHED: &str = r#"[{
    "name": "zerovmdemo",
    "exec": { "path": "file://python2.7:python", "args": "demo.py" },
    "devices": [
        {"name": "python2.7"},
        {"name": "stdout"},
        {"name": "input", "path": "swift://~/demo/logile.txt"},
        {"name": "image", "path": "swift://~/demo/demo.tar"}
    ]
}]"#;

fn node_with(fields: &str) -> String {
    format!(r#"[{{"name": "a", "exec": {{"path": "swift://~/c/x.wasm"}}, {fields}}}]"#)
}

fn flaw(json: &str) -> String {
    let error = job::parse(json.as_bytes()).expect_err(json);
    assert_eq!(error.status(), 400, "{error}");
    error.to_string()
}

#[test]
fn the_published_example_is_understood() {
    let job = job::parse(PUBLISHED.as_bytes()).unwrap();
    job.check_without_body().unwrap();
    let node = &job.nodes[0];
    assert_eq!(node.name.as_str(), "zerovmdemo");
    let image = Some("python2.7".to_owned());
    assert_eq!(node.exec.path, ExecPath::Image { image, path: "python".to_owned() });
    assert_eq!(node.exec.args, ["demo.py"]);
    let classes: Vec<_> = node.devices.iter().map(|device| device.class).collect();
    use DeviceClass::{Image, Input, Stdout, SystemImage};
    assert_eq!(classes, [SystemImage, Stdout, Input, Image]);
    assert_eq!(node.devices[1].mode, DeviceMode::Pipe);
    assert_eq!(node.replicate, Replicate::ONE);
    let input = node.devices[2].object().unwrap();
    assert_eq!(input.account, Account::Own);
    assert_eq!(input.to_string(), "swift://~/demo/logile.txt");
    assert_eq!(attached_device(node).unwrap().name, "input");
}

#[test]
fn the_old_names_of_fields_are_understood() {
    let json = node_with(r#""file_list": [{"device": "stdin", "path": "swift://./c/o%20p"}]"#);
    let job = job::parse(json.as_bytes()).unwrap();
    let device = &job.nodes[0].devices[0];
    assert_eq!(device.name, "stdin");
    assert_eq!(device.object().unwrap().object.as_deref(), Some("o p"));
}

#[test]
fn every_field_is_read() {
    let json = r#"[
        {"name": "map", "exec": {"path": "tool", "args": ["a b", "c"], "env": {"N": 3}, "name": "t"},
         "devices": [
            {"name": "input", "path": "swift://acc/in*/x-*", "mode": "block"},
            {"name": "output", "path": "swift://acc/out/*-*", "content_type": "text/csv",
             "meta": {"k": "v"}, "min_size": 7},
            {"name": "stdout", "path": "zvm://red:/dev/stdin"}],
         "connect": ["map", "red"], "replicate": 2, "attach": "output", "location": "here",
         "future": true},
        {"name": "red", "exec": {"path": "swift://~/c/x"}, "count": 4,
         "devices": [{"name": "stdin", "path": "zvm://map:/dev/stdout"}]}]"#;
    let job = job::parse(json.as_bytes()).unwrap();
    let map = &job.nodes[0];
    assert_eq!(map.exec.args, ["a b", "c"]);
    assert_eq!(map.exec.env["N"], "3");
    assert_eq!(map.exec.name.as_deref(), Some("t"));
    assert!(map.has_wildcard_input());
    assert_eq!(map.devices[1].min_size, 7);
    assert_eq!(map.devices[1].meta["k"], "v");
    assert!(matches!(map.devices[2].path, Some(DevicePath::Zvm { .. })));
    assert_eq!((map.connect.len(), map.replicate.copies()), (2, 2));
    assert_eq!(attached_device(map).unwrap().name, "output");
    assert_eq!(map.location.as_deref(), Some("here"));
    assert_eq!(job.nodes[1].count, Some(4));
}

#[test]
fn each_flaw_names_the_node_the_field_and_the_reason() {
    let device = |fields: &str| node_with(&format!(r#""devices": [{fields}]"#));
    let exec = |exec: &str| format!(r#"[{{"name": "a", "exec": {exec}}}]"#);
    let cases = [
        ("[]".to_owned(), "the job, field `nodes`: the list of nodes is empty"),
        ("{}".to_owned(), "the job, field `nodes`: must be a list"),
        ("[3]".to_owned(), "node 0 (from 0), field `node`: must be an object"),
        (r#"[{"exec": {"path": "x"}}]"#.to_owned(), "field `name`: is missing"),
        (r#"[{"name": "a b", "exec": {"path": "x"}}]"#.to_owned(), "node 0 (from 0), field `name`"),
        (r#"[{"name": "a"}]"#.to_owned(), "node \"a\", field `exec`: is missing"),
        (exec("{}"), "node \"a\", field `exec.path`: is missing"),
        (exec(r#"{"path": "/abs"}"#), "field `exec.path`: is absolute"),
        (exec(r#"{"path": "file://i:../x"}"#), "names no file within an image"),
        (exec(r#"{"path": "http://x"}"#), "must begin with `swift://`"),
        (exec(r#"{"path": "swift://~/c/x*"}"#), "field `exec.path`: has a wildcard"),
        (exec(r#"{"path": "x", "args": "a 'b"}"#), "field `exec.args`: a ' quote is not closed"),
        (exec(r#"{"path": "x", "args": "a\u0007"}"#), "control character"),
        (exec(r#"{"path": "x", "args": ["a", 3]}"#), "field `exec.args[1]`: must be a string"),
        (exec(r#"{"path": "x", "env": {"A": "\n"}}"#), "field `exec.env.A`: has the control"),
        (node_with(r#""count": 0"#), "field `count`: must be a whole number"),
        (node_with(r#""replicate": 4"#), "field `replicate`: must be 1, 2 or 3"),
        (node_with(r#""connect": ["b"]"#), "field `connect[0]`: there is no node \"b\""),
        (node_with(r#""connect": ["a"]"#), "connects the node to itself"),
        (node_with(r#""attach": "input""#), "field `attach`: names the device \"input\""),
        (device(r#"{"path": "swift://~/c/o"}"#), "field `devices[0].name`: is missing"),
        (device(r#"{"name": "stdin"}, {"name": "stdin"}"#), "field `devices[1].name`: \"stdin\""),
        (device(r#"{"name": "stdin", "path": "x"}"#), "field `devices[0].path`: must begin"),
        (device(r#"{"name": "stdin", "path": "swift://a*/c/o"}"#), "wildcard in the account"),
        (device(r#"{"name": "stdin", "path": "swift://~"}"#), "lacks the container"),
        (device(r#"{"name": "stdin", "path": "swift://~/c/%zz"}"#), "write `%25`"),
        (device(r#"{"name": "stdin", "mode": "disk"}"#), "field `devices[0].mode`: must be"),
        (device(r#"{"name": "stdin", "min_size": -1}"#), "field `devices[0].min_size`: must be"),
        (device(r#"{"name": "stdout", "path": "swift://~/c"}"#), "names a container"),
        (device(r#"{"name": "stdin", "path": "tcp://h:1"}"#), "only for the device `debug`"),
        (device(r#"{"name": "debug"}"#), "must be `tcp://host:port`"),
        (device(r#"{"name": "python", "path": "swift://~/c/o"}"#), "python is a system image"),
        (device(r#"{"name": "image", "path": "swift://~/c/*"}"#), "an image is one object"),
        (device(r#"{"name": "stdin", "path": "zvm://b:/dev/stdout"}"#), "names the node \"b\""),
        (device(r#"{"name": "stdin", "path": "zvm://b"}"#), "must be `zvm://node:/dev/name`"),
        (
            device(
                r#"{"name": "stdin", "path": "swift://~/c/*"},
                   {"name": "stdout", "path": "swift://~/c/fixed"}"#,
            ),
            "field `devices[1].path`: is one fixed object for several sessions",
        ),
        (
            device(
                r#"{"name": "stdin", "path": "swift://~/c/*"},
                   {"name": "stdout", "path": "swift://~/c/*-*"}"#,
            ),
            "has 2 `*`, but only 1 are matched",
        ),
    ];
    for (json, expected) in cases {
        let error = flaw(&json);
        assert!(error.contains(expected), "{json}\n  gave: {error}\n  not:  {expected}");
    }
}

#[test]
fn two_nodes_of_one_name_are_refused() {
    let node = r#"{"name": "a", "exec": {"path": "x"}}"#;
    let error = flaw(&format!("[{node}, {node}]"));
    assert!(error.contains("node 1 (from 0), field `name`: \"a\" is the name"), "{error}");
}

#[test]
fn a_job_that_is_the_body_cannot_read_the_body() {
    let json = node_with(
        r#""devices": [{"name": "stdin"}, {"name": "stdout"}, {"name": "image"}, {"name": "script"}]"#,
    );
    let job = job::parse(json.as_bytes()).unwrap();
    let error = job.check_without_body().unwrap_err().to_string();
    assert_eq!(error.lines().count(), 3, "{error}");
    assert!(error.contains("field `devices[0].path`: is missing: stdin would read"), "{error}");
    assert!(error.contains("field `devices[3].path`: is missing: script would read"), "{error}");
    let written =
        node_with(r#""devices": [{"name": "stdout"}, {"name": "output"}, {"name": "python"}]"#);
    job::parse(written.as_bytes()).unwrap().check_without_body().unwrap();
}

#[test]
fn what_is_no_json_or_too_large_has_its_own_status() {
    assert_eq!(job::parse(b"[{").unwrap_err().status(), 422);
    let deep = "[".repeat(30_000);
    assert!(matches!(job::parse(deep.as_bytes()), Err(DescriptionError::NotJson { .. })));
    let large = " ".repeat(64 * 1024 + 1);
    assert_eq!(job::parse(large.as_bytes()).unwrap_err().status(), 413);
}

#[test]
fn words_split_as_in_a_shell() {
    let words = split_words(r#"a  'b "c' "d\"\$\e" f\ g '' h"i"j"#).unwrap();
    assert_eq!(words, ["a", "b \"c", "d\"$\\e", "f g", "", "hij"]);
    assert!(split_words("").unwrap().is_empty());
    assert!(split_words("a\\").is_err());
}

#[test]
fn placement_prefers_what_is_read_and_takes_a_script_only_if_alone() {
    let place = |devices: &str| {
        let job = job::parse(node_with(devices).as_bytes()).unwrap();
        attached_device(&job.nodes[0]).map(|device| device.name.clone())
    };
    let all = r#""devices": [{"name": "stdout", "path": "swift://~/c/o"},
        {"name": "script", "path": "swift://~/c/s"}, {"name": "image", "path": "swift://~/c/i"}"#;
    let input = r#", {"name": "input", "path": "swift://~/c/in"}"#;
    assert_eq!(place(&format!("{all}]")).as_deref(), Some("script"));
    assert_eq!(place(&format!("{all}{input}]")).as_deref(), Some("input"));
    assert_eq!(place(&format!(r#"{all}], "attach": "image""#)).as_deref(), Some("image"));
    assert_eq!(place(r#""devices": [{"name": "stdout"}]"#), None);
    let elsewhere = r#""attach": "stderr", "devices": [{"name": "stderr"},
        {"name": "stdin", "path": "swift://~/c/o"}]"#;
    assert_eq!(place(elsewhere), None, "attached to what is no object: anywhere");
    let only_outputs = r#""devices": [{"name": "image", "path": "swift://~/c/i"},
        {"name": "stderr", "path": "swift://~/c/e"}, {"name": "stdout", "path": "swift://~/c/o"}]"#;
    assert_eq!(place(only_outputs).as_deref(), Some("stderr"));
}
