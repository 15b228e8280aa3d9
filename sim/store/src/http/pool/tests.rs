//! A client with a pool beside one server, which crashes, loses power or is cut off.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::join_all;
use hyper::{Method, Request};
use stayput_host::config::{ByteRate, DiskConfig, FuelRate, NetworkConfig};
use stayput_host::topology::{HostKey, HostPlace, HostSpec};
use stayput_host::{Backend, Host, Purpose, RunEnd, Seed, Time};
use stayput_world::fabric::Fabric;
use stayput_world::fault::FaultKind;
use stayput_world::fault::kinds::{Crash, Power};
use stayput_world::{Fault, FaultInjection, Ledger, RunMeters, Trace};

use super::{ConnectionPool, IDLE_MAX, IDLE_PER_ADDRESS_MAX, IDLE_TIME_MAX, SWEEP_INTERVAL};
use crate::http;
use crate::http::{Body, Response, SendError, Timeouts};

const LIMIT: Time = Time::from_nanos(600_000_000_000);
const LIMITS: Timeouts =
    Timeouts { connect: Duration::from_millis(500), answer: Duration::from_secs(5) };
const PORT: u16 = 80;
/// More ports than connections of one each fit into a pool.
const PORTS: u16 = 140;
const BODY: &[u8] = b"GET /not-a-head HTTP/1.1\r\n\r\nonly a body that looks like one";

#[derive(Clone)]
struct Script {
    host: Host,
    pool: ConnectionPool,
    /// Requests that reached the server's handler.
    seen: Rc<Cell<u32>>,
}

impl Script {
    async fn send(&self, method: Method, path: &str) -> Result<http::IncomingResponse, SendError> {
        self.pool.send(address(PORT), request(method, path), LIMITS).await
    }

    async fn get(&self, port: u16) -> Result<(), SendError> {
        let mut answer = self.pool.send(address(port), request(Method::GET, "/"), LIMITS).await?;
        assert_eq!(answer.body.collect(1 << 20).await.unwrap(), BODY);
        Ok(())
    }

    async fn sleep_until(&self, ms: u64) {
        self.host.sleep_until(Time::ZERO + Duration::from_millis(ms)).await;
    }

    fn opened(&self) -> u64 {
        self.pool.0.state.borrow().opened
    }
}

fn request(method: Method, path: &str) -> Request<Body> {
    let body = match method {
        Method::GET | Method::HEAD => Body::empty(),
        _ => Body::full(Purpose::ObjectData, BODY),
    };
    Request::builder().method(method).uri(path).body(body).unwrap()
}

fn ip(host: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 0, host + 1)
}

fn address(port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(ip(0)), port)
}

fn network() -> NetworkConfig {
    NetworkConfig::uniform(Duration::from_millis(1))
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

/// Answers `/slow` after two seconds, everything else at once.
fn serve(host: &Host, seen: &Rc<Cell<u32>>) {
    for port in PORT..PORT + PORTS {
        let (seen, of_handler) = (Rc::clone(seen), host.clone());
        let handler = move |mut request: http::Request| {
            let (host, seen) = (of_handler.clone(), Rc::clone(&seen));
            async move {
                seen.set(seen.get() + 1);
                let _body = request.body_mut().collect(1 << 20).await;
                if request.uri().path() == "/slow" {
                    host.sleep(Duration::from_secs(2)).await;
                }
                Response::new(Body::full(Purpose::ObjectData, BODY))
            }
        };
        http::serve(host, port, handler).unwrap();
    }
}

fn run<F: Future<Output = ()> + 'static>(
    faults: Vec<Fault>,
    script: impl Fn(Script) -> F + 'static,
) -> Ledger {
    let mut world = Fabric::new(Seed(1), network(), Trace::default());
    let seen = Rc::new(Cell::new(0));
    let of_server = Rc::clone(&seen);
    let server = move |host: Host| {
        serve(&host, &of_server);
        Box::pin(async {}) as stayput_host::LocalFuture<'static, ()>
    };
    world.add_local_host(spec(0), Rc::new(server));
    let ended = Rc::new(RefCell::new(false));
    let (ending, script) = (Rc::clone(&ended), Rc::new(script));
    let client = move |host: Host| {
        let pool = ConnectionPool::new(host.clone());
        let running = script(Script { host, pool, seen: Rc::clone(&seen) });
        let ending = Rc::clone(&ending);
        Box::pin(async move {
            running.await;
            *ending.borrow_mut() = true;
        }) as stayput_host::LocalFuture<'static, ()>
    };
    world.add_local_host(spec(1), Rc::new(client));
    let ids: Vec<_> = faults.into_iter().map(|fault| world.schedule(fault).unwrap()).collect();
    let end = world.run(&mut || *ended.borrow(), LIMIT);
    assert_eq!(end, RunEnd::Done, "the script did not come to its end");
    for id in ids {
        assert!(world.effects(id).bit(), "fault {id:?} did nothing");
    }
    world.ledger()
}

