//! Clients that ask and take nothing of what they are answered, at a server with room for two.

use std::cell::Cell;
use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::{Either, select};
use stayput_host::config::{ByteRate, DiskConfig, FuelRate, NetworkConfig};
use stayput_host::topology::{HostPlace, HostSpec};
use stayput_host::{
    Backend, BoxStream, ComputeWork, Disk, Host, Label, Listener, LocalFuture, Machine, Purpose,
    RunEnd, Seed, Time,
};
use stayput_world::Trace;
use stayput_world::fabric::Fabric;

use crate::http;
use crate::http::{Body, Method, Response, Timeouts};

const PORT: u16 = 80;
const LIMIT: Time = Time::from_nanos(600_000_000_000);
const LIMITS: Timeouts =
    Timeouts { connect: Duration::from_secs(1), answer: Duration::from_secs(1) };
/// Bytes of an answer: far more than what streams hold.
const LARGE: usize = 8 << 20;

/// A host with room for two connections, which takes no more after some time.
struct Small {
    host: Host,
    ends: Time,
}

impl Machine for Small {
    fn now(&self) -> Time {
        self.host.now()
    }

    fn sleep_until(&self, at: Time) -> LocalFuture<'static, ()> {
        self.host.sleep_until(at)
    }

    fn spawn(&self, task: LocalFuture<'static, ()>) {
        self.host.spawn(task);
    }

    fn listen(&self, port: u16) -> io::Result<Box<dyn Listener>> {
        let ends = self.host.sleep_until(self.ends);
        Ok(Box::new(Two { listener: self.host.listen(port)?, ends }))
    }

    fn connect(&self, to: SocketAddr) -> LocalFuture<'static, io::Result<BoxStream>> {
        self.host.connect(to)
    }

    fn disk(&self, device: &str) -> Option<Rc<dyn Disk>> {
        self.host.disk(device)
    }

    fn compute(&self, work: Box<dyn ComputeWork>) -> LocalFuture<'static, Box<dyn ComputeWork>> {
        self.host.compute(work)
    }

    fn seed(&self) -> Seed {
        Seed(1)
    }
}

struct Two {
    listener: Box<dyn Listener>,
    ends: LocalFuture<'static, ()>,
}

impl Listener for Two {
    fn connections_max(&self) -> usize {
        2
    }

    fn accept(&mut self) -> LocalFuture<'_, io::Result<(BoxStream, SocketAddr)>> {
        let Self { listener, ends } = self;
        Box::pin(async move {
            match select(listener.accept(), ends.as_mut()).await {
                Either::Left((accepted, _)) => accepted,
                Either::Right(_) => Err(io::ErrorKind::NotConnected.into()),
            }
        })
    }
}

fn ip(host: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 0, host + 1)
}

fn address() -> SocketAddr {
    SocketAddr::new(IpAddr::V4(ip(0)), PORT)
}

fn spec(host: u8) -> HostSpec {
    let rate = ByteRate::new(1_250_000_000).unwrap();
    HostSpec {
        name: format!("node:{}", host + 1),
        ip: ip(host),
        place: HostPlace::Zone { region: 1, zone: 1 },
        is_worker: false,
        nic: rate,
        cores: 1,
        fuel_per_second: FuelRate::new(1_000_000_000).unwrap(),
        disks: Vec::new(),
        disk: DiskConfig { read: rate, write: rate, seek: Duration::ZERO, capacity: None },
    }
}

/// Answers `/large` with much, and anything else with nothing.
fn serve(host: &Host) {
    let answering = |request: http::Request| async move {
        let body = match request.uri().path() {
            "/large" => Body::full(Purpose::ObjectData, vec![7; LARGE]),
            _ => Body::empty(),
        };
        Response::new(body)
    };
    http::serve(host, PORT, answering).unwrap();
}

