//! Each rule of the job language: what keeps it, and what breaks it with which node, field and
//! reason.
//!
//! Wildcards, groups and connections have a file of their own. Leaves out what only the store can
//! say: which objects a wildcard matches, which system images there are.

use super::schema::takes;
use stayput_runtime::job::{self, DescriptionError, Job, unknown_fields};

/// A job of node `a` with this `exec`.
fn exec(exec: &str) -> String {
    format!(r#"[{{"name": "a", "exec": {exec}}}]"#)
}

/// A job of node `a` with further fields.
pub(super) fn node(fields: &str) -> String {
    format!(r#"[{{"name": "a", "exec": {{"path": "x"}}, {fields}}}]"#)
}

/// A job of node `a` with these devices.
pub(super) fn devices(devices: &str) -> String {
    node(&format!(r#""devices": [{devices}]"#))
}

pub(super) fn good(json: &str) -> Job {
    assert!(takes(&serde_json::from_str(json).unwrap()), "the schema refuses {json}");
    job::parse(json.as_bytes()).unwrap_or_else(|error| panic!("{json}\n  gave: {error}"))
}

pub(super) fn all_good(jsons: &[String]) {
    for json in jsons {
        good(json);
    }
}

/// Node, field and the beginning of the reason of each flaw.
pub(super) type Wanted<'a> = (&'a str, &'a str, &'a str);

pub(super) fn flawed(json: &str, wanted: &[Wanted<'_>]) {
    let error = job::parse(json.as_bytes()).expect_err(json);
    assert_eq!(error.status(), 400, "{json}");
    let DescriptionError::Flawed(flaws) = &error else { panic!("{json}\n  gave: {error}") };
    let told = flaws.listed();
    assert_eq!(told.len(), wanted.len(), "{json}\n  gave: {error}");
    for (flaw, (node, field, why)) in told.iter().zip(wanted) {
        let said = (flaw.node.to_string(), flaw.field.to_string());
        assert_eq!(said, ((*node).to_owned(), (*field).to_owned()), "{json}\n  gave: {error}");
        assert!(flaw.why.starts_with(why), "{json}\n  gave: {error}\n  not:  {why}");
    }
}

pub(super) const A: &str = "node \"a\"";

/// Each job has one flaw, in node `a`.
pub(super) fn each_flawed(cases: &[(String, &str, &str)]) {
    for (json, field, why) in cases {
        flawed(json, &[(A, field, why)]);
    }
}

#[test]
fn a_job_is_a_list_of_one_to_a_thousand_objects() {
    let many = |count: usize| {
        let node = |index: usize| format!(r#"{{"name": "n{index}", "exec": {{"path": "x"}}}}"#);
        format!("[{}]", (0..count).map(node).collect::<Vec<_>>().join(","))
    };
    all_good(&[many(1), many(1000)]);
    let list = "the job";
    flawed("[]", &[(list, "nodes", "the list of nodes is empty")]);
    for no_list in ["{}", "null", "7", "\"a\"", "true"] {
        flawed(no_list, &[(list, "nodes", "must be a list")]);
    }
    flawed(&many(1001), &[(list, "nodes", "has 1001 nodes, the most are 1000")]);
    let second = r#"[{"name": "a", "exec": {"path": "x"}}, []]"#;
    flawed(second, &[("node 1 (from 0)", "node", "must be an object")]);
}

#[test]
fn a_node_has_a_name_of_its_own() {
    let named = |name: &str| format!(r#"[{{"name": {name}, "exec": {{"path": "x"}}}}]"#);
    let longest = format!("\"{}\"", "n".repeat(64));
    all_good(&[named("\"a\""), named("\"A-z_0.9\""), named(&longest)]);
    let unnamed = "node 0 (from 0)";
    let rule = "must be 1 to 64 letters, digits, `-`, `_` or `.`";
    let too_long = format!("\"{}\"", "n".repeat(65));
    for (name, why) in [
        ("\"a b\"", rule),
        ("\"a/b\"", rule),
        ("\"ä\"", rule),
        ("\"a*\"", rule),
        ("\".\"", rule),
        ("\"..\"", rule),
        (too_long.as_str(), rule),
        ("\"\"", "is empty"),
        ("null", "is missing"),
        ("7", "must be a string"),
        ("\"a\\n\"", "has the control character '\\n'"),
    ] {
        flawed(&named(name), &[(unnamed, "name", why)]);
    }
    let twice = format!("[{0}, {0}]", r#"{"name": "a", "exec": {"path": "x"}}"#);
    let taken = "\"a\" is the name of an earlier node";
    flawed(&twice, &[("node 1 (from 0)", "name", taken)]);
}

#[test]
fn an_executable_lies_in_the_store_or_in_an_image() {
    let at = |path: &str| exec(&format!(r#"{{"path": "{path}"}}"#));
    all_good(&[
        at("swift://~/c/o"),
        at("swift://./c/o"),
        at("swift://AUTH_x/c/a/b%20c"),
        at("file://python2.7:python"),
        at("file://python2.7:/bin/python"),
        at("file://bin/tool"),
        at("bin/tool"),
        at("a..b/tool"),
    ]);
    each_flawed(&[
        (node(r#""exec": null"#), "exec", "is missing"),
        (exec("7"), "exec", "must be an object"),
        (exec("{}"), "exec.path", "is missing"),
        (at(""), "exec.path", "is empty"),
        (at("/bin/tool"), "exec.path", "is absolute"),
        (at("../tool"), "exec.path", "names no file within an image"),
        (at("file://i:a/../../b"), "exec.path", "names no file within an image"),
        (at("file://i:"), "exec.path", "names no file within an image"),
        (at("file://:tool"), "exec.path", "has no good image name"),
        (at("file://a/b:tool"), "exec.path", "has no good image name"),
        (at("http://host/tool"), "exec.path", "must begin with `swift://`"),
        (at("zvm://b:/dev/stdout"), "exec.path", "must begin with `swift://`"),
        (at("swift://~/c"), "exec.path", "names a container"),
        (at("swift://~/c/"), "exec.path", "names a container"),
        (at("swift://~/c/*.wasm"), "exec.path", "has a wildcard"),
        (at("swift://~/c*/m.wasm"), "exec.path", "has a wildcard"),
        (at("swift://A*/c/m.wasm"), "exec.path", "has a wildcard in the account"),
    ]);
}

#[test]
fn arguments_are_a_line_as_for_a_shell_or_a_list_of_words() {
    let args = |args: &str| exec(&format!(r#"{{"path": "x", "args": {args}}}"#));
    let words = |json: &str| good(&args(json)).nodes[0].exec.args.clone();
    assert_eq!(words(r#""a  'b c' d\\ e \"f $x *\"""#), ["a", "b c", "d e", "f $x *"]);
    assert_eq!(words(r#"["a b", "", "'c"]"#), ["a b", "", "'c"]);
    assert!(words("null").is_empty() && words("\"\"").is_empty() && words("[]").is_empty());
    each_flawed(&[
        (args("\"it's\""), "exec.args", "a ' quote is not closed"),
        (args("\"\\\"\""), "exec.args", "a \" quote is not closed"),
        (args("\"a\\\\\""), "exec.args", "a backslash at the end"),
        (args("\"a\\tb\""), "exec.args", "has the control character '\\t'"),
        (args("\"a\\u0085b\""), "exec.args", "has the control character"),
        (args("7"), "exec.args", "must be a string or a list of strings"),
        (args("{}"), "exec.args", "must be a string or a list of strings"),
        (args("[\"a\", 7]"), "exec.args[1]", "must be a string"),
        (args("[\"a\\u0000\"]"), "exec.args[0]", "has the control character '\\0'"),
    ]);
}

#[test]
fn the_environment_holds_texts_under_names() {
    let env = |env: &str| exec(&format!(r#"{{"path": "x", "env": {env}}}"#));
    let read = good(&env(r#"{"A": "b=c", "N": 7, "F": 1.5, "T": true, "E": ""}"#));
    let pairs: Vec<_> = read.nodes[0].exec.env.iter().map(|(k, v)| format!("{k}={v}")).collect();
    assert_eq!(pairs, ["A=b=c", "E=", "F=1.5", "N=7", "T=true"]);
    all_good(&[env("{}"), env("null")]);
    each_flawed(&[
        (env("[]"), "exec.env", "must be an object"),
        (env(r#"{"A": null}"#), "exec.env.A", "must be a string"),
        (env(r#"{"A": ["b"]}"#), "exec.env.A", "must be a string"),
        (env(r#"{"A": "b\r"}"#), "exec.env.A", "has the control character"),
        (env(r#"{"A\n": "b"}"#), "exec.env", "has the control character"),
        (env(r#"{"A=B": "c"}"#), "exec.env", "\"A=B\" is no name of a variable"),
        (env(r#"{"": "c"}"#), "exec.env", "\"\" is no name of a variable"),
    ]);
    let named = |name: &str| exec(&format!(r#"{{"path": "x", "name": {name}}}"#));
    assert_eq!(good(&named("\"the tool\"")).nodes[0].exec.name.as_deref(), Some("the tool"));
    each_flawed(&[
        (named("7"), "exec.name", "must be a string"),
        (named("\"\""), "exec.name", "is empty"),
        (named("\"a\\u001b\""), "exec.name", "has the control character"),
    ]);
}

#[test]
fn devices_are_a_list_of_objects_of_distinct_names() {
    all_good(&[
        devices(""),
        node(r#""devices": null"#),
        node(r#""file_list": [{"device": "stdin"}, {"name": "stdout"}]"#),
        node(r#""devices": null, "file_list": []"#),
        devices(r#"{"name": "stdin"}, {"name": "stdout"}, {"name": "stderr"}, {"name": "input"}"#),
    ]);
    each_flawed(&[
        (node(r#""devices": {}"#), "devices", "must be a list"),
        (node(r#""file_list": 7"#), "file_list", "must be a list"),
        (node(r#""devices": [], "file_list": []"#), "file_list", "is the old name of `devices`"),
        (devices("7"), "devices[0]", "must be an object"),
        (devices("{}"), "devices[0].name", "is missing"),
        (devices(r#"{"name": ""}"#), "devices[0].name", "is empty"),
        (devices(r#"{"name": 7}"#), "devices[0].name", "must be a string"),
        (devices(r#"{"name": "a/b"}"#), "devices[0].name", "must be 1 to 64 letters"),
        (devices(r#"{"name": "a", "device": "a"}"#), "devices[0].device", "is the old name"),
        (node(r#""file_list": [{"device": "a b"}]"#), "file_list[0].device", "must be 1 to 64"),
        (
            devices(r#"{"name": "stdin"}, {"name": "python"}, {"device": "stdin"}"#),
            "devices[2].name",
            "\"stdin\" is the name of an earlier device",
        ),
    ]);
}

#[test]
fn a_devices_fields_are_of_their_kinds() {
    let stdout = |field: &str| devices(&format!(r#"{{"name": "stdout", {field}}}"#));
    all_good(&[
        stdout(r#""mode": "file""#),
        stdout(r#""mode": "char""#),
        stdout(r#""mode": "block""#),
        stdout(r#""mode": "pipe""#),
        stdout(r#""mode": null, "path": null, "meta": null, "min_size": null"#),
        stdout(r#""min_size": 0"#),
        stdout(r#""min_size": 18446744073709551615"#),
        stdout(r#""content_type": "text/csv; charset=utf-8""#),
        stdout(r#""meta": {"k": "v", "n": 7, "b": false}"#),
    ]);
    each_flawed(&[
        (stdout(r#""mode": "disk""#), "devices[0].mode", "must be \"file\""),
        (stdout(r#""mode": "File""#), "devices[0].mode", "must be \"file\""),
        (stdout(r#""mode": 1"#), "devices[0].mode", "must be \"file\""),
        (stdout(r#""min_size": -1"#), "devices[0].min_size", "must be a number of bytes"),
        (stdout(r#""min_size": 1.5"#), "devices[0].min_size", "must be a number of bytes"),
        (stdout(r#""min_size": "7""#), "devices[0].min_size", "must be a number of bytes"),
        (stdout(r#""content_type": 7"#), "devices[0].content_type", "must be a string"),
        (stdout("\"content_type\": \"\""), "devices[0].content_type", "is empty"),
        (stdout(r#""content_type": "a\r\nX: y""#), "devices[0].content_type", "has the control"),
        (stdout(r#""meta": []"#), "devices[0].meta", "must be an object"),
        (stdout(r#""meta": {"k": []}"#), "devices[0].meta.k", "must be a string"),
        (stdout(r#""meta": {"k": "a\nb"}"#), "devices[0].meta.k", "has the control character"),
    ]);
}

#[test]
fn a_path_fits_its_device() {
    let at =
        |name: &str, path: &str| devices(&format!(r#"{{"name": "{name}", "path": "{path}"}}"#));
    for name in ["stdin", "input", "script"] {
        all_good(&[at(name, "swift://~/c/o"), at(name, "swift://~/c"), at(name, "swift://~/c/*")]);
    }
    for name in ["stdout", "stderr", "output"] {
        all_good(&[at(name, "swift://~/c/o"), at(name, "swift://AUTH_x/c/*")]);
        let container = "names a container, but an object is needed";
        each_flawed(&[(at(name, "swift://~/c"), "devices[0].path", container)]);
    }
    all_good(&[at("image", "swift://~/c/i.tar"), at("debug", "tcp://host:8080")]);
    let path = "devices[0].path";
    each_flawed(&[
        (devices(r#"{"name": "debug"}"#), path, "must be `tcp://host:port`"),
        (at("debug", "swift://~/c/o"), path, "must be `tcp://host:port`"),
        (at("debug", "tcp://host"), path, "must be `tcp://host:port`"),
        (at("debug", "tcp://:80"), path, "must be `tcp://host:port`"),
        (at("debug", "tcp://h:+80"), path, "must be `tcp://host:port`"),
        (at("debug", "tcp://h:0"), path, "must be `tcp://host:port`"),
        (at("debug", "tcp://h:65536"), path, "must be `tcp://host:port`"),
        (at("debug", "tcp://a/b:80"), path, "must be `tcp://host:port`"),
        (at("stdin", "tcp://h:80"), path, "`tcp://` is only for the device `debug`"),
        (at("image", "swift://~/c"), path, "names a container"),
        (at("image", "swift://~/c/*.tar"), path, "has a wildcard, but an image is one object"),
        (at("image", "zvm://a:/dev/stdout"), path, "must be a `swift://` path"),
        (at("python", "swift://~/c/o"), path, "python is a system image"),
        (at("stdin", "c/o"), path, "must begin with `swift://` or `zvm://`"),
        (at("stdin", "file://c/o"), path, "must begin with `swift://` or `zvm://`"),
        (at("stdin", ""), path, "is empty"),
        (devices(r#"{"name": "stdin", "path": 7}"#), path, "must be a string"),
        (devices(r#"{"name": "stdin", "path": "swift://~/c/\u0000"}"#), path, "has the control"),
    ]);
}

#[test]
fn names_in_paths_are_raw_or_percent_encoded_and_bounded() {
    let at = |path: &str| devices(&format!(r#"{{"name": "stdin", "path": "{path}"}}"#));
    let object = |path: &str| good(&at(path)).nodes[0].devices[0].object().unwrap().clone();
    assert_eq!(object("swift://~/c/a b").object.as_deref(), Some("a b"));
    assert_eq!(object("swift://~/c/a%20b/%25").object.as_deref(), Some("a b/%"));
    assert_eq!(object("swift://~/d%C3%A9/x").container, "dé");
    assert_eq!(object("swift://~/c/..//x").object.as_deref(), Some("..//x"));
    assert_eq!(object("swift://~/c/").object, None);
    let long = |len: usize| "n".repeat(len);
    all_good(&[at(&format!("swift://{}/{}/{}", long(256), long(256), long(1024)))]);
    let path = "devices[0].path";
    each_flawed(&[
        (at("swift://"), path, "lacks the account"),
        (at("swift:///c/o"), path, "lacks the account"),
        (at("swift://~"), path, "lacks the container"),
        (at("swift://~//o"), path, "lacks the container"),
        (at(&format!("swift://{}/c/o", long(257))), path, "has a name of 257 bytes"),
        (at(&format!("swift://~/{}/o", long(257))), path, "has a name of 257 bytes"),
        (at(&format!("swift://~/c/{}", long(1025))), path, "has a name of 1025 bytes"),
        (at("swift://~/a%2Fb/o"), path, "has a slash in the name of the container"),
        (at("swift://a%2Fb/c/o"), path, "has a slash in the name of the account"),
        (at("swift://~/c/%"), path, "has a `%` without two hexadecimal digits"),
        (at("swift://~/c/%4"), path, "has a `%` without two hexadecimal digits"),
        (at("swift://~/c/%+4"), path, "has a `%` without two hexadecimal digits"),
        (at("swift://~/c/%ff"), path, "has a name that is not UTF-8"),
        (at("swift://~/c/%0a"), path, "has a control character in a name"),
        (at("swift://%2A/c/o"), path, "has a wildcard in the account"),
    ]);
}

#[test]
fn every_flaw_is_told_and_a_flawed_node_is_still_a_node() {
    let json = r#"[
        {"name": "a", "exec": {"path": "/x", "args": "'", "env": {"=": "", "B": []}}, "count": 0,
         "devices": [{"name": "stdin", "mode": "x", "min_size": -1}, {"path": "y"}, 7],
         "connect": ["?", "b"], "replicate": 9},
        {"name": "b", "exec": {"path": "x"}, "connect": ["a", "c"], "attach": "stdin",
         "devices": [{"name": "stdout", "path": "zvm://a:/dev/stdin"}]},
        {"name": "a"}]"#;
    let b = "node \"b\"";
    let third = "node 2 (from 0)";
    flawed(
        json,
        &[
            (A, "exec.path", "is absolute"),
            (A, "exec.args", "a ' quote"),
            (A, "exec.env.B", "must be a string"),
            (A, "devices[0].mode", "must be"),
            (A, "devices[0].min_size", "must be"),
            (A, "devices[1].name", "is missing"),
            (A, "devices[1].path", "must begin"),
            (A, "devices[2]", "must be an object"),
            (A, "count", "must be"),
            (A, "connect[0]", "is no name"),
            (A, "replicate", "must be"),
            (third, "name", "\"a\" is the name of an earlier node"),
            (third, "exec", "is missing"),
            (b, "connect[1]", "there is no node \"c\""),
            (b, "attach", "names the device"),
        ],
    );
}

#[test]
fn of_very_many_flaws_the_first_are_told_and_the_rest_counted() {
    let json = format!("[{}]", vec!["7"; 150].join(","));
    let error = job::parse(json.as_bytes()).unwrap_err();
    let DescriptionError::Flawed(flaws) = &error else { panic!("{error}") };
    assert_eq!((flaws.listed().len(), flaws.omitted()), (job::FLAWS_MAX, 50));
    let said = error.to_string();
    assert_eq!(said.lines().count(), job::FLAWS_MAX + 1);
    assert!(said.ends_with("\nand 50 more"), "{said}");
}

#[test]
fn unknown_fields_are_accepted_and_can_be_asked_for() {
    let json = r#"[{"name": "a", "exec": {"path": "x", "argv": []}, "conect": [], "devices":
        [{"name": "stdin", "pth": "x"}]}, {"exec": 7, "nmae": "b"}]"#;
    let unknown = unknown_fields(json.as_bytes()).unwrap();
    let said: Vec<_> = unknown.iter().map(|flaw| format!("{} {}", flaw.node, flaw.field)).collect();
    let second = "node 1 (from 0) nmae";
    let first = [r#"node "a" conect"#, r#"node "a" exec.argv"#, r#"node "a" devices[0].pth"#];
    assert_eq!(said, [&first[..], &[second]].concat());
    assert!(unknown[0].why.contains("the fields are name, exec, devices"), "{}", unknown[0]);
    good(&node(r#""future": {"deep": [1, 2]}, "devices": [{"name": "stdin", "colour": "red"}]"#));
    assert!(unknown_fields(b"[").is_err());
}
