//! Small clusters with a client that runs a script.
//!
//! Leaves out faults: tests schedule them on the world.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use stayput_cluster::{ACCOUNT, ClientSide, Cluster, ClusterPlan, ClusterSpec};
use stayput_host::config::{
    ByteRate, ClusterConfig, DiskConfig, FuelRate, MachineConfig, SessionsConfig,
};
use stayput_host::{Backend, Time};
use stayput_jobs::placement::PlacementConfig;
use stayput_jobs::system_images::SystemImages;
use stayput_store::client::{Client, ClientError, JobAnswer};
use stayput_store::swift::Path;

use crate::world::{Probe, fabric};

/// Guest that counts the lines with a word.
pub const LINECOUNT: &[u8] = include_bytes!("../../../runtime/guests/linecount.wasm");
/// Container of every small cluster.
pub const CONTAINER: &str = "demo";

/// Counts of a small cluster: three zones of one node with one disk, three replicas, a proxy, a
/// worker and a client.
#[must_use]
pub const fn counts() -> ClusterConfig {
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

/// Machine of two cores that computes slowly, so that a guest that never ends is soon out of time.
#[must_use]
pub fn machine() -> MachineConfig {
    let rate = |bytes| ByteRate::new(bytes).expect("not zero");
    MachineConfig {
        cores: 2,
        fuel_per_second: FuelRate::new(10_000_000).expect("not zero"),
        nic: rate(1_250_000_000),
        disk: DiskConfig {
            read: rate(500_000_000),
            write: rate(400_000_000),
            seek: Duration::from_micros(100),
            capacity: None,
        },
        sessions: SessionsConfig::default(),
    }
}

/// Cluster of such machines, with ZeroCloud's placement and seed 1.
#[must_use]
pub fn spec(counts: ClusterConfig, machine: MachineConfig) -> ClusterSpec {
    ClusterSpec {
        counts,
        node: machine.clone(),
        worker: machine,
        images: SystemImages::default(),
        placement: PlacementConfig::default(),
        seed: 1,
    }
}

/// Adds a cluster to `world`, whose client makes the container and runs `script`; the probe gets
/// the script's value.
///
/// # Panics
/// The ring cannot be built, or the container cannot be made.
pub fn assemble<T: 'static, F: Future<Output = T> + 'static>(
    world: &mut dyn Backend,
    spec: &ClusterSpec,
    script: impl Fn(Store) -> F + 'static,
) -> (Cluster, Probe<T>) {
    let probe = Probe::new();
    let (result, script) = (probe.clone(), Rc::new(script));
    let main = Rc::new(move |_, side: ClientSide| {
        let (result, script) = (result.clone(), Rc::clone(&script));
        let store = Store { side };
        let task = async move {
            store.make_container().await.expect("nothing goes wrong so early");
            result.set(script(store).await);
        };
        Box::pin(task) as Pin<Box<dyn Future<Output = ()>>>
    });
    let plan = ClusterPlan::simulated(spec).expect("the ring can be built");
    let cluster = Cluster::assemble(world, plan, &(main as _));
    (cluster, probe)
}

/// Runs `script` on the client of a cluster on the fabric, and returns its value.
///
/// # Panics
/// As [`assemble`], or the script does not end.
pub fn run<T: 'static, F: Future<Output = T> + 'static>(
    spec: &ClusterSpec,
    script: impl Fn(Store) -> F + 'static,
) -> T {
    let mut world = fabric();
    let (_, probe) = assemble(&mut *world, spec, script);
    probe.wait(&mut *world)
}

/// Store as a script's client sees it.
#[derive(Clone, Debug)]
pub struct Store {
    /// Client's host, and its ways to the proxies and the workers.
    pub side: ClientSide,
}

/// Path of an object in [`CONTAINER`].
///
/// # Panics
/// The name is not one.
#[must_use]
pub fn object(name: &str) -> Path {
    Path::object_of(ACCOUNT, CONTAINER, name).expect("a good name")
}

/// Posts a job description as JSON.
///
/// # Panics
/// Nobody answers.
pub async fn post(to: &Client, description: &str) -> JobAnswer {
    let body = Bytes::from(description.to_owned());
    to.post_job(body, "application/json", &[]).await.expect("it is answered")
}

/// Description of a job that counts the lines of `object` with the word banana, by an executable in
/// [`CONTAINER`].
#[must_use]
pub fn count_lines(executable: &str, object: &str) -> String {
    format!(
        r#"[{{"name": "count",
             "exec": {{"path": "swift://~/{CONTAINER}/{executable}", "args": "banana"}},
             "devices": [{{"name": "stdout"}},
                         {{"name": "input", "path": "swift://~/{CONTAINER}/{object}"}}]}}]"#
    )
}

impl Store {
    async fn make_container(&self) -> Result<(), ClientError> {
        let container = Path::account_only(ACCOUNT)?.with_container(CONTAINER)?;
        self.side.proxies.put_container(&container).await
    }

    /// Stores an object.
    ///
    /// # Panics
    /// It is not stored.
    pub async fn put(&self, name: &str, content: impl Into<Bytes>) {
        let (path, content) = (object(name), content.into());
        let stored = self.side.proxies.put_object(&path, content, "application/octet-stream");
        stored.await.expect("it is stored");
    }

    /// Posts a job description to a proxy, as JSON.
    ///
    /// # Panics
    /// Nobody answers.
    pub async fn post(&self, description: &str) -> JobAnswer {
        post(&self.side.proxies, description).await
    }

    /// Time now.
    #[must_use]
    pub fn now(&self) -> Time {
        self.side.host.now()
    }
}
