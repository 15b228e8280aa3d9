//! Which rows a listing shows: a pure function that is fed rows in order and says where to read on.
//!
//! Leaves out delimiters' older meanings. A table is read forwards only, so that the end of a long listing costs the reading
//! of all before it.

use std::collections::VecDeque;

use percent_encoding::percent_decode_str;

use crate::node::error::NodeError;
use crate::swift::Path;

/// Names in one listing, by default and at most.
const LIMIT_MAX: usize = 10_000;

/// How a listing is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::node) enum Format {
    /// One name on each line.
    #[default]
    Plain,
    /// A list of objects.
    Json,
    /// A document.
    Xml,
}

/// What a listing is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::node) struct Query {
    pub(in crate::node) prefix: String,
    /// Names after this one only.
    pub(in crate::node) marker: String,
    /// Names before this one only, if it is not empty.
    pub(in crate::node) end_marker: String,
    /// Names that have it after the prefix are rolled up to it, if it is not empty.
    pub(in crate::node) delimiter: String,
    /// Whether only what lies right in the directory `prefix` is listed, and subdirectories only if they are objects themselves.
    pub(in crate::node) is_path: bool,
    /// Whether names come from the last one down; `marker` and `end_marker` are as for the other order.
    pub(in crate::node) reverse: bool,
    pub(in crate::node) limit: usize,
    pub(in crate::node) format: Format,
}

impl Default for Query {
    fn default() -> Self {
        let empty = String::new;
        Self {
            prefix: empty(),
            marker: empty(),
            end_marker: empty(),
            delimiter: empty(),
            is_path: false,
            reverse: false,
            limit: LIMIT_MAX,
            format: Format::Plain,
        }
    }
}

impl Query {
    /// Reads a URL's query. What is unknown, and a limit that is no number, is ignored, as in
    /// Swift.
    pub(in crate::node) fn parse(path: &Path, query: Option<&str>) -> Result<Self, NodeError> {
        let (mut parsed, mut directory) = (Self::default(), None);
        for pair in query.unwrap_or_default().split('&') {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = value.replace('+', " ");
            let value = percent_decode_str(&value).decode_utf8().map_err(|_| {
                let why = format!("the query's {key} is not UTF-8");
                NodeError::BadRequest { path: path.to_string(), why }
            })?;
            match key {
                "prefix" => parsed.prefix = value.into_owned(),
                "marker" => parsed.marker = value.into_owned(),
                "end_marker" => parsed.end_marker = value.into_owned(),
                "delimiter" => parsed.delimiter = value.into_owned(),
                "limit" => parsed.limit = value.parse().unwrap_or(LIMIT_MAX),
                "path" => directory = Some(value.into_owned()),
                "reverse" => parsed.reverse = is_true(&value),
                "format" => {
                    parsed.format = match &*value.to_ascii_lowercase() {
                        "json" => Format::Json,
                        "xml" => Format::Xml,
                        _ => Format::Plain,
                    }
                }
                _ => {}
            }
        }
        if let Some(directory) = directory {
            parsed.in_directory(&directory);
        }
        if parsed.reverse {
            std::mem::swap(&mut parsed.marker, &mut parsed.end_marker);
        }
        if parsed.limit > LIMIT_MAX {
            let (path, condition) = (path.to_string(), "a limit of at most 10000");
            return Err(NodeError::Precondition { path, condition });
        }
        Ok(parsed)
    }

    fn in_directory(&mut self, directory: &str) {
        let name = directory.trim_end_matches('/');
        self.prefix = if directory.is_empty() { String::new() } else { format!("{name}/") };
        "/".clone_into(&mut self.delimiter);
        self.is_path = true;
    }

    /// The names among which to look: from the first (included) to the second (not included, if
    /// there is one).
    pub(super) fn bounds(&self) -> (Vec<u8>, Option<Vec<u8>>) {
        let mut after_marker = self.marker.clone().into_bytes();
        if !after_marker.is_empty() {
            after_marker.push(0);
        }
        let from = after_marker.max(self.prefix.clone().into_bytes());
        let end_marker =
            (!self.end_marker.is_empty()).then(|| self.end_marker.clone().into_bytes());
        let to = match (end_marker, successor(self.prefix.as_bytes())) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        (from, to)
    }
}

