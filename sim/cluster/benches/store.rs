//! Objects read per second of wall time: through a proxy and a storage node, beside the same HTTP
//! exchanges on the bare fabric.
//!
//! A reading is two exchanges: the client asks a proxy on a connection of its own, the proxy asks a
//! node on a kept one. The bare cluster has as many hosts, the same network and the same
//! connections, and its proxies pass on what its nodes hold in memory. Leaves out writing, and
//! starting the cluster: objects are there and connections stand before the clock runs.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a benchmark measures the wall clock"
)]

use std::cell::Cell;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::{Duration, Instant};

use stayput_cluster::{ACCOUNT, ClientMain, ClientSide, Cluster, ClusterPlan, ClusterSpec};
use stayput_host::config::{
    ByteRate, ClusterConfig, DiskConfig, FuelRate, LinkConfig, MachineConfig, NetworkConfig,
    SessionsConfig,
};
use stayput_host::topology::{HostPlace, HostSpec};
use stayput_host::{Backend, Host, LocalMain, Purpose, RunEnd, Seed, Time};
use stayput_jobs::placement::PlacementConfig;
use stayput_jobs::system_images::SystemImages;
use stayput_store::client::Client;
use stayput_store::http;
use stayput_store::http::{Body, ConnectionPool, Method, Response, Timeouts};
use stayput_store::swift::Path;
use stayput_world::Trace;
use stayput_world::fabric::Fabric;

const ROUNDS: usize = 9;
const NODES: [u32; 2] = [6, 1_000];
const ZONES: u32 = 2;
const REPLICAS: u32 = 3;
const PROXIES: u32 = 4;
const CLIENTS: u32 = 16;
const OBJECTS_PER_CLIENT: u32 = 8;
/// Of each client, before the clock runs: connections come about.
const WARMUP_GETS: u32 = 96;
const TIMED_GETS: u32 = 256;
const OBJECT: [u8; 1_000] = [b'x'; 1_000];
const PORT: u16 = 80;
const LIMITS: Timeouts =
    Timeouts { connect: Duration::from_secs(10), answer: Duration::from_secs(10) };
const RUN_MAX: Time = Time::from_nanos(3_600_000_000_000);

/// Progress of the clients.
#[derive(Clone, Default)]
struct Progress {
    ready: Rc<Cell<u32>>,
    go: Rc<Cell<bool>>,
    done: Rc<Cell<u32>>,
}

impl Progress {
    /// Waits until all clients are ready and the clock runs.
    async fn begin(&self, host: &Host) {
        self.ready.set(self.ready.get() + 1);
        while !self.go.get() {
            host.sleep(Duration::from_millis(10)).await;
        }
    }

    /// Readings per second of wall time.
    fn time(&self, world: &mut dyn Backend) -> f64 {
        let end = world.run(&mut || self.ready.get() == CLIENTS, RUN_MAX);
        assert_eq!(end, RunEnd::Done, "the clients do not get ready");
        self.go.set(true);
        let begun = Instant::now();
        let end = world.run(&mut || self.done.get() == CLIENTS, RUN_MAX);
        assert_eq!(end, RunEnd::Done, "the clients do not come to their end");
        f64::from(CLIENTS * TIMED_GETS) / begun.elapsed().as_secs_f64()
    }
}

fn network() -> NetworkConfig {
    let link = |us| LinkConfig::new(Duration::from_micros(us), None);
    NetworkConfig {
        same_zone: link(100),
        cross_zone: link(250),
        cross_region: link(10_000),
        client: link(500),
        worker: link(250),
        slow_start: false,
    }
}

fn machine() -> MachineConfig {
    let rate = |bytes| ByteRate::new(bytes).expect("not zero");
    MachineConfig {
        sessions: SessionsConfig::default(),
        cores: 4,
        fuel_per_second: FuelRate::new(1_000_000_000).expect("not zero"),
        nic: rate(1_250_000_000),
        disk: DiskConfig {
            read: rate(500_000_000),
            write: rate(500_000_000),
            seek: Duration::from_micros(100),
            capacity: None,
        },
    }
}

fn world(seed: Seed) -> Fabric {
    Fabric::new(seed, network(), Trace::default())
}

fn path(object: u32) -> Path {
    Path::object_of(ACCOUNT, "c", &format!("o{object}")).expect("a short name")
}

async fn read(store: &Client, object: u32) {
    let got = store.get_object(&path(object)).await.expect("it is there");
    assert_eq!(got.content.len(), OBJECT.len());
}

async fn use_store(number: u32, side: ClientSide, progress: Progress) {
    let store = &side.proxies;
    let mine = |turn: u32| number * OBJECTS_PER_CLIENT + turn % OBJECTS_PER_CLIENT;
    store
        .put_container(&path(0).to_container().expect("it has one"))
        .await
        .expect("the proxies work");
    for turn in 0..OBJECTS_PER_CLIENT {
        let data = OBJECT[..].into();
        store.put_object(&path(mine(turn)), data, "text/plain").await.expect("the nodes work");
    }
    for turn in 0..WARMUP_GETS {
        read(store, mine(turn)).await;
    }
    progress.begin(&side.host).await;
    for turn in 0..TIMED_GETS {
        read(store, mine(turn)).await;
    }
    progress.done.set(progress.done.get() + 1);
}

