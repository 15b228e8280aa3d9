//! Head of a sweep, from its arguments: its scenarios are read with all settings before the first
//! run, so that a flaw in any of them ends it at once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use stayput_engine::record::hex;
use stayput_engine::scenario::{
    Content, Policy, Scenario, ScenarioCatalog, ScenarioError, limits, read_bounded,
};
use stayput_results::sweep::{SCHEMA, SweepHead};

use super::args::SweepArgs;
use super::cell::{settings, usage};
use crate::commands::{CliError, run};

/// The head of the sweep that `args` ask for, and the scenarios' files by name.
pub(super) fn head(args: &SweepArgs) -> Result<(SweepHead, BTreeMap<String, PathBuf>), CliError> {
    let mut head = SweepHead {
        schema: SCHEMA.to_owned(),
        command: run::pasteable(&args.deciding_words()),
        version: version(),
        scenarios: Vec::new(),
        stories: BTreeMap::new(),
        axes: Vec::new(),
        seeds: args.seeds.to_string(),
        policies: args.policy.iter().map(|policy| policy.name().to_owned()).collect(),
        warm_up: args.warm_up,
        commit: COMMIT.to_owned(),
    };
    for axis in &args.set {
        if head.axes.iter().any(|(key, _)| *key == axis.key) {
            return Err(CliError::Usage {
                why: format!("--set {} is there twice", axis.key),
                fix: "write all values of a key behind one --set, with commas",
            });
        }
        head.axes.push((axis.key.clone(), axis.values.clone()));
    }
    let mut files = BTreeMap::new();
    for file in &args.scenario {
        let points: Vec<Scenario> = points(file, &head, &args.catalog)?;
        let Some(first) = points.first() else { continue };
        let name = first.name.clone();
        if let Some(other) = files.insert(name.clone(), file.clone()) {
            return Err(CliError::Usage {
                why: format!("{} and {} are both named {name}", other.display(), file.display()),
                fix: "give each scenario of a sweep a name of its own",
            });
        }
        head.stories.insert(name.clone(), first.story.clone());
        head.scenarios.push((name, digest(file, &points, args.no_faults)?));
    }
    Ok((head, files))
}

/// The commit that the program is built from, or `unknown`, set by the build. A sweep records it
/// and does not depend on it.
pub(super) const COMMIT: &str = env!("STAYPUT_BUILT_FROM");

/// The version of the program; who builds it for others may make a commit part of it, and then
/// sweeps of another are refused.
pub(super) fn version() -> String {
    let version = env!("CARGO_PKG_VERSION");
    option_env!("STAYPUT_COMMIT")
        .map_or_else(|| version.to_owned(), |commit| format!("{version} {commit}"))
}

/// The scenario with each combination of the settings.
fn points(
    file: &Path,
    head: &SweepHead,
    catalog: &ScenarioCatalog,
) -> Result<Vec<Scenario>, CliError> {
    let load = |values: &BTreeMap<String, String>| {
        let settings = settings(values).map_err(|error| usage(&error))?;
        Ok(Scenario::load_with(file, &settings, catalog)?)
    };
    head.settings().iter().map(load).collect()
}

/// A digest of all that decides a scenario's runs but for settings, seeds and policies: its text,
/// and what is in the files that it names. Where these lie is not in it, so that shards on other
/// machines agree.
fn digest(file: &Path, points: &[Scenario], no_faults: bool) -> Result<String, CliError> {
    let mut hash = Sha256::new();
    let mut known: BTreeMap<PathBuf, [u8; 32]> = BTreeMap::new();
    let mut content = |path: &Path, key: &str| -> Result<[u8; 32], CliError> {
        if let Some(digest) = known.get(path) {
            return Ok(*digest);
        }
        let unreadable = |why: String| ScenarioError {
            file: file.to_owned(),
            line: None,
            key: key.to_owned(),
            why: format!("cannot read {}: {why}", path.display()),
            fix: "name a file that can be read".to_owned(),
        };
        let bytes =
            read_bounded(path, limits::MAX_DATA_BYTES).map_err(|e| unreadable(e.to_string()))?;
        let bytes = bytes.ok_or_else(|| unreadable("it is larger than 4 GiB".to_owned()))?;
        let digest: [u8; 32] = Sha256::digest(&bytes).into();
        known.insert(path.to_owned(), digest);
        Ok(digest)
    };
    hash.update(content(file, "")?);
    hash.update([u8::from(no_faults)]);
    for scenario in points {
        for work in &scenario.work {
            for job in &work.jobs {
                hash.update(Sha256::digest(&job.text));
            }
        }
        for source in &scenario.data {
            match &source.content {
                Content::Generate { .. } => {}
                Content::File(path) => hash.update(content(path, &source.key)?),
                Content::Tar(members) => {
                    for member in members {
                        hash.update(Sha256::digest(&member.name));
                        hash.update(content(&member.file, &source.key)?);
                    }
                }
            }
        }
        for image in &scenario.images {
            hash.update(content(&image.file, &image.key)?);
        }
    }
    Ok(hex(&hash.finalize()))
}

/// The policies that were asked for, each once.
pub(super) fn policies(args: &SweepArgs) -> Result<Vec<Policy>, CliError> {
    let mut policies = Vec::new();
    for policy in &args.policy {
        if policies.contains(policy) {
            return Err(CliError::Usage {
                why: format!("--policy {policy} is there twice"),
                fix: "name each policy once",
            });
        }
        policies.push(*policy);
    }
    Ok(policies)
}
