//! Paths of this repository that its Markdown names.
//!
//! Leaves out the truth of a sentence about a file.

use std::collections::BTreeSet;

use super::{documents, lines, root};

/// Folders at the root; a word that begins with one of them and a slash is a path.
const ROOMS: [&str; 6] = ["runtime/", "sim/", "scenarios/", "tests/", ".ci/", ".github/"];

/// The words in backticks and in code blocks.
fn code(text: &str) -> String {
    let mut code = String::new();
    for (line, is_code) in lines(text) {
        if is_code {
            code.push_str(line);
        } else {
            code.extend(line.split('`').skip(1).step_by(2).flat_map(|part| [part, " "]));
        }
        code.push('\n');
    }
    code
}

/// A path into this repository, or the name of a document or a settings file at its root.
fn is_path(word: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    let is_document = word.ends_with(".md") && word.chars().next().is_some_and(char::is_uppercase);
    let in_room = ROOMS.iter().any(|room| word.starts_with(room));
    word.chars().all(plain) && (in_room || is_document)
}

/// The words that are paths, without the punctuation that a sentence puts around them.
fn paths(text: &str) -> BTreeSet<String> {
    let code = code(text);
    let words = code.split(|c: char| c.is_whitespace() || "\"'()[]{},;=:│┆".contains(c));
    let words = words.map(|word| word.trim_end_matches(['.', '…']));
    words.filter(|word| is_path(word)).map(str::to_owned).collect()
}

#[test]
fn every_path_that_a_document_names_exists() {
    let mut missing = Vec::new();
    let mut named = 0;
    for document in documents() {
        for path in paths(&document.text) {
            named += 1;
            if !root().join(&path).exists() {
                missing.push(format!("{}: {path}", document.path.display()));
            }
        }
    }
    assert!(named > 50, "only {named} paths were found");
    assert!(missing.is_empty(), "paths of files that are not there:\n{}", missing.join("\n"));
}

#[test]
fn paths_are_found_where_they_stand() {
    let text = "See `sim/b.rs`, `X.md` or tests/no:\n\n    run tests/e.json --data x/y=runtime/f.wasm\n\n```\n.ci/run\n```\n";
    let wanted = [".ci/run", "X.md", "runtime/f.wasm", "sim/b.rs", "tests/e.json"];
    assert_eq!(paths(text).iter().map(String::as_str).collect::<Vec<_>>(), wanted);
}
