//! A small world: storage nodes with one device each, and a client that runs a script.

use std::cell::RefCell;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use md5::{Digest, Md5};
use stayput_host::config::{ByteRate, DiskConfig, FuelRate, LinkConfig, NetworkConfig};
use stayput_host::topology::{HostKey, HostPlace, HostSpec};
use stayput_host::{Backend, Disk, Host, Purpose, RunEnd, Seed, Time};
use stayput_world::fabric::Fabric;
use stayput_world::fault::FaultKind;
use stayput_world::fault::kinds::{Crash, Power};
use stayput_world::{Fault, FaultInjection, Trace};

use crate::http::{Body, HeaderMap, Method, SendError, Timeouts, send};
use crate::node::{NodeConfig, ReplicationConfig, StorageNode};
use crate::swift::{NODE_PORT, Path, ReplicaTarget, RingLookup, Service};

const LIMIT: Time = Time::from_nanos(600_000_000_000);
pub(super) const UPLOAD_BYTES_MAX: u64 = 16 << 20;

/// The hosts and what runs on them; `None` before the first start.
type Running = Rc<RefCell<Vec<Option<(Host, Rc<StorageNode>)>>>>;

/// Nodes and client of a script.
#[derive(Clone)]
pub(super) struct Cluster {
    pub(super) host: Host,
    nodes: Running,
}

/// Response, whole.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    /// `None` when it broke off.
    pub(super) body: Option<Vec<u8>>,
}

impl Reply {
    pub(super) fn text(&self) -> &str {
        std::str::from_utf8(self.body.as_deref().expect("it came whole")).expect("it is text")
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
    }
}

impl Cluster {
    /// Sends a request to a node and takes the whole answer.
    pub(super) async fn try_ask(
        &self,
        node: u8,
        service: Service,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Reply, SendError> {
        let body = Body::full(Purpose::ObjectData, body.to_vec());
        let mut request = hyper::Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = format!("/d1/7{path}").parse().expect("a path");
        for (name, value) in headers {
            let name = hyper::header::HeaderName::try_from(*name).expect("a name");
            request.headers_mut().insert(name, value.parse().expect("a value"));
        }
        let limit = Duration::from_secs(10);
        let limits = Timeouts { connect: limit, answer: limit };
        let mut answer = send(&self.host, address(node, service), request, limits).await?;
        let (status, headers) = (answer.status.as_u16(), answer.headers);
        let body = answer.body.collect(UPLOAD_BYTES_MAX).await.ok().map(|body| body.to_vec());
        Ok(Reply { status, headers, body })
    }

    pub(super) async fn ask(
        &self,
        service: Service,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Reply {
        self.try_ask(0, service, method, path, headers, body).await.expect("it answers")
    }

    /// A request to the object service of the first node.
    pub(super) async fn object(
        &self,
        method: Method,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Reply {
        self.ask(Service::Object, method, "/a/c/o", headers, body).await
    }

    pub(super) async fn get(&self) -> Reply {
        self.object(Method::GET, &[], b"").await
    }

    /// The disk of a node that runs.
    pub(super) fn disk(&self, node: u8) -> Rc<dyn Disk> {
        let nodes = self.nodes.borrow();
        let (host, _) = nodes[usize::from(node)].as_ref().expect("it has started");
        host.disk("d1").expect("it has one")
    }

    /// Main function of a node.
    pub(super) fn node(&self, node: u8) -> Rc<StorageNode> {
        let nodes = self.nodes.borrow();
        Rc::clone(&nodes[usize::from(node)].as_ref().expect("it has started").1)
    }

    pub(super) async fn at(&self, millis: u64) {
        self.host.sleep_until(Time::ZERO + Duration::from_millis(millis)).await;
    }
}

pub(super) fn address(node: u8, service: Service) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, node + 1)), service.port(NODE_PORT))
}

pub(super) fn crash(node: u32, at_ms: u64, lasts_ms: u64) -> Fault {
    fault(FaultKind::process(HostKey(node), Crash), at_ms, lasts_ms)
}

pub(super) fn power(node: u32, at_ms: u64, lasts_ms: u64) -> Fault {
    fault(FaultKind::process(HostKey(node), Power), at_ms, lasts_ms)
}

pub(super) fn fault(kind: FaultKind, at_ms: u64, lasts_ms: u64) -> Fault {
    let at = Time::ZERO + Duration::from_millis(at_ms);
    Fault::once(at, Duration::from_millis(lasts_ms), kind)
}

/// Runs `script` on a client beside `nodes` storage nodes; gives what it gives. Each of the faults
/// must have an effect.
pub(super) fn run<T: 'static, F: Future<Output = T> + 'static>(
    nodes: u8,
    faults: Vec<Fault>,
    script: impl Fn(Cluster) -> F + 'static,
) -> T {
    let (value, bit) = run_under(nodes, faults, script);
    for (index, bit) in bit.into_iter().enumerate() {
        assert!(bit, "fault {index} did nothing");
    }
    value
}

/// Runs `script` on a node's disk.
pub(crate) fn run_on_a_disk<F: Future<Output = ()> + 'static>(
    script: impl Fn(Rc<dyn Disk>) -> F + 'static,
) {
    run(1, Vec::new(), move |cluster| script(cluster.disk(0)));
}

