//! The same seed gives the same run in another process; another seed gives another.

use std::path::Path;

use serde_json::Value;

use crate::support::{Variant, run_small, small, stayput};

fn hash(words: &[&str]) -> String {
    let json = run_small(&[words, &["--json", "-"]].concat()).json();
    let hash = json["trace_hash"].as_str().expect("it has one").to_owned();
    assert_eq!(hash.len(), 64, "{hash}");
    hash
}

#[test]
fn two_processes_give_the_same_json_but_for_the_wall_clock() {
    for words in [[].as_slice(), &["--no-faults"], &["--no-faults", "--net", "turmoil"]] {
        let words = [words, &["--json", "-"]].concat();
        let (mut first, mut second) = (run_small(&words).json(), run_small(&words).json());
        for json in [&mut first, &mut second] {
            assert!(json["wall"]["elapsed_us"].is_u64());
            json["wall"] = Value::Null;
        }
        assert_eq!(first, second);
    }
}

#[test]
fn the_hash_depends_on_the_seed_and_on_the_faults() {
    let hashes = [
        hash(&[]),
        hash(&["--seed", "2"]),
        hash(&["--seed", "18446744073709551615"]),
        hash(&["--no-faults"]),
    ];
    for (index, hash) in hashes.iter().enumerate() {
        assert!(!hashes[..index].contains(hash), "{hashes:?}");
    }
    assert_eq!(hash(&["--seed", "1"]), hashes[0], "1 is the seed when none is given");
}

#[test]
fn another_order_of_the_same_tasks_gives_the_same_answers_and_can_be_repeated() {
    let of = |words: &[&str]| {
        let said = run_small(&[words, &["--json", "-"]].concat());
        assert_eq!(said.code, 0, "{said:?}");
        said.json()
    };
    let schedule = |json: &serde_json::Value| {
        json["policies"][0]["schedule_hash"].as_str().expect("the fabric has one").to_owned()
    };
    let fixed = of(&[]);
    let mut seen = vec![schedule(&fixed)];
    for shuffle in ["1", "2", "3"] {
        let json = of(&["--shuffle", shuffle]);
        assert!(!seen.contains(&schedule(&json)), "another schedule");
        assert_eq!(json["policies"][0]["jobs"], fixed["policies"][0]["jobs"]);
        assert_eq!(json["policies"][0]["fuel"], fixed["policies"][0]["fuel"]);
        seen.push(schedule(&json));
    }
    let again = of(&["--shuffle", "3"]);
    assert_eq!(seen.last(), Some(&schedule(&again)));
    assert_eq!(again["trace_hash"], of(&["--shuffle", "3"])["trace_hash"]);
}

#[test]
fn a_policys_hash_does_not_depend_on_what_else_ran() {
    let of = |words: &[&str], index: usize| {
        run_small(&[words, &["--json", "-"]].concat()).json()["policies"][index]["trace_hash"]
            .clone()
    };
    assert_eq!(of(&["--policy", "download"], 0), of(&[], 1));
    assert_eq!(of(&["--policy", "on-storage"], 0), of(&[], 0));
}

#[test]
fn any_seed_keeps_the_small_scenarios_promises_without_faults() {
    for seed in ["0", "3", "4", "5", "6"] {
        let said = run_small(&["--seed", seed, "--no-faults"]);
        assert_eq!(said.code, 0, "{said:?}");
    }
}

#[test]
fn twice_finds_no_difference() {
    let said = stayput(&["twice", &small()]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(said.stdout, format!("both runs are the same: trace_hash {}\n", hash(&[])));
}

#[test]
fn twice_leaves_standard_output_to_the_json() {
    let folder = Variant::new(&[]);
    let (events, trace) = (folder.path("events"), folder.path("trace"));
    let answers = folder.path("answers");
    let files = ["--events", &events, "--trace", &trace, "--answers", &answers];
    let said = stayput(&[&["twice", &small(), "--json", "-"], files.as_slice()].concat());
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(said.json()["trace_hash"], hash(&[]).as_str());
    assert!(said.stderr.contains("both runs are the same"), "{}", said.stderr);
    let lines = |path: &str| {
        let text = std::fs::read_to_string(Path::new(path)).expect("it was written");
        text.lines().count()
    };
    assert_eq!(lines(&answers), 16);
    assert!(lines(&events) > 100, "there is a line for each event");
    assert!(lines(&trace) > 100, "there is a line for each slice");
}

#[test]
fn twice_passes_a_broken_promise_on() {
    let variant = Variant::new(&[("\">= 0.5\"", "\">= 0.999\"")]);
    let said = stayput(&["twice", &variant.file, "--seed", "7"]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.stdout.contains("both runs are the same"), "{}", said.stdout);
    assert!(said.stdout.contains("both broke a promise; see:"), "{}", said.stdout);
    assert!(said.stdout.contains("--seed 7"), "{}", said.stdout);
}

#[test]
fn the_last_line_repeats_the_run() {
    let said = run_small(&["--seed", "5", "--no-faults", "--policy", "download"]);
    let again = said.stdout.lines().last().expect("it says something");
    let words = again.rsplit_once(" run ").expect("it is a command").1;
    let words: Vec<&str> = words.split(' ').collect();
    let repeated = stayput(&[["run"].as_slice(), &words].concat());
    assert_eq!(repeated.stdout, said.stdout);
}
