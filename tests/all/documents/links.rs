//! Relative links and anchors of all Markdown, and the manual's table of contents.
//!
//! Leaves out addresses of other sites.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use super::{documents, lines, root};

const MANUAL: &str = "scenarios/manual/src";

/// Targets of the links of a text, outside its code.
fn targets(text: &str) -> Vec<String> {
    let mut targets = Vec::new();
    for (line, _) in lines(text).filter(|(_, is_code)| !is_code) {
        // Every second part stands in backticks.
        let plain: String = line.split('`').step_by(2).collect::<Vec<_>>().join("`");
        let links = plain.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
        targets.extend(links.map(|(target, _)| target.to_owned()));
    }
    targets
}

/// Anchors of the headings of a text, as mdBook and GitHub make them.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let headings = lines(text).filter(|(line, is_code)| line.starts_with('#') && !is_code);
    let anchor = |(line, _): (&str, bool)| {
        let heading = line.trim_start_matches('#').trim().to_lowercase();
        let kept = heading.chars().filter(|c| c.is_alphanumeric() || "-_ ".contains(*c));
        let anchor: String = kept.map(|c| if c == ' ' { '-' } else { c }).collect();
        let count = seen.entry(anchor.clone()).or_default();
        *count += 1;
        if *count == 1 { anchor } else { format!("{anchor}-{}", *count - 1) }
    };
    headings.map(anchor).collect()
}

/// A path without `.` and `..`; `None` if it leads above the root.
fn plain(path: &Path) -> Option<PathBuf> {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir if !plain.pop() => return None,
            Component::ParentDir | Component::CurDir => {}
            other => plain.push(other),
        }
    }
    Some(plain)
}

#[test]
fn every_relative_link_leads_to_a_file_and_a_heading() {
    let documents = documents();
    let texts: BTreeMap<&Path, &str> =
        documents.iter().map(|document| (document.path.as_path(), &document.text[..])).collect();
    let mut broken = Vec::new();
    let mut followed = 0;
    for document in &documents {
        for target in targets(&document.text) {
            if target.contains("://") {
                continue;
            }
            followed += 1;
            let (file, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let folder = document.path.parent().expect("a file lies in a folder");
            let path = match file {
                "" => Some(document.path.clone()),
                file => plain(&folder.join(file)),
            };
            let leads = path.is_some_and(|path| {
                let known = texts.get(path.as_path()).map(|text| anchors(text));
                // The book is built from its own folder and has nothing beside it.
                let stays = !document.path.starts_with(MANUAL) || path.starts_with(MANUAL);
                let has_anchor = known.is_some_and(|known| known.contains(anchor));
                stays && root().join(&path).exists() && (anchor.is_empty() || has_anchor)
            });
            if !leads {
                broken.push(format!("{}: {target}", document.path.display()));
            }
        }
    }
    assert!(followed > 20, "only {followed} links were found");
    assert!(broken.is_empty(), "links that lead nowhere:\n{}", broken.join("\n"));
}

#[test]
fn the_manual_lists_each_of_its_pages_once() {
    let documents = documents();
    let own = documents.iter().filter_map(|document| document.path.strip_prefix(MANUAL).ok());
    let pages: BTreeSet<PathBuf> =
        own.filter(|path| *path != Path::new("SUMMARY.md")).map(Path::to_owned).collect();
    let summary = documents.iter().find(|document| document.path.ends_with("SUMMARY.md"));
    let listed: Vec<PathBuf> = targets(&summary.expect("it was found").text)
        .into_iter()
        .filter_map(|target| plain(Path::new(&target)))
        .collect();
    assert_eq!(listed.iter().cloned().collect::<BTreeSet<_>>(), pages);
    assert_eq!(listed.len(), pages.len(), "each is listed once");
}

#[test]
fn links_in_code_are_none_and_headings_have_the_anchors_of_mdbook() {
    let text = "# One `[[two]]` three\n\nSee [it](a.md#b) and `[x](y.md)`.\n\n    [no](c.md)\n\n# Same\n\n# Same\n";
    assert_eq!(targets(text), ["a.md#b"]);
    let wanted = ["one-two-three", "same", "same-1"];
    assert_eq!(anchors(text).iter().map(String::as_str).collect::<Vec<_>>(), wanted);
}
