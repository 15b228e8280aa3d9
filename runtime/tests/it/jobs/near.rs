//! JSON near the language, from good descriptions changed at random: what passes keeps every rule,
//! what is refused breaks one.

use super::oracle::is_job;
use super::schema::takes;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Map, Value, json};
use stayput_runtime::job::{self, DescriptionError, attached_device, unknown_fields};

/// Descriptions that keep every rule.
fn good() -> Vec<Value> {
    vec![
        serde_json::from_str(super::PUBLISHED).unwrap(),
        json!([
            {"name": "map", "exec": {"path": "swift://~/c/m.wasm", "args": "-n 'a b'", "env": {"N": 3}},
             "devices": [
                {"name": "input", "path": "swift://~/in*/x-*", "mode": "block"},
                {"name": "output", "path": "swift://AUTH_x/out/*-*", "content_type": "text/csv",
                 "meta": {"k": "v"}, "min_size": 7},
                {"name": "stdout", "path": "zvm://red:/dev/stdin"}],
             "connect": ["map", "red"], "replicate": 2, "attach": "output", "location": "here"},
            {"name": "red", "exec": {"path": "bin/red", "args": ["a", ""], "name": "r"}, "count": 4,
             "file_list": [{"device": "stdin"}, {"name": "stderr", "path": "swift://~/log/*.err"}]},
            {"name": "end", "exec": {"path": "file://python:python"},
             "connect": ["red"],
             "devices": [{"name": "python"}, {"name": "stdin"}, {"name": "stdout"}, {"name": "script", "path": "swift://~/c/s%20.py"},
                         {"name": "image", "path": "swift://~/c/i.tar"},
                         {"name": "debug", "path": "tcp://host:80"}]}]),
    ]
}

/// One change of a description.
#[derive(Clone, Debug)]
enum Change {
    /// Something else in the place of a value.
    Replace(Index, Value),
    /// A list or an object loses a part.
    Remove(Index, Index),
    /// A list or an object gets a part once more, an object under another name.
    Repeat(Index, Index, String),
    /// A value takes the place of another.
    Move(Index, Index),
    /// A field of that name, wherever one is, gets another value.
    Set(Index, String, Value),
}

fn word() -> impl Strategy<Value = String> {
    let known = [
        "name",
        "exec",
        "path",
        "args",
        "env",
        "devices",
        "file_list",
        "device",
        "count",
        "connect",
        "replicate",
        "attach",
        "location",
        "mode",
        "meta",
        "min_size",
        "content_type",
        "stdin",
        "stdout",
        "stderr",
        "input",
        "output",
        "script",
        "image",
        "debug",
        "python",
        "a",
        "map",
        "red",
        "file",
        "pipe",
        "",
        "swift://~/c/o",
        "swift://~/c",
        "swift://~/c/*",
        "swift://~/*/*",
        "swift://~/*/*-*",
        "swift://~/o/*",
        "swift://~/o/fixed",
        "swift://*/c/o",
        "swift://~",
        "swift://~/c/%zz",
        "swift://~/c/%2A",
        "swift://./c/a b",
        "zvm://map:/dev/input",
        "zvm://red:/dev/stdin",
        "zvm://red:/dev/stderr",
        "zvm://end:/dev/stdout",
        "zvm://red:/dev/made",
        "zvm://red",
        "tcp://h:1",
        "tcp://h:0",
        "file://i:p",
        "file://../p",
        "file://p",
        "/abs",
        "a\u{7}b",
        "'open",
        "a=b",
    ];
    prop_oneof![
        4 => prop::sample::select(known.to_vec()).prop_map(str::to_owned),
        1 => "[a-z0-9*:/~. %'\"\\\\=ä\n-]{0,14}",
        1 => "(swift|zvm|file|tcp)://[a-z~.*%:/0-9]{0,16}",
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-2i64..6).prop_map(Value::from),
        prop::sample::select(vec![json!(1.5), json!(10_000), json!(10_001), json!(u64::MAX)]),
        word().prop_map(Value::from),
        word().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 30, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((word(), inner), 0..5)
                .prop_map(|fields| Value::from(Map::from_iter(fields))),
        ]
    })
}

