//! Exit codes tell the causes apart, and messages name the file, the key and the fix.

use crate::support::{Said, Variant, run_small, small, stayput};

const KEPT: i32 = 0;
const BROKEN: i32 = 1;
const USAGE: i32 = 2;
const NO_PROGRESS: i32 = 3;

/// The exit code, and that standard error has each of `parts`.
fn assert_refused(said: &Said, parts: &[&str]) {
    assert_eq!(said.code, USAGE, "{said:?}");
    for part in parts {
        assert!(said.stderr.contains(part), "`{part}` is not in {}", said.stderr);
    }
    assert!(!said.stderr.contains("panicked"), "{}", said.stderr);
}

#[test]
fn a_run_that_keeps_its_promises_exits_with_zero() {
    for words in [[].as_slice(), &["--no-faults"], &["--net", "turmoil", "--no-faults"]] {
        let said = run_small(words);
        assert_eq!(said.code, KEPT, "{said:?}");
        assert!(said.stdout.contains("saved over 8 jobs; all answers equal the reference"));
    }
}

#[test]
fn an_expectation_that_fails_exits_with_one() {
    let variant = Variant::new(&[("\">= 0.5\"", "\">= 0.999\"")]);
    let said = variant.run(&[]);
    assert_eq!(said.code, BROKEN, "{said:?}");
    assert!(said.stdout.contains("✗ expect saved_ratio >= 0.999"), "{}", said.stdout);
}

#[test]
fn a_fault_without_effect_exits_with_one_unless_it_may_miss() {
    let late = "at = \"1000s\"";
    let said = Variant::new(&[("at = \"100ms\"", late)]).run(&[]);
    assert_eq!(said.code, BROKEN, "{said:?}");
    assert!(said.stdout.contains("✗ fault crash of node:2"), "{}", said.stdout);
    let forgiving = format!("{late}\nmay_miss = true");
    let said = Variant::new(&[("at = \"100ms\"", &forgiving)]).run(&[]);
    assert_eq!(said.code, KEPT, "{said:?}");
}

#[test]
fn a_run_on_worn_disks_under_drawn_crashes_is_right_and_repeats() {
    let worn = "crash = \"node:2\"\nevery = \"2s\"\ntimes = 3\n\
                [[fault]]\nat = \"0s\"\nfor = \"60s\"\nslow_disk = \"node:1\"\nfactor = 20\nmay_miss = true\n\
                [[fault]]\nat = \"0s\"\nfor = \"60s\"\nread_errors = \"device:3\"\nchance = \"20 %\"\nmay_miss = true\n\
                [[fault]]\nrate = \"3/s\"\nuntil = \"2s\"\nfor = \"200ms\"\nfull_disk = \"device:*\"\n\
                [[fault]]\nrate = \"3/s\"\nuntil = \"2s\"\nfor = \"200ms\"\ncrash = \"node:*\"\n";
    let variant = Variant::new(&[
        ("crash = \"node:2\"", worn),
        ("saved_ratio = \">= 0.5\"\n", ""),
        ("failed = 0\n", ""),
    ]);
    let (one, again) = (variant.run(&["--json", "-"]), variant.run(&["--json", "-"]));
    assert_eq!(one.code, KEPT, "{one:?}");
    let (one, again) = (one.json(), again.json());
    assert_eq!(one["trace_hash"], again["trace_hash"]);
    let faults = one["faults"].as_array().expect("they are listed");
    let drawn: Vec<_> = faults.iter().skip(4).collect();
    assert!(drawn.len() > 2, "{faults:?}");
    assert!(drawn.iter().all(|fault| fault["may_miss"] == true), "{faults:?}");
    let effect = |name: &str| faults.iter().any(|fault| fault["effect"].get(name).is_some());
    for name in ["delayed_accesses", "failed_reads", "killed_tasks"] {
        assert!(effect(name), "{name} is no effect of {faults:?}");
    }
}

#[test]
fn a_module_that_is_no_wasm_is_an_honest_failure_of_each_job() {
    let variant = Variant::new(&[("saved_ratio = \">= 0.5\"\n", ""), ("failed = 0\n", "")]);
    let file = variant.put("script.py", b"print('banana')\n");
    let answers = variant.path("answers");
    let data = format!("demo/linecount.wasm={file}");
    let said = variant.run(&["--data", &data, "--answers", &answers]);
    assert_eq!(said.code, KEPT, "{said:?}");
    assert!(said.stdout.contains("not comparable"), "{}", said.stdout);
    let answers = std::fs::read_to_string(answers).expect("it was written");
    assert_eq!(answers.lines().count(), 16);
    for line in answers.lines() {
        for part in ["failed: 400", "node \"banana\"", "exec.path", "no valid WebAssembly module"] {
            assert!(line.contains(part), "`{part}` is not in {line}");
        }
    }
}

#[test]
fn a_failed_job_breaks_the_promise_that_none_fails() {
    let variant = Variant::new(&[]);
    let file = variant.put("script.py", b"print('banana')\n");
    let said = variant.run(&["--data", &format!("demo/linecount.wasm={file}")]);
    assert_eq!(said.code, BROKEN, "{said:?}");
    assert!(said.stdout.contains("✗ expect failed = 0"), "{}", said.stdout);
}

