//! `sweep`, `merge` and `compare`: what they write is the same however it came about.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::support::{Said, Variant, root, run_small, small, stayput};

/// Files that follow from the records, and must not depend on how they came about.
const FILES: [&str; 5] =
    ["summary.json", "runs.parquet", "jobs.parquet", "ledger.csv", "latencies.hlog"];

/// Directories for results.
struct Room(tempfile::TempDir);

impl Room {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("there is room for a folder"))
    }

    fn dir(&self, name: &str) -> String {
        self.0.path().join(name).to_str().expect("the path is text").to_owned()
    }

    /// Sweeps the small scenario without faults over six runs.
    fn sweep(&self, name: &str, words: &[&str]) -> Said {
        let (dir, small) = (self.dir(name), small());
        let grid = [
            "sweep",
            &small,
            "--no-faults",
            "--seeds",
            "3..6",
            "--set",
            "node.cores=2,4",
            "--out",
            &dir,
        ];
        stayput(&[&grid, words].concat())
    }

    fn files(&self, name: &str) -> [Vec<u8>; 5] {
        FILES.map(|file| fs::read(Path::new(&self.dir(name)).join(file)).expect("it was written"))
    }

    fn json(&self, name: &str, file: &str) -> Value {
        let text =
            fs::read_to_string(Path::new(&self.dir(name)).join(file)).expect("it was written");
        serde_json::from_str(&text).expect("it is JSON")
    }
}

/// The records in a directory.
fn records(dir: &str) -> Vec<std::path::PathBuf> {
    let Ok(entries) = fs::read_dir(Path::new(dir).join("runs")) else { return Vec::new() };
    let paths = entries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
    let mut paths: Vec<_> =
        paths.filter(|path| path.extension().is_some_and(|end| end == "json")).collect();
    paths.sort();
    paths
}

