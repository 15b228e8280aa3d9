//! Ring files: the same ring comes back, and a file that lies is refused by the name of its field.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::{DeviceName, PartPower, Replicas, Ring, Weight};
use super::topologies;

fn small() -> Value {
    let device = |id: u16| {
        json!({
            "id": id, "region": 1, "zone": 1, "ip": "10.0.0.1", "port": 6200,
            "device": format!("sd{id}"), "weight": 100.0, "meta": ""
        })
    };
    json!({
        "devs": [device(0), null, device(2)],
        "replica2part2dev_id": [[0, 2], [2, 0]],
        "part_shift": 31
    })
}

fn refusal(change: impl FnOnce(&mut Value)) -> String {
    let mut file = small();
    change(&mut file);
    Ring::from_json(file.to_string().as_bytes()).unwrap_err().to_string()
}

#[test]
fn a_small_file_is_read() {
    let ring = Ring::from_json(small().to_string().as_bytes()).unwrap();
    assert_eq!(ring.devices().count(), 2);
    assert_eq!(serde_json::to_value(&ring).unwrap(), small());
    assert_eq!(serde_json::from_value::<Ring>(small()).unwrap(), ring);
}

#[test]
fn a_lying_file_is_refused_by_the_name_of_its_field() {
    let cases: [(&str, &str, Value); 22] = [
        ("part_shift", "/part_shift", json!(32)),
        ("part_shift", "/part_shift", json!(-1)),
        ("part_shift", "/part_shift", json!(0)),
        ("part_shift", "/part_shift", json!("31")),
        ("devs", "/devs", json!({})),
        ("devs", "/devs", json!(vec![Value::Null; 65_536])),
        ("devs[0].id", "/devs/0/id", json!(1)),
        ("id: ", "/devs/0/id", json!(65_536)),
        ("region", "/devs/0/region", json!(-1)),
        ("zone", "/devs/0/zone", json!(1.5)),
        ("ip", "/devs/0/ip", json!("10.0.0")),
        ("port", "/devs/0/port", json!(65_536)),
        ("device", "/devs/0/device", json!("../etc")),
        ("devs[2]", "/devs/2/device", json!("sd0")),
        ("weight", "/devs/0/weight", json!(-1.0)),
        ("weight", "/devs/0/weight", json!(1e300)),
        ("meta", "/devs/0/meta", json!(7)),
        ("replica2part2dev_id", "/replica2part2dev_id", json!([])),
        ("replica2part2dev_id", "/replica2part2dev_id", json!(vec![vec![0, 2]; 33])),
        ("replica2part2dev_id[1]", "/replica2part2dev_id/1", json!([2])),
        ("replica2part2dev_id[1][0]", "/replica2part2dev_id/1/0", json!(1)),
        ("replica2part2dev_id", "/replica2part2dev_id/1/0", json!(0)),
    ];
    for (name, place, value) in cases {
        let message = refusal(|file| *file.pointer_mut(place).unwrap() = value.clone());
        assert!(message.contains(name), "{place} as {value:.40}: {message}");
    }
    let unknown = refusal(|file| file["next_part_power"] = json!(3));
    assert!(unknown.contains("next_part_power"), "{unknown}");
    let missing = refusal(|file| drop(file.as_object_mut().unwrap().remove("devs")));
    assert!(missing.contains("devs"), "{missing}");
}

#[test]
fn deep_nesting_is_an_error_and_no_overflow() {
    let deep = format!("{{\"devs\": {}", "[".repeat(100_000));
    assert!(Ring::from_json(deep.as_bytes()).is_err());
}

#[test]
fn impossible_values_cannot_be_built() {
    for text in ["0", "33", "-1", "4.5", "", "99999999999"] {
        assert!(text.parse::<PartPower>().unwrap_err().to_string().contains(text));
        assert!(text.parse::<Replicas>().unwrap_err().to_string().contains(text));
    }
    assert_eq!("32".parse::<PartPower>().unwrap().partitions(), 1 << 32);
    for weight in [-1.0, f64::NAN, f64::INFINITY, 1e-9, 1e10] {
        assert!(Weight::new(weight).is_err(), "{weight}");
    }
    for name in ["", ".", "..", "a/b", "a b", "a\0"] {
        assert!(DeviceName::new(name).is_err(), "{name:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_ring_survives_its_file(topology in topologies(4..=7)) {
        prop_assume!(topology.has_data_devices());
        let mut builder = topology.builder(1);
        builder.rebalance(0, topology.seed).unwrap();
        let ring = builder.ring().unwrap();
        let json = ring.to_json().unwrap();
        prop_assert_eq!(&Ring::from_json(&json).unwrap(), &ring);
    }

    #[test]
    fn a_damaged_file_never_panics(at: prop::sample::Index, byte: u8) {
        let mut json = small().to_string().into_bytes();
        let at = at.index(json.len());
        json[at] = byte;
        let _ = Ring::from_json(&json);
        let _ = Ring::from_json(&json[..at]);
    }
}
