//! The manual's page on the command line against `--help`: commands and options.
//!
//! Leaves out their meaning, and their values.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::{root, stayput};

fn page() -> String {
    let path = format!("{}scenarios/manual/src/reference/command.md", root());
    std::fs::read_to_string(path).expect("the page is there")
}

/// Options by command, as the page lists them.
fn documented() -> BTreeMap<String, BTreeSet<String>> {
    let page = page();
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

/// Commands that run something, with those that they stand under: `job run`.
fn commands(under: &str) -> Vec<String> {
    let words: Vec<&str> = under.split_whitespace().chain(["--help"]).collect();
    let said = stayput(&words);
    let lines = said.stdout.lines().skip_while(|line| *line != "Commands:").skip(1);
    let names = lines.map_while(|line| line.split_whitespace().next());
    let names: Vec<&str> = names.filter(|name| *name != "help").collect();
    if names.is_empty() {
        return vec![under.to_owned()];
    }
    names.into_iter().flat_map(|name| commands(format!("{under} {name}").trim())).collect()
}

#[test]
fn the_page_on_the_command_line_has_exactly_the_options_that_there_are() {
    let mut documented = documented();
    let of_run = documented["run"].clone();
    documented.insert("twice".to_owned(), of_run);
    let commands = commands("");
    assert!(commands.len() > 8, "only {commands:?}");
    for command in &commands {
        let options = documented.get(command).cloned().unwrap_or_default();
        assert_eq!(options, known(command), "options of {command}");
        assert!(page().contains(&format!("`stayput {command}`")), "{command} is described");
    }
    for command in documented.keys() {
        let is_it = |known: &String| known == command || known.starts_with(&format!("{command} "));
        assert!(commands.iter().any(is_it), "{command} is a command");
    }
}