#[test]
fn a_world_that_does_not_come_to_its_end_exits_with_three() {
    let variant = Variant::new(&[
        ("clients = 2", "clients = 1"),
        ("runs = 8", "runs = 10000"),
        ("\"poisson 20/s\"", "\"closed\""),
        ("at = \"50ms\"\nfor = \"500ms\"", "at = \"0s\"\nfor = \"86400s\""),
        ("[\"zone:3\"]", "[\"client:1\"]"),
    ]);
    let said = variant.run(&["--policy", "download"]);
    assert_eq!(said.code, NO_PROGRESS, "{said:?}");
    assert!(said.stderr.contains("no progress under download at 864"), "{}", said.stderr);
}

#[test]
fn flaws_of_a_scenario_are_told_by_file_line_key_and_fix() {
    for (change, parts) in [
        (("zones = 3", "zonse = 3"), ["variant.toml:5", "cluster.zonse", "zones"].as_slice()),
        (("\"64 KiB\"", "\"64 parsecs\""), &["variant.toml:18", "data[1].size", "MiB"]),
        (("\"zone:3\"", "\"zone:9\""), &["fault[1].partition", "zone:9"]),
        (("\"download\"]", "\"magic\"]"), &["compare.policies", "magic", "on-storage"]),
        (("jobs/banana.json", "jobs/absent.json"), &["work[1].job", "absent.json"]),
        (("linecount.wasm\"\n\n", "absent.wasm\"\n\n"), &["data[2]", "absent.wasm", "read"]),
        (("\"uniform\"", "\"zipf nan\""), &["work[1].pick", "zipf"]),
        (("replicas = 3", "replicas = 99"), &["cluster.replicas", "99"]),
        (("[expect]", "[expect"), &["variant.toml:44"]),
    ] {
        let said = Variant::new(&[change]).run(&[]);
        assert_refused(&said, &[&["variant.toml"], parts].concat());
        assert_eq!(said.stdout, "", "a run that cannot begin prints no results");
    }
}

#[test]
fn wrong_words_are_told_with_the_right_ones() {
    let folder = Variant::new(&[]);
    let absent = folder.path("absent");
    let data = format!("demo/log-01.txt={absent}");
    let deep = format!("{absent}/results.json");
    for (words, parts) in [
        (["--frob", ""].as_slice(), ["--frob", "Usage"].as_slice()),
        (&["--policy", "magic"], &["--policy", "magic", "on-storage, download"]),
        (&["--net", "pigeon"], &["--net", "fabric, turmoil, tcp"]),
        (&["--net", "turmoil"], &["small.toml", "fault", "--no-faults"]),
        (&["--net", "tcp"], &["small.toml", "fault", "the network tcp", "--no-faults"]),
        (&["--net", "turmoil", "--no-faults", "--shuffle", "1"], &["--shuffle", "--net fabric"]),
        (&["--seed", "many"], &["--seed", "many"]),
        (&["--data", "demo/log-01.txt"], &["--data", "PATH=FILE"]),
        (&["--data", &data], &["--data demo/log-01.txt", &absent]),
        (&["--json", &deep], &["results.json", "cannot write", "folder that exists"]),
        (&["--answers", &deep], &["results.json", "cannot write", "folder that exists"]),
        (&["--events", &deep], &["results.json", "cannot write", "folder that exists"]),
        (&["--trace", &deep], &["results.json", "cannot write", "folder that exists"]),
    ] {
        assert_refused(&run_small(words), parts);
    }
    assert_refused(&stayput(&["run", &absent]), &[&absent, "give an existing scenario file"]);
    assert_refused(&stayput(&["twice", &absent]), &[&absent, "give an existing scenario file"]);
    let twice = stayput(&["twice", &small(), "--net", "tcp", "--no-faults"]);
    assert_refused(&twice, &["tcp", "real time", "leave --net out"]);
    assert_refused(&stayput(&["dance"]), &["dance"]);
    assert_refused(&stayput(&[]), &["Usage", "run", "twice"]);
}

#[test]
fn files_that_are_no_scenarios_are_refused() {
    let folder = Variant::new(&[]);
    let long = vec![b'#'; (1 << 20) + 1];
    let nested = format!("name = {}", "[".repeat(100_000));
    for (content, part) in [
        (b"\xff\xfe".as_slice(), "UTF-8"),
        (b"", "name"),
        (b"\0\0\0", "scenario"),
        (b"[[[[[[[", "scenario"),
        (&long, "1 MiB"),
        (nested.as_bytes(), "scenario"),
    ] {
        let file = folder.put("scenario", content);
        assert_refused(&stayput(&["run", &file]), &[&file, part]);
    }
}

#[test]
fn help_is_no_error() {
    for words in [["--help"].as_slice(), &["run", "--help"], &["twice", "--help"], &["--version"]] {
        let said = stayput(words);
        assert_eq!((said.code, said.stderr.as_str()), (KEPT, ""));
        assert!(said.stdout.contains("stayput"));
    }
    assert_eq!(stayput(&["run", &small(), "--help"]).code, KEPT);
}
