//! Headers: what a capture on a virtual link without offloads showed, from HTTP over the fabric.
//!
//! Measured: 4.6 to 5.1 % over a body of 8 MiB, 76 % over an exchange of 1 KiB on a connection of
//! its own.

use std::time::Duration;

use stayput_host::Purpose;
use stayput_store::http;
use stayput_store::http::{Body, Method, Response, Timeouts};
use stayput_world::RunMeters;

use stayput_testkit::world::{Probe, add, address, fabric};

/// The percentage by which the wire carries more than was sent, for a GET of `bytes`.
fn overhead(bytes: usize) -> f64 {
    let world = &mut *fabric();
    add(world, 0, move |host| async move {
        http::serve(&host, 80, move |_request: http::Request| async move {
            Response::new(Body::full(Purpose::ObjectData, vec![7; bytes]))
        })
        .expect("the port is free");
    });
    let found = Probe::new();
    let finding = found.clone();
    add(world, 1, move |host| {
        let finding = finding.clone();
        async move {
            host.sleep(Duration::from_millis(1)).await;
            let limits =
                Timeouts { connect: Duration::from_secs(1), answer: Duration::from_secs(60) };
            let request = hyper::Request::builder()
                .method(Method::GET)
                .uri("/")
                .body(Body::empty())
                .expect("the parts are right");
            let mut answer =
                http::send(&host, address(0, 80), request, limits).await.expect("it answers");
            let body = answer.body.collect(100 << 20).await.expect("it comes");
            drop(answer);
            // Until the ends of both sides are acknowledged.
            host.sleep(Duration::from_secs(1)).await;
            finding.set(body.len());
        }
    });
    assert_eq!(found.wait(world), bytes);
    let totals = world.ledger().totals();
    (totals.wire - totals.payload) as f64 * 100.0 / totals.payload as f64
}

#[test]
fn a_long_body_costs_what_was_measured() {
    let overhead = overhead(8 << 20);
    assert!((4.6 - 1.0..=5.1 + 1.0).contains(&overhead), "{overhead:.2} %");
}

#[test]
fn a_small_exchange_costs_what_was_measured() {
    let overhead = overhead(1 << 10);
    assert!((75.0..=77.0).contains(&overhead), "{overhead:.2} %");
}
