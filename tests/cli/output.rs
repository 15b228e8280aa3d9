//! Standard output and files: the JSON that the manual describes, answers, users'
//! own data.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::{Variant, run_small, small, stayput};

fn assert_keys(of: &Value, wanted: &str) {
    let object = of.as_object().unwrap_or_else(|| panic!("{of} is no object"));
    let found: BTreeSet<&str> = object.keys().map(String::as_str).collect();
    let wanted: BTreeSet<&str> = wanted.split_whitespace().collect();
    assert_eq!(found, wanted);
}

#[test]
fn json_on_standard_output_has_the_agreed_keys_and_nothing_beside_it() {
    let said = run_small(&["--json", "-"]);
    assert_eq!(said.code, 0, "{said:?}");
    let json = said.json();
    assert_keys(
        &json,
        "schema scenario seed net trace_hash warm_up policies saved latency_comparable faults \
         expect broken wall",
    );
    assert_eq!((&json["schema"], &json["seed"]), (&"stayput.run/3".into(), &1.into()));
    assert_eq!((&json["scenario"], &json["net"]), (&"small".into(), &"fabric".into()));
    assert_eq!(json["policies"].as_array().map(Vec::len), Some(2));
    for policy in json["policies"].as_array().into_iter().flatten() {
        assert_keys(
            policy,
            "name trace_hash schedule_hash jobs latency_us latency_split_us makespan_us foreground fuel effort \
             hosts place_reasons bytes loading",
        );
        assert_keys(&policy["jobs"], "ok failed wrong");
        assert_keys(&policy["effort"], "events polls");
        assert_keys(
            &policy["hosts"][0],
            "host sent received compute_us disk_us cores disks nic_bits_per_second",
        );
        assert_keys(&policy["latency_us"], "mean p50 p90 p99 max");
        assert_keys(&policy["latency_split_us"], "queue disk transfer compute retry");
        assert_keys(&policy["latency_split_us"]["disk"], "mean p50 p99");
        for bytes in [&policy["bytes"], &policy["loading"]] {
            assert_keys(
                bytes,
                "body payload wire lost in_flight end_to_end cross_zone by_class by_purpose",
            );
            assert_keys(
                &bytes["by_class"],
                "client-proxy same-zone cross-zone cross-region worker",
            );
            assert_keys(
                &bytes["by_purpose"],
                "object-data job-code job-result job-to-job replication retry hedge foreground listing control",
            );
        }
    }
    assert_keys(&json["saved"], "bytes ratio jobs comparable why");
    assert_eq!(json["faults"].as_array().map(Vec::len), Some(2));
    assert_keys(&json["faults"][0], "what effect by_policy bit may_miss");
    assert_keys(&json["expect"][0], "figure wanted found holds");
    assert_keys(&json["wall"], "elapsed_us");
    // The table is still to be seen, where it does not disturb.
    assert!(said.stderr.contains("all answers equal the reference"), "{}", said.stderr);
}

#[test]
fn sums_by_class_and_by_purpose_are_the_body_bytes() {
    let json = run_small(&["--json", "-"]).json();
    for policy in json["policies"].as_array().into_iter().flatten() {
        for by in ["by_class", "by_purpose"] {
            let parts = policy["bytes"][by].as_object().into_iter().flatten();
            let sum: u64 = parts.filter_map(|(_, bytes)| bytes.as_u64()).sum();
            assert_eq!(Some(sum), policy["bytes"]["body"].as_u64(), "{by} of {}", policy["name"]);
        }
    }
}

#[test]
fn a_file_gets_the_same_json_as_standard_output() {
    let folder = Variant::new(&[]);
    let file = folder.path("results.json");
    let said = run_small(&["--json", &file]);
    assert!(said.stdout.contains("all answers equal the reference"), "the table stays");
    let text = std::fs::read_to_string(file).expect("it was written");
    let mut written: Value = serde_json::from_str(&text).expect("it is JSON");
    let mut shown = run_small(&["--json", "-"]).json();
    written["wall"] = Value::Null;
    shown["wall"] = Value::Null;
    assert_eq!(written, shown);
}

#[test]
fn figures_that_a_network_does_not_show_are_null() {
    let json = run_small(&["--json", "-", "--net", "turmoil", "--no-faults"]).json();
    let bytes = &json["policies"][0]["bytes"];
    assert_eq!((&bytes["wire"], &bytes["lost"]), (&Value::Null, &Value::Null));
    assert_eq!(json["faults"], Value::Array(Vec::new()));
}

#[test]
fn a_run_in_real_time_claims_no_hash_and_no_figure_that_it_cannot_know() {
    let said = run_small(&["--json", "-", "--net", "tcp", "--no-faults", "--policy", "on-storage"]);
    assert_eq!(said.code, 0, "{said:?}");
    let json = said.json();
    assert_eq!(json["net"], "tcp");
    let policy = &json["policies"][0];
    assert_eq!(policy["jobs"]["ok"], 8);
    for unknown in [&json["trace_hash"], &policy["trace_hash"], &policy["schedule_hash"]] {
        assert_eq!(*unknown, Value::Null);
    }
    for unknown in ["effort", "hosts"] {
        assert_eq!(policy[unknown], Value::Null, "{unknown}");
    }
    for unknown in ["wire", "lost", "in_flight", "end_to_end"] {
        assert_eq!(policy["bytes"][unknown], Value::Null, "{unknown}");
    }
    assert!(policy["bytes"]["body"].as_u64().is_some_and(|bytes| bytes > 0), "{policy}");
    for part in ["trace_hash none", "network   the loopback, disks and cores", "--net tcp"] {
        assert!(said.stderr.contains(part), "{part} is not in {}", said.stderr);
    }
}