#[test]
fn a_sweep_runs_its_whole_grid_and_says_what_it_comes_to() {
    let room = Room::new();
    let said = room.sweep("s", &[]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(
        said.stdout.contains("6 of 6 runs have results, 0 failed, 0 are missing"),
        "{}",
        said.stdout
    );
    assert!(said.stdout.contains("small node.cores=2, 3 seeds"), "{}", said.stdout);
    assert!(said.stdout.contains("on-storage beside download over 3 seeds"), "{}", said.stdout);
    assert!(
        said.stdout.contains("nothing claimed of"),
        "three seeds carry nothing: {}",
        said.stdout
    );
    assert!(said.stdout.contains("node.fuel_per_second was not varied"), "{}", said.stdout);
    let summary = room.json("s", "summary.json");
    assert_eq!(summary["schema"], "stayput.sweep/3");
    assert_eq!(summary["points"].as_array().map(Vec::len), Some(2));
    let jobs = &summary["points"][0]["policies"][0]["jobs"];
    assert_eq!((&jobs["ok"], &jobs["wrong"]), (&Value::from(24), &Value::from(0)));
    let head = room.json("s", "sweep.json");
    assert_eq!(head["axes"][0][1], serde_json::json!(["2", "4"]));
    assert!(
        room.json("s", "wall.json")["events_per_second"]
            .as_f64()
            .is_some_and(|events| events > 0.0)
    );
    assert_eq!(records(&room.dir("s")).len(), 6);
    let ledger = fs::read_to_string(room.dir("s") + "/ledger.csv").expect("it was written");
    assert!(ledger.starts_with(
        "scenario,node.cores,seed,policy,class,purpose,body,sent,delivered,dropped\n"
    ));
    assert!(ledger.contains("small,4,5,download,worker,object-data,"), "{ledger}");
}

#[test]
fn a_record_is_of_the_run_that_the_run_command_does() {
    let room = Room::new();
    assert_eq!(room.sweep("s", &[]).code, 0);
    let run =
        run_small(&["--no-faults", "--seed", "4", "--set", "node.cores=2", "--json", "-"]).json();
    let mut found = records(&room.dir("s")).into_iter().filter_map(|path| {
        let record: Value = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
        let is_it = record["key"]["seed"] == 4 && record["key"]["settings"]["node.cores"] == "2";
        is_it.then_some(record)
    });
    let record = found.next_back().expect("it was run");
    assert_eq!(record["trace_hash"], run["trace_hash"]);
    for (record, run) in [0, 1].map(|at| (&record["policies"][at], &run["policies"][at])) {
        assert_eq!(record["bytes"]["body"], run["bytes"]["body"]);
        let makespan_us = record["makespan_ns"].as_u64().map(|ns| ns / 1_000);
        assert_eq!(makespan_us, run["makespan_us"].as_u64());
        assert_eq!(record["jobs"].as_array().map(Vec::len), Some(8));
        let row = |key: &str| -> u64 {
            let rows = record["ledger"].as_array().expect("there is a ledger");
            rows.iter().filter_map(|row| row[key].as_u64()).sum()
        };
        assert_eq!(record["bytes"]["body"].as_u64(), Some(row("body")), "the ledger adds up");
        assert_eq!(record["bytes"]["payload"].as_u64(), Some(row("sent")));
        assert!(
            record["hosts"].as_array().is_some_and(|hosts| hosts.len() == 11),
            "each host is there"
        );
    }
}

#[test]
fn two_sweeps_and_two_shards_merged_give_the_same_files() {
    let room = Room::new();
    assert_eq!(room.sweep("one", &["--jobs", "1"]).code, 0);
    assert_eq!(room.sweep("two", &["--jobs", "3"]).code, 0);
    assert!(room.files("one") == room.files("two"), "threads decide nothing");
    assert_eq!(room.sweep("computed", &["--no-memo"]).code, 0);
    assert!(room.files("one") == room.files("computed"), "a memo decides nothing");
    for shard in ["1", "2"] {
        let said = room.sweep(&format!("shard-{shard}"), &["--shard", &format!("{shard}/2")]);
        assert_eq!(said.code, 0, "{said:?}");
        assert!(
            said.stdout.contains("3 of 6 runs have results, 0 failed, 3 are missing"),
            "{}",
            said.stdout
        );
    }
    let (first, second, half, whole) =
        (room.dir("shard-1"), room.dir("shard-2"), room.dir("half"), room.dir("whole"));
    let said = stayput(&["merge", &half, &second]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(
        said.stdout.contains("missing: small node.cores=2 seed 3, and 2 more"),
        "{}",
        said.stdout
    );
    assert!(said.stderr.contains("3 runs are missing"), "{}", said.stderr);
    let said = stayput(&["merge", &whole, &first, &second]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(room.files("whole") == room.files("one"), "shards are a way to the same files");
}

#[test]
fn a_sweep_goes_on_with_what_is_there() {
    let room = Room::new();
    assert_eq!(room.sweep("s", &[]).code, 0);
    let wanted = room.files("s");
    let records = records(&room.dir("s"));
    let kept = fs::read(&records[0]).expect("it is there");
    for gone in [&records[1], &records[4]] {
        fs::remove_file(gone).expect("it is there");
    }
    // What a sweep was killed over is half a file under another name.
    fs::write(records[1].with_extension("json.77.partial"), &kept[..kept.len() / 2])
        .expect("it can be written");
    let said = room.sweep("s", &[]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.stderr.contains("4 of 6 runs were there already"), "{}", said.stderr);
    assert!(said.stderr.contains("2 runs, "), "{}", said.stderr);
    assert!(room.files("s") == wanted, "it is as if nothing had happened");
    fs::write(&records[2], &kept[..kept.len() / 2]).expect("it can be written");
    let said = room.sweep("s", &[]);
    assert_eq!(said.code, 2, "a record that is no record is not passed over: {said:?}");
    let name = records[2].file_name().and_then(|name| name.to_str()).expect("it is text");
    assert!(said.stderr.contains(name) && said.stderr.contains("remove it"), "{}", said.stderr);
}

#[test]
fn a_directory_of_another_sweep_is_refused() {
    let room = Room::new();
    assert_eq!(room.sweep("s", &["--policy", "on-storage"]).code, 0);
    for words in
        [&["--policy", "download"][..], &[], &["--policy", "on-storage", "--set", "worker.cores=2"]]
    {
        let said = room.sweep("s", words);
        assert_eq!(said.code, 2, "{said:?}");
        assert!(said.stderr.contains("is of another sweep"), "{}", said.stderr);
    }
    let said = room.sweep("s", &["--policy", "on-storage", "--set", "node.cores=8"]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.stderr.contains("node.cores is there twice"), "{}", said.stderr);
}

#[test]
fn a_flaw_at_any_point_of_the_grid_ends_a_sweep_before_its_first_run() {
    let room = Room::new();
    let said = room.sweep("s", &["--set", "cluster.replicas=3,many"]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.stderr.contains("cluster.replicas=many"), "{}", said.stderr);
    assert!(!Path::new(&room.dir("s")).exists(), "nothing was begun");
}

#[test]
fn a_run_that_cannot_begin_stops_no_other() {
    let room = Room::new();
    let said = room.sweep("s", &["--set", "node.disk.capacity=1KiB,1GiB"]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(
        said.stdout.contains("6 of 12 runs have results, 6 failed, 0 are missing"),
        "{}",
        said.stdout
    );
    assert!(
        said.stdout.contains("failed: small node.cores=2 node.disk.capacity=1KiB seed 3: "),
        "{}",
        said.stdout
    );
    assert_eq!(room.json("s", "summary.json")["failed"].as_array().map(Vec::len), Some(6));
}

#[test]
fn a_broken_promise_in_any_run_is_the_exit_code() {
    let room = Room::new();
    let variant = Variant::new(&[("\">= 0.5\"", "\">= 0.999\"")]);
    let dir = room.dir("s");
    let said = stayput(&["sweep", &variant.file, "--no-faults", "--seeds", "3..5", "--out", &dir]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(
        said.stdout.contains("broke a promise: small seed 3: expected saved_ratio"),
        "{}",
        said.stdout
    );
}

#[test]
fn only_sweeps_of_the_same_work_are_compared() {
    let room = Room::new();
    let sweep = |name: &str, changes: &[(&str, &str)], words: &[&str]| {
        let variant = Variant::new(changes);
        let dir = room.dir(name);
        let all = ["sweep", &variant.file, "--no-faults", "--seeds", "3..9", "--out", &dir];
        let said = stayput(&[&all, words].concat());
        assert_eq!(said.code, 0, "{said:?}");
        dir
    };
    let before = sweep("before", &[], &[]);
    let slower = sweep(
        "slower",
        &[("clients = 2", "clients = 2\n[network.client]\nlatency = \"50ms\"")],
        &[],
    );
    let said = stayput(&["compare", &before, &slower]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.stdout.contains("on-storage in "), "{}", said.stdout);
    assert!(
        said.stdout.contains("median latency lower"),
        "50 ms each way are seen: {}",
        said.stdout
    );
    assert!(said.stdout.contains("no difference shown in body bytes"), "{}", said.stdout);
    let larger = sweep("larger", &[("\"64 KiB\"", "\"65 KiB\"")], &[]);
    let said = stayput(&["compare", &before, &larger]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.stderr.contains("did other work in small seed 3"), "{}", said.stderr);
    let said = stayput(&["merge", &room.dir("no"), &before, &larger]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.stderr.contains("does not belong to"), "{}", said.stderr);
}

#[test]
fn the_array_script_does_the_shard_of_its_task() {
    let room = Room::new();
    assert_eq!(room.sweep("whole", &[]).code, 0);
    let command = Path::new(env!("CARGO_BIN_EXE_stayput")).parent().expect("it is in a folder");
    let path = format!("{}:{}", command.display(), std::env::var("PATH").unwrap_or_default());
    for task in ["0", "1"] {
        let done = Command::new("bash")
            .arg(root() + "scenarios/slurm/sweep.sbatch")
            .args([&small(), "--no-faults", "--seeds", "3..6", "--set", "node.cores=2,4"])
            .env("PATH", &path)
            .env("OUT", room.dir("array"))
            .env("SLURM_ARRAY_TASK_ID", task)
            .env("SLURM_ARRAY_TASK_MIN", "0")
            .env("SLURM_ARRAY_TASK_COUNT", "2")
            .env("SLURM_CPUS_PER_TASK", "2")
            .output()
            .expect("bash is there");
        assert!(done.status.success(), "{done:?}");
    }
    let [first, second] = ["array/shard-1", "array/shard-2"].map(|name| room.dir(name));
    assert_eq!(stayput(&["merge", &room.dir("merged"), &first, &second]).code, 0);
    assert!(room.files("merged") == room.files("whole"), "an array is a way to the same files");
}

/// A sweep of thirty runs, one after the other.
fn thirty(dir: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stayput"));
    command.args([
        "sweep",
        &small(),
        "--no-faults",
        "--seeds",
        "0..30",
        "--jobs",
        "1",
        "--out",
        dir,
    ]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// Waits until a sweep has this many records; false if it ended before.
fn has(child: &mut Child, dir: &str, count: usize) -> bool {
    while records(dir).len() < count {
        if child.try_wait().expect("it can be asked").is_some() {
            return false;
        }
        std::thread::yield_now();
    }
    true
}

#[test]
#[ignore = "kills processes at moments that the machine decides"]
fn a_sweep_that_was_killed_goes_on_to_the_same_files() {
    let room = Room::new();
    let whole = room.dir("whole");
    assert!(thirty(&whole).status().expect("it starts").success());
    for kill_at in [0, 1, 9, 17] {
        let name = format!("killed-{kill_at}");
        let dir = room.dir(&name);
        let mut child = thirty(&dir).spawn().expect("it starts");
        assert!(has(&mut child, &dir, kill_at), "it goes on until it is killed");
        child.kill().expect("it runs");
        child.wait().expect("it ends");
        assert!(records(&dir).len() < 30, "something is left to do");
        assert!(thirty(&dir).status().expect("it starts").success());
        assert!(room.files(&name) == room.files("whole"), "killed at {kill_at}");
    }
}

#[test]
#[ignore = "needs Python with pandas and pyarrow"]
fn pandas_opens_the_tables() {
    let room = Room::new();
    assert_eq!(room.sweep("s", &[]).code, 0);
    let script = "
import json, sys, pandas
runs, jobs, ledger = (f(sys.argv[1] + name) for f, name in (
    (pandas.read_parquet, '/runs.parquet'), (pandas.read_parquet, '/jobs.parquet'), (pandas.read_csv, '/ledger.csv')))
assert (len(runs), len(jobs)) == (12, 96), (len(runs), len(jobs))
key = ['scenario', 'node.cores', 'seed', 'policy']
assert not runs.duplicated(key).any() and not jobs.duplicated(key + ['job']).any()
parts = ['queue_us', 'disk_us', 'transfer_us', 'compute_us', 'retry_us']
assert (jobs[parts].sum(axis=1) == jobs.latency_us).all()
assert (jobs.finished_us - jobs.intended_us == jobs.latency_us).all()
summed = ledger.groupby(['seed', 'node.cores', 'policy']).body.sum()
runs['node.cores'] = runs['node.cores'].astype(int)
assert (runs.set_index(['seed', 'node.cores', 'policy']).body_bytes.sort_index() == summed.sort_index()).all()
assert (jobs.end == 'ok').all() and runs.kept.all() and runs.wire_bytes.gt(runs.payload_bytes).all()
points = json.load(open(sys.argv[1] + '/summary.json'))['points']
near = runs[(runs['node.cores'] == 2) & (runs.policy == 'on-storage')]
assert points[0]['policies'][0]['figures']['body_bytes']['median'] == near.body_bytes.median()
print('all is as it should be')
";
    let done = Command::new("python3")
        .args(["-c", script, &room.dir("s")])
        .output()
        .expect("Python is there");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert_eq!(done.stdout, b"all is as it should be\n");
}
