//! Headers of a job's response: the manual's table against the names in the code.
//!
//! Leaves out their values, and headers that proxies and nodes send each other.

use std::collections::BTreeSet;
use std::path::Path;

use super::root;

/// The words of a text, in lower case, that begin as headers of a job's response do.
fn headers(text: &str) -> BTreeSet<String> {
    let text = text.to_lowercase();
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    let own =
        words.filter(|word| ["x-nexe-", "x-stayput-"].iter().any(|head| word.starts_with(head)));
    own.map(str::to_owned).collect()
}

/// The same of all Rust files below a folder.
fn in_code(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).expect("the sources can be read") {
        let path = entry.expect("the sources can be read").path();
        if path.is_dir() {
            in_code(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text = std::fs::read_to_string(&path).expect("sources are text");
            let constants = text.split('"').skip(1).step_by(2);
            found.extend(constants.flat_map(headers));
        }
    }
}

#[test]
fn the_manual_names_the_headers_of_a_response_that_the_code_names() {
    let manual = std::fs::read_to_string(root().join("scenarios/manual/src/reference/jobs.md"));
    let manual = manual.expect("the page is there");
    let cells = manual.lines().filter_map(|row| row.strip_prefix("| `")?.split('|').next());
    let documented: BTreeSet<String> = cells.flat_map(headers).collect();
    let mut known = BTreeSet::new();
    for folder in ["sim/jobs/src", "sim/store/src/swift"] {
        in_code(&root().join(folder), &mut known);
    }
    // A bare beginning of headers names none; the last two go between parts of a cluster only.
    for other in ["x-nexe-", "x-stayput-", "x-stayput-place", "x-stayput-purpose"] {
        known.remove(other);
    }
    assert!(documented.len() > 10, "{documented:?}");
    assert_eq!(documented, known);
}
