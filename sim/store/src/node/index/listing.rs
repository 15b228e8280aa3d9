//! Queries of listings, and the lines that they select: a pure function that takes rows in order
//! and returns where to read on.
//!
//! A table is read forwards only, so the end of a long reversed listing costs the reading of all
//! before it.
//!
//! Leaves out delimiters' older meanings.

use std::collections::VecDeque;

use percent_encoding::percent_decode_str;

use crate::node::storage::{NodeError, RequestFlaw};
use crate::swift::Path;

/// Lines of one listing, by default and at most.
const LIMIT_MAX: usize = 10_000;

/// ListingFormat of a listing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ListingFormat {
    /// One name a line.
    #[default]
    Plain,
    /// A JSON list of objects.
    Json,
    /// An XML document.
    Xml,
}

/// ListingQuery of a listing, as Swift has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ListingQuery {
    pub(crate) prefix: String,
    /// Name after which the listing begins.
    pub(crate) marker: String,
    /// Name before which it ends, if it is not empty.
    pub(crate) end_marker: String,
    /// Text up to which names are rolled up after the prefix, if it is not empty.
    pub(crate) delimiter: String,
    /// Restriction to names right in the directory `prefix`; subdirectories are listed only if they
    /// are objects themselves.
    pub(crate) is_path: bool,
    /// Order from the last name down; `marker` and `end_marker` are as for the other order.
    pub(crate) reverse: bool,
    pub(crate) limit: usize,
    pub(crate) format: ListingFormat,
}

impl Default for ListingQuery {
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
            format: ListingFormat::Plain,
        }
    }
}

impl ListingQuery {
    /// Reads a URL's query. Unknown parameters, and a limit that is no number, are ignored, as in
    /// Swift.
    pub(crate) fn parse(path: &Path, query: Option<&str>) -> Result<Self, NodeError> {
        let (mut parsed, mut directory) = (Self::default(), None);
        for pair in query.unwrap_or_default().split('&') {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = value.replace('+', " ");
            let value = percent_decode_str(&value)
                .decode_utf8()
                .map_err(|_| RequestFlaw::QueryEncoding(key.to_owned()).of(path))?;
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
                        "json" => ListingFormat::Json,
                        "xml" => ListingFormat::Xml,
                        _ => ListingFormat::Plain,
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
            return Err(NodeError::ConditionFailed { path, condition });
        }
        Ok(parsed)
    }

    fn in_directory(&mut self, directory: &str) {
        let name = directory.trim_end_matches('/');
        self.prefix = if directory.is_empty() { String::new() } else { format!("{name}/") };
        "/".clone_into(&mut self.delimiter);
        self.is_path = true;
    }

    /// Bounds of the names to read: from the first (included) to the second (excluded), if there
    /// is one.
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

/// Truth of a query's value, by Swift's words for yes.
fn is_true(value: &str) -> bool {
    ["true", "1", "yes", "on", "t", "y"].contains(&&*value.to_lowercase())
}

/// Smallest bytes above all that begin with `prefix`.
pub(super) fn successor(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte != u8::MAX)?;
    let mut above = prefix[..=last].to_vec();
    above[last] += 1;
    Some(above)
}

/// ListingLine of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ListingLine<E> {
    /// A row, by its name.
    Row(String, E),
    /// A subdirectory: all rows that begin so.
    Subdir(String),
}

/// Continuation of a read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ReadOn {
    /// At the next row.
    Row,
    /// At the first name that is not below this one.
    Name(Vec<u8>),
    /// Nowhere: the listing is full.
    End,
}

/// Builder of a listing, row by row.
pub(super) struct ListingBuilder<'a, E> {
    query: &'a ListingQuery,
    /// Lines in the order of their names; of a reversed listing the last ones so far.
    lines: VecDeque<ListingLine<E>>,
}

impl<'a, E> ListingBuilder<'a, E> {
    pub(super) const fn new(query: &'a ListingQuery) -> Self {
        Self { query, lines: VecDeque::new() }
    }

    /// True if no further line fits.
    pub(super) fn is_full(&self) -> bool {
        self.query.limit == 0 || (!self.query.reverse && self.lines.len() >= self.query.limit)
    }

