//! Source positions (line and column) in a description's text.
//!
//! The text is parsed once more for that, by a parser that keeps positions; whether it is JSON is
//! decided elsewhere.

use jsonc_parser::ast::{Object, ObjectProp, Value};
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};
use stayput_runtime::job::{FieldStep, Flaw, NodeRef};

/// A line and a column, both from 1; columns are characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

/// A text and its values, if it is JSON.
pub(super) struct Places<'a> {
    text: &'a str,
    root: Option<Value<'a>>,
}

impl<'a> Places<'a> {
    pub(super) fn of(description: &'a [u8]) -> Self {
        let text = std::str::from_utf8(description).unwrap_or_default();
        // The description's own parser bounds the depth of values; a text that it rejects is not
        // parsed here.
        let is_json = serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
        let parsed = is_json
            .then(|| parse_to_ast(text, &CollectOptions::default(), &ParseOptions::default()));
        Self { text, root: parsed.and_then(Result::ok).and_then(|parsed| parsed.value) }
    }

    /// Position of a flaw: its field if that is there, else the innermost thing around it that is.
    pub(super) fn of_flaw(&self, flaw: &Flaw) -> Option<Place> {
        let root = self.root.as_ref()?;
        let node = match &flaw.node {
            NodeRef::Job => return Some(self.at(start(root))),
            NodeRef::Index(index) => root.as_array()?.elements.get(*index),
            NodeRef::Named(name) => root.as_array()?.elements.iter().find(|node| {
                let own = node.as_object().and_then(|node| field(node, "name"));
                own.and_then(|own| own.value.as_string_lit())
                    .is_some_and(|own| own.value == name.as_str())
            }),
        };
        let mut value = node.unwrap_or(root);
        let mut begins = start(value);
        for step in flaw.field.steps() {
            match (step, value) {
                (FieldStep::Name(name), Value::Object(object)) => {
                    let Some(property) = field(object, name) else { break };
                    begins = property.range.start;
                    value = &property.value;
                }
                (FieldStep::Index(index), Value::Array(array)) => {
                    let Some(item) = array.elements.get(*index) else { break };
                    begins = start(item);
                    value = item;
                }
                _ => break,
            }
        }
        Some(self.at(begins))
    }

    /// Duplicate fields of objects: their names and the positions of the repetitions.
    pub(super) fn repeated(&self) -> Vec<(String, Place)> {
        let mut repeated = Vec::new();
        let mut todo: Vec<&Value<'_>> = self.root.iter().collect();
        while let Some(value) = todo.pop() {
            match value {
                Value::Array(array) => todo.extend(&array.elements),
                Value::Object(object) => {
                    let mut seen = std::collections::BTreeSet::new();
                    for property in &object.properties {
                        if !seen.insert(property.name.as_str()) {
                            let place = self.at(property.range.start);
                            repeated.push((property.name.as_str().to_owned(), place));
                        }
                        todo.push(&property.value);
                    }
                }
                _ => {}
            }
        }
        repeated.sort_unstable_by_key(|(_, place)| *place);
        repeated
    }

    fn at(&self, offset: usize) -> Place {
        let before = self.text.get(..offset).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        Place {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }
}

/// The field of that name. Of two, the later counts, as it does where descriptions are read.
fn field<'a, 'b>(object: &'b Object<'a>, name: &str) -> Option<&'b ObjectProp<'a>> {
    object.properties.iter().rev().find(|property| property.name.as_str() == name)
}

fn start(value: &Value<'_>) -> usize {
    use jsonc_parser::common::Ranged;
    value.range().start
}
