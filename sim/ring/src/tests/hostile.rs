//! Ring files of somebody who means harm: refused, or rings that keep a ring's promises.
//!
//! Leaves out messages, which are in `files`.

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::super::{DeviceId, Ring};
use super::{device, empty};

/// File of a ring of 16 partitions with three replicas, and with a removed device.
fn sound() -> Value {
    let mut builder = empty(4, 3, 0);
    for zone in 1..=5 {
        builder.add_device(device(1, zone, 1, 1, 100)).unwrap();
    }
    builder.rebalance(0, 1).unwrap();
    builder.remove_device(DeviceId(2)).unwrap();
    builder.rebalance(1, 1).unwrap();
    serde_json::to_value(builder.ring().unwrap()).unwrap()
}

/// Values for any place of a file.
fn values() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0_u64..70_000).prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-z0-9./]{0,5}".prop_map(Value::from),
        Just(json!([])),
        Just(json!({})),
        Just(json!([[0, 1], [2]])),
    ]
}

/// Change at the place that a path of numbers leads to.
#[derive(Clone, Debug)]
enum Harm {
    Replace(Value),
    Remove,
    Repeat,
    Append(Value),
}

fn harm() -> impl Strategy<Value = Harm> {
    prop_oneof![
        4 => values().prop_map(Harm::Replace),
        1 => Just(Harm::Remove),
        1 => Just(Harm::Repeat),
        1 => values().prop_map(Harm::Append),
    ]
}

fn harm_at(file: &mut Value, path: &[usize], harm: &Harm) {
    let (first, rest) = path.split_first().expect("a path has a part");
    match file {
        Value::Array(items) if !items.is_empty() => {
            let at = first % items.len();
            match (rest, harm) {
                ([_, ..], _) if items[at].is_array() || items[at].is_object() => {
                    harm_at(&mut items[at], rest, harm);
                }
                (_, Harm::Replace(value)) => items[at] = value.clone(),
                (_, Harm::Remove) => drop(items.remove(at)),
                (_, Harm::Repeat) => items.insert(at, items[at].clone()),
                (_, Harm::Append(value)) => items.push(value.clone()),
            }
        }
        Value::Object(fields) if !fields.is_empty() => harm_field(fields, *first, rest, harm),
        other => *other = json!(7),
    }
}

fn harm_field(fields: &mut Map<String, Value>, first: usize, rest: &[usize], harm: &Harm) {
    let name = fields.keys().nth(first % fields.len()).expect("it is within").clone();
    match (rest, harm) {
        ([_, ..], _) if fields[&name].is_array() || fields[&name].is_object() => {
            harm_at(&mut fields[&name], rest, harm);
        }
        (_, Harm::Replace(value)) => fields[&name] = value.clone(),
        (_, Harm::Remove) => drop(fields.remove(&name)),
        (_, Harm::Repeat) => drop(fields.insert("again".to_owned(), json!(1))),
        (_, Harm::Append(value)) => drop(fields.insert("more".to_owned(), value.clone())),
    }
}

/// Checks the promises of every ring, wherever it came from.
fn assert_promises(ring: &Ring) -> Result<(), TestCaseError> {
    let devices = ring.devices().count();
    for partition in ring.partitions() {
        let mut ids: Vec<DeviceId> = ring.primaries(partition).iter().map(|d| d.id).collect();
        prop_assert_eq!(ids.len(), ring.replica_count());
        ids.extend(ring.handoffs(partition).map(|device| device.id));
        ids.sort_unstable();
        ids.dedup();
        prop_assert_eq!(ids.len(), devices, "each device once, of {}", partition);
    }
    prop_assert_eq!(ring.partitions().count() as u64, ring.part_power().partitions());
    prop_assert_eq!(&Ring::from_json(&ring.to_json().unwrap()).unwrap(), ring);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn a_file_that_was_tampered_with_is_refused_or_a_ring_that_keeps_its_promises(
        harms in vec((vec(0_usize..64, 1..4), harm()), 1..4),
    ) {
        let mut file = sound();
        harms.iter().for_each(|(path, harm)| harm_at(&mut file, path, harm));
        if let Ok(ring) = Ring::from_json(file.to_string().as_bytes()) {
            assert_promises(&ring)?;
        }
    }
}

#[test]
fn a_file_that_is_cut_off_anywhere_or_goes_on_after_its_end_is_refused() {
    let json = sound().to_string().into_bytes();
    assert!(Ring::from_json(&json).is_ok());
    for end in 0..json.len() {
        assert!(Ring::from_json(&json[..end]).is_err(), "cut off after {end} bytes");
    }
    for more in ["{}", "null", "x", "]", "\u{0}"] {
        let longer = [&json[..], more.as_bytes()].concat();
        assert!(Ring::from_json(&longer).is_err(), "with {more:?} after it");
    }
    let with_space = [&json[..], b" \n"].concat();
    assert!(Ring::from_json(&with_space).is_ok());
}

#[test]
fn a_field_that_comes_twice_is_refused() {
    let json = sound().to_string();
    let twice = json.replacen('{', "{\"part_shift\":28,", 1);
    assert!(Ring::from_json(json.as_bytes()).is_ok());
    assert!(Ring::from_json(twice.as_bytes()).unwrap_err().to_string().contains("part_shift"));
}
