//! The manual's page on the command line against `--help`: commands and options.
//!
//! Leaves out their meaning, and their values.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::{root, stayput};

/// Options by command, as the page lists them.
fn documented() -> BTreeMap<String, BTreeSet<String>> {
    let path = format!("{}scenarios/manual/src/reference/command.md", root());
    let page = std::fs::read_to_string(path).expect("the page is there");
    let mut commands: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut current = None;
    for line in page.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            let name = heading.strip_prefix("`stayput ").and_then(|rest| rest.strip_suffix('`'));
            current = name.map(str::to_owned);
            commands.extend(current.clone().map(|name| (name, BTreeSet::new())));
        }
        let option = line.strip_prefix("| `--").and_then(|rest| rest.split('`').next());
        if let (Some(command), Some(option)) = (&current, option) {
            commands.entry(command.clone()).or_default().insert(option.to_owned());
        }
    }
    commands
}

/// Options that `--help` of a command lists.
fn known(command: &str) -> BTreeSet<String> {
    let words: Vec<&str> = command.split(' ').chain(["--help"]).collect();
    let said = stayput(&words);
    assert_eq!(said.code, 0, "{said:?}");
    let names = said.stdout.lines().filter_map(|line| line.trim_start().strip_prefix("--"));
    names.filter_map(|rest| rest.split_whitespace().next()).map(str::to_owned).collect()
}

/// Commands that `--help` lists.
fn commands() -> Vec<String> {
    let said = stayput(&["--help"]);
    let lines = said.stdout.lines().skip_while(|line| *line != "Commands:").skip(1);
    let names = lines.map_while(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

#[test]
fn the_page_on_the_command_line_has_exactly_the_options_that_there_are() {
    let mut tried = 0;
    let documented = documented();
    for (command, options) in documented.iter().filter(|(_, options)| !options.is_empty()) {
        assert_eq!(*options, known(command), "options of {command}");
        tried += 1;
    }
    assert!(tried > 8, "only {tried} commands have options");
    for command in commands() {
        let is_there = |name: &String| name.split(' ').next() == Some(&command);
        assert!(documented.keys().any(is_there), "{command} is described");
    }
}
