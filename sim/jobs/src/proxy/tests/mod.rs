//! The job service of a proxy before five storage nodes and two workers that answer as they are
//! told: who is asked, in which order, how often, and what becomes of the answers.
//!
//! Leaves out what real nodes do, which whole clusters show, and the policies' choices.

mod at_worker;
mod gang;
mod hedge;
mod lone;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use hyper::HeaderMap;
use stayput_host::config::{ByteRate, DiskConfig, FuelRate, MachineConfig, SessionsConfig};
use stayput_host::contract::host_address;
use stayput_host::{Host, Purpose, Time};
use stayput_runtime::outcome::{Accounting, EndReason};
use stayput_store::http::{self, Body, Method, Request, Response, StatusCode, Timeouts};
use stayput_store::proxy::{FixedTokens, ProxyConfig, ProxyIndex, start};
use stayput_store::swift::{
    NODE_PORT, PROXY_PORT, Path, ReplicaTarget, RingLookup, WORKER_PORT, job_port,
};

use super::{ClusterTopology, ProxyJobs, ProxyJobsConfig};
use crate::fixtures::{ACCOUNT, ServerMain, beside, system_images};
use crate::message::{PartHead, PartRole, SessionOrder, SessionReport, decode, encode};
use crate::placement::{ClusterRates, LinkRates, MachineRates, NodeLoad, PolicyRegistry};
use crate::session::result::SessionEnd;

const NODES: u8 = 5;
const PROXY: u8 = 5;
const WORKERS: [u8; 2] = [6, 7];
const LIMITS: Timeouts =
    Timeouts { connect: Duration::from_secs(1), answer: Duration::from_secs(600) };

/// Ring whose partition is the last letter of a path: nodes follow each other from there on, three
/// of them primaries.
struct ByLastLetter;

fn target(node: u32) -> ReplicaTarget {
    let index = u8::try_from(node % u32::from(NODES)).expect("it is small");
    ReplicaTarget { ip: host_address(index, 0).ip(), port: NODE_PORT, device: format!("d{index}") }
}

impl RingLookup for ByLastLetter {
    fn partition(&self, path: &Path) -> u32 {
        u32::from(path.object().and_then(|name| name.bytes().last()).unwrap_or(0))
    }

    fn primaries(&self, partition: u32) -> Vec<ReplicaTarget> {
        (partition..partition + 3).map(target).collect()
    }

    fn handoffs(&self, partition: u32, count: usize) -> Vec<ReplicaTarget> {
        (partition + 3..partition + u32::from(NODES)).take(count).map(target).collect()
    }
}

/// Order that a node got.
#[derive(Clone, Debug)]
struct Asked {
    /// Index of the node.
    node: u8,
    /// Time since the job was posted.
    at: Duration,
    order: SessionOrder,
}