#[test]
fn policies_are_those_asked_for_each_once_in_that_order() {
    let names = |words: &[&str]| -> Vec<String> {
        let json = run_small(&[words, &["--json", "-"]].concat()).json();
        let policies = json["policies"].as_array().cloned().unwrap_or_default();
        policies.iter().map(|policy| policy["name"].as_str().unwrap_or("?").to_owned()).collect()
    };
    assert_eq!(names(&[]), ["on-storage", "download"]);
    assert_eq!(names(&["--policy", "download"]), ["download"]);
    let turned = ["--policy", "download", "--policy", "on-storage", "--policy", "download"];
    assert_eq!(names(&turned), ["download", "on-storage"]);
}

#[test]
fn reasons_for_places_are_counted_and_shown_where_there_are_several() {
    let said = run_small(&["--policy", "cost", "--json", "-"]);
    assert_eq!(said.code, 0, "{said:?}");
    let reasons = &said.json()["policies"][0]["place_reasons"];
    let counts = reasons.as_object().expect("reasons with counts");
    assert_eq!(counts.values().filter_map(Value::as_u64).sum::<u64>(), 8, "{reasons}");
    assert!(counts["unknown"].as_u64() > Some(0), "nothing is known at first: {reasons}");
    let table = run_small(&["--policy", "cost", "--policy", "proxy"]).stdout;
    assert!(table.contains("cost placed: "), "{table}");
    assert!(!table.contains("proxy placed: "), "it has one reason only: {table}");
}

#[test]
fn a_policy_that_needs_workers_says_so_where_there_are_none() {
    let changes =
        [("workers = 1", "workers = 0"), ("[\"on-storage\", \"download\"]", "[\"on-storage\"]")];
    let variant = Variant::new(&changes);
    for policy in ["download", "cost"] {
        let said = variant.run(&["--policy", policy]);
        let why = format!("the policy {policy} runs jobs on workers");
        assert!(said.code == 2 && said.stderr.contains(&why), "{said:?}");
    }
    let policies = ["--no-faults", "--policy", "proxy", "--policy", "best-found"];
    let said = variant.run(&policies);
    assert!(said.stdout.contains("all answers equal the reference"), "{said:?}");
}

#[test]
fn one_policy_alone_has_nothing_to_be_compared_with() {
    let said = run_small(&["--policy", "download", "--json", "-"]);
    assert_eq!((said.code, &said.json()["saved"]), (0, &Value::Null), "{said:?}");
}

#[test]
fn each_jobs_answer_is_written_with_the_version_that_it_is_of() {
    let folder = Variant::new(&[]);
    let file = folder.path("answers");
    assert_eq!(run_small(&["--answers", &file]).code, 0);
    let text = std::fs::read_to_string(file).expect("it was written");
    let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split('\t').collect()).collect();
    assert_eq!(rows.len(), 16);
    for row in &rows {
        let [policy, _, object, version, answer] = row[..] else { panic!("{row:?}") };
        assert!(["on-storage", "download"].contains(&policy));
        assert!(version.contains(&format!("/AUTH_stayput/{object}@")), "{version}");
        assert!(answer.parse::<u64>().is_ok_and(|count| count > 0), "{answer}");
    }
    let (near, far) = rows.split_at(8);
    let without_policy = |rows: &[Vec<&str>]| -> Vec<String> {
        rows.iter().map(|row| row[1..].join("\t")).collect()
    };
    assert_eq!(without_policy(near), without_policy(far));
}

#[test]
fn a_users_own_log_is_counted_as_counting_its_lines_does() {
    let folder = Variant::new(&[]);
    // Lines longer than any buffer, a word over two lines, empty lines, no newline at the end.
    let log = format!(
        "banana\n\nBanana\nbana\nna\n{}banana{}\nbananabanana\n\0banana\n{}a banana",
        "x".repeat(100_000),
        "y".repeat(100_000),
        "an apple\n".repeat(1_000),
    );
    let wanted = log.lines().filter(|line| line.contains("banana")).count().to_string();
    let file = folder.put("mine.log", log.as_bytes());
    let answers = folder.path("answers");
    let own = format!("demo/logile.txt={file}");
    let scenario = small().replace("tests/cli/small.toml", "scenarios/banana-logile.toml");
    let said = stayput(&["run", &scenario, "--data", &own, "--answers", &answers]);
    assert_eq!(said.code, 0, "{said:?}");
    let text = std::fs::read_to_string(answers).expect("it was written");
    let counts: Vec<&str> = text.lines().filter_map(|line| line.split('\t').next_back()).collect();
    assert_eq!(counts, [wanted.as_str(); 16]);
}

#[test]
fn data_that_no_job_reads_is_noted() {
    let small = format!("demo/unread.txt={}", small());
    let said = run_small(&["--data", &small, "--policy", "on-storage"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.stdout.contains("no job reads demo/unread.txt"), "{said:?}");
    let said = run_small(&["--policy", "on-storage"]);
    assert!(!said.stdout.contains("no job reads"), "{said:?}");
}
