//! Four nodes with a disk each, whose reads take longer than anything else, and one client that runs a script.

use std::future::Future;
use std::path::Path as FilePath;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use stayput_cluster::{ACCOUNT, ClientSide, Cluster, ClusterSpec};
use stayput_host::config::{
    ByteRate, ClusterConfig, DiskConfig, FuelRate, MachineConfig, SessionsConfig,
};
use stayput_host::topology::HostKey;
use stayput_jobs::placement::PlacementConfig;
use stayput_jobs::system_images::SystemImages;
use stayput_store::client::ClientError;
use stayput_store::swift::Path;
use stayput_world::{Effects, Fault};

use crate::support::{Found, fabric};

const LINE: &str = "a banana\n";
const LINES: usize = 200_000;
/// What the job says of a log.
pub(super) const COUNTED: &str = "200000\n";
/// A log's length.
pub(super) const LOG_BYTES: u64 = (LINE.len() * LINES) as u64;
/// How fast a disk is read.
pub(super) const READ_BYTES_PER_SECOND: u64 = 10_000_000;

/// What a script works with: a client, and four logs in the store.
#[derive(Clone)]
pub(super) struct Room {
    pub(super) side: ClientSide,
}

/// Runs `script` on the client of a cluster under faults of its nodes; gives what it gives, and what each fault did.
pub(super) fn run<T: 'static, F: Future<Output = T> + 'static>(
    faults: impl Fn(&[HostKey]) -> Vec<Fault>,
    script: impl Fn(Room) -> F + 'static,
) -> (T, Vec<Effects>) {
    let mut world = fabric();
    let found = Found::new();
    let (finding, script) = (found.clone(), Rc::new(script));
    let spec = ClusterSpec {
        counts: counts(),
        node: machine(),
        worker: machine(),
        images: SystemImages::default(),
        placement: PlacementConfig::default(),
        seed: 1,
    };
    let main = Rc::new(move |_, side: ClientSide| {
        let (finding, script) = (finding.clone(), Rc::clone(&script));
        let room = Room { side };
        let task = async move {
            room.load().await;
            finding.set(script(room).await);
        };
        Box::pin(task) as std::pin::Pin<Box<dyn Future<Output = ()>>>
    });
    let cluster =
        Cluster::assemble(&mut *world, &spec, &(main as _)).expect("the ring can be built");
    let schedule = |fault| world.schedule(fault).expect("it can happen");
    let ids: Vec<_> = faults(&cluster.nodes).into_iter().map(schedule).collect();
    let value = found.wait(&mut *world);
    (value, ids.into_iter().map(|id| world.effects(id)).collect())
}

fn counts() -> ClusterConfig {
    ClusterConfig {
        regions: 1,
        zones: 4,
        nodes_per_zone: 1,
        devices_per_node: 1,
        replicas: 3,
        part_power: 6,
        proxies: 1,
        workers: 0,
        workers_zone: None,
        clients: 1,
        replicate: None,
    }
}

fn machine() -> MachineConfig {
    MachineConfig {
        cores: 2,
        fuel_per_second: FuelRate::new(1_000_000_000_000).expect("not zero"),
        nic: ByteRate::new(1_250_000_000).expect("not zero"),
        disk: DiskConfig {
            read: ByteRate::new(READ_BYTES_PER_SECOND).expect("not zero"),
            write: ByteRate::new(400_000_000).expect("not zero"),
            seek: Duration::from_micros(1),
            capacity: None,
        },
        sessions: SessionsConfig::default(),
    }
}

/// What every log is.
pub(super) fn log() -> Bytes {
    Bytes::from(LINE.repeat(LINES))
}

fn path(name: &str) -> Path {
    Path::object_of(ACCOUNT, "demo", name).expect("a good name")
}

fn name(number: u32) -> String {
    format!("log-{number}")
}

impl Room {
    async fn load(&self) {
        let store = &self.side.proxies;
        let container = Path::account_only(ACCOUNT).and_then(|path| path.with_container("demo"));
        store.put_container(&container.expect("a good name")).await.expect("it is made");
        let guest =
            FilePath::new(env!("CARGO_MANIFEST_DIR")).join("../runtime/guests/linecount.wasm");
        let wasm = Bytes::from(std::fs::read(guest).expect("it is committed"));
        let stored = store.put_object(&path("linecount.wasm"), wasm, "application/wasm").await;
        stored.expect("it is stored");
        for number in 0..4 {
            self.put(number).await.expect("it is stored");
        }
    }

    pub(super) async fn put(&self, number: u32) -> Result<(), ClientError> {
        let path = path(&name(number));
        self.side.proxies.put_object(&path, log(), "text/plain").await.map(drop)
    }

    /// What the store gives, if it gives it whole.
    pub(super) async fn get(&self, number: u32) -> Option<Bytes> {
        let got = self.side.proxies.get_object(&path(&name(number))).await;
        got.ok().map(|object| object.content)
    }

    /// Counts the lines of a log where it lies; the status and the body of the answer.
    pub(super) async fn job(&self, number: u32) -> (u16, String) {
        let log = name(number);
        let description = format!(
            r#"[{{"name": "count", "exec": {{"path": "swift://~/demo/linecount.wasm", "args": "banana"}},
                 "devices": [{{"name": "stdout"}}, {{"name": "input", "path": "swift://~/demo/{log}"}}]}}]"#
        );
        let posted = self.side.proxies.post_job(description.into(), "application/json", &[]);
        let answer = posted.await.expect("it is answered");
        (answer.status.as_u16(), String::from_utf8_lossy(&answer.body).into_owned())
    }

    /// How long a job takes, and its answer, which must be right.
    pub(super) async fn job_time(&self) -> (Duration, String) {
        let begun = self.side.host.now();
        let (status, body) = self.job(0).await;
        assert_eq!((status, body.as_str()), (200, COUNTED));
        (self.side.host.now().since(begun), body)
    }
}