/// From one second on, for one second.
fn fault(kind: FaultKind) -> Vec<Fault> {
    let second = Duration::from_secs(1);
    vec![Fault::once(Time::ZERO + second, second, kind)]
}

#[test]
fn requests_in_turn_share_a_connection() {
    run(vec![], |script| async move {
        for _ in 0..5 {
            script.get(PORT).await.unwrap();
        }
        let head = script.send(Method::HEAD, "/").await.unwrap();
        drop(head);
        script.get(PORT).await.unwrap();
        assert_eq!((script.opened(), script.pool.idle(), script.seen.get()), (1, 1, 7));
    });
}

#[test]
fn each_message_of_a_connection_is_counted_as_what_it_is() {
    let ledger = run(vec![], |script| async move {
        for _ in 0..3 {
            script.get(PORT).await.unwrap();
        }
        let mut put = script.send(Method::PUT, "/").await.unwrap();
        assert_eq!(put.body.collect(1 << 20).await.unwrap(), BODY);
        drop(put);
        script.get(PORT).await.unwrap();
        assert_eq!(script.opened(), 2);
    });
    // Four answers to GET, one to PUT, and what was put.
    assert_eq!(ledger.totals().body, 6 * BODY.len() as u64);
}

#[test]
fn a_connection_that_a_change_opened_is_not_kept() {
    run(vec![], |script| async move {
        let mut put = script.send(Method::PUT, "/").await.unwrap();
        put.body.collect(1 << 20).await.unwrap();
        drop(put);
        script.get(PORT).await.unwrap();
        assert_eq!(script.opened(), 2);
    });
}

#[test]
fn an_answer_that_is_dropped_early_closes_its_connection() {
    run(vec![], |script| async move {
        drop(script.send(Method::GET, "/").await.unwrap());
        assert_eq!(script.pool.idle(), 0);
        script.get(PORT).await.unwrap();
        assert_eq!(script.opened(), 2);
    });
}

#[test]
fn connections_of_a_crashed_server_leave_the_pool() {
    run(fault(FaultKind::process(HostKey(0), Crash)), |script| async move {
        script.get(PORT).await.unwrap();
        script.sleep_until(900).await;
        assert_eq!(script.pool.idle(), 1);
        script.sleep_until(1_010).await;
        assert_eq!(script.pool.idle(), 0);
        script.sleep_until(2_100).await;
        script.get(PORT).await.unwrap();
    });
}

#[test]
fn a_server_that_was_without_power_is_read_from_again_though_its_connections_are_dead() {
    run(fault(FaultKind::process(HostKey(0), Power)), |script| async move {
        join_all((0..3).map(|_| script.get(PORT))).await;
        script.sleep_until(2_100).await;
        assert_eq!(script.pool.idle(), 3);
        script.get(PORT).await.unwrap();
        assert_eq!((script.opened(), script.pool.idle()), (4, 1));
    });
}

#[test]
fn a_server_without_power_is_noticed_before_its_answer_is_late() {
    run(fault(FaultKind::process(HostKey(0), Power)), |script| async move {
        script.get(PORT).await.unwrap();
        script.sleep_until(1_100).await;
        let error = script.get(PORT).await.unwrap_err();
        assert!(matches!(error, SendError::TimedOut { .. }), "{error}");
        let limit = Time::ZERO + Duration::from_millis(1_100) + LIMITS.connect * 3 / 2;
        assert_eq!((script.host.now(), script.pool.idle()), (limit, 0));
    });
}

#[test]
fn a_slow_answer_over_a_kept_connection_is_waited_for_and_asked_for_once() {
    run(vec![], |script| async move {
        script.get(PORT).await.unwrap();
        let mut answer = script.send(Method::GET, "/slow").await.unwrap();
        assert_eq!(answer.body.collect(1 << 20).await.unwrap(), BODY);
        assert_eq!(script.seen.get(), 2);
    });
}

