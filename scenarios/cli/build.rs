//! Commit of the build, which the program writes into its results.
//!
//! `STAYPUT_COMMIT` sets it; otherwise git does, and without git it is "unknown". It decides
//! nothing that a run does. Leaves out sources that are no part of the program: documents,
//! scenarios and tests may have changed.

use std::path::Path;
use std::process::Command;

/// Sources of the program, relative to this package's folder.
const SOURCES: [&str; 13] = [
    "../../runtime/src",
    "../../sim/host/src",
    "../../sim/ring/src",
    "../../sim/world/src",
    "../../sim/store/src",
    "../../sim/jobs/src",
    "../../sim/cluster/src",
    "../../sim/server/src",
    "../engine/src",
    "../results/src",
    "../images/src",
    "src",
    "../../Cargo.lock",
];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=STAYPUT_COMMIT");
    for source in SOURCES {
        println!("cargo::rerun-if-changed={source}");
    }
    for place in ["HEAD", "logs/HEAD", "packed-refs"] {
        // A place that is not there would have it run each time.
        let file = git(&["rev-parse", "--git-path", place]).filter(|file| Path::new(file).exists());
        if let Some(file) = file {
            println!("cargo::rerun-if-changed={file}");
        }
    }
    let given = std::env::var("STAYPUT_COMMIT").ok().filter(|commit| !commit.is_empty());
    let commit = given.or_else(found).unwrap_or_else(|| "unknown".to_owned());
    println!("cargo::rustc-env=STAYPUT_BUILT_FROM={commit}");
}

/// The commit that is checked out, and whether what the program is made of is as it was committed.
fn found() -> Option<String> {
    let commit = git(&["rev-parse", "HEAD"])?;
    let mut status = vec!["status", "--porcelain", "--"];
    status.extend(SOURCES);
    let changed = !git(&status)?.is_empty();
    Some(if changed { format!("{commit} with changes") } else { commit })
}

/// Output of a git command; `None` if there is no git, or the command fails.
fn git(words: &[&str]) -> Option<String> {
    let output = Command::new("git").args(words).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
