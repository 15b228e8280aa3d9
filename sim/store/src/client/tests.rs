//! A client on the fabric before two fake proxies.

mod downloads;
mod exchanges;

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;
use std::time::Duration;

use stayput_host::config::{ByteRate, DiskConfig, FuelRate, NetworkConfig};
use stayput_host::topology::{HostPlace, HostSpec};
use stayput_host::{Backend, RunEnd, Seed, Time};
use stayput_world::Trace;
use stayput_world::fabric::Fabric;

use super::*;
use crate::http;
use crate::http::{Body, Request, Response};
use crate::swift::PROXY_PORT;

fn ip(index: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 0, index + 1)
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
        place: HostPlace::Clients,
        is_worker: false,
        nic: rate,
        cores: 1,
        fuel_per_second: FuelRate::new(1).unwrap(),
        disks: Vec::new(),
        disk: DiskConfig { read: rate, write: rate, seek: Duration::ZERO, capacity: None },
    };
    world.add_local_host(spec, Rc::new(move |host| Box::pin(main(host))));
}

/// Result of `does` against two proxies, which answer with `answer` (their number, how many
/// requests came before, the request).
fn against<T: 'static, F: Future<Output = T> + 'static>(
    answer: impl Fn(u8, usize, &Request) -> Response + 'static,
    does: impl Fn(Client) -> F + 'static,
) -> T {
    let network = NetworkConfig::uniform(Duration::from_millis(1));
    let mut world = Fabric::new(Seed(1), network, Trace::default());
    let (answer, asked) = (Rc::new(answer), Rc::new(Cell::new(0)));
    for index in 0..2 {
        let (answer, asked) = (Rc::clone(&answer), Rc::clone(&asked));
        add(&mut world, index, move |host| {
            let (answer, asked) = (Rc::clone(&answer), Rc::clone(&asked));
            http::serve(&host, PROXY_PORT, move |request| {
                let number = asked.replace(asked.get() + 1);
                std::future::ready(answer(index, number, &request))
            })
            .unwrap();
            std::future::ready(())
        });
    }
    let found = Rc::new(RefCell::new(None));
    let (finding, does) = (Rc::clone(&found), Rc::new(does));
    add(&mut world, 2, move |host| {
        let (finding, does) = (Rc::clone(&finding), Rc::clone(&does));
        async move {
            let proxies = (0..2).map(|index| SocketAddr::new(IpAddr::V4(ip(index)), PROXY_PORT));
            let (token, account) = ("secret".to_owned(), "AUTH_a".to_owned());
            let client = Client { host, proxies: proxies.collect(), token, account };
            let result = does(client).await;
            *finding.borrow_mut() = Some(result);
        }
    });
    let limit = Time::from_nanos(3_600_000_000_000);
    assert_eq!(world.run(&mut || found.borrow().is_some(), limit), RunEnd::Done);
    found.borrow_mut().take().unwrap()
}

fn status(code: u16) -> Response {
    let mut response = Response::new(Body::full(Purpose::Control, "because"));
    *response.status_mut() = StatusCode::from_u16(code).unwrap();
    response
}

/// A body that promises all of `whole` from `first` on and stalls at `end`.
fn partial(whole: &'static [u8], first: usize, end: usize, etag: &str) -> Response {
    let (sender, body) = Body::stream((whole.len() - first) as u64);
    let mut response = Response::new(body);
    // What the channel takes at once needs no waiting.
    let sent = sender.send(Purpose::ObjectData, Bytes::from_static(&whole[first..end]));
    assert_eq!(futures_util::FutureExt::now_or_never(sent), Some(true));
    // Dropped, it would break the body off, and hyper then does not even send the head.
    std::mem::forget(sender);
    response.headers_mut().insert("etag", HeaderValue::try_from(etag).unwrap());
    if first > 0 {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        let range = format!("bytes {first}-{}/{}", whole.len() - 1, whole.len());
        response.headers_mut().insert("content-range", HeaderValue::try_from(range).unwrap());
    }
    response
}

fn object() -> Path {
    Path::object_of("AUTH_a", "c", "o").unwrap()
}

/// The MD5 of `hello world`.
const HELLO: &str = "5eb63bbbe01eeed093cb22bb8f5acdc3";

#[test]
fn a_client_asks_the_next_proxy_when_one_has_no_answer() {
    let answer = |proxy, _number, _request: &Request| status(if proxy == 0 { 503 } else { 201 });
    let made = against(answer, |client| async move {
        client.put_container(&object().to_container().unwrap()).await
    });
    assert!(made.is_ok(), "{made:?}");
}

#[test]
fn a_refusal_for_good_is_told_at_once() {
    let answer = |_proxy, number, _request: &Request| {
        assert_eq!(number, 0, "it was asked again");
        status(403)
    };
    let head = against(answer, |client| async move { client.head(&object()).await });
    assert!(matches!(head, Err(ClientError::Refused { status: StatusCode::FORBIDDEN, .. })));
}

#[test]
fn the_attempts_are_bounded() {
    let asked = Rc::new(Cell::new(0));
    let counting = Rc::clone(&asked);
    let answer = move |_proxy, number, _request: &Request| {
        counting.set(number + 1);
        status(503)
    };
    let deleted = against(answer, |client| async move { client.delete(&object()).await });
    assert!(deleted.is_err());
    assert_eq!(asked.get(), limits::ATTEMPTS_MAX as usize);
}

#[test]
fn a_body_that_stalls_goes_on_at_the_next_proxy() {
    let answer = |_proxy, _number, request: &Request| match request.headers().get("range") {
        None => partial(b"hello world", 0, 4, HELLO),
        Some(range) => {
            assert_eq!(range, "bytes=4-");
            assert_eq!(request.headers()["if-match"], HELLO);
            partial(b"hello world", 4, 11, HELLO)
        }
    };
    let got = against(answer, |client| async move { client.get_object(&object()).await });
    assert_eq!(got.unwrap().content, Bytes::from("hello world"));
}

#[test]
fn a_damaged_body_is_read_anew() {
    let answer = |_proxy, number, request: &Request| {
        assert!(!request.headers().contains_key("range"));
        let whole: &[u8] = if number == 0 { b"jello world" } else { b"hello world" };
        partial(whole, 0, 11, HELLO)
    };
    let got = against(answer, |client| async move { client.get_object(&object()).await });
    assert_eq!(got.unwrap().content, Bytes::from("hello world"));
}

#[test]
fn a_listing_is_read_page_by_page() {
    let answer = |_proxy, number, request: &Request| {
        let query = request.uri().query().unwrap();
        let (marker, names) = match number {
            0 => ("marker=&", vec!["a", "b"]),
            _ => ("marker=b&", vec![]),
        };
        assert!(query.contains(marker) && query.contains("prefix=x%2F"), "{query}");
        let row = |name| {
            format!(
                r#"{{"name":"{name}","hash":"0","bytes":1,"content_type":"t","last_modified":"m"}}"#
            )
        };
        let rows: Vec<String> = names.into_iter().map(row).collect();
        Response::new(Body::full(Purpose::Listing, format!("[{}]", rows.join(","))))
    };
    let rows = |rows_max| {
        against(answer, move |client| async move {
            client.list(&object().to_container().unwrap(), "x/", rows_max).await
        })
    };
    let names: Vec<String> = rows(2).unwrap().into_iter().map(|row| row.name).collect();
    assert_eq!(names, ["a", "b"]);
    assert_eq!(rows(10).unwrap().len(), 2);
}
