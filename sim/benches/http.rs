//! Simulated HTTP requests per second of wall time: the fabric beside turmoil, interleaved in one run.
//!
//! hyper on both sides, a new connection for each request, 1 kB in each body; half of the hosts serve, the others ask one
//! after the other. Leaves out the store: it is the network and the executor that are timed.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a benchmark measures the wall clock"
)]

use std::cell::Cell;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::{Duration, Instant};

use stayput_sim::backend::fabric::Fabric;
use stayput_sim::backend::turmoil::Turmoil;
use stayput_sim::config::{ByteRate, DiskConfig, FuelRate, LinkConfig, NetworkConfig};
use stayput_sim::host::{Host, Purpose, Seed, Time};
use stayput_sim::http::{self, Body, Limits, Method, Response};
use stayput_sim::world::{HostSpec, Place, RunEnd, Trace, World};

const ROUNDS: usize = 31;
const HOSTS: [u8; 2] = [4, 20];
const BODY: [u8; 1_000] = [b'x'; 1_000];
const LIMITS: Limits = Limits { connect: Duration::from_secs(10), answer: Duration::from_secs(10) };

fn network() -> NetworkConfig {
    let link = || LinkConfig::new(Duration::from_millis(1), None);
    NetworkConfig {
        same_zone: link(),
        cross_zone: link(),
        cross_region: link(),
        client: link(),
        worker: link(),
        slow_start: false,
    }
}

fn spec(index: u8) -> HostSpec {
    let rate = ByteRate::new(1_250_000_000).expect("not zero");
    HostSpec {
        name: format!("node:{}", index + 1),
        ip: Ipv4Addr::new(10, 0, 0, index + 1),
        place: Place::Zone { region: 1, zone: 1 },
        is_worker: false,
        nic: rate,
        cores: 1,
        fuel_per_second: FuelRate::new(1_000_000_000).expect("not zero"),
        disks: Vec::new(),
        disk: DiskConfig { read: rate, write: rate, seek: Duration::ZERO, capacity: None },
    }
}

async fn ask(host: Host, server: SocketAddr, requests: u32, done: Rc<Cell<u32>>) {
    for _ in 0..requests {
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

/// Requests per second of wall time.
fn rate(mut world: Box<dyn World>, hosts: u8, requests: u32) -> f64 {
    let done = Rc::new(Cell::new(0));
    let servers = hosts / 2;
    for index in 0..hosts {
        let done = Rc::clone(&done);
        let server = SocketAddr::new(IpAddr::V4(spec(index % servers).ip), 80);
        world.add_host(
            spec(index),
            Rc::new(move |host| {
                if index >= servers {
                    return Box::pin(ask(host, server, requests, Rc::clone(&done)));
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
    let total = u32::from(hosts - servers) * requests;
    let begun = Instant::now();
    let limit = Time::ZERO + Duration::from_secs(3_600);
    let end = world.run(&mut || done.get() == total, limit);
    assert_eq!(end, RunEnd::Done);
    f64::from(total) / begun.elapsed().as_secs_f64()
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    println!("HTTP requests per wall second, {ROUNDS} rounds, medians");
    println!("{:>6} {:>10} {:>10} {:>7}", "hosts", "fabric", "turmoil", "ratio");
    for hosts in HOSTS {
        let (mut fabric, mut turmoil, mut ratio) = (Vec::new(), Vec::new(), Vec::new());
        for round in 0..ROUNDS {
            let seed = Seed(round as u64);
            let on_fabric = Box::new(Fabric::new(seed, network(), Trace::default()));
            let on_turmoil = Box::new(Turmoil::new(seed, network(), Trace::default()));
            fabric.push(rate(on_fabric, hosts, 400));
            turmoil.push(rate(on_turmoil, hosts, 40));
            ratio.push(fabric[round] / turmoil[round]);
        }
        let (ratio_low, ratio_high) = {
            ratio.sort_by(f64::total_cmp);
            // The 10th and the 22nd of 31 hold the median with 97 %.
            (ratio[9], ratio[21])
        };
        println!(
            "{hosts:>6} {:>10.0} {:>10.0} {:>7.1}  ({ratio_low:.1} to {ratio_high:.1})",
            median(&mut fabric),
            median(&mut turmoil),
            median(&mut ratio),
        );
    }
}
