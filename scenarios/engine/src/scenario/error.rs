//! Flaw of a scenario file: the file, the key and its line, the reason, and the fix.
//!
//! Leaves out anything that happens once a scenario runs.

use std::fmt;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use crate::quantity::printable;

/// A scenario that cannot be run as it is written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ScenarioError {
    /// The scenario file.
    pub file: PathBuf,
    /// The line, counted from 1, if the flaw has one.
    pub line: Option<usize>,
    /// The key, such as `fault[2].at` (tables of one name count from 1); empty if it is the file
    /// itself.
    pub key: String,
    /// Flaw.
    pub why: String,
    /// Fix.
    pub fix: String,
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if !self.key.is_empty() {
            write!(f, ": {}", printable(&self.key))?;
        }
        write!(f, ": {} ({})", printable(&self.why), printable(&self.fix))
    }
}

/// A flaw before it is located in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Flaw {
    pub(super) key: String,
    pub(super) why: String,
    pub(super) fix: String,
}

impl Flaw {
    pub(super) fn new(
        key: impl Into<String>,
        why: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self { key: key.into(), why: why.into(), fix: fix.into() }
    }

    /// The flaw with its place in `file`.
    pub(super) fn locate(self, file: &Path, lines: &Lines<'_>) -> ScenarioError {
        let line = lines.line_of(&self.key);
        ScenarioError { file: file.to_owned(), line, key: self.key, why: self.why, fix: self.fix }
    }
}

/// Position of each key in the file's text.
pub(super) struct Lines<'a> {
    text: &'a str,
    root: DeTable<'a>,
}

impl<'a> Lines<'a> {
    /// Indexes a text that is well-formed TOML; one that is not has no keys.
    pub(super) fn new(text: &'a str) -> Self {
        let root = DeTable::parse(text).map(toml::Spanned::into_inner).unwrap_or_default();
        Self { text, root }
    }

    /// The line, counted from 1, that the byte `offset` lies in.
    pub(super) fn line_at(&self, offset: usize) -> usize {
        let end = offset.min(self.text.len());
        1 + self.text.as_bytes()[..end].iter().filter(|b| **b == b'\n').count()
    }

    /// The line of `key` (such as `fault[2].at`), or of the innermost table that is there.
    pub(super) fn line_of(&self, key: &str) -> Option<usize> {
        let mut table = Some(&self.root);
        let mut line = None;
        let mut rest = key;
        while !rest.is_empty() {
            // A quoted key may have dots in it, and then it is all that is left.
            let quoted = table.and_then(|table| table.iter().find(|(k, _)| k.get_ref() == rest));
            if let Some((found, _)) = quoted {
                return Some(self.line_at(found.span().start));
            }
            let part = rest.split('.').next().unwrap_or_default();
            rest = rest[part.len()..].trim_start_matches('.');
            let (name, index) = match part.split_once('[') {
                Some((name, index)) => (name, index.trim_end_matches(']').parse::<usize>().ok()),
                None => (part, None),
            };
            let Some((found, value)) = table?.iter().find(|(k, _)| k.get_ref() == name) else {
                return line;
            };
            let mut offset = found.span().start;
            let mut value = value;
            if let (Some(index), DeValue::Array(items)) = (index, value.get_ref()) {
                let Some(item) = items.get(index.wrapping_sub(1)) else { return line };
                offset = item.span().start;
                value = item;
            }
            line = Some(self.line_at(offset));
            table = value.get_ref().as_table();
        }
        line
    }

    /// The line of the key `name`, which may have dots in it, of the table `table`.
    pub(super) fn line_of_entry(&self, table: &str, name: &str) -> Option<usize> {
        let entries = self.root.get(table)?.get_ref().as_table()?;
        let (key, _) = entries.iter().find(|(key, _)| key.get_ref() == name)?;
        Some(self.line_at(key.span().start))
    }

    /// The innermost key whose own text or value covers the byte `offset`; empty if none does.
    pub(super) fn key_at(&self, offset: usize) -> String {
        let mut path = String::new();
        descend(&self.root, offset, &mut path);
        path
    }
}

fn descend(table: &DeTable<'_>, offset: usize, path: &mut String) {
    for (key, value) in table {
        let within = value.span().contains(&offset) || key.span().contains(&offset);
        let nested = covers(value.get_ref(), offset);
        if !within && !nested {
            continue;
        }
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(key.get_ref());
        match value.get_ref() {
            DeValue::Table(inner) => descend(inner, offset, path),
            DeValue::Array(items) => {
                let found = items.iter().enumerate().find(|(_, item)| {
                    item.span().contains(&offset) || covers(item.get_ref(), offset)
                });
                if let Some((at, item)) = found {
                    path.push_str(&format!("[{}]", at + 1));
                    if let DeValue::Table(inner) = item.get_ref() {
                        descend(inner, offset, path);
                    }
                }
            }
            _ => {}
        }
        return;
    }
}

/// True if something inside `value` covers `offset`: the span of a `[table]` is its header only.
fn covers(value: &DeValue<'_>, offset: usize) -> bool {
    match value {
        DeValue::Table(table) => table.iter().any(|(key, value)| {
            key.span().contains(&offset)
                || value.span().contains(&offset)
                || covers(value.get_ref(), offset)
        }),
        DeValue::Array(items) => {
            items.iter().any(|item| item.span().contains(&offset) || covers(item.get_ref(), offset))
        }
        _ => false,
    }
}