#[test]
fn a_change_goes_to_a_server_that_was_without_power_and_only_once() {
    run(fault(FaultKind::process(HostKey(0), Power)), |script| async move {
        script.get(PORT).await.unwrap();
        script.sleep_until(2_100).await;
        assert_eq!(script.pool.idle(), 1);
        script.send(Method::POST, "/").await.unwrap();
        assert_eq!(script.seen.get(), 2);
    });
}

#[test]
fn a_change_that_a_crash_cuts_off_is_never_sent_twice() {
    run(fault(FaultKind::process(HostKey(0), Crash)), |script| async move {
        script.get(PORT).await.unwrap();
        script.sleep_until(500).await;
        let error = script.send(Method::POST, "/slow").await.unwrap_err();
        assert!(matches!(error, SendError::Broken { .. }), "{error}");
        assert!(!error.before_sending());
        script.sleep_until(5_000).await;
        assert_eq!(script.seen.get(), 2);
    });
}

#[test]
fn no_more_connections_are_kept_than_the_bounds_allow() {
    run(vec![], |script| async move {
        join_all((0..20).map(|_| script.get(PORT))).await;
        assert_eq!(script.pool.idle(), IDLE_PER_ADDRESS_MAX);
        let each = (PORT..PORT + PORTS).flat_map(|port| [port; IDLE_PER_ADDRESS_MAX]);
        join_all(each.map(|port| script.get(port))).await;
        assert_eq!(script.pool.idle(), IDLE_MAX);
        let opened = script.opened();
        script.get(PORT + PORTS - 1).await.unwrap();
        assert_eq!(script.opened(), opened);
    });
}

#[test]
fn a_connection_that_was_idle_too_long_is_not_used_again() {
    run(vec![], |script| async move {
        script.get(PORT).await.unwrap();
        script.host.sleep(IDLE_TIME_MAX - Duration::from_millis(10)).await;
        script.get(PORT).await.unwrap();
        assert_eq!(script.opened(), 1);
        script.host.sleep(IDLE_TIME_MAX).await;
        script.get(PORT).await.unwrap();
        assert_eq!(script.opened(), 2);
    });
}

#[test]
fn idle_connections_are_closed_though_nobody_asks() {
    run(vec![], |script| async move {
        join_all((0..4).map(|port| script.get(PORT + port))).await;
        script.host.sleep(IDLE_TIME_MAX + SWEEP_INTERVAL).await;
        assert_eq!(script.pool.idle(), 0);
        script.get(PORT).await.unwrap();
        script.host.sleep(IDLE_TIME_MAX + SWEEP_INTERVAL).await;
        assert_eq!(script.pool.idle(), 0);
    });
}

#[test]
fn a_body_of_unknown_length_is_counted_without_its_framing() {
    let ledger = run(vec![], |script| async move {
        let (sender, body) = Body::open();
        let request = Request::builder().method(Method::PUT).uri("/").body(body).unwrap();
        let feed = async move {
            for piece in [&BODY[..1], &BODY[1..17], &BODY[17..]] {
                assert!(sender.send(Purpose::JobToJob, piece.into()).await);
            }
            sender.finish().await;
        };
        let answer = script.pool.send(address(PORT), request, LIMITS);
        let (answer, ()) = futures_util::future::join(answer, feed).await;
        assert_eq!(answer.unwrap().body.collect(1 << 20).await.unwrap(), BODY);
    });
    assert_eq!(ledger.totals().body, 2 * BODY.len() as u64);
    let totals = ledger.totals();
    assert_eq!(totals.by_purpose.get(&Purpose::JobToJob), Some(&(BODY.len() as u64)));
}

#[test]
fn a_body_whose_sender_leaves_is_no_whole_body() {
    run(vec![], |script| async move {
        let (sender, body) = Body::open();
        let request = Request::builder().method(Method::PUT).uri("/").body(body).unwrap();
        let feed = async move { sender.send(Purpose::JobToJob, BODY.into()).await };
        let answer = script.pool.send(address(PORT), request, LIMITS);
        let (answer, _) = futures_util::future::join(answer, feed).await;
        assert!(matches!(answer, Err(SendError::Broken { .. })), "{answer:?}");
    });
}