/// Reaction of a node to an order.
enum Reaction {
    /// Reports that the session exited and wrote this.
    Exits(&'static str),
    /// The same, so long after the order.
    ExitsAfter(Duration, &'static str),
    /// Answers with this status.
    Refuses(u16),
    /// Never answers, and says to looks that the session runs.
    Computes,
    /// Never answers, and knows nothing of the session.
    Forgets,
    /// Answers with these bytes.
    Says(&'static [u8]),
    /// Reports for the attempt after the one that was ordered.
    ReportsAnother,
}

/// Reaction to an order of which so many came to that node before.
type Reactions = Rc<dyn Fn(&Asked, usize) -> Reaction>;

/// Cluster before which a job is posted.
#[derive(Clone)]
struct Cluster {
    policy: &'static str,
    /// Sessions that a node runs at a time.
    running: u32,
    /// Nodes that do not listen.
    dead: &'static [u8],
    /// Time after which the client leaves.
    leaves_after: Option<Duration>,
    worker: fn(u8, Request) -> Response,
}

impl Default for Cluster {
    fn default() -> Self {
        let worker = |_, _| Response::new(Body::empty());
        Self { policy: "on-storage", running: 10, dead: &[], leaves_after: None, worker }
    }
}

/// All that is seen of a job.
#[derive(Debug)]
struct Seen {
    /// Status of the answer; `None` if the client left.
    status: Option<u16>,
    headers: HeaderMap,
    /// Body, if it came whole.
    body: Option<Bytes>,
    asked: Vec<Asked>,
    /// Orders whose connections were closed before they were answered, by node.
    cancelled: Vec<u8>,
}

impl Seen {
    /// Nodes in the order in which they were asked.
    fn nodes(&self) -> Vec<u8> {
        self.asked.iter().map(|asked| asked.node).collect()
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(self.body.as_ref().expect("it came whole")).into_owned()
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    fn assert_answer(&self, status: u16, text: &str) {
        assert_eq!((self.status, self.text().as_str()), (Some(status), text), "{self:?}");
    }
}

fn machine(running: u32) -> MachineConfig {
    let rate = ByteRate::new(1_000_000_000).expect("not zero");
    MachineConfig {
        cores: 2,
        fuel_per_second: FuelRate::new(1_000_000_000).expect("not zero"),
        nic: rate,
        disk: DiskConfig { read: rate, write: rate, seek: Duration::ZERO, capacity: None },
        sessions: SessionsConfig { running, ..SessionsConfig::default() },
    }
}

fn topology(machine: &MachineConfig) -> ClusterTopology {
    let link = LinkRates { latency: Duration::from_millis(1), trunk: None };
    ClusterTopology {
        zones: BTreeMap::new(),
        latencies: BTreeMap::new(),
        workers: WORKERS.map(|index| host_address(index, WORKER_PORT)).to_vec(),
        rates: ClusterRates {
            node: MachineRates::of(machine),
            worker: MachineRates::of(machine),
            to_nodes: link,
            to_workers: link,
            proxies: 1,
        },
    }
}

/// Records that an order was given up, unless it was answered.
struct Pending {
    node: u8,
    is_answered: Cell<bool>,
    cancelled: Rc<RefCell<Vec<u8>>>,
}

impl Drop for Pending {
    fn drop(&mut self) {
        if !self.is_answered.get() {
            self.cancelled.borrow_mut().push(self.node);
        }
    }
}

/// Notes of all hosts.
#[derive(Clone, Default)]
struct Log {
    asked: Rc<RefCell<Vec<Asked>>>,
    cancelled: Rc<RefCell<Vec<u8>>>,
    /// Paths of sessions that their nodes know.
    known: Rc<RefCell<Vec<String>>>,
}

fn report(order: &SessionOrder, attempt: u32, output: &'static str) -> Response {
    let role = PartRole::Device("stdout".to_owned());
    let report = SessionReport {
        id: order.id.clone(),
        attempt,
        end: SessionEnd::Guest(EndReason::Exited { code: 0 }),
        fuel: 5,
        core_us: 1,
        took_us: 2,
        accounting: Accounting::default(),
        parts: vec![PartHead { role, bytes: output.len() as u64 }],
        load: order.wants_load.then_some(NodeLoad { running: 1, waiting: 0 }),
    };
    let part = (Purpose::JobResult, Bytes::from(output));
    Response::new(encode(&report, vec![part]).expect("it is short"))
}

fn status(code: u16) -> Response {
    let mut response = Response::new(Body::full(Purpose::Control, "because\n"));
    *response.status_mut() = StatusCode::from_u16(code).expect("it is a status");
    response
}

/// A storage node that reacts to orders.
fn node(index: u8, log: &Log, reactions: &Reactions) -> ServerMain {
    let (log, reactions) = (log.clone(), Rc::clone(reactions));
    Box::new(move |host: Host| {
        let (log, reactions, own) = (log.clone(), Rc::clone(&reactions), host.clone());
        let handler = move |request: Request| {
            let (log, reactions, host) = (log.clone(), Rc::clone(&reactions), own.clone());
            async move {
                if request.method() == Method::GET {
                    let path = request.uri().path().to_owned();
                    let is_known = log.known.borrow().contains(&path);
                    return if is_known { Response::new(Body::empty()) } else { status(404) };
                }
                react(index, &host, request, &log, &reactions).await
            }
        };
        http::serve(&host, job_port(NODE_PORT), handler).expect("the port is free");
    })
}

async fn react(
    node: u8,
    host: &Host,
    mut request: Request,
    log: &Log,
    reactions: &Reactions,
) -> Response {
    let (is_answered, cancelled) = (Cell::new(false), Rc::clone(&log.cancelled));
    let pending = Pending { node, is_answered, cancelled };
    let path = request.uri().path().to_owned();
    log.known.borrow_mut().push(path.clone());
    let body = request.body_mut().collect(1 << 20).await.expect("it comes whole");
    let (order, _parts) = decode::<SessionOrder>(body).expect("it is an order");
    assert_eq!(path, format!("/running/{}/{}", order.id, order.attempt));
    let asked = Asked { node, at: host.now().since(Time::ZERO), order };
    let before = log.asked.borrow().iter().filter(|it| it.node == node).count();
    log.asked.borrow_mut().push(asked.clone());
    let Asked { order, .. } = &asked;
    let response = match reactions(&asked, before) {
        Reaction::Exits(output) => report(order, order.attempt, output),
        Reaction::ExitsAfter(time, output) => {
            host.sleep(time).await;
            report(order, order.attempt, output)
        }
        Reaction::Refuses(code) => status(code),
        Reaction::Computes => std::future::pending().await,
        Reaction::Forgets => {
            log.known.borrow_mut().retain(|known| *known != path);
            std::future::pending().await
        }
        Reaction::Says(bytes) => Response::new(Body::full(Purpose::JobResult, bytes)),
        Reaction::ReportsAnother => report(order, order.attempt + 1, ""),
    };
    pending.is_answered.set(true);
    response
}

fn proxy(cluster: &Cluster) -> ServerMain {
    let cluster = cluster.clone();
    Box::new(move |host: Host| {
        let policies = PolicyRegistry::built_in();
        let machine = machine(cluster.running);
        let jobs = ProxyJobs::new(
            &host,
            ProxyJobsConfig {
                ring: Rc::new(ByLastLetter),
                images: system_images(&["tools"]),
                policy: policies.named(cluster.policy).expect("it is built in"),
                topology: topology(&machine),
                node: machine.clone(),
                machine,
                memo: None,
            },
        );
        let tokens = FixedTokens::from([("token".to_owned(), ACCOUNT.to_owned())]);
        let config = ProxyConfig {
            name: "proxy:1".to_owned(),
            index: ProxyIndex::ONLY,
            ring: Rc::new(ByLastLetter),
            auth: tokens.into(),
            jobs: Some(Rc::new(jobs)),
            observer: None,
        };
        start(host, config).expect("the port is free");
    })
}

fn worker(index: u8, answer: fn(u8, Request) -> Response) -> ServerMain {
    Box::new(move |host: Host| {
        let handler = move |request| std::future::ready(answer(index, request));
        http::serve(&host, WORKER_PORT, handler).expect("the port is free");
    })
}

impl Cluster {
    /// Posts `job` to the proxy, before nodes that react as `reactions` say.
    fn post(&self, job: &str, reactions: impl Fn(&Asked, usize) -> Reaction + 'static) -> Seen {
        let (log, reactions) = (Log::default(), Rc::new(reactions) as Reactions);
        let hosts = (0..NODES).map(|index| match self.dead.contains(&index) {
            true => Box::new(|_host: Host| ()) as ServerMain,
            false => node(index, &log, &reactions),
        });
        let mut hosts: Vec<ServerMain> = hosts.collect();
        hosts.push(proxy(self));
        hosts.extend(WORKERS.map(|index| worker(index, self.worker)));
        let (job, leaves_after) = (job.to_owned(), self.leaves_after);
        let (status, headers, body) = beside(hosts, move |host| {
            let job = job.clone();
            async move {
                let to = host_address(PROXY, PROXY_PORT);
                let exchange = exchange(&host, to, job);
                let answer = match leaves_after {
                    None => exchange.await,
                    Some(limit) => host.timeout(limit, exchange).await.unwrap_or_default(),
                };
                // Time for those that are cancelled to notice.
                host.sleep(Duration::from_millis(20)).await;
                answer
            }
        });
        let (asked, cancelled) = (log.asked.take(), log.cancelled.take());
        Seen { status, headers, body, asked, cancelled }
    }
}

async fn exchange(
    host: &Host,
    to: SocketAddr,
    job: String,
) -> (Option<u16>, HeaderMap, Option<Bytes>) {
    let request = hyper::Request::builder()
        .method(Method::POST)
        .uri("/v1/AUTH_x")
        .header("x-auth-token", "token")
        .header("x-zerovm-execute", "1.0")
        .header("content-type", "application/json")
        .body(Body::full(Purpose::Control, job));
    let request = request.expect("it is a request");
    let mut answer = http::send(host, to, request, LIMITS).await.expect("the proxy answers");
    let body = answer.body.collect(1 << 20).await.ok();
    (Some(answer.status.as_u16()), answer.headers, body)
}

/// Node of a job without objects, which runs a program that is installed everywhere.
fn job_node(name: &str, more: &str) -> String {
    format!(
        r#"{{"name": "{name}", "exec": {{"path": "file://tools:run"}},
            "devices": [{{"name": "stdout"}}, {{"name": "tools"}}]{more}}}"#
    )
}

/// Job of one session, which prefers the nodes from 0 on.
fn one() -> String {
    format!("[{}]", job_node("n", ""))
}