/// A field, and a value that it may have somewhere.
fn field() -> impl Strategy<Value = (String, Value)> {
    let paths = [
        "swift://~/c/o",
        "swift://~/c",
        "swift://~/c/*",
        "swift://~/*/*",
        "swift://~/c/*-*",
        "zvm://map:/dev/stdin",
        "zvm://map:/dev/stdout",
        "zvm://red:/dev/stdin",
        "zvm://red:/dev/stderr",
        "zvm://end:/dev/stdin",
        "zvm://end:/dev/made",
        "zvm://end:/dev/python",
        "zvm://red:/dev/input",
        "tcp://h:1",
    ];
    let devices =
        ["stdin", "stdout", "stderr", "input", "script", "output", "image", "debug", "python"];
    let one_of =
        |texts: &[&'static str]| prop::sample::select(texts.to_vec()).prop_map(Value::from);
    prop_oneof![
        4 => one_of(&paths).prop_map(|path| ("path".to_owned(), path)),
        2 => one_of(&devices).prop_map(|name| ("name".to_owned(), name)),
        1 => one_of(&devices).prop_map(|name| ("attach".to_owned(), name)),
        1 => (0u32..4).prop_map(|count| ("count".to_owned(), json!(count))),
        1 => prop::collection::vec(one_of(&["map", "red", "end"]), 0..3)
            .prop_map(|names| ("connect".to_owned(), Value::from(names))),
    ]
}

fn change() -> impl Strategy<Value = Change> {
    let at = any::<Index>;
    prop_oneof![
        2 => (at(), value()).prop_map(|(at, value)| Change::Replace(at, value)),
        2 => (at(), at()).prop_map(|(at, part)| Change::Remove(at, part)),
        1 => (at(), at(), word()).prop_map(|(at, part, name)| Change::Repeat(at, part, name)),
        1 => (at(), at()).prop_map(|(from, to)| Change::Move(from, to)),
        6 => (at(), field()).prop_map(|(at, (name, value))| Change::Set(at, name, value)),
    ]
}

/// Number of fields of that name.
fn fields(value: &Value, name: &str) -> usize {
    match value {
        Value::Array(items) => items.iter().map(|item| fields(item, name)).sum(),
        Value::Object(object) => {
            let below: usize = object.values().map(|value| fields(value, name)).sum();
            below + usize::from(object.contains_key(name))
        }
        _ => 0,
    }
}

/// Sets the field of that name that comes as the `left`-th, counted down.
fn set(value: &mut Value, name: &str, left: &mut usize, new: &Value) {
    if let Value::Object(object) = value
        && let Some(field) = object.get_mut(name)
    {
        if *left == 0 {
            *field = new.clone();
        }
        *left = left.wrapping_sub(1);
    }
    let parts: Vec<&mut Value> = match value {
        Value::Array(items) => items.iter_mut().collect(),
        Value::Object(fields) => fields.values_mut().collect(),
        _ => return,
    };
    for part in parts {
        set(part, name, left, new);
    }
}

/// Number of values, this one included.
fn size(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(size).sum::<usize>(),
        Value::Object(fields) => 1 + fields.values().map(size).sum::<usize>(),
        _ => 1,
    }
}

/// The value at that place, counted from the outermost.
fn at(value: &mut Value, mut place: usize) -> &mut Value {
    if place == 0 {
        return value;
    }
    place -= 1;
    let parts: Vec<&mut Value> = match value {
        Value::Array(items) => items.iter_mut().collect(),
        Value::Object(fields) => fields.values_mut().collect(),
        _ => panic!("there is no such place"),
    };
    for part in parts {
        let size = size(part);
        if place < size {
            return at(part, place);
        }
        place -= size;
    }
    panic!("there is no such place")
}

fn apply(job: &mut Value, change: Change) {
    let all = size(job);
    match change {
        Change::Replace(place, new) => *at(job, place.index(all)) = new,
        Change::Remove(place, part) => match at(job, place.index(all)) {
            Value::Array(items) if !items.is_empty() => {
                items.remove(part.index(items.len()));
            }
            Value::Object(fields) if !fields.is_empty() => {
                let name = fields.keys().nth(part.index(fields.len())).cloned().unwrap();
                fields.remove(&name);
            }
            _ => {}
        },
        Change::Repeat(place, part, name) => match at(job, place.index(all)) {
            Value::Array(items) if !items.is_empty() => {
                items.push(items[part.index(items.len())].clone());
            }
            Value::Object(fields) if !fields.is_empty() => {
                let value = fields.values().nth(part.index(fields.len())).cloned().unwrap();
                fields.insert(name, value);
            }
            _ => {}
        },
        Change::Set(place, name, new) => {
            if let Some(count) = Some(fields(job, &name)).filter(|count| *count > 0) {
                set(job, &name, &mut place.index(count), &new);
            }
        }
        Change::Move(from, to) => {
            let moved = at(job, from.index(all)).clone();
            *at(job, to.index(all)) = moved;
        }
    }
}

/// Property of any JSON: its parser agrees with the rules, and says where it does not pass.
fn check(value: &Value) -> Result<(), TestCaseError> {
    let text = value.to_string();
    let _ = unknown_fields(text.as_bytes());
    match job::parse(text.as_bytes()) {
        Ok(job) => {
            prop_assert!(is_job(value), "passes, and breaks a rule: {}", text);
            prop_assert!(takes(value), "passes, and the schema refuses it: {}", text);
            for node in &job.nodes {
                let _ = attached_device(node);
            }
            let _ = job.check_without_body();
        }
        Err(DescriptionError::Flawed(flaws)) => {
            prop_assert!(!flaws.listed().is_empty());
            prop_assert!(flaws.listed().iter().all(|flaw| !flaw.why.is_empty()));
            prop_assert!(!is_job(value), "keeps every rule, and is refused: {}\n{}", text, flaws);
        }
        Err(other) => prop_assert!(false, "{}", other),
    }
    Ok(())
}

fn config() -> ProptestConfig {
    const CASES_MIN: u32 = 2_000;
    let asked = ProptestConfig::default();
    ProptestConfig { cases: asked.cases.max(CASES_MIN), failure_persistence: None, ..asked }
}

#[test]
fn the_good_descriptions_pass_by_both() {
    for job in good() {
        check(&job).unwrap();
        assert!(is_job(&job));
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_changed_description_passes_only_if_it_keeps_every_rule(
        of in 0..2usize,
        changes in prop::collection::vec(change(), 1..5),
    ) {
        let mut job = good().swap_remove(of);
        for change in changes {
            apply(&mut job, change);
        }
        check(&job)?;
    }

    #[test]
    fn any_json_passes_only_if_it_keeps_every_rule(value in value(), fields in value()) {
        check(&value)?;
        check(&json!([fields.clone()]))?;
        check(&json!([{"name": "a", "exec": {"path": "x"}, "devices": fields}]))?;
    }
}
