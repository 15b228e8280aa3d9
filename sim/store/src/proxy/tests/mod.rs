//! A proxy on the fabric before six small fake nodes: what it does when they misbehave.
//!
//! Leaves out real nodes: how they store is tested with them.

mod answers;
mod api;
mod auth;
mod change;
mod copies;
mod cross_container;
mod expiry;
mod get;
mod large;
mod listings;
mod lists;
mod metadata;
mod node;
mod observer;
mod put;
mod random;
mod ranges;
mod real;

use std::cell::RefCell;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::header::{HeaderName, HeaderValue};
use hyper::{HeaderMap, Method, StatusCode};
use stayput_host::config::{ByteRate, DiskConfig, FuelRate, NetworkConfig};
use stayput_host::topology::{HostPlace, HostSpec};
use stayput_host::{Backend, Host, LocalFuture, Purpose, RunEnd, Seed, Time};
use stayput_world::Trace;
use stayput_world::fabric::Fabric;

use self::node::{Manner, Node};
use super::{Authenticator, FixedTokens, JobService, Proxy, ProxyConfig, RequestObserver};
use crate::client::Client;
use crate::http;
use crate::http::{Body, Request, Response, Timeouts};
use crate::swift::{NODE_PORT, PROXY_PORT, Path, ReplicaTarget, RingLookup, Timestamp};

const NODES: u8 = 6;
const PROXY: u8 = 6;
const FIRST_CLIENT: u8 = 7;
const LIMIT: Time = Time::from_nanos(3_600_000_000_000);
const LIMITS: Timeouts =
    Timeouts { connect: Duration::from_secs(1), answer: Duration::from_secs(60) };

/// Everything belongs to nodes 0, 1 and 2; 3, 4 and 5 are the handoffs.
struct OnePartition;

impl RingLookup for OnePartition {
    fn partition(&self, _path: &Path) -> u32 {
        7
    }

    fn primaries(&self, _partition: u32) -> Vec<ReplicaTarget> {
        (0..3).map(target).collect()
    }

    fn handoffs(&self, _partition: u32, count: usize) -> Vec<ReplicaTarget> {
        (3..NODES).take(count).map(target).collect()
    }
}

fn target(index: u8) -> ReplicaTarget {
    ReplicaTarget { ip: IpAddr::V4(ip(index)), port: NODE_PORT, device: format!("d{index}") }
}

fn ip(index: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 0, index + 1)
}

fn object() -> Path {
    Path::object_of("AUTH_a", "c", "o").unwrap()
}

fn at(ticks: u64) -> Timestamp {
    Timestamp::at(Time::from_nanos(ticks * 10_000))
}

fn pattern(len: usize) -> Bytes {
    (0..len).map(|index| (index * 31 % 251) as u8).collect::<Vec<_>>().into()
}

/// Runs what is posted as a job by sending it back, and says in which account that was.
struct Echo;

impl JobService for Echo {
    fn run(&self, _proxy: Proxy, mut call: super::JobRequest) -> LocalFuture<'static, Response> {
        Box::pin(async move {
            let body = call.request.body_mut().collect(1000).await.unwrap();
            let mut answer = Response::new(Body::full(Purpose::JobResult, body));
            answer.headers_mut().insert("x-ran-in", HeaderValue::try_from(call.account).unwrap());
            answer
        })
    }
}

/// A proxy and its nodes.
struct Room {
    world: Fabric,
    nodes: Vec<Node>,
    clients: u8,
    proxy: Rc<RefCell<Option<Proxy>>>,
}

/// Response, its body whole or not.
struct Got {
    status: StatusCode,
    headers: HeaderMap,
    /// `None` if it broke off.
    body: Option<Bytes>,
}

impl Got {
    fn text(&self) -> &str {
        std::str::from_utf8(self.body.as_deref().expect("it came whole")).unwrap()
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Room {
    /// The nodes, each with its manner; those without one behave.
    fn new(manners: &[(usize, Manner)]) -> Self {
        let nodes: Vec<Node> = (0..NODES).map(|_| Node::default()).collect();
        for (index, manner) in manners {
            nodes[*index].behave(*manner);
        }
        let fakes = nodes.clone();
        let room = Self::with(move |index, host| fakes[usize::from(index)].clone().run(host));
        Self { nodes, ..room }
    }

    /// Nodes that run `node` with their number.
    fn with<F: Future<Output = ()> + 'static>(node: impl Fn(u8, Host) -> F + 'static) -> Self {
        Self::with_auth(
            FixedTokens::from([("secret".to_owned(), "AUTH_a".to_owned())]).into(),
            node,
        )
    }

    /// The same, before a proxy that lets in whom `auth` knows.
    fn with_auth<F: Future<Output = ()> + 'static>(
        auth: Authenticator,
        node: impl Fn(u8, Host) -> F + 'static,
    ) -> Self {
        Self::with_observer(auth, None, node)
    }

