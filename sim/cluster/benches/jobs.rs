//! Small jobs per second of wall time on one storage node: a host sends the node's executor orders,
//! one after the other, beside exchanges of the same bytes with a host that only answers.
//!
//! The module is in the node's cache after the first order. The difference of the two is what a job
//! costs on its node, from the order that has come to the report that goes: reading the order,
//! finding the module, the session from its start to its end, the report. Leaves out the proxy,
//! disks and placement.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a benchmark measures the wall clock"
)]

use std::cell::{Cell, RefCell};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use stayput_host::config::{
    ByteRate, DiskConfig, FuelRate, MachineConfig, NetworkConfig, SessionsConfig,
};
use stayput_host::topology::{HostPlace, HostSpec};
use stayput_host::{Backend, Host, Purpose, RunEnd, Seed, Time};
use stayput_jobs::message::{
    OrderedDevice, OrderedModule, OrderedSource, PartHead, PartRole, SessionOrder, SessionReport,
    decode, encode,
};
use stayput_jobs::node as job_node;
use stayput_jobs::system_images::SystemImages;
use stayput_runtime::device::{DeviceKind, DeviceMode};
use stayput_server::LoopbackServer;
use stayput_store::http;
use stayput_store::http::{Body, ConnectionPool, Method, Response, Timeouts};
use stayput_store::node::{NodeConfig, StorageNode};
use stayput_store::swift::{NODE_PORT, job_port};
use stayput_world::Trace;
use stayput_world::fabric::Fabric;

const ROUNDS: usize = 41;
/// Ranks that hold the median of 41 rounds with 95 % certainty (binomial, p = 1/2).
const INTERVAL_RANKS: (usize, usize) = (13, 27);
const WARMUP: u32 = 20;
/// Jobs of a round. Each opens a connection of its own, and a machine has few ports for those that
/// were closed lately.
const JOBS_ON_FABRIC: u32 = 2_000;
const JOBS_ON_TCP: u32 = 100;
const LIMITS: Timeouts =
    Timeouts { connect: Duration::from_secs(10), answer: Duration::from_secs(10) };
const RUN_MAX: Time = Time::from_nanos(3_600_000_000_000);
/// More than any message here has.
const MESSAGE_BYTES_MAX: u64 = 1 << 20;
const NODE: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const ASKER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);

/// A job that says "hi".
const SMALL: &str = r#"(module
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1)
    (data (i32.const 0) "\10\00\00\00\02\00\00\00")
    (data (i32.const 16) "hi")
    (func (export "_start")
        (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))"#;

fn machine() -> MachineConfig {
    let rate = ByteRate::new(1_250_000_000).expect("not zero");
    MachineConfig {
        sessions: SessionsConfig::default(),
        cores: 4,
        fuel_per_second: FuelRate::new(1_000_000_000).expect("not zero"),
        nic: rate,
        disk: DiskConfig { read: rate, write: rate, seek: Duration::ZERO, capacity: None },
    }
}

fn spec(name: &str, ip: Ipv4Addr) -> HostSpec {
    let machine = machine();
    HostSpec {
        name: name.to_owned(),
        ip,
        place: HostPlace::Zone { region: 1, zone: 1 },
        is_worker: false,
        nic: machine.nic,
        cores: machine.cores,
        fuel_per_second: machine.fuel_per_second,
        disks: Vec::new(),
        disk: machine.disk,
    }
}

/// Host that answers.
#[derive(Clone)]
enum Answers {
    /// The executor of a node.
    Executor,
    /// A host that has read the order and says this, which an executor said before.
    Bare(Bytes),
}

async fn answer(host: Host, answers: Answers) {
    let Answers::Bare(report) = answers else {
        let config = NodeConfig::new(Vec::new(), NODE_PORT, Rc::new(|_| [0; 16]));
        let node = StorageNode::recover(host.clone(), config).await;
        let images = SystemImages::default();
        job_node::serve(&host, NODE_PORT, node.objects(), &machine(), images, None)
            .expect("the port is free");
        return;
    };
    http::serve(&host, job_port(NODE_PORT), move |mut request: http::Request| {
        let report = report.clone();
        async move {
            let order = request.body_mut().collect(MESSAGE_BYTES_MAX).await.expect("it comes");
            assert!(!order.is_empty());
            Response::new(Body::full(Purpose::Control, report))
        }
    })
    .expect("the port is free");
}

