//! Small clusters in any world, with a client that runs a script; and how words are counted there.
//!
//! Leaves out what goes wrong: the tests schedule it.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use stayput_cluster::ClusterSpec;
use stayput_host::config::{ByteRate, ClusterConfig, DiskConfig, MachineConfig, SessionsConfig};
use stayput_testkit::cluster::{self, Store};

/// The guest that counts words as a mapper, a reducer or a merger.
const WORDS: &[u8] = include_bytes!("../../../runtime/guests/words.wasm");

/// Nodes with a disk each in three zones, and three replicas.
pub(super) const fn counts(nodes_per_zone: u32) -> ClusterConfig {
    ClusterConfig { nodes_per_zone, ..cluster::counts() }
}

/// A cluster of machines that compute slowly, so that jobs last, and run so many sessions at a
/// time.
pub(super) fn spec(counts: ClusterConfig, seed: u64, running: u32) -> ClusterSpec {
    let rate = |bytes| ByteRate::new(bytes).expect("not zero");
    let seek = Duration::from_micros(500);
    let machine = MachineConfig {
        nic: rate(12_500_000),
        disk: DiskConfig {
            read: rate(200_000_000),
            write: rate(100_000_000),
            seek,
            capacity: None,
        },
        sessions: SessionsConfig { running, ..SessionsConfig::default() },
        ..cluster::machine()
    };
    ClusterSpec { seed, ..cluster::spec(counts, machine) }
}

/// Stores what a job that counts words needs, and texts for it.
pub(super) async fn put_texts(store: &Store, texts: &[Vec<u8>]) {
    store.put("words.wasm", WORDS).await;
    for (number, text) in texts.iter().enumerate() {
        store.put(&format!("text-{number}.txt"), text.clone()).await;
    }
}

/// The job that counts the words of all texts, as `scenarios/jobs/wordcount.json` has it.
pub(super) fn count_words(reducers: u32, replicate: u8) -> String {
    let exec = |role: &str| serde_json::json!({"path": "swift://~/demo/words.wasm", "args": role});
    let mut nodes = serde_json::json!([
        {"name": "mapper", "exec": exec("map"), "connect": ["reducer"],
         "devices": [{"name": "input", "path": "swift://~/demo/text-*.txt"}]},
        {"name": "reducer", "exec": exec("reduce"), "count": reducers, "connect": ["manager"]},
        {"name": "manager", "exec": exec("merge"), "devices": [{"name": "stdout"}]},
    ]);
    if replicate > 1 {
        nodes[2]["replicate"] = replicate.into();
    }
    nodes.to_string()
}

/// Right answer of that job.
pub(super) fn counted_words(texts: &[Vec<u8>]) -> String {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for text in texts {
        for word in String::from_utf8_lossy(text).split_ascii_whitespace() {
            *counts.entry(word.to_owned()).or_default() += 1;
        }
    }
    let mut lines = String::new();
    for (word, count) in counts {
        // Writing into a string cannot fail.
        let _infallible = writeln!(lines, "{word} {count}");
    }
    lines
}
