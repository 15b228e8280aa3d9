//! A small cluster with a log and a line counter in it, and one client that runs a script.

use std::future::Future;
use std::path::Path as FilePath;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use stayput_cluster::{ACCOUNT, ClientSide, Cluster, ClusterSpec};
use stayput_host::Time;
use stayput_host::config::{
    ByteRate, ClusterConfig, DiskConfig, FuelRate, MachineConfig, SessionsConfig,
};
use stayput_jobs::placement::PlacementConfig;
use stayput_jobs::system_images::SystemImages;
use stayput_store::client::{Client, JobAnswer};
use stayput_store::swift::Path;

use crate::support::{Found, fabric};

/// The log that good jobs count in, and what they count.
const LOG: &str = "a banana\nan apple\nbananabanana\n";
const COUNTED: &str = "2\n";

/// What a script works with.
#[derive(Clone)]
pub(crate) struct Room {
    pub(crate) side: ClientSide,
}

/// Runs `script` on the client of a cluster; gives what it gives.
pub(crate) fn run<T: 'static, F: Future<Output = T> + 'static>(
    script: impl Fn(Room) -> F + 'static,
) -> T {
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
    Cluster::assemble(&mut *world, &spec, &(main as _)).expect("the ring can be built");
    found.wait(&mut *world)
}

fn counts() -> ClusterConfig {
    ClusterConfig {
        regions: 1,
        zones: 3,
        nodes_per_zone: 1,
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

/// Computes slowly, so that a guest that never ends is soon out of time.
fn machine() -> MachineConfig {
    MachineConfig {
        cores: 2,
        fuel_per_second: FuelRate::new(10_000_000).expect("not zero"),
        nic: ByteRate::new(1_250_000_000).expect("not zero"),
        disk: DiskConfig {
            read: ByteRate::new(500_000_000).expect("not zero"),
            write: ByteRate::new(400_000_000).expect("not zero"),
            seek: Duration::from_micros(100),
            capacity: None,
        },
        sessions: SessionsConfig::default(),
    }
}

impl Room {
    async fn load(&self) {
        let container = Path::account_only(ACCOUNT).and_then(|path| path.with_container("demo"));
        let store = &self.side.proxies;
        store.put_container(&container.expect("a good name")).await.expect("it is made");
        let guest =
            FilePath::new(env!("CARGO_MANIFEST_DIR")).join("../runtime/guests/linecount.wasm");
        self.put("linecount.wasm", std::fs::read(guest).expect("it is committed")).await;
        self.put("log.txt", LOG).await;
    }

    /// Stores an object of the container `demo`.
    pub(crate) async fn put(&self, name: &str, content: impl Into<Bytes>) {
        let (path, content) = (object(name), content.into());
        let stored = self.side.proxies.put_object(&path, content, "application/octet-stream");
        stored.await.expect("it is stored");
    }

    /// Posts a description to a proxy, as JSON.
    pub(crate) async fn post(&self, description: &str) -> JobAnswer {
        post(&self.side.proxies, description).await
    }

    /// Fails unless a good job gets its answer.
    pub(crate) async fn assert_serves(&self, after: &str) {
        for asked in [&self.side.proxies, &self.side.workers] {
            let answer = post(asked, &good_job()).await;
            assert_eq!(
                (answer.status.as_u16(), answer.body.as_ref()),
                (200, COUNTED.as_bytes()),
                "{after}"
            );
        }
    }

    pub(crate) fn now(&self) -> Time {
        self.side.host.now()
    }
}

/// Posts a description as JSON.
pub(crate) async fn post(to: &Client, description: &str) -> JobAnswer {
    let body = Bytes::from(description.to_owned());
    to.post_job(body, "application/json", &[]).await.expect("it is answered")
}

pub(crate) fn object(name: &str) -> Path {
    Path::object_of(ACCOUNT, "demo", name).expect("a good name")
}

/// The job that a good client posts.
pub(crate) fn good_job() -> String {
    job_of("linecount.wasm")
}

/// That job with another executable.
pub(crate) fn job_of(module: &str) -> String {
    format!(
        r#"[{{"name": "count", "exec": {{"path": "swift://~/demo/{module}", "args": "banana"}},
             "devices": [{{"name": "stdout"}}, {{"name": "input", "path": "swift://~/demo/log.txt"}}]}}]"#
    )
}

/// The answer's header as text.
pub(crate) fn header<'a>(answer: &'a JobAnswer, name: &str) -> &'a str {
    answer.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
}

/// The answer's body as text.
pub(crate) fn text(answer: &JobAnswer) -> String {
    String::from_utf8_lossy(&answer.body).into_owned()
}
