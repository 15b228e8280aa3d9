//! The manual's reference of scenario files against the parser: keys, defaults, required keys.
//!
//! Leaves out the meaning of a key, which no test can read.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::Deserialize;
use serde::de::value::{Error, StrDeserializer};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use stayput_world::fault::FaultCatalog;
use toml::{Table, Value};

use super::raw::RawScenario;
use super::*;

const REFERENCE: &str = include_str!("../../../manual/src/reference/scenarios.md");

/// A scenario with one section of each kind and of each only the required keys, but for sizes,
/// which are drawn so that `size_max` has a meaning.
const BASE: &str = r#"
name = "base"
[[data]]
path = "swift://~/demo/log.txt"
generate = "log"
size = "lognormal 1 MiB sigma 1.0"
[[work]]
jobs = [{ job = "[]" }]
objects = "swift://~/demo/*"
[[load]]
rate = "poisson 1/s"
objects = "swift://~/demo/*"
size = "lognormal 1 MiB sigma 1.0"
[[fault]]
at = "1s"
for = "1s"
partition = ["zone:1"]
"#;

/// The default of a key that must be written.
const REQUIRED: &str = "required";

/// A row of the reference: the key's path, and its default as TOML or in words.
#[derive(Debug)]
struct Row {
    path: String,
    default: Result<String, String>,
}

/// The code in backticks of a cell, if it begins with some; its words otherwise.
fn cell(text: &str) -> Result<String, String> {
    let text = text.trim();
    let code = text.strip_prefix('`').and_then(|rest| rest.split_once('`'));
    code.map(|(code, _)| code.to_owned()).ok_or_else(|| text.to_owned())
}

/// All keys of the reference, in its order; those of `[node]` and `[worker]` for both.
fn documented() -> Vec<Row> {
    let (mut rows, mut sections, mut head) = (Vec::new(), vec![String::new()], Vec::new());
    for line in REFERENCE.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            let names = heading.split('`').skip(1).step_by(2);
            let names = names.map(|name| name.trim_matches(['[', ']']).to_owned() + ".");
            sections = names.collect();
            if heading == "Top" {
                sections = vec![String::new()];
            }
        }
        let cells: Vec<&str> = line.trim_matches('|').split('|').collect();
        if !line.starts_with('|') || sections.is_empty() {
            head.clear();
        } else if head.is_empty() {
            head = cells;
        } else if head[0].trim() == "key" && !line.starts_with("|---") {
            for section in &sections {
                let key = cell(cells[0]).expect("a key stands in backticks").replace("[]", "");
                rows.push(Row { path: format!("{section}{key}"), default: cell(cells[1]) });
            }
        } else if head[0].trim() == "class" && !line.starts_with("|---") {
            let class = cell(cells[0]).expect("a class stands in backticks");
            for (key, default) in head.iter().zip(&cells).skip(1) {
                let key = cell(key).expect("a key stands in backticks");
                rows.push(Row {
                    path: format!("{}{class}.{key}", sections[0]),
                    default: cell(default),
                });
            }
        }
    }
    rows
}

/// Follows a type's fields into every table that it can hold, and notes the paths of its leaves.
struct Tracer<'a> {
    path: String,
    leaves: &'a mut BTreeSet<String>,
}

impl Tracer<'_> {
    fn leaf(self) {
        self.leaves.insert(self.path);
    }
}

impl<'de> Deserializer<'de> for Tracer<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.leaf();
        visitor.visit_str("")
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.leaf();
        visitor.visit_i64(0)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.leaf();
        visitor.visit_bool(false)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.leaf();
        visitor
            .visit_map(serde::de::value::MapDeserializer::new(
                std::iter::empty::<(String, String)>(),
            ))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(Once(Some(self)))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_map(Fields { tracer: self, left: fields })
    }

    serde::forward_to_deserialize_any! {
        i8 i16 i32 u8 u16 u32 u64 i128 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct newtype_struct tuple tuple_struct enum identifier ignored_any
    }
}

/// A list of one element.
struct Once<'a>(Option<Tracer<'a>>);

impl<'de> SeqAccess<'de> for Once<'_> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Error> {
        self.0.take().map(|tracer| seed.deserialize(tracer)).transpose()
    }
}

/// A table with every field of its type.
struct Fields<'a> {
    tracer: Tracer<'a>,
    left: &'static [&'static str],
}

impl<'de> MapAccess<'de> for Fields<'_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        let key = self.left.first().map(|key| StrDeserializer::new(key));
        key.map(|key| seed.deserialize(key)).transpose()
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        let (key, left) = self.left.split_first().expect("a key came before its value");
        self.left = left;
        let dot = if self.tracer.path.is_empty() { "" } else { "." };
        let path = format!("{}{dot}{key}", self.tracer.path);
        seed.deserialize(Tracer { path, leaves: &mut *self.tracer.leaves })
    }
}

/// Keys of faults: those that a refusal lists as common to all kinds, and those of each kind.
fn fault_keys() -> BTreeSet<String> {
    let refused = changed("fault.moon", |table, key| {
        table.insert(key.to_owned(), Value::Boolean(true));
    });
    let refused = refused.expect_err("no fault has this key").why;
    let (_, listed) = refused.split_once("expected one of ").expect("a refusal lists the keys");
    let mut keys: BTreeSet<String> = listed.split(", ").map(str::to_owned).collect();
    for spec in FaultCatalog::default().specs() {
        keys.extend([spec.key].iter().chain(spec.keys).map(|key| (*key).to_owned()));
    }
    keys
}