/// As [`run`], with whether each fault had an effect.
pub(super) fn run_under<T: 'static, F: Future<Output = T> + 'static>(
    nodes: u8,
    faults: Vec<Fault>,
    script: impl Fn(Cluster) -> F + 'static,
) -> (T, Vec<bool>) {
    run_kept_same(nodes, None, faults, script)
}

/// As [`run_under`], with replicators on all nodes, of which the first so many are to have
/// everything.
pub(super) fn run_replicated<T: 'static, F: Future<Output = T> + 'static>(
    nodes: u8,
    primaries: u8,
    faults: Vec<Fault>,
    script: impl Fn(Cluster) -> F + 'static,
) -> (T, Vec<bool>) {
    run_kept_same(nodes, Some(primaries), faults, script)
}

fn run_kept_same<T: 'static, F: Future<Output = T> + 'static>(
    nodes: u8,
    primaries: Option<u8>,
    faults: Vec<Fault>,
    script: impl Fn(Cluster) -> F + 'static,
) -> (T, Vec<bool>) {
    let mut world = Fabric::new(Seed(1), network(), Trace::default());
    let running = Rc::new(RefCell::new(vec![None; usize::from(nodes)]));
    for node in 0..nodes {
        let running = Rc::clone(&running);
        world.add_local_host(
            spec(node),
            Rc::new(move |host| Box::pin(run_node(node, primaries, host, Rc::clone(&running)))),
        );
    }
    let found = Rc::new(RefCell::new(None));
    let (finding, script) = (Rc::clone(&found), Rc::new(script));
    world.add_local_host(
        spec(nodes),
        Rc::new(move |host| {
            let cluster = Cluster { host: host.clone(), nodes: Rc::clone(&running) };
            let (finding, script) = (Rc::clone(&finding), Rc::clone(&script));
            Box::pin(async move {
                host.sleep(Duration::from_millis(10)).await;
                let value = script(cluster).await;
                *finding.borrow_mut() = Some(value);
            })
        }),
    );
    let ids: Vec<_> =
        faults.into_iter().map(|fault| world.schedule(fault).expect("the host exists")).collect();
    let end = world.run(&mut || found.borrow().is_some(), LIMIT);
    assert_eq!(end, RunEnd::Done, "the script did not come to its end");
    let bit = ids.into_iter().map(|id| world.effects(id).bit()).collect();
    let value = found.borrow_mut().take();
    (value.expect("the run ended because it was there"), bit)
}

/// A ring that gives everything to the first so many nodes.
struct First(u8);

impl RingLookup for First {
    fn partition(&self, _: &Path) -> u32 {
        7
    }

    fn primaries(&self, _: u32) -> Vec<ReplicaTarget> {
        let target = |node| {
            let address = address(node, Service::Object);
            ReplicaTarget { ip: address.ip(), port: address.port(), device: "d1".to_owned() }
        };
        (0..self.0).map(target).collect()
    }

    fn handoffs(&self, _: u32, _: usize) -> Vec<ReplicaTarget> {
        Vec::new()
    }
}

/// Rest of replicators.
pub(super) const REPLICATE_INTERVAL: Duration = Duration::from_secs(2);

async fn run_node(index: u8, primaries: Option<u8>, host: Host, running: Running) {
    let hash = |path: &Path| Md5::digest(format!("prefix{path}suffix")).into();
    let replication = primaries.map(|primaries| ReplicationConfig {
        ring: Rc::new(First(primaries)),
        ip: address(index, Service::Object).ip(),
        interval: REPLICATE_INTERVAL,
    });
    let config = NodeConfig {
        replication,
        upload_bytes_max: UPLOAD_BYTES_MAX,
        ..NodeConfig::new(vec!["d1".to_owned()], NODE_PORT, Rc::new(hash))
    };
    let node = StorageNode::recover(host.clone(), config).await;
    running.borrow_mut()[usize::from(index)] = Some((host, Rc::clone(&node)));
    node.listen().expect("the ports are free").await;
}

fn network() -> NetworkConfig {
    let link = |micros| LinkConfig::new(Duration::from_micros(micros), None);
    NetworkConfig {
        same_zone: link(100),
        cross_zone: link(500),
        cross_region: link(20_000),
        client: link(5_000),
        worker: link(500),
        slow_start: false,
    }
}

fn spec(index: u8) -> HostSpec {
    HostSpec {
        name: format!("node:{}", index + 1),
        ip: Ipv4Addr::new(10, 0, 0, index + 1),
        place: HostPlace::Zone { region: 1, zone: 1 },
        is_worker: false,
        nic: ByteRate::new(1_250_000_000).expect("not zero"),
        cores: 2,
        fuel_per_second: FuelRate::new(1_000_000_000).expect("not zero"),
        disks: vec!["d1".to_owned()],
        disk: DiskConfig {
            read: ByteRate::new(500_000_000).expect("not zero"),
            write: ByteRate::new(400_000_000).expect("not zero"),
            seek: Duration::from_micros(100),
            capacity: None,
        },
    }
}
