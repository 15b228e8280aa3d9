//! Starter directories of jobs: a program, its build script, its description, and an input.
//!
//! Leaves out installing compilers: each `build.sh` lists the compilers that it needs.

use std::io;
use std::path::Path;

/// Programming language of a starter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Language {
    /// Rust, for wasm32-wasip1 or Debian's wasm32-wasi.
    Rust,
    /// C, with clang and wasi-libc.
    C,
    /// Python, by the system image `python`.
    Python,
}

/// A job's name: that of its directory, its node and its container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobName(String);

impl JobName {
    /// Parses 1 to 64 of letters, digits, `-`, `_`, `.`, of which the first is a letter or a digit.
    ///
    /// # Errors
    /// The rule for names, if `text` breaks it.
    pub fn parse(text: &str) -> Result<Self, JobNameError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let begins_well = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
        if begins_well && text.len() <= 64 && text.bytes().all(allowed) {
            return Ok(Self(text.to_owned()));
        }
        Err(JobNameError)
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Text that is no job's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a job's name is 1 to 64 letters, digits, `-`, `_` or `.`, a letter or digit first")]
pub struct JobNameError;

const JOB: &str = include_str!("starters/job.json.txt");
const INPUT: &str = include_str!("starters/input.txt");
const README: &str = include_str!("starters/README.md.txt");

impl Language {
    /// Files of this language's starter.
    fn files(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Rust => &[
                ("src/main.rs", include_str!("starters/rust/src/main.rs")),
                ("Cargo.toml", include_str!("starters/rust/Cargo.toml.txt")),
                ("build.sh", include_str!("starters/rust/build.sh")),
                ("job.json", JOB),
            ],
            Self::C => &[
                ("main.c", include_str!("starters/c/main.c")),
                ("build.sh", include_str!("starters/c/build.sh")),
                ("job.json", JOB),
            ],
            Self::Python => &[
                ("main.py", include_str!("starters/python/main.py")),
                ("build.sh", include_str!("starters/python/build.sh")),
                ("job.json", include_str!("starters/python/job.json.txt")),
            ],
        }
    }

    /// File that `build.sh` builds.
    fn built(self) -> &'static str {
        match self {
            Self::Rust | Self::C => "job.wasm",
            Self::Python => "job.tar",
        }
    }

    /// The command that runs the job from within its directory.
    #[must_use]
    pub fn run_command(self, name: &JobName) -> String {
        let (name, built) = (name.as_str(), self.built());
        format!(
            "stayput job run job.json --file swift://~/{name}/{built}={built} --file swift://~/{name}/input.txt=input.txt"
        )
    }
}

/// Makes the directory `name` below `parent` and puts the starter there.
///
/// # Errors
/// Something of that name is there already, or it cannot be written.
pub fn begin(parent: &Path, name: &JobName, language: Language) -> io::Result<()> {
    let folder = parent.join(name.as_str());
    std::fs::create_dir(&folder)?;
    let filled = |text: &str| {
        text.replace("{name}", name.as_str())
            .replace("{built}", language.built())
            .replace("{run}", &language.run_command(name))
    };
    for (path, text) in
        language.files().iter().chain(&[("input.txt", INPUT), ("README.md", README)])
    {
        let path = folder.join(path);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        // Programs have braces of their own.
        let is_template = path.extension().is_some_and(|ending| ending == "json" || ending == "md");
        std::fs::write(&path, if is_template { filled(text) } else { (*text).to_owned() })?;
    }
    Ok(())
}