fn order(number: u32, module: &Bytes) -> (String, Body) {
    let id = format!("{number:032}");
    let path = format!("/running/{id}/1");
    let stdout = OrderedDevice {
        name: "stdout".to_owned(),
        kind: DeviceKind::SequentialWrite,
        mode: DeviceMode::Pipe,
        source: OrderedSource::Written,
    };
    let order = SessionOrder {
        id,
        attempt: 1,
        session: "small".to_owned(),
        args: vec!["small".to_owned()],
        env: Vec::new(),
        module: OrderedModule::Pushed,
        system_images: Vec::new(),
        devices: vec![stdout],
        gang: String::new(),
        pipe_room: 0,
        local: None,
        parts: vec![PartHead { role: PartRole::Module, bytes: module.len() as u64 }],
        wants_load: false,
    };
    let parts = vec![(Purpose::JobCode, module.clone())];
    (path, encode(&order, parts).expect("the order is short"))
}

/// Progress of the requests, and the latest report.
#[derive(Clone, Default)]
struct Progress {
    done: Rc<Cell<u32>>,
    report: Rc<RefCell<Bytes>>,
}

async fn ask(host: Host, progress: Progress) {
    let module = Bytes::from(wat::parse_str(SMALL).expect("it is valid"));
    let node = SocketAddr::new(IpAddr::V4(NODE), job_port(NODE_PORT));
    let pool = ConnectionPool::new(host);
    for number in 0.. {
        let (path, body) = order(number, &module);
        let request = hyper::Request::builder().method(Method::POST).uri(path).body(body);
        let request = request.expect("the parts are right");
        let mut answer = pool.send(node, request, LIMITS).await.expect("the node answers");
        let report = answer.body.collect(MESSAGE_BYTES_MAX).await.expect("the report comes");
        progress.report.replace(report);
        progress.done.set(progress.done.get() + 1);
    }
}

/// Seconds per job, and what the last one reported.
fn time(mut world: Box<dyn Backend>, jobs: u32, answers: Answers) -> (f64, Bytes) {
    let progress = Progress::default();
    let theirs = progress.clone();
    world.add_local_host(
        spec("node:1", NODE),
        Rc::new(move |host| Box::pin(answer(host, answers.clone()))),
    );
    world.add_local_host(
        spec("proxy:1", ASKER),
        Rc::new(move |host| Box::pin(ask(host, theirs.clone()))),
    );
    assert_eq!(world.run(&mut || progress.done.get() >= WARMUP, RUN_MAX), RunEnd::Done);
    let (begun, before) = (Instant::now(), progress.done.get());
    assert_eq!(world.run(&mut || progress.done.get() >= WARMUP + jobs, RUN_MAX), RunEnd::Done);
    let each = begun.elapsed().as_secs_f64() / f64::from(progress.done.get() - before);
    (each, progress.report.take())
}

fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}

fn show(name: &str, count: u32, world: impl Fn(u64) -> Box<dyn Backend>) {
    let (_, said) = time(world(0), count, Answers::Executor);
    let (report, parts) = decode::<SessionReport>(said.clone()).expect("the executor reports");
    assert_eq!(report.end.exit_code(), Some(0), "{}", report.end);
    assert_eq!(&parts[0].1[..], b"hi");
    let (mut jobs, mut bare) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let [first, second] = if round % 2 == 0 {
            [Answers::Executor, Answers::Bare(said.clone())]
        } else {
            [Answers::Bare(said.clone()), Answers::Executor]
        };
        for answers in [first, second] {
            let times = if matches!(answers, Answers::Executor) { &mut jobs } else { &mut bare };
            times.push(time(world(round as u64), count, answers).0 * 1e6);
        }
    }
    let node = sorted(jobs.iter().zip(&bare).map(|(job, bare)| job - bare).collect());
    println!("{name}: {count} small jobs a round, {ROUNDS} rounds interleaved");
    println!("  a job, its exchange and all   {:8.1} us", sorted(jobs)[ROUNDS / 2]);
    println!("  a bare exchange               {:8.1} us", sorted(bare)[ROUNDS / 2]);
    println!(
        "  so, on the node               {:8.1} us  (95 % of the median: {:.1} to {:.1}; aim: below 100)",
        node[ROUNDS / 2],
        node[INTERVAL_RANKS.0],
        node[INTERVAL_RANKS.1]
    );
}

fn main() {
    let network = || NetworkConfig::uniform(Duration::from_micros(100));
    show("fabric", JOBS_ON_FABRIC, |seed| {
        Box::new(Fabric::new(Seed(seed), network(), Trace::default()))
    });
    show("tcp", JOBS_ON_TCP, |seed| {
        Box::new(LoopbackServer::new(Seed(seed)).expect("the system has room"))
    });
}
