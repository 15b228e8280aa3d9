//! Runs the command over the small scenario and over variants of it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// The small scenario as it is written.
const SMALL: &str = include_str!("small.toml");

/// Exit code and output of the command.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Said {
    /// The JSON that standard output is.
    pub(crate) fn json(&self) -> Value {
        let parsed = serde_json::from_str(&self.stdout);
        parsed.unwrap_or_else(|error| panic!("standard output is no JSON: {error}\n{self:?}"))
    }
}

/// Runs `stayput` with these words.
pub(crate) fn stayput(words: &[&str]) -> Said {
    stayput_in(Path::new("."), words)
}

/// The same from within a folder.
pub(crate) fn stayput_in(folder: &Path, words: &[&str]) -> Said {
    let done = Command::new(env!("CARGO_BIN_EXE_stayput"))
        .args(words)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .expect("the command starts");
    let text = |bytes| String::from_utf8(bytes).expect("it writes text");
    Said {
        code: done.status.code().expect("no signal ended it"),
        stdout: text(done.stdout),
        stderr: text(done.stderr),
    }
}

/// The path of the small scenario.
pub(crate) fn small() -> String {
    path_text(&tests_folder().join("small.toml"))
}

/// Runs `stayput run` over the small scenario with further words.
pub(crate) fn run_small(words: &[&str]) -> Said {
    let small = small();
    stayput(&[&["run", small.as_str()], words].concat())
}

/// A copy of the small scenario in a folder of its own, with changes.
pub(crate) struct Variant {
    folder: tempfile::TempDir,
    pub(crate) file: String,
}

impl Variant {
    /// Each change replaces a text, which must be there, by another.
    pub(crate) fn new(changes: &[(&str, &str)]) -> Self {
        let mut text = SMALL.replace("../../", &root());
        for (from, to) in changes {
            assert!(text.contains(from), "{from} is not in the small scenario");
            text = text.replace(from, to);
        }
        Self::written(&text)
    }

    /// A copy of one of the repository's scenarios, in which `change` gives another line for each
    /// of its lines.
    pub(crate) fn of(scenario: &Path, change: impl Fn(&str) -> String) -> Self {
        let text = std::fs::read_to_string(scenario).expect("it can be read");
        // The copy lies elsewhere, and what it names is where it was.
        let folder = path_text(scenario.parent().expect("a file lies in a folder"));
        let text = text.replace("\"../", &format!("\"{folder}/../"));
        let text = text.replace("\"jobs/", &format!("\"{folder}/jobs/"));
        Self::written(&text.lines().map(|line| change(line) + "\n").collect::<String>())
    }

    fn written(text: &str) -> Self {
        let folder = tempfile::tempdir().expect("there is room for a folder");
        let file = write(folder.path(), "variant.toml", text.as_bytes());
        Self { folder, file }
    }

    /// Puts a file beside the scenario and gives its path.
    pub(crate) fn put(&self, name: &str, content: &[u8]) -> String {
        write(self.folder.path(), name, content)
    }

    /// Where a file beside the scenario would be.
    pub(crate) fn path(&self, name: &str) -> String {
        path_text(&self.folder.path().join(name))
    }

    /// Runs it with further words.
    pub(crate) fn run(&self, words: &[&str]) -> Said {
        stayput(&[&["run", self.file.as_str()], words].concat())
    }
}

fn write(folder: &Path, name: &str, content: &[u8]) -> String {
    let path = folder.join(name);
    std::fs::write(&path, content).expect("the folder is writable");
    path_text(&path)
}

/// The repository's root, as a path that ends with a slash.
pub(crate) fn root() -> String {
    format!("{}/", path_text(tests_folder().join("../..").as_path()))
}

fn tests_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/cli")
}

pub(crate) fn path_text(path: &Path) -> String {
    path.to_str().expect("the path is text").to_owned()
}