/// Swift's ways of saying yes.
fn is_true(value: &str) -> bool {
    ["true", "1", "yes", "on", "t", "y"].contains(&&*value.to_lowercase())
}

/// The smallest bytes above all that begin with `prefix`.
pub(super) fn successor(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte != u8::MAX)?;
    let mut above = prefix[..=last].to_vec();
    above[last] += 1;
    Some(above)
}

/// A line of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::node) enum Line<E> {
    /// A row.
    Row(String, E),
    /// All rows that begin so.
    Subdir(String),
}

/// How to read on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// With the next row.
    Row,
    /// With the first name that is not below this.
    Name(Vec<u8>),
    /// Not at all: the listing is full.
    Nothing,
}

/// A listing that grows row by row.
pub(super) struct Lister<'a, E> {
    query: &'a Query,
    /// In the order of their names; of a reversed listing the last ones so far.
    lines: VecDeque<Line<E>>,
}

impl<'a, E> Lister<'a, E> {
    pub(super) const fn new(query: &'a Query) -> Self {
        Self { query, lines: VecDeque::new() }
    }

    /// Whether nothing more fits.
    pub(super) fn is_full(&self) -> bool {
        self.query.limit == 0 || (!self.query.reverse && self.lines.len() >= self.query.limit)
    }

