//! Small clusters in any world, with a client that runs a script; and how words are counted there.
//!
//! Leaves out what goes wrong: the tests schedule it.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use stayput_cluster::{ACCOUNT, ClientSide, Cluster, ClusterSpec};
use stayput_host::config::{
    ByteRate, ClusterConfig, DiskConfig, FuelRate, MachineConfig, SessionsConfig,
};
use stayput_jobs::placement::PlacementConfig;
use stayput_jobs::system_images::SystemImages;
use stayput_store::client::{Client, ClientError};
use stayput_store::swift::Path;
use stayput_world::World;

use crate::support::Found;

/// The guest that counts words as a mapper, a reducer or a merger.
const WORDS: &[u8] = include_bytes!("../../../runtime/guests/words.wasm");

/// Nodes with a disk each in three zones, and three replicas.
pub(super) const fn counts(nodes_per_zone: u32) -> ClusterConfig {
    ClusterConfig {
        regions: 1,
        zones: 3,
        nodes_per_zone,
        devices_per_node: 1,
        replicas: 3,
        part_power: 4,
        proxies: 1,
        workers: 1,
        workers_zone: None,
        clients: 1,
        replicate: None,
    }
}

/// A cluster of machines that compute slowly, so that jobs last.
pub(super) fn spec(counts: ClusterConfig, seed: u64, running: u32) -> ClusterSpec {
    let machine = MachineConfig {
        cores: 2,
        fuel_per_second: FuelRate::new(10_000_000).expect("not zero"),
        nic: ByteRate::new(12_500_000).expect("not zero"),
        disk: DiskConfig {
            read: ByteRate::new(200_000_000).expect("not zero"),
            write: ByteRate::new(100_000_000).expect("not zero"),
            seek: Duration::from_micros(500),
            capacity: None,
        },
        sessions: SessionsConfig { running, ..SessionsConfig::default() },
    };
    let images = SystemImages::default();
    let placement = PlacementConfig::default();
    ClusterSpec { counts, node: machine.clone(), worker: machine, images, placement, seed }
}

/// Puts a cluster into `world` whose client makes the container `demo` and runs `script`; what that gives will be found.
pub(super) fn set<T: 'static, F: Future<Output = T> + 'static>(
    world: &mut dyn World,
    spec: &ClusterSpec,
    script: impl Fn(ClientSide) -> F + 'static,
) -> (Cluster, Found<T>) {
    let found = Found::new();
    let (finding, script) = (found.clone(), Rc::new(script));
    let main = Rc::new(move |_, side: ClientSide| {
        let (finding, script) = (finding.clone(), Rc::clone(&script));
        let task = async move {
            make_container(&side.proxies).await.expect("nothing goes wrong so early");
            finding.set(script(side).await);
        };
        Box::pin(task) as Pin<Box<dyn Future<Output = ()>>>
    });
    let cluster = Cluster::assemble(world, spec, &(main as _)).expect("the ring can be built");
    (cluster, found)
}

async fn make_container(store: &Client) -> Result<(), ClientError> {
    store.put_container(&Path::account_only(ACCOUNT)?.with_container("demo")?).await?;
    Ok(())
}

/// Stores an object of the container `demo`.
pub(super) async fn put(side: &ClientSide, name: &str, content: impl Into<Bytes>) {
    let path = Path::object_of(ACCOUNT, "demo", name).expect("a good name");
    let stored = side.proxies.put_object(&path, content.into(), "application/octet-stream");
    stored.await.expect("it is stored");
}

/// Stores what a job that counts words needs, and texts for it.
pub(super) async fn put_texts(side: &ClientSide, texts: &[Vec<u8>]) {
    put(side, "words.wasm", Bytes::from_static(WORDS)).await;
    for (number, text) in texts.iter().enumerate() {
        put(side, &format!("text-{number}.txt"), text.clone()).await;
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

/// What that job has to answer.
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
