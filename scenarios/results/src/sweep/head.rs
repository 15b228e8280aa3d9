//! `sweep.json`: the identity of a sweep.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::stats::WarmUp;

/// Scenarios, axes, seeds and policies of a sweep, with its version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SweepHead {
    /// The name and version of the schema.
    pub schema: String,
    /// The command that began it, to be pasted into a shell.
    pub command: String,
    /// The version of the program, and the commit where one is known.
    pub version: String,
    /// The scenarios: name and digest of all that decides their runs (the text and the files that
    /// it names), in the order that was asked for.
    pub scenarios: Vec<(String, String)>,
    /// The stories of the scenarios, by name.
    pub stories: BTreeMap<String, String>,
    /// The settings that vary: each key with its values, in the order that was asked for.
    pub axes: Vec<(String, Vec<String>)>,
    /// The seeds, as they were asked for: `0..200`.
    pub seeds: String,
    /// The policies by name, in the order that was asked for; empty if each scenario names its own.
    pub policies: Vec<String>,
    /// The part of each run that its figures leave out. The records have all of it, so it may be
    /// another when the sweep is continued; then that one holds.
    pub warm_up: WarmUp,
    /// The commit of the program that began it, or `unknown`. It is not compared; the version is.
    pub commit: String,
}