#[test]
fn the_reference_has_exactly_the_keys_that_the_parser_knows() {
    let mut known = BTreeSet::new();
    let _all = RawScenario::deserialize(Tracer { path: String::new(), leaves: &mut known })
        .expect("a scenario with every key has the right types");
    assert!(known.remove("fault"), "a fault is a table whose keys the catalog of kinds has");
    known.extend(fault_keys().into_iter().map(|key| format!("fault.{key}")));
    // Sections whose keys are names that the scenario chooses, or figures.
    for named in ["images", "expect"] {
        assert!(known.remove(named), "{named} is a section");
        assert!(REFERENCE.contains(&format!("## `[{named}]`")), "{named} is described");
    }
    let rows = documented();
    let documented: BTreeSet<String> = rows.iter().map(|row| row.path.clone()).collect();
    // A list of tables is described as a whole, beside the keys of its tables.
    let has_inner = |path: &str| known.iter().any(|key| key.starts_with(&format!("{path}.")));
    let unknown = documented.difference(&known).filter(|path| !has_inner(path));
    assert_eq!(unknown.collect::<Vec<_>>(), Vec::<&String>::new());
    assert_eq!(known.difference(&documented).collect::<Vec<_>>(), Vec::<&String>::new());
    assert_eq!(rows.len(), documented.len(), "each is described once");
}

/// The table that a path leads to, made where it is missing; of sections of one name the first.
fn table<'a>(root: &'a mut Table, steps: &[&str]) -> &'a mut Table {
    steps.iter().fold(root, |table, step| {
        let value = table.entry(*step).or_insert_with(|| Value::Table(Table::new()));
        match value {
            Value::Array(sections) => sections[0].as_table_mut().expect("sections are tables"),
            other => other.as_table_mut().expect("it is a table"),
        }
    })
}

/// The base scenario after a change of the table that the key is in.
fn changed(path: &str, change: impl FnOnce(&mut Table, &str)) -> Result<String, ScenarioError> {
    let mut root: Table = toml::from_str(BASE).expect("the base is TOML");
    let steps: Vec<&str> = path.split('.').collect();
    let (key, steps) = steps.split_last().expect("a path has a key");
    change(table(&mut root, steps), key);
    let text = toml::to_string(&root).expect("a table can be written");
    let scenario = Scenario::parse(&text, &PathBuf::from("base.toml"))?;
    let shown = format!("{scenario:?}");
    // Where something stands in the file decides nothing.
    let mut parts = shown.split("line: Some(");
    let first = parts.next().unwrap_or_default().to_owned();
    Ok(parts.fold(first, |text, part| text + part.trim_start_matches(|c: char| c.is_numeric())))
}

fn value(path: &str, text: &str) -> Value {
    let table: Table = toml::from_str(&format!("value = {text}"))
        .unwrap_or_else(|error| panic!("the default of {path}, {text}, is no TOML: {error}"));
    table["value"].clone()
}

#[test]
fn each_default_of_the_reference_is_the_one_that_leaving_the_key_out_gives() {
    let mut literal = 0;
    for Row { path, default } in documented().iter().filter(|row| !is_of_a_class(&row.path)) {
        let without = changed(path, |table, key| drop(table.remove(key)));
        match default {
            Ok(default) => {
                literal += 1;
                let with = changed(path, |table, key| {
                    table.insert(key.to_owned(), value(path, default));
                });
                let (with, without) = (with.expect(path), without.expect(path));
                assert_eq!(with, without, "the default of {path}");
            }
            Err(words) if words == REQUIRED => {
                let flaw = without.expect_err(path);
                let key = path.rsplit('.').next().unwrap_or_default();
                assert!(flaw.to_string().contains(key), "{path}: {flaw}");
            }
            Err(_) => {}
        }
    }
    assert!(literal > 25, "only {literal} defaults were tried");
}

/// True if a key belongs to a class of links, whose defaults hold for the class as a whole.
fn is_of_a_class(path: &str) -> bool {
    path.starts_with("network.") && path.matches('.').count() == 2
}

#[test]
fn each_class_of_links_has_the_defaults_of_the_reference() {
    let mut classes: BTreeMap<String, Table> = BTreeMap::new();
    for Row { path, default } in documented().into_iter().filter(|row| is_of_a_class(&row.path)) {
        let (class, key) = path.rsplit_once('.').expect("it has dots");
        let class = classes.entry(class.to_owned()).or_default();
        if let Ok(default) = default {
            class.insert(key.to_owned(), value(&path, &default));
        }
    }
    assert_eq!(classes.len(), 5);
    for (class, links) in classes {
        let with = changed(&class, |table, key| {
            table.insert(key.to_owned(), Value::Table(links));
        });
        let without = changed(&class, |_, _| ());
        assert_eq!(with.expect(&class), without.expect(&class), "{class}");
    }
}

#[test]
fn the_reference_names_every_figure_of_a_promise() {
    let rows = REFERENCE.lines().skip_while(|line| !line.starts_with("| figure |")).skip(2);
    let cells = rows.map_while(|row| row.strip_prefix('|')?.split('|').next());
    let documented: BTreeSet<&str> =
        cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
    let known: BTreeSet<&str> = Measure::ALL.into_iter().map(Measure::key).collect();
    assert_eq!(documented, known);
}