    fn add(&mut self, line: ListingLine<E>) {
        if self.lines.len() >= self.query.limit {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }

    /// Takes the next row that is not deleted. Rows come in order, within [`ListingQuery::bounds`].
    pub(super) fn push(&mut self, name: &str, entry: E) -> ReadOn {
        if self.is_full() {
            return ReadOn::End;
        }
        let rest = name.get(self.query.prefix.len()..).unwrap_or_default();
        let delimiter = &self.query.delimiter;
        let rolled = if delimiter.is_empty() { None } else { rest.find(delimiter.as_str()) };
        if self.query.is_path && rest.is_empty() {
            return ReadOn::Row;
        }
        let Some(at) = rolled else {
            self.add(ListingLine::Row(name.to_owned(), entry));
            return ReadOn::Row;
        };
        let subdir = &name[..self.query.prefix.len() + at + delimiter.len()];
        if self.query.is_path {
            if name == subdir {
                self.add(ListingLine::Row(name.to_owned(), entry));
                return ReadOn::Row;
            }
            return successor(subdir.as_bytes()).map_or(ReadOn::End, ReadOn::Name);
        }
        // A page that ended with a subdirectory names it as the next one's marker.
        if subdir != self.query.marker {
            self.add(ListingLine::Subdir(subdir.to_owned()));
        }
        successor(subdir.as_bytes()).map_or(ReadOn::End, ReadOn::Name)
    }

    pub(super) fn into_lines(self) -> Vec<ListingLine<E>> {
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

    /// A listing by its definition: filter, roll up, take.
    fn naive(rows: &BTreeMap<String, u8>, query: &ListingQuery) -> Vec<ListingLine<u8>> {
        let mut lines: Vec<ListingLine<u8>> = Vec::new();
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
                    ListingLine::Row(name.clone(), *entry)
                }
                Some((dir, _)) if !query.delimiter.is_empty() => {
                    ListingLine::Subdir(format!("{}{dir}{}", query.prefix, query.delimiter))
                }
                _ => ListingLine::Row(name.clone(), *entry),
            };
            if !lines.contains(&line) && line != ListingLine::Subdir(query.marker.clone()) {
                lines.push(line);
            }
        }
        if query.reverse {
            lines.reverse();
        }
        lines.truncate(query.limit);
        lines
    }

    fn listed(rows: &BTreeMap<String, u8>, query: &ListingQuery) -> Vec<ListingLine<u8>> {
        let (mut from, to) = query.bounds();
        let mut lister = ListingBuilder::new(query);
        let below = |name: &String| to.as_ref().is_none_or(|to| name.as_bytes() < &to[..]);
        while let Some((name, entry)) =
            rows.iter().find(|(name, _)| name.as_bytes() >= &from[..]).filter(|row| below(row.0))
        {
            from = match lister.push(name, *entry) {
                ReadOn::Row => [name.as_bytes(), b"\0"].concat(),
                ReadOn::Name(name) => name,
                ReadOn::End => break,
            };
        }
        lister.into_lines()
    }

    fn any_query() -> impl Strategy<Value = ListingQuery> {
        let part = || "[ab/é]{0,3}";
        let delimiter = prop::sample::select(vec!["", "/", "b", "/a"]);
        let parts = (part(), part(), part(), delimiter, 0_usize..12);
        (parts, any::<bool>(), prop::option::of(part())).prop_map(
            |((prefix, marker, end_marker, delimiter, limit), reverse, directory)| {
                let delimiter = delimiter.to_owned();
                let (format, is_path) = (ListingFormat::Plain, false);
                let mut query = ListingQuery {
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
            let whole = listed(&rows, &ListingQuery { delimiter: delimiter.clone(), ..ListingQuery::default() });
            let (mut joined, mut marker) = (Vec::new(), String::new());
            loop {
                let delimiter = delimiter.clone();
                let query = ListingQuery { delimiter, limit, marker: marker.clone(), ..ListingQuery::default() };
                let page = listed(&rows, &query);
                match page.last() {
                    None => break,
                    Some(ListingLine::Row(name, _) | ListingLine::Subdir(name)) => marker.clone_from(name),
                }
                joined.extend(page);
            }
            prop_assert_eq!(joined, whole);
        }

        #[test]
        fn any_query_is_read_or_refused(text in ".{0,60}") {
            let path = crate::swift::decode_path("/a/c").unwrap();
            let _either = ListingQuery::parse(&path, Some(&text));
        }
    }

    #[test]
    fn a_query_is_read_as_swift_reads_it() {
        let path = crate::swift::decode_path("/a/c").unwrap();
        let parse = |text| ListingQuery::parse(&path, Some(text));
        let query = parse("prefix=a%2Fb&limit=7&format=json&marker=x+y").unwrap();
        assert_eq!((&*query.prefix, &*query.marker, query.limit), ("a/b", "x y", 7));
        let reversed = parse("reverse=1&marker=x&path=d").unwrap();
        assert_eq!((&*reversed.prefix, &*reversed.end_marker), ("d/", "x"));
        assert_eq!(query.format, ListingFormat::Json);
        assert_eq!(parse("limit=many").unwrap().limit, LIMIT_MAX);
        assert!(parse("limit=10001").is_err());
        assert!(parse("prefix=%ff").is_err());
    }

    proptest! {
        #[test]
        fn the_successor_of_a_prefix_is_the_first_after_all_that_begin_with_it(
            prefix in prop::collection::vec(prop_oneof![any::<u8>(), Just(u8::MAX)], 0..4),
            other in prop::collection::vec(prop_oneof![any::<u8>(), Just(u8::MAX)], 0..6),
        ) {
            let after = successor(&prefix);
            let is_within = other >= prefix && after.as_ref().is_none_or(|after| other < *after);
            prop_assert_eq!(other.starts_with(&prefix), is_within, "{:?}", after);
        }
    }
}
