//! Settings from the command line, mixes of jobs, and load beside the jobs, in whole runs.

use serde_json::Value;

use crate::support::{Said, Variant, run_small};

const LOAD: &str = "\n[[load]]\nread = 0.8\nrate = \"poisson 200/s\"\nobjects = \"swift://~/demo/log-*.txt\"\n\
                    size = \"lognormal 8 KiB sigma 1.0\"\nsize_max = \"64 KiB\"\n\n[compare]";

fn json(said: &Said) -> Value {
    assert_eq!(said.code, 0, "{said:?}");
    said.json()
}

#[test]
fn a_setting_changes_the_run_and_the_command_that_repeats_it() {
    let words = ["--set", "work.1.runs=3", "--set", "network.client.latency=7ms", "--no-faults"];
    let said = run_small(&words);
    assert_eq!(said.code, 0, "{said:?}");
    for part in [
        "set       work.1.runs=3\n",
        "client 7ms",
        "saved over 3 jobs",
        "--set work.1.runs=3 --set network.client.latency=7ms --no-faults\n",
    ] {
        assert!(said.stdout.contains(part), "`{part}` is not in {}", said.stdout);
    }
}

#[test]
fn a_setting_that_does_not_fit_is_refused_by_its_name() {
    for (setting, part) in [
        ("node.coers=2", "small.toml: --set node.coers=2: unknown field `coers`"),
        ("node.cores=0", "small.toml: --set node.cores=0: 0 is out of bounds"),
        ("data.2.file=none", "small.toml: --set data.2.file=none: cannot read"),
        ("node.cores", "`node.cores` has no `=`"),
    ] {
        let said = run_small(&["--set", setting]);
        assert_eq!(said.code, 2, "{said:?}");
        assert!(said.stderr.contains(part), "`{part}` is not in {}", said.stderr);
    }
}

#[test]
fn a_load_runs_beside_the_same_jobs_and_is_counted_apart() {
    let quiet = json(&Variant::new(&[]).run(&["--json", "-", "--no-faults"]));
    let variant = Variant::new(&[("\n[compare]", LOAD)]);
    let loaded = json(&variant.run(&["--json", "-", "--no-faults"]));
    let again = json(&variant.run(&["--json", "-", "--no-faults"]));
    assert_eq!(loaded["trace_hash"], again["trace_hash"]);
    assert_ne!(loaded["trace_hash"], quiet["trace_hash"], "the load is part of what happened");
    assert_eq!(loaded["saved"]["bytes"], quiet["saved"]["bytes"], "and no part of what was saved");
    for (policy, without) in [0, 1].map(|at| (&loaded["policies"][at], &quiet["policies"][at])) {
        let load = &policy["foreground"];
        let count = |of: &str| load[of].as_u64().unwrap();
        assert_eq!(count("failed") + count("wrong"), 0, "{load}");
        assert!(count("reads") > 20 && count("writes") > 3, "{load}");
        assert_eq!(count("ok"), count("reads") + count("writes"));
        assert!(load["latency_us"]["p50"].as_u64() > Some(10_000), "two ways of 5 ms: {load}");
        let bytes = |of: &Value, purpose: &str| of["bytes"]["by_purpose"][purpose].as_u64();
        assert!(bytes(policy, "foreground") > Some(20 * 64 * 1024), "{policy}");
        assert_eq!(bytes(without, "foreground"), Some(0));
        for purpose in ["object-data", "job-code", "job-result"] {
            assert_eq!(bytes(policy, purpose), bytes(without, purpose), "{purpose}");
        }
        assert!(without["foreground"].is_null());
    }
}

#[test]
fn a_load_under_faults_fails_honestly_or_reads_what_was_stored() {
    let said = Variant::new(&[("\n[compare]", LOAD)]).run(&["--json", "-"]);
    let report = json(&said);
    for at in 0..2 {
        let load = &report["policies"][at]["foreground"];
        assert_eq!(load["wrong"], 0, "{load}");
        assert!(load["ok"].as_u64() > Some(20), "{load}");
    }
    assert!(said.stderr.contains("load latency p99 / max"), "{}", said.stderr);
}

#[test]
fn a_mix_draws_its_descriptions_by_weight_and_each_is_judged_by_its_own_answer() {
    let job = |weight: u32, word: &str| {
        let text = "[{\"name\": \"count\", \"exec\": {\"path\": \"swift://~/demo/linecount.wasm\", \"args\": \"{word}\"}, \
                    \"devices\": [{\"name\": \"stdout\"}, {\"name\": \"input\", \"path\": \"{object}\"}]}]";
        format!("{{ job = '{text}', weight = {weight}, with = {{ word = \"{word}\" }} }}")
    };
    let jobs = format!("jobs = [{}, {}]", job(1, "banana"), job(1, "no such fruit"));
    let small_job = "job = \"../../scenarios/jobs/banana.json\"";
    let from = small_job.replace("../../", &crate::support::root());
    let variant = Variant::new(&[(from.as_str(), jobs.as_str()), ("runs = 8", "runs = 24")]);
    let answers = variant.path("answers");
    let said = variant.run(&["--no-faults", "--answers", &answers]);
    assert_eq!(said.code, 0, "{said:?}");
    let lines = std::fs::read_to_string(answers).unwrap();
    let of = |policy: &str| -> Vec<String> {
        let mine = lines.lines().filter(|line| line.starts_with(policy));
        mine.map(|line| line.rsplit('\t').next().unwrap().to_owned()).collect()
    };
    assert_eq!(of("on-storage"), of("download"), "both have the same jobs");
    let none = of("download").iter().filter(|answer| *answer == "0").count();
    assert!((4..=20).contains(&none), "{none} of 24 found nothing");
}
