//! `stayput job`: what it prints where, and how it ends.

use crate::support::{Variant, stayput};

/// A file of that text, and what `job check` says of it.
fn check(text: &str) -> (String, crate::support::Said) {
    let folder = Variant::new(&[]);
    let file = folder.put("job.json", text.as_bytes());
    let said = stayput(&["job", "check", &file]);
    (file, said)
}

#[test]
fn a_good_job_is_explained() {
    let (_, said) = check(
        r#"[{"name": "zerovmdemo", "exec": {"path": "file://python2.7:python", "args": "demo.py"},
             "devices": [{"name": "python2.7"}, {"name": "stdout"},
                {"name": "input", "path": "swift://~/demo/logile.txt"},
                {"name": "image", "path": "swift://~/demo/demo.tar"}]}]"#,
    );
    assert_eq!((said.code, said.stderr.as_str()), (0, ""), "{said:?}");
    for part in ["a good job", "python of the image python2.7", "which lies there", "demo.py"] {
        assert!(said.stdout.contains(part), "`{part}` is not in {}", said.stdout);
    }
}

#[test]
fn every_flaw_is_told_with_its_place_and_nothing_else() {
    let (file, said) = check("[{\"name\": \"a\",\n \"exec\": {},\n \"count\": 0, \"more\": 1}]");
    assert_eq!((said.code, said.stdout.as_str()), (2, ""), "{said:?}");
    let lines: Vec<&str> = said.stderr.lines().collect();
    for (line, part) in lines.iter().zip([
        ":2:2: error: node \"a\", field `exec.path`: is missing",
        ":3:2: error: node \"a\", field `count`: must be a whole number from 1 to 10000",
        ":3:14: warning: node \"a\", field `more`: is no field of a node",
    ]) {
        assert!(line.starts_with(&format!("{file}{part}")), "{line}");
    }
    assert_eq!(lines.len(), 3, "{said:?}");
}

#[test]
fn a_warning_leaves_a_job_good() {
    let (_, said) = check(r#"[{"name": "a", "exec": {"path": "swift://~/c/x"}, "more": 1}]"#);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.stderr.contains("warning: node \"a\", field `more`"), "{said:?}");
    assert!(said.stdout.contains("any storage node"), "{said:?}");
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let said = stayput(&["job", "check", "nowhere/job.json"]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.stderr.starts_with("error: nowhere/job.json: cannot read"), "{said:?}");
}

#[test]
fn the_schema_is_printed_as_json() {
    let said = stayput(&["job", "schema"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(said.json()["$schema"], "https://json-schema.org/draft/2020-12/schema");
}