/// Runs `script` beside a server that ends at that time.
fn run<F: Future<Output = ()> + 'static>(ends: Time, script: impl Fn(Host) -> F + 'static) {
    let network = NetworkConfig::uniform(Duration::from_millis(1));
    let mut world = Fabric::new(Seed(1), network, Trace::default());
    let server = move |host: Host| {
        serve(&Host::new(Rc::new(Small { host, ends })));
        Box::pin(async {}) as LocalFuture<'static, ()>
    };
    world.add_local_host(spec(0), Rc::new(server));
    let ended = Rc::new(Cell::new(false));
    let (ending, script) = (Rc::clone(&ended), Rc::new(script));
    let client = move |host: Host| {
        let (running, ending) = (script(host), Rc::clone(&ending));
        Box::pin(async move {
            running.await;
            ending.set(true);
        }) as LocalFuture<'static, ()>
    };
    world.add_local_host(spec(1), Rc::new(client));
    let end = world.run(&mut || ended.get(), LIMIT);
    assert_eq!(end, RunEnd::Done, "the script did not come to its end");
}

/// Ways to keep hyper from reading on while nothing of the answer is taken: further requests that
/// lie there already, and a body that never comes.
const ASKED: [&str; 2] = [
    "GET /large HTTP/1.1\r\n\r\nGET /large HTTP/1.1\r\n\r\nGET /large HTTP/1.1\r\n\r\n",
    "GET /large HTTP/1.1\r\nContent-Length: 1\r\n\r\n",
];

async fn ask(host: &Host, asked: &str) -> BoxStream {
    let mut stream = host.connect(address()).await.unwrap();
    let written = poll_fn(|cx| stream.poll_write(cx, asked.as_bytes(), Label::HEAD)).await;
    assert_eq!(written.unwrap(), asked.len());
    stream
}

/// Bytes that come until the connection ends.
async fn take(mut stream: BoxStream) -> usize {
    let mut taken = 0;
    while let Ok(data) = poll_fn(|cx| stream.poll_read(cx, 1 << 16)).await
        && !data.is_empty()
    {
        taken += data.len();
    }
    taken
}

async fn is_served(host: &Host) -> bool {
    let request = hyper::Request::builder().method(Method::GET).uri("/").body(Body::empty());
    http::send(host, address(), request.unwrap(), LIMITS).await.is_ok()
}

#[test]
fn whoever_takes_nothing_of_an_answer_makes_room_but_not_at_once() {
    run(LIMIT, |host| async move {
        let stalled = [ask(&host, ASKED[0]).await, ask(&host, ASKED[1]).await];
        host.sleep(Duration::from_secs(3)).await;
        assert!(!is_served(&host).await, "two are being served, and may go on");
        host.sleep(Duration::from_secs(3)).await;
        assert!(is_served(&host).await, "nobody has made room");
        // The first one did, and the other one is served to its end.
        let [first, other] = stalled;
        assert!(take(first).await < LARGE);
        assert!(take(other).await > LARGE);
    });
}

#[test]
fn an_answer_of_which_nothing_is_taken_is_given_up_after_a_while() {
    for asked in ASKED {
        run(LIMIT, move |host| async move {
            let stalled = ask(&host, asked).await;
            host.sleep(Duration::from_secs(125)).await;
            assert!(take(stalled).await < LARGE, "{asked:?}");
        });
    }
}

#[test]
fn a_slow_reader_has_all_of_its_answer() {
    run(LIMIT, |host| async move {
        let mut stream = ask(&host, ASKED[1]).await;
        let mut taken = 0;
        while taken < LARGE {
            host.sleep(Duration::from_secs(1)).await;
            let data = poll_fn(|cx| stream.poll_read(cx, 1 << 16)).await.unwrap();
            assert!(!data.is_empty(), "it ended after {taken} bytes");
            taken += data.len();
        }
    });
}

#[test]
fn a_server_that_is_to_end_does_not_wait_long_for_who_takes_nothing() {
    for asked in ASKED {
        let second = Duration::from_secs(1);
        run(Time::ZERO + second, move |host| async move {
            let (stalled, taking) = (ask(&host, asked).await, ask(&host, asked).await);
            let taking = take(taking).await;
            assert!(taking > LARGE, "{taking}");
            host.sleep(10 * second).await;
            assert!(take(stalled).await < LARGE, "{asked:?}");
        });
    }
}
