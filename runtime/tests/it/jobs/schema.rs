//! The JSON Schema for editors: it knows the fields that the parser reads, takes every good
//! description, and refuses the flaws that a schema can express.

use jsonschema::Validator;
use serde_json::{Value, json};
use stayput_runtime::job::{
    self, DEVICE_FIELDS, DescriptionError, EXEC_FIELDS, NODE_FIELDS, SCHEMA,
};
use std::collections::BTreeSet;
use std::sync::LazyLock;

static PARSED: LazyLock<Value> = LazyLock::new(|| serde_json::from_str(SCHEMA).unwrap());

thread_local! {
    static VALIDATOR: Validator = jsonschema::draft202012::new(&PARSED).unwrap();
}

/// True if the schema takes it.
pub(super) fn takes(value: &Value) -> bool {
    VALIDATOR.with(|validator| validator.is_valid(value))
}

#[test]
fn the_schema_is_one_of_draft_2020_12() {
    assert!(jsonschema::draft202012::meta::is_valid(&PARSED));
}

#[test]
fn the_schema_has_the_fields_that_the_parser_reads() {
    for (of, known) in [("node", NODE_FIELDS), ("exec", EXEC_FIELDS), ("device", DEVICE_FIELDS)] {
        let fields = PARSED["$defs"][of]["properties"].as_object().unwrap();
        let fields: BTreeSet<&str> = fields.keys().map(String::as_str).collect();
        assert_eq!(fields, known.iter().copied().collect(), "{of}");
        for field in known {
            assert!(PARSED["$defs"][of]["properties"][field].is_object());
        }
    }
}

/// A value that no field may be is refused in each of them, by the parser and by the schema: so
/// both read it.
#[test]
fn every_known_field_is_read() {
    let nonsense = json!([[[]]]);
    let with = |of: &str, field: &str| {
        let mut node = json!({"name": "a", "exec": {"path": "x"}});
        let place = match of {
            "node" => &mut node,
            "exec" => &mut node["exec"],
            _ => {
                node["devices"] = json!([{}]);
                if field != "device" {
                    node["devices"][0]["name"] = json!("stdin");
                }
                &mut node["devices"][0]
            }
        };
        place[field] = nonsense.clone();
        json!([node])
    };
    for (of, known) in [("node", NODE_FIELDS), ("exec", EXEC_FIELDS), ("device", DEVICE_FIELDS)] {
        for field in known {
            let job = with(of, field);
            assert!(!takes(&job), "{job}");
            let Err(DescriptionError::Flawed(flaws)) = job::parse(job.to_string().as_bytes())
            else {
                panic!("{job} is parsed");
            };
            let said = flaws.listed()[0].field.to_string();
            assert!(said.contains(field), "{job}: {said}");
        }
    }
    let unknown = json!([{"name": "a", "exec": {"path": "x", "b": nonsense}, "c": nonsense}]);
    assert!(takes(&unknown) && job::parse(unknown.to_string().as_bytes()).is_ok());
}

#[test]
fn flaws_that_a_schema_can_express_are_refused() {
    let node = |field: &str, value: Value| {
        let mut node = json!({"name": "a", "exec": {"path": "x"}});
        node[field] = value;
        json!([node])
    };
    let device = |device: Value| node("devices", json!([device]));
    for flawed in [
        json!([]),
        json!({}),
        json!([7]),
        json!([{"name": "a"}]),
        node("name", json!("a b")),
        node("name", json!("..")),
        node("exec", json!({"path": "/abs"})),
        node("exec", json!({"path": "../x"})),
        node("exec", json!({"path": "file://i:../x"})),
        node("exec", json!({"path": "swift://~/c"})),
        node("exec", json!({"path": "swift://~/c/*"})),
        node("exec", json!({"path": "x", "args": "a\nb"})),
        node("exec", json!({"path": "x", "env": {"A=B": "c"}})),
        node("count", json!(0)),
        node("replicate", json!(4)),
        node("connect", json!(["a", "a"])),
        node("attach", json!("")),
        device(json!({})),
        device(json!({"name": "stdin", "device": "stdin"})),
        device(json!({"name": "stdin", "path": "c/o"})),
        device(json!({"name": "stdin", "path": "swift://a*/c/o"})),
        device(json!({"name": "stdin", "path": "tcp://h:1"})),
        device(json!({"name": "stdout", "path": "swift://~/c"})),
        device(json!({"name": "output", "path": "zvm://b:/dev/stdin"})),
        device(json!({"name": "image", "path": "swift://~/c/*"})),
        device(json!({"name": "debug"})),
        device(json!({"name": "debug", "path": "swift://~/c/o"})),
        device(json!({"name": "stdin", "mode": "disk"})),
        device(json!({"name": "stdin", "min_size": -1})),
        device(json!({"name": "stdin", "meta": {"k": []}})),
    ] {
        assert!(!takes(&flawed), "{flawed}");
        assert!(job::parse(flawed.to_string().as_bytes()).is_err(), "{flawed}");
    }
}