    fn add(&mut self, line: Line<E>) {
        if self.lines.len() >= self.query.limit {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }

    /// Takes the next row that is not deleted. Rows come in order, within [`Query::bounds`].
    pub(super) fn push(&mut self, name: &str, entry: E) -> Next {
        if self.is_full() {
            return Next::Nothing;
        }
        let rest = name.get(self.query.prefix.len()..).unwrap_or_default();
        let delimiter = &self.query.delimiter;
        let rolled = if delimiter.is_empty() { None } else { rest.find(delimiter.as_str()) };
        if self.query.is_path && rest.is_empty() {
            return Next::Row;
        }
        let Some(at) = rolled else {
            self.add(Line::Row(name.to_owned(), entry));
            return Next::Row;
        };
        let subdir = &name[..self.query.prefix.len() + at + delimiter.len()];
        if self.query.is_path {
            if name == subdir {
                self.add(Line::Row(name.to_owned(), entry));
                return Next::Row;
            }
            return successor(subdir.as_bytes()).map_or(Next::Nothing, Next::Name);
        }
        // A page that ended with a subdirectory names it as the next one's marker.
        if subdir != self.query.marker {
            self.add(Line::Subdir(subdir.to_owned()));
        }
        successor(subdir.as_bytes()).map_or(Next::Nothing, Next::Name)
    }

    pub(super) fn into_lines(self) -> Vec<Line<E>> {
        if self.query.reverse {
            return self.lines.into_iter().rev().collect();
        }
        self.lines.into()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// By the definition: filter, roll up, take.
    fn naive(rows: &BTreeMap<String, u8>, query: &Query) -> Vec<Line<u8>> {
        let mut lines: Vec<Line<u8>> = Vec::new();
        for (name, entry) in rows {
            let shown = name.starts_with(&query.prefix)
                && *name > query.marker
                && (query.end_marker.is_empty() || *name < query.end_marker);
            if !shown || (query.is_path && *name == query.prefix) {
                continue;
            }
            let rest = &name[query.prefix.len()..];
            let line = match rest.split_once(&query.delimiter) {
                Some((_, inside)) if query.is_path => {
                    if !inside.is_empty() {
                        continue;
                    }
                    Line::Row(name.clone(), *entry)
                }
                Some((dir, _)) if !query.delimiter.is_empty() => {
                    Line::Subdir(format!("{}{dir}{}", query.prefix, query.delimiter))
                }
                _ => Line::Row(name.clone(), *entry),
            };
            if !lines.contains(&line) && line != Line::Subdir(query.marker.clone()) {
                lines.push(line);
            }
        }
        if query.reverse {
            lines.reverse();
        }
        lines.truncate(query.limit);
        lines
    }

    fn listed(rows: &BTreeMap<String, u8>, query: &Query) -> Vec<Line<u8>> {
        let (mut from, to) = query.bounds();
        let mut lister = Lister::new(query);
        let below = |name: &String| to.as_ref().is_none_or(|to| name.as_bytes() < &to[..]);
        while let Some((name, entry)) =
            rows.iter().find(|(name, _)| name.as_bytes() >= &from[..]).filter(|row| below(row.0))
        {
            from = match lister.push(name, *entry) {
                Next::Row => [name.as_bytes(), b"\0"].concat(),
                Next::Name(name) => name,
                Next::Nothing => break,
            };
        }
        lister.into_lines()
    }

    fn any_query() -> impl Strategy<Value = Query> {
        let part = || "[ab/é]{0,3}";
        let delimiter = prop::sample::select(vec!["", "/", "b", "/a"]);
        let parts = (part(), part(), part(), delimiter, 0_usize..12);
        (parts, any::<bool>(), prop::option::of(part())).prop_map(
            |((prefix, marker, end_marker, delimiter, limit), reverse, directory)| {
                let delimiter = delimiter.to_owned();
                let (format, is_path) = (Format::Plain, false);
                let mut query = Query {
                    prefix,
                    marker,
                    end_marker,
                    delimiter,
                    is_path,
                    reverse,
                    limit,
                    format,
                };
                if let Some(directory) = directory {
                    query.in_directory(&directory);
                }
                query
            },
        )
    }

    proptest! {
        #[test]
        fn a_listing_is_what_its_definition_says(
            rows in prop::collection::btree_map("[ab/é]{1,5}", any::<u8>(), 0..40),
            query in any_query(),
        ) {
            prop_assert_eq!(listed(&rows, &query), naive(&rows, &query));
        }

        #[test]
        fn pages_join_to_the_whole_listing(
            rows in prop::collection::btree_map("[ab/]{1,5}", any::<u8>(), 0..40),
            delimiter in prop::sample::select(vec!["", "/"]), limit in 1_usize..6,
        ) {
            let delimiter = delimiter.to_owned();
            let whole = listed(&rows, &Query { delimiter: delimiter.clone(), ..Query::default() });
            let (mut joined, mut marker) = (Vec::new(), String::new());
            loop {
                let delimiter = delimiter.clone();
                let query = Query { delimiter, limit, marker: marker.clone(), ..Query::default() };
                let page = listed(&rows, &query);
                match page.last() {
                    None => break,
                    Some(Line::Row(name, _) | Line::Subdir(name)) => marker.clone_from(name),
                }
                joined.extend(page);
            }
            prop_assert_eq!(joined, whole);
        }

        #[test]
        fn any_query_is_read_or_refused(text in ".{0,60}") {
            let path = crate::swift::decode_path("/a/c").unwrap();
            let _either = Query::parse(&path, Some(&text));
        }
    }

    #[test]
    fn a_query_is_read_as_swift_reads_it() {
        let path = crate::swift::decode_path("/a/c").unwrap();
        let parse = |text| Query::parse(&path, Some(text));
        let query = parse("prefix=a%2Fb&limit=7&format=json&marker=x+y").unwrap();
        assert_eq!((&*query.prefix, &*query.marker, query.limit), ("a/b", "x y", 7));
        let reversed = parse("reverse=1&marker=x&path=d").unwrap();
        assert_eq!((&*reversed.prefix, &*reversed.end_marker), ("d/", "x"));
        assert_eq!(query.format, Format::Json);
        assert_eq!(parse("limit=many").unwrap().limit, LIMIT_MAX);
        assert!(parse("limit=10001").is_err());
        assert!(parse("prefix=%ff").is_err());
    }
}
