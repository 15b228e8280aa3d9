//! Every scenario file of the repository runs twice, in processes of their own, and comes to the
//! same hash.
//!
//! One that wants an image which is not built says how to build it. Leaves out whether they keep
//! their promises, which smaller ones need not: `.ci/run` runs each of them whole, twice.

use std::path::{Path, PathBuf};

use crate::support::{Variant, root, stayput};

/// Limits of a smaller variant.
const MOST: [(&str, u32); 7] = [
    ("nodes_per_zone", 4),
    ("part_power", 8),
    ("proxies", 2),
    ("workers", 2),
    ("clients", 4),
    ("count", 8),
    ("runs", 16),
];
/// Length of its texts: a whole number of records too.
const SIZE: &str = "size = \"64 kB\"";
const KEPT: i32 = 0;
const BROKEN: i32 = 1;
const USAGE: i32 = 2;
/// Command that builds the images that some of them need.
const BUILD: &str = "stayput image python";

/// The scenario files.
fn scenarios() -> Vec<PathBuf> {
    let folders = ["scenarios", "scenarios/locality"].map(|folder| format!("{}{folder}", root()));
    let entries = folders.iter().flat_map(|folder| std::fs::read_dir(folder).expect("it is there"));
    let paths = entries.map(|entry| entry.expect("it can be read").path());
    let is_scenario = |path: &PathBuf| {
        path.extension().is_some_and(|ending| ending == "toml") && !path.ends_with("Cargo.toml")
    };
    let mut found: Vec<PathBuf> = paths.filter(is_scenario).collect();
    found.sort();
    assert!(found.len() >= 17, "{found:?}");
    found
}

/// A line of a scenario with no more of what it says than [`MOST`].
fn smaller(line: &str) -> String {
    let Some((key, value)) = line.split_once('=') else { return line.to_owned() };
    let (key, value) = (key.trim(), value.split('#').next().unwrap_or_default().trim());
    if key == "size" {
        return SIZE.to_owned();
    }
    if key == "size_max" {
        return String::new();
    }
    match (MOST.iter().find(|(name, _)| *name == key), value.parse::<u32>()) {
        (Some((_, most)), Ok(count)) if count > *most => format!("{key} = {most}"),
        _ => line.to_owned(),
    }
}

/// An image that the scenario wants and that is not built.
fn missing_image(file: &str) -> Option<String> {
    let text = std::fs::read_to_string(file).expect("it can be read");
    let tars = text.split('"').filter(|word| word.ends_with(".tar") && word.contains("/images/"));
    tars.map(str::to_owned).find(|tar| !Path::new(tar).exists())
}

/// Runs a file twice; says how that ended, if the hashes are the same.
fn code_of_same_runs(file: &str, of: &Path) -> i32 {
    let said = stayput(&["twice", file]);
    let of = of.display();
    assert!(said.stdout.contains("both runs are the same: trace_hash "), "{of}: {said:?}");
    said.code
}

#[test]
fn every_scenario_made_smaller_runs_twice_with_the_same_hash() {
    for scenario in scenarios() {
        let variant = Variant::of(&scenario, smaller);
        if let Some(tar) = missing_image(&variant.file) {
            let said = variant.run(&[]);
            assert_eq!(said.code, USAGE, "{said:?}");
            assert!(said.stderr.contains(&tar) && said.stderr.contains(BUILD), "{said:?}");
            continue;
        }
        let code = code_of_same_runs(&variant.file, &scenario);
        assert!([KEPT, BROKEN].contains(&code), "{}: {code}", scenario.display());
    }
}