fn store_rate(seed: Seed, nodes: u32) -> f64 {
    let progress = Progress::default();
    let counts = ClusterConfig {
        regions: 1,
        zones: ZONES,
        nodes_per_zone: nodes / ZONES,
        devices_per_node: 1,
        replicas: REPLICAS,
        part_power: 12,
        proxies: PROXIES,
        workers: 0,
        workers_zone: None,
        clients: CLIENTS,
        replicate: None,
    };
    let spec = ClusterSpec {
        counts,
        node: machine(),
        worker: machine(),
        images: SystemImages::default(),
        placement: PlacementConfig::default(),
        seed: seed.0,
    };
    let theirs = progress.clone();
    let client: ClientMain =
        Rc::new(move |number, side| Box::pin(use_store(number, side, theirs.clone())));
    let mut world = world(seed);
    let plan = ClusterPlan::simulated(&spec).expect("the ring can be built");
    let _cluster = Cluster::assemble(&mut world, plan, &client);
    progress.time(&mut world)
}

fn address(kind: u8, index: u32) -> SocketAddr {
    let [_, _, high, low] = (index + 1).to_be_bytes();
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, kind, high, low)), PORT)
}

fn add(world: &mut dyn Backend, name: &str, at: SocketAddr, place: HostPlace, main: LocalMain) {
    let IpAddr::V4(ip) = at.ip() else { unreachable!("all addresses here are IPv4") };
    let machine = machine();
    let spec = HostSpec {
        name: format!("{name}:{ip}"),
        ip,
        place,
        is_worker: false,
        nic: machine.nic,
        cores: machine.cores,
        fuel_per_second: machine.fuel_per_second,
        disks: Vec::new(),
        disk: machine.disk,
    };
    world.add_local_host(spec, main);
}

fn get() -> hyper::Request<Body> {
    let request = hyper::Request::builder().method(Method::GET).uri("/");
    request.body(Body::empty()).expect("the parts are right")
}

fn answer(data: impl Into<bytes::Bytes>) -> Response {
    Response::new(Body::full(Purpose::ObjectData, data))
}

async fn use_bare(number: u32, host: Host, progress: Progress) {
    let proxy = address(2, number % PROXIES);
    for turn in 0..WARMUP_GETS + TIMED_GETS {
        if turn == WARMUP_GETS {
            progress.begin(&host).await;
        }
        let mut answer = http::send(&host, proxy, get(), LIMITS).await.expect("it answers");
        let body = answer.body.collect(10_000).await.expect("the body comes");
        assert_eq!(body.len(), OBJECT.len());
    }
    progress.done.set(progress.done.get() + 1);
}

/// Passes on what the nodes hold, the next one each time, of as many as the objects lie on.
fn serve_bare_proxy(host: &Host, index: u32, nodes: u32) {
    let (pool, asked) = (ConnectionPool::new(host.clone()), Rc::new(Cell::new(index)));
    let used = nodes.min(REPLICAS * OBJECTS_PER_CLIENT * CLIENTS / PROXIES);
    http::serve(host, PORT, move |_request| {
        asked.set(asked.get() + 1);
        let (pool, node) = (pool.clone(), address(1, asked.get() % used));
        async move {
            let mut got = pool.send(node, get(), LIMITS).await.expect("the node answers");
            answer(got.body.collect(10_000).await.expect("the body comes"))
        }
    })
    .expect("the port is free");
}

fn bare_rate(seed: Seed, nodes: u32) -> f64 {
    let progress = Progress::default();
    let mut world = world(seed);
    let zone = |index| HostPlace::Zone { region: 1, zone: index % ZONES + 1 };
    for index in 0..nodes {
        let main: LocalMain = Rc::new(|host| {
            http::serve(&host, PORT, |_request| async { answer(&OBJECT[..]) })
                .expect("the port is free");
            Box::pin(async {})
        });
        add(&mut world, "node", address(1, index), zone(index), main);
    }
    for index in 0..PROXIES {
        let main: LocalMain = Rc::new(move |host| {
            serve_bare_proxy(&host, index, nodes);
            Box::pin(async {})
        });
        add(&mut world, "proxy", address(2, index), zone(index), main);
    }
    for index in 0..CLIENTS {
        let progress = progress.clone();
        let main: LocalMain =
            Rc::new(move |host| Box::pin(use_bare(index, host, progress.clone())));
        add(&mut world, "client", address(4, index), HostPlace::Clients, main);
    }
    progress.time(&mut world)
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    println!("1 kB objects read per wall second, {ROUNDS} rounds, medians");
    println!("{:>6} {:>10} {:>10} {:>7}", "nodes", "store", "bare", "ratio");
    for nodes in NODES {
        let (mut store, mut bare, mut ratio) = (Vec::new(), Vec::new(), Vec::new());
        for round in 0..ROUNDS {
            let seed = Seed(round as u64);
            store.push(store_rate(seed, nodes));
            bare.push(bare_rate(seed, nodes));
            ratio.push(store[round] / bare[round]);
        }
        let (store, bare, ratio) = (median(&mut store), median(&mut bare), median(&mut ratio));
        println!("{nodes:>6} {store:>10.0} {bare:>10.0} {ratio:>7.2}");
    }
}
