//! The repository's Markdown: README, architecture, contributing, changelog, the manual.
//!
//! Leaves out the tutorials' examples, which the tests of the command run, and tables of keys and
//! defaults, which stand beside the code that they describe.

mod headers;
mod links;
mod paths;

use std::path::{Path, PathBuf};

/// A Markdown file of the repository.
struct Document {
    /// Relative to the root.
    path: PathBuf,
    text: String,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// All Markdown files of the repository, without those of dependencies and builds.
fn documents() -> Vec<Document> {
    let mut found = Vec::new();
    gather(&root(), Path::new(""), &mut found);
    for name in ["README.md", "scenarios/manual/src/SUMMARY.md"] {
        assert!(found.iter().any(|document| document.path == Path::new(name)), "{name} is there");
    }
    found
}

fn gather(folder: &Path, relative: &Path, found: &mut Vec<Document>) {
    for entry in std::fs::read_dir(folder).expect("the repository can be read") {
        let path = entry.expect("the repository can be read").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let relative = relative.join(name);
        let is_own = !name.starts_with('.') && name != "target";
        if path.is_dir() && is_own {
            gather(&path, &relative, found);
        } else if name.ends_with(".md") {
            let text = std::fs::read_to_string(&path).expect("documents are text");
            found.push(Document { path: relative, text });
        }
    }
}

/// Lines with whether they are code: fenced, or indented by four after an empty line.
fn lines(text: &str) -> impl Iterator<Item = (&str, bool)> {
    let (mut fenced, mut indented, mut after_empty) = (false, false, true);
    text.lines().map(move |line| {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
            return (line, true);
        }
        let is_indented = line.starts_with("    ") && (indented || after_empty);
        indented = is_indented || (indented && line.trim().is_empty());
        after_empty = line.trim().is_empty();
        (line, fenced || is_indented)
    })
}
