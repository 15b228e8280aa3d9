//! What the README names is there.
//!
//! Leaves out whether what it says of those files is so.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Endings of names that are files' names even without a slash in them.
const ENDINGS: [&str; 7] = [".toml", ".rs", ".md", ".wasm", ".sh", ".json", ".yml"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// What stands in backticks, and the code blocks (indented by four, or fenced).
fn code(text: &str) -> String {
    let mut code = String::new();
    let mut fenced = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if fenced || line.starts_with("    ") {
            code.push_str(line);
        } else {
            code.extend(line.split('`').skip(1).step_by(2).flat_map(|part| [part, " "]));
        }
        code.push('\n');
    }
    code
}

/// A path into this repository, as far as one can tell: no address, no device, no content type, no placeholder.
fn is_path(word: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    let named = ENDINGS.iter().any(|ending| word.ends_with(ending) && word != *ending);
    let relative = !word.starts_with('/') && !word.contains("//");
    relative && word.chars().all(plain) && (word.contains('/') || named)
}

/// The words that may be paths, without what a sentence puts around them.
fn paths(text: &str) -> BTreeSet<String> {
    let code = code(text);
    let words = code.split(|c: char| c.is_whitespace() || "\"'()[]{},;=:│┆".contains(c));
    let words = words.map(|word| word.trim_end_matches(['.', '…']));
    words.filter(|word| is_path(word)).map(str::to_owned).collect()
}

/// Words with a slash that name what is in the store or in a job's world, an address, or a rate, which no file here is.
const ELSEWHERE: [&str; 10] = [
    "8080/auth/v1.0",
    "application/json",
    "demo/logile.txt",
    "Gbit/s",
    "Mbit/s",
    "0.5/s",
    "100Mbit/s",
    "1Gbit/s",
    "10Gbit/s",
    "K/N",
];

/// Files that the reader brings along, or that a command writes.
const READERS_OWN: [&str; 11] = [
    "answers.txt",
    "access.log",
    "target/images",
    "target/locality",
    "target/locality/report.html",
    "target/map",
    "target/sweep",
    "summary.json",
    "job.json",
    "job.wasm",
    "logs/",
];

#[test]
fn every_path_in_the_readme_exists() {
    let readme = std::fs::read_to_string(root().join("README.md"));
    let readme = readme.expect("README.md lies at the root of the workspace");
    let named = paths(&readme);
    assert!(named.contains("scenarios/banana.toml"), "the main job is named: {named:?}");
    let known =
        |path: &&String| ELSEWHERE.contains(&path.as_str()) || READERS_OWN.contains(&path.as_str());
    let missing: Vec<&String> =
        named.iter().filter(|path| !known(path) && !root().join(path.as_str()).exists()).collect();
    assert!(missing.is_empty(), "README.md names what is not there: {missing:?}");
}

#[test]
fn paths_are_found_where_they_stand() {
    let text = "See `a/b.rs`, `c.toml` or and/or:\n\n    run d/e.json --data x/y=f.wasm\n\n```\ng/h\n```\n";
    let wanted = ["a/b.rs", "c.toml", "d/e.json", "f.wasm", "g/h", "x/y"];
    assert_eq!(paths(text).iter().map(String::as_str).collect::<Vec<_>>(), wanted);
}