    /// The same, with somebody who watches what requests come to.
    fn with_observer<F: Future<Output = ()> + 'static>(
        auth: Authenticator,
        observer: Option<Arc<dyn RequestObserver>>,
        node: impl Fn(u8, Host) -> F + 'static,
    ) -> Self {
        let mut world = Fabric::new(Seed(1), network(), Trace::default());
        let node = Rc::new(node);
        for index in 0..NODES {
            let node = Rc::clone(&node);
            add(&mut world, index, move |host| node(index, host));
        }
        let proxy = Rc::new(RefCell::new(None));
        let started = Rc::clone(&proxy);
        add(&mut world, PROXY, move |host| {
            let config = ProxyConfig {
                index: crate::proxy::ProxyIndex::ONLY,
                name: "proxy:1".to_owned(),
                ring: Rc::new(OnePartition),
                auth: auth.clone(),
                jobs: Some(Rc::new(Echo)),
                observer: observer.clone(),
            };
            *started.borrow_mut() = Some(super::start(host, config).unwrap());
            std::future::ready(())
        });
        Self { world, nodes: Vec::new(), clients: FIRST_CLIENT, proxy }
    }

    /// Runs a client to its end.
    fn client<T: 'static, F: Future<Output = T> + 'static>(
        &mut self,
        does: impl FnOnce(Host) -> F + 'static,
    ) -> T {
        let found = Rc::new(RefCell::new(None));
        let (finding, does) = (Rc::clone(&found), RefCell::new(Some(does)));
        self.clients += 1;
        add(&mut self.world, self.clients, move |host| {
            let (does, finding) = (does.borrow_mut().take(), Rc::clone(&finding));
            async move {
                let Some(does) = does else { return };
                // The others have to be listening.
                host.sleep(Duration::from_millis(10)).await;
                let result = does(host).await;
                *finding.borrow_mut() = Some(result);
            }
        });
        let end = self.world.run(&mut || found.borrow().is_some(), LIMIT);
        assert_eq!(end, RunEnd::Done, "the client did not come to its end");
        found.borrow_mut().take().unwrap()
    }

    /// Runs something beside the proxy to its end.
    fn beside<T: 'static, F: Future<Output = T> + 'static>(
        &mut self,
        does: impl FnOnce(Proxy) -> F + 'static,
    ) -> T {
        let proxy = Rc::clone(&self.proxy);
        self.client(move |host| async move {
            let proxy = proxy.borrow().clone().unwrap();
            let found = Rc::new(RefCell::new(None));
            let (finding, work) = (Rc::clone(&found), does(proxy.clone()));
            proxy.host().spawn(async move {
                let result = work.await;
                *finding.borrow_mut() = Some(result);
            });
            loop {
                if let Some(result) = found.borrow_mut().take() {
                    return result;
                }
                host.sleep(Duration::from_millis(1)).await;
            }
        })
    }

    /// One request of one client.
    fn send(&mut self, method: Method, path: &str, headers: &[(&str, &str)], body: Bytes) -> Got {
        let request = request(method, path, headers, Body::full(Purpose::ObjectData, body));
        self.client(|host| async move { send(&host, request).await })
    }

    /// One request on something below the account, with a body of text.
    fn ask(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Got {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let body = Bytes::copy_from_slice(body.as_bytes());
        self.send(method, &format!("/v1/AUTH_a/{path}"), headers, body)
    }

    /// Lets time pass.
    fn wait(&mut self, seconds: u64) {
        self.client(move |host| async move { host.sleep(Duration::from_secs(seconds)).await });
    }

    /// GET of the object.
    fn get(&mut self, headers: &[(&str, &str)]) -> Got {
        self.send(Method::GET, "/v1/AUTH_a/c/o", headers, Bytes::new())
    }

    /// Which nodes hold the object.
    fn holding(&self) -> Vec<usize> {
        (0..self.nodes.len()).filter(|index| self.nodes[*index].holds().is_some()).collect()
    }
}

fn request(
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: Body,
) -> hyper::Request<Body> {
    let length = body.len().expect("these bodies know their length");
    let mut request = hyper::Request::builder().method(method).uri(path).body(body).unwrap();
    if request.method() == Method::PUT {
        request.headers_mut().insert("content-length", length.into());
    }
    request.headers_mut().insert("x-auth-token", HeaderValue::from_static("secret"));
    for (name, value) in headers {
        let name = HeaderName::try_from(*name).unwrap();
        request.headers_mut().insert(name, HeaderValue::try_from(*value).unwrap());
    }
    request
}

async fn send(host: &Host, request: hyper::Request<Body>) -> Got {
    let to = SocketAddr::new(IpAddr::V4(ip(PROXY)), PROXY_PORT);
    let mut answer = http::send(host, to, request, LIMITS).await.unwrap();
    let body = host.timeout(Duration::from_secs(60), answer.body.collect(1 << 30)).await.unwrap();
    Got { status: answer.status, headers: answer.headers, body: body.ok() }
}

fn swift(host: Host) -> Client {
    let proxies = vec![SocketAddr::new(IpAddr::V4(ip(PROXY)), PROXY_PORT)];
    Client { host, proxies, token: "secret".to_owned(), account: "AUTH_a".to_owned() }
}

fn add<F: Future<Output = ()> + 'static>(
    world: &mut Fabric,
    index: u8,
    main: impl Fn(Host) -> F + 'static,
) {
    let rate = ByteRate::new(1_250_000_000).unwrap();
    let spec = HostSpec {
        name: format!("host:{index}"),
        ip: ip(index),
        place: HostPlace::Zone { region: 1, zone: u32::from(index) + 1 },
        is_worker: false,
        nic: rate,
        cores: 1,
        fuel_per_second: FuelRate::new(1_000_000_000).unwrap(),
        disks: vec![target(index).device],
        disk: DiskConfig {
            read: rate,
            write: rate,
            seek: Duration::from_micros(100),
            capacity: None,
        },
    };
    world.add_local_host(spec, Rc::new(move |host| Box::pin(main(host))));
}

fn network() -> NetworkConfig {
    NetworkConfig::uniform(Duration::from_micros(200))
}
