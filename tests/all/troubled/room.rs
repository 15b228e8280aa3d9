//! Four nodes with a disk each, whose reads take longer than anything else, and one client that
//! runs a script.

use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use stayput_host::config::{ByteRate, ClusterConfig, DiskConfig, FuelRate, MachineConfig};
use stayput_host::topology::HostKey;
use stayput_store::client::ClientError;
use stayput_testkit::cluster::{self, LINECOUNT, Store, count_lines, object};
use stayput_testkit::world::fabric;
use stayput_world::{Effects, Fault, FaultInjection};

const LINE: &str = "a banana\n";
const LINES: usize = 200_000;
/// Answer of the job for a log.
pub(super) const COUNTED: &str = "200000\n";
/// A log's length.
pub(super) const LOG_BYTES: u64 = (LINE.len() * LINES) as u64;
/// Read rate of a disk.
pub(super) const READ_BYTES_PER_SECOND: u64 = 10_000_000;

/// Runs `script` on the client of a cluster under faults of its nodes; gives its value, and the
/// effects of each fault.
pub(super) fn run<T: 'static, F: Future<Output = T> + 'static>(
    faults: impl Fn(&[HostKey]) -> Vec<Fault>,
    script: impl Fn(Room) -> F + 'static,
) -> (T, Vec<Effects>) {
    let mut world = fabric();
    let script = Rc::new(script);
    let counts = ClusterConfig { zones: 4, part_power: 6, workers: 0, ..cluster::counts() };
    let spec = cluster::spec(counts, machine());
    let (cluster, probe) = cluster::assemble(&mut *world, &spec, move |store| {
        let (room, script) = (Room { store }, Rc::clone(&script));
        async move {
            room.load().await;
            script(room).await
        }
    });
    let schedule = |fault| world.schedule(fault).expect("it can happen");
    let ids: Vec<_> = faults(&cluster.nodes).into_iter().map(schedule).collect();
    let value = probe.wait(&mut *world);
    (value, ids.into_iter().map(|id| world.effects(id)).collect())
}

/// Machine whose disk is slower than all else.
fn machine() -> MachineConfig {
    let rate = |bytes| ByteRate::new(bytes).expect("not zero");
    let seek = Duration::from_micros(1);
    MachineConfig {
        fuel_per_second: FuelRate::new(1_000_000_000_000).expect("not zero"),
        disk: DiskConfig { read: rate(READ_BYTES_PER_SECOND), seek, ..cluster::machine().disk },
        ..cluster::machine()
    }
}

/// Store with four logs in it.
#[derive(Clone)]
pub(super) struct Room {
    pub(super) store: Store,
}

/// Content of every log.
pub(super) fn log() -> Bytes {
    Bytes::from(LINE.repeat(LINES))
}

fn name(number: u32) -> String {
    format!("log-{number}")
}

impl Room {
    async fn load(&self) {
        self.store.put("linecount.wasm", LINECOUNT).await;
        for number in 0..4 {
            self.put(number).await.expect("it is stored");
        }
    }

    pub(super) async fn put(&self, number: u32) -> Result<(), ClientError> {
        let path = object(&name(number));
        self.store.side.proxies.put_object(&path, log(), "text/plain").await.map(drop)
    }

    /// Content that the store gives, if it gives it whole.
    pub(super) async fn get(&self, number: u32) -> Option<Bytes> {
        let got = self.store.side.proxies.get_object(&object(&name(number))).await;
        got.ok().map(|object| object.content)
    }

    /// Counts the lines of a log on its node; gives status and body of the answer.
    pub(super) async fn job(&self, number: u32) -> (u16, String) {
        let answer = self.store.post(&count_lines("linecount.wasm", &name(number))).await;
        (answer.status.as_u16(), String::from_utf8_lossy(&answer.body).into_owned())
    }

    /// Time that a job takes, and its answer, which must be right.
    pub(super) async fn job_time(&self) -> (Duration, String) {
        let begun = self.store.now();
        let (status, body) = self.job(0).await;
        assert_eq!((status, body.as_str()), (200, COUNTED));
        (self.store.now().since(begun), body)
    }
}
