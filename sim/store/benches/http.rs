//! Simulated HTTP requests per second of wall time: the fabric beside turmoil, interleaved in one
//! run, and the fabric alone with more hosts.
//!
//! hyper on both sides, a new connection for each request, 1 kB in each body. One client, or 200,
//! ask all the other hosts in turn. Leaves out the store (see `store`): it is the network and the
//! executor that are timed.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a benchmark measures the wall clock"
)]

use std::cell::Cell;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::{Duration, Instant};

use stayput_host::config::{ByteRate, DiskConfig, FuelRate, NetworkConfig};
use stayput_host::topology::{HostPlace, HostSpec};
use stayput_host::{Backend, Host, Purpose, RunEnd, Seed, Time};
use stayput_store::http;
use stayput_store::http::{Body, Method, Response, Timeouts};
use stayput_world::Trace;
use stayput_world::fabric::Fabric;
use stayput_world::turmoil::Turmoil;

const BODY: [u8; 1_000] = [b'x'; 1_000];
const LIMITS: Timeouts =
    Timeouts { connect: Duration::from_secs(10), answer: Duration::from_secs(10) };

fn network() -> NetworkConfig {
    NetworkConfig::uniform(Duration::from_millis(1))
}

fn spec(index: u32) -> HostSpec {
    let rate = ByteRate::new(1_250_000_000).expect("not zero");
    HostSpec {
        name: format!("node:{}", index + 1),
        ip: Ipv4Addr::from_bits(Ipv4Addr::new(10, 0, 0, 1).to_bits() + index),
        place: HostPlace::Zone { region: 1, zone: 1 },
        is_worker: false,
        nic: rate,
        cores: 1,
        fuel_per_second: FuelRate::new(1_000_000_000).expect("not zero"),
        disks: Vec::new(),
        disk: DiskConfig { read: rate, write: rate, seek: Duration::ZERO, capacity: None },
    }
}

/// Asks the servers in turn, beginning with `first`, until enough was done.
async fn ask(host: Host, servers: u32, first: u32, done: Rc<Cell<u32>>) {
    for server in (0..servers).cycle().skip(first as usize) {
        let server = SocketAddr::new(IpAddr::V4(spec(server).ip), 80);
        let request = hyper::Request::builder()
            .method(Method::PUT)
            .uri("/")
            .body(Body::full(Purpose::ObjectData, &BODY[..]))
            .expect("the parts are right");
        let mut answer =
            http::send(&host, server, request, LIMITS).await.expect("the server answers");
        let body = answer.body.collect(10_000).await.expect("the body comes");
        assert_eq!(body.len(), BODY.len());
        done.set(done.get() + 1);
    }
}

/// Requests per second of wall time, once the hosts stand.
fn rate(mut world: Box<dyn Backend>, hosts: u32, clients: u32, requests: u32) -> f64 {
    let done = Rc::new(Cell::new(0));
    let servers = hosts - clients.min(hosts / 2);
    for index in 0..hosts {
        let done = Rc::clone(&done);
        world.add_local_host(
            spec(index),
            Rc::new(move |host| {
                if index >= servers {
                    let first = (index - servers) * servers / (hosts - servers);
                    return Box::pin(ask(host, servers, first, Rc::clone(&done)));
                }
                Box::pin(async move {
                    http::serve(&host, 80, |mut request: http::Request| async move {
                        let body = request.body_mut().collect(10_000).await.expect("it comes");
                        Response::new(Body::full(Purpose::ObjectData, body))
                    })
                    .expect("the port is free");
                })
            }),
        );
    }
    let limit = Time::ZERO + Duration::from_secs(36_000);
    let warm = requests / 10;
    assert_eq!(world.run(&mut || done.get() >= warm, limit), RunEnd::Done);
    let (begun, before) = (Instant::now(), done.get());
    assert_eq!(world.run(&mut || done.get() >= requests, limit), RunEnd::Done);
    f64::from(done.get() - before) / begun.elapsed().as_secs_f64()
}

fn on_fabric(round: usize, hosts: u32, clients: u32, requests: u32) -> f64 {
    let world = Fabric::new(Seed(round as u64), network(), Trace::default());
    rate(Box::new(world), hosts, clients, requests)
}

fn on_turmoil(round: usize, hosts: u32, requests: u32) -> f64 {
    let world = Turmoil::new(Seed(round as u64), network(), Trace::default());
    rate(Box::new(world), hosts, 1, requests)
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn compared() {
    // Hosts, rounds, requests on the fabric, on turmoil: so that a round of either takes about as
    // long.
    let cases: [(u32, usize, u32, u32); 3] =
        [(5, 15, 20_000, 5_000), (20, 15, 20_000, 1_000), (100, 9, 20_000, 60)];
    println!("one client, requests per wall second: medians of interleaved rounds");
    println!("{:>6} {:>7} {:>10} {:>10} {:>8}", "hosts", "rounds", "fabric", "turmoil", "ratio");
    for (hosts, rounds, many, few) in cases {
        let (mut fabric, mut turmoil, mut ratio) = (Vec::new(), Vec::new(), Vec::new());
        for round in 0..rounds {
            fabric.push(on_fabric(round, hosts, 1, many));
            turmoil.push(on_turmoil(round, hosts, few));
            ratio.push(fabric[round] / turmoil[round]);
        }
        let (fabric, turmoil) = (median(&mut fabric), median(&mut turmoil));
        let middle = median(&mut ratio);
        let (low, high) = (ratio[0], ratio[rounds - 1]);
        println!(
            "{hosts:>6} {rounds:>7} {fabric:>10.0} {turmoil:>10.0} {middle:>8.1}  (all rounds {low:.1} to {high:.1})"
        );
    }
}

fn alone() {
    const ROUNDS: usize = 5;
    println!(
        "\nthe fabric alone, requests per wall second: medians of {ROUNDS} interleaved rounds"
    );
    println!("{:>6} {:>8} {:>10} {:>16}", "hosts", "clients", "fabric", "of 5 hosts' rate");
    let cases = [(5, 1), (1_000, 1), (1_000, 200), (10_000, 1), (10_000, 200)];
    let mut rates = vec![Vec::new(); cases.len()];
    for round in 0..ROUNDS {
        for ((hosts, clients), rates) in cases.iter().zip(&mut rates) {
            rates.push(on_fabric(round, *hosts, *clients, 40_000));
        }
    }
    let few = median(&mut rates[0]);
    for ((hosts, clients), mut rates) in cases.iter().zip(rates) {
        let rate = median(&mut rates);
        println!("{hosts:>6} {clients:>8} {rate:>10.0} {:>15.0}%", 100.0 * rate / few);
    }
}

fn main() {
    compared();
    alone();
}
