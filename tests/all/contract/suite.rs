//! The claims of the seam's contract that hold in every world.

use std::cell::Cell;
use std::future::poll_fn;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use stayput_host::{
    Batch, BoxStream, ComputeWork, DiskError, Host, Label, Purpose, SpentFuel, Time,
};
use stayput_store::http;
use stayput_store::http::{Body, Method, Response, StatusCode, Timeouts};

use super::room::{Probe, Room, add};
use stayput_testkit::world::address;

const LABEL: Label = Label::body(Purpose::ObjectData);

async fn write_all(stream: &mut BoxStream, mut data: &[u8]) -> io::Result<()> {
    while !data.is_empty() {
        let written = poll_fn(|cx| stream.poll_write(cx, data, LABEL)).await?;
        data = &data[written..];
    }
    Ok(())
}

async fn close(stream: &mut BoxStream) -> io::Result<()> {
    poll_fn(|cx| stream.poll_close(cx)).await
}

async fn read_to_end(stream: &mut BoxStream) -> io::Result<Vec<u8>> {
    let mut whole = Vec::new();
    loop {
        let data = poll_fn(|cx| stream.poll_read(cx, 1000)).await?;
        if data.is_empty() {
            return Ok(whole);
        }
        assert!(data.len() <= 1000, "more than was asked for");
        whole.extend_from_slice(&data);
    }
}

fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|index| (index * 31 % 251) as u8).collect()
}

pub(crate) fn bytes_arrive_in_order_and_the_end_after_them(world: &mut dyn Room) {
    let found = Probe::new();
    let finding = found.clone();
    add(world, 0, move |host| {
        let finding = finding.clone();
        async move {
            let mut listener = host.listen(80).expect("the port is free");
            let (mut stream, _) = listener.accept().await.expect("somebody connects");
            finding.set(read_to_end(&mut stream).await.expect("the bytes arrive"));
        }
    });
    add(world, 1, |host| async move {
        host.sleep(Duration::from_millis(5)).await;
        let mut stream = host.connect(address(0, 80)).await.expect("it listens");
        write_all(&mut stream, &pattern(300_000)).await.expect("it reads");
    });
    assert_eq!(found.wait(world), pattern(300_000));
}

pub(crate) fn both_ends_may_close_their_half(world: &mut dyn Room) {
    let found = Probe::new();
    let finding = found.clone();
    add(world, 0, |host| async move {
        let mut listener = host.listen(80).expect("the port is free");
        let (mut stream, _) = listener.accept().await.expect("somebody connects");
        let asked = read_to_end(&mut stream).await.expect("the bytes arrive");
        write_all(&mut stream, &asked).await.expect("the other half is open");
        close(&mut stream).await.expect("it can be closed");
    });
    add(world, 1, move |host| {
        let finding = finding.clone();
        async move {
            host.sleep(Duration::from_millis(5)).await;
            let mut stream = host.connect(address(0, 80)).await.expect("it listens");
            write_all(&mut stream, b"ping").await.expect("it reads");
            close(&mut stream).await.expect("it can be closed");
            finding.set(read_to_end(&mut stream).await.expect("the answer arrives"));
        }
    });
    assert_eq!(found.wait(world), b"ping");
}

pub(crate) fn an_acceptor_knows_who_connects(world: &mut dyn Room) {
    let found = Probe::new();
    let finding = found.clone();
    add(world, 0, move |host| {
        let finding = finding.clone();
        async move {
            let mut listener = host.listen(80).expect("the port is free");
            let mut peers = Vec::new();
            for _ in 0..2 {
                let (_stream, peer) = listener.accept().await.expect("somebody connects");
                peers.push(peer.ip());
            }
            peers.sort_unstable();
            finding.set(peers);
        }
    });
    for index in [1, 2] {
        add(world, index, |host| async move {
            host.sleep(Duration::from_millis(5)).await;
            let _stream = host.connect(address(0, 80)).await.expect("it listens");
            host.sleep_until(Time::MAX).await;
        });
    }
    assert_eq!(found.wait(world), [address(1, 0).ip(), address(2, 0).ip()]);
}

/// An answer that is longer than any buffer, while what it answers lies unread and goes on.
pub(crate) fn what_was_written_arrives_though_its_writer_reads_nothing_and_leaves(
    world: &mut dyn Room,
) {
    let found = Probe::new();
    let finding = found.clone();
    add(world, 0, |host| async move {
        let mut listener = host.listen(80).expect("the port is free");
        let (mut stream, _) = listener.accept().await.expect("somebody connects");
        host.sleep(Duration::from_millis(10)).await;
        write_all(&mut stream, &pattern(2_000_000)).await.expect("it reads");
    });
    add(world, 1, move |host| {
        let finding = finding.clone();
        async move {
            host.sleep(Duration::from_millis(5)).await;
            let mut stream = host.connect(address(0, 80)).await.expect("it listens");
            write_all(&mut stream, &pattern(10_000)).await.expect("there is room");
            finding.set(read_to_end(&mut stream).await.expect("the answer arrives"));
        }
    });
    assert_eq!(found.wait(world), pattern(2_000_000));
}

pub(crate) fn a_writer_hears_that_its_reader_is_gone(world: &mut dyn Room) {
    let found = Probe::new();
    let finding = found.clone();
    add(world, 0, |host| async move {
        let mut listener = host.listen(80).expect("the port is free");
        drop(listener.accept().await.expect("somebody connects"));
        host.sleep_until(Time::MAX).await;
    });
    add(world, 1, move |host| {
        let finding = finding.clone();
        async move {
            host.sleep(Duration::from_millis(5)).await;
            let mut stream = host.connect(address(0, 80)).await.expect("it listens");
            let endless = async {
                loop {
                    if let Err(error) = write_all(&mut stream, &[7; 65_536]).await {
                        break error.kind();
                    }
                }
            };
            finding.set(host.timeout(Duration::from_secs(600), endless).await);
        }
    });
    let kind = found.wait(world).expect("it hears of it");
    let gone = [io::ErrorKind::ConnectionReset, io::ErrorKind::BrokenPipe];
    assert!(gone.contains(&kind), "{kind}");
}

pub(crate) fn a_port_that_nobody_listens_on_refuses(world: &mut dyn Room) {
    let found = Probe::new();
    let finding = found.clone();
    add(world, 0, |_| async {});
    add(world, 1, move |host| {
        let finding = finding.clone();
        async move {
            let refused = host.connect(address(0, 81)).await.map(drop);
            finding.set(refused.map_err(|error| error.kind()));
        }
    });
    assert_eq!(found.wait(world), Err(io::ErrorKind::ConnectionRefused));
}

pub(crate) fn a_port_that_is_taken_is_not_given_again(world: &mut dyn Room) {
    let found = Probe::new();
    let finding = found.clone();
    add(world, 0, move |host| {
        let finding = finding.clone();
        async move {
            let listener = host.listen(80).expect("the port is free");
            let taken = host.listen(80).map(drop).map_err(|error| error.kind());
            drop(listener);
            finding.set((taken, host.listen(80).is_ok()));
        }
    });
    assert_eq!(found.wait(world), (Err(io::ErrorKind::AddrInUse), true));
}

pub(crate) fn a_slow_reader_stops_its_writer(world: &mut dyn Room) {
    let found = Probe::new();
    let finding = found.clone();
    add(world, 0, |host| async move {
        let mut listener = host.listen(80).expect("the port is free");
        let (_unread, _) = listener.accept().await.expect("somebody connects");
        host.sleep_until(Time::MAX).await;
    });
    add(world, 1, move |host| {
        let finding = finding.clone();
        async move {
            host.sleep(Duration::from_millis(5)).await;
            let mut stream = host.connect(address(0, 80)).await.expect("it listens");
            let endless = async {
                loop {
                    write_all(&mut stream, &[7; 65_536]).await.expect("it is only slow");
                }
            };
            finding.set(host.timeout(Duration::from_secs(2), endless).await);
        }
    });
    assert!(found.wait(world).is_err(), "the writer never stops");
    assert!(world.payload() <= 16 << 20, "more was sent than any window holds");
}

pub(crate) fn a_sleep_ends_no_earlier_than_its_time(world: &mut dyn Room) {
    let found = Probe::new();
    let finding = found.clone();
    add(world, 0, move |host| {
        let finding = finding.clone();
        async move {
            for micros in [0, 1, 999, 1_000, 1_001, 12_345] {
                let end = host.now() + Duration::from_micros(micros);
                host.sleep_until(end).await;
                assert!(host.now() >= end, "woken at {} instead of {end}", host.now());
            }
            finding.set(());
        }
    });
    found.wait(world);
}

pub(crate) fn a_timeout_drops_what_it_waited_for(world: &mut dyn Room) {
    let found = Probe::new();
    let finding = found.clone();
    add(world, 0, move |host| {
        let finding = finding.clone();
        async move {
            let witness = Rc::new(());
            let held = Rc::clone(&witness);
            let limited = host.timeout(Duration::from_millis(3), async {
                host.sleep_until(Time::MAX).await;
                drop(held);
            });
            finding.set((limited.await.is_err(), Rc::strong_count(&witness)));
        }
    });
    assert_eq!(found.wait(world), (true, 1));
}

pub(crate) fn a_guarded_task_ends_with_its_guard(world: &mut dyn Room) {
    let found = Probe::new();
    let finding = found.clone();
    add(world, 0, move |host| {
        let finding = finding.clone();
        async move {
            let witness = Rc::new(());
            let (held, inner) = (Rc::clone(&witness), host.clone());
            let guard = host.spawn_guarded(async move {
                inner.sleep_until(Time::MAX).await;
                drop(held);
            });
            host.sleep(Duration::from_millis(2)).await;
            drop(guard);
            host.sleep(Duration::from_millis(2)).await;
            finding.set(Rc::strong_count(&witness));
        }
    });
    assert_eq!(found.wait(world), 1);
}

pub(crate) fn entropy_depends_on_its_key_alone(world: &mut dyn Room) {
    let found = Probe::new();
    let finding = found.clone();
    add(world, 0, move |host| {
        let finding = finding.clone();
        async move {
            let first = host.entropy("p", b"id", 0).next_u64();
            host.entropy("other", b"", 0).next_u64();
            finding.set((first, host.entropy("p", b"id", 0).next_u64()));
        }
    });
    let (first, again) = found.wait(world);
    assert_eq!(first, again);
}

struct Count(u64);

impl ComputeWork for Count {
    fn run(&mut self) -> SpentFuel {
        self.0 += 1;
        SpentFuel(10_000_000)
    }

    fn into_any(self: Box<Self>) -> Box<dyn std::any::Any> {
        self
    }
}

/// Three pieces of 10 ms on two cores take 20 ms.
pub(crate) fn work_queues_for_cores_and_takes_its_fuels_time(world: &mut dyn Room) {
    let found = Probe::new();
    let finding = found.clone();
    add(world, 0, move |host| {
        let finding = finding.clone();
        async move {
            let begun = host.now();
            let three = [0; 3].map(|_| host.compute(Box::new(Count(0))));
            let [a, b, c] = three;
            let mut runs = 0;
            for done in [a.await, b.await, c.await] {
                runs += done.into_any().downcast::<Count>().expect("what was given").0;
            }
            finding.set((runs, host.now().since(begun)));
        }
    });
    let (runs, took) = found.wait(world);
    assert_eq!(runs, 3, "each ran once");
    assert!(took >= Duration::from_millis(10), "{took:?}");
}

/// Work that spends no fuel, and takes its core for 10 ms all the same.
struct Start;

impl ComputeWork for Start {
    fn run(&mut self) -> SpentFuel {
        SpentFuel(0)
    }

    fn overhead(&mut self) -> Duration {
        Duration::from_millis(10)
    }

    fn into_any(self: Box<Self>) -> Box<dyn std::any::Any> {
        self
    }
}

/// How long three pieces of 10 ms take on two cores.
pub(crate) fn three_starts_take(world: &mut dyn Room) -> Duration {
    let found = Probe::new();
    let finding = found.clone();
    add(world, 0, move |host| {
        let finding = finding.clone();
        async move {
            let (begun, left) = (host.now(), Rc::new(Cell::new(3)));
            for _ in 0..3 {
                let (finding, left, clock) = (finding.clone(), Rc::clone(&left), host.clone());
                host.spawn(async move {
                    clock.compute(Box::new(Start)).await;
                    left.set(left.get() - 1);
                    if left.get() == 0 {
                        finding.set(clock.now().since(begun));
                    }
                });
            }
        }
    });
    found.wait(world)
}

pub(crate) fn overhead_keeps_a_core_and_is_no_fuel(world: &mut dyn Room) {
    let took = three_starts_take(world);
    assert!(took >= Duration::from_millis(19), "{took:?}");
    assert_eq!(world.fuel_spent(), 0);
}

async fn file_of(host: &Host, path: &str, parts: &[&'static [u8]]) -> Result<(), DiskError> {
    let disk = host.disk("d1").expect("the host has it");
    let file = disk.create(path).await?;
    for part in parts {
        file.append(Bytes::from_static(part)).await?;
    }
    file.sync().await
}

pub(crate) fn files_read_back_what_was_appended(world: &mut dyn Room) {
    let found = Probe::new();
    let finding = found.clone();
    add(world, 0, move |host| {
        let finding = finding.clone();
        async move {
            let disk = host.disk("d1").expect("the host has it");
            assert!(host.disk("other").is_none());
            file_of(&host, "tmp/x", &[b"hello ", b"world"]).await.expect("it can be written");
            let exists = disk.create("tmp/x").await.map(drop).expect_err("it is there");
            assert!(matches!(exists, DiskError::Exists { .. }));
            disk.rename("tmp/x", "a/b/x").await.expect("it is there");
            disk.sync_dir("a/b").await.expect("it can be synced");
            let gone = disk.open("tmp/x").await.map(drop).expect_err("it was renamed");
            assert!(matches!(gone, DiskError::NotFound { .. }));
            let file = disk.open("a/b/x").await.expect("it is there");
            assert_eq!(file.len(), 11);
            let read = file.read_at(4, 100).await.expect("it can be read");
            finding.set((read, disk.list("a").await, disk.list("none").await));
        }
    });
    let (read, list, none) = found.wait(world);
    assert_eq!(&read[..], b"o world");
    assert_eq!(list.as_deref(), Ok(&["b".to_owned()][..]));
    assert_eq!(none.as_deref(), Ok(&[][..]));
}

pub(crate) fn a_removed_file_stays_readable_while_it_is_open(world: &mut dyn Room) {
    let found = Probe::new();
    let finding = found.clone();
    add(world, 0, move |host| {
        let finding = finding.clone();
        async move {
            file_of(&host, "x", &[b"kept"]).await.expect("it can be written");
            let disk = host.disk("d1").expect("the host has it");
            let open = disk.open("x").await.expect("it is there");
            disk.remove("x").await.expect("it is there");
            assert!(disk.open("x").await.is_err());
            finding.set(open.read_at(0, 100).await);
        }
    });
    assert_eq!(found.wait(world), Ok(Bytes::from_static(b"kept")));
}

pub(crate) fn a_batch_changes_the_table_in_order(world: &mut dyn Room) {
    let found = Probe::new();
    let finding = found.clone();
    add(world, 0, move |host| {
        let finding = finding.clone();
        async move {
            let disk = host.disk("d1").expect("the host has it");
            let mut batch = Batch::new();
            for key in ["c", "a", "b", "d"] {
                batch.put(key, Bytes::from(key.to_uppercase()));
            }
            batch.delete("b");
            disk.commit(batch).await.expect("it can be written");
            let rows = disk.scan(b"a", b"d", 10).await.expect("it can be read");
            let one = disk.scan(b"a", b"z", 1).await.expect("it can be read");
            finding.set((rows, one, disk.get(b"b").await, disk.get(b"d").await));
        }
    });
    let (rows, one, b, d) = found.wait(world);
    let row = |key: &str, value: &'static str| (key.as_bytes().to_vec(), Bytes::from(value));
    assert_eq!(rows, [row("a", "A"), row("c", "C")]);
    assert_eq!(one, [row("a", "A")]);
    assert_eq!((b, d), (Ok(None), Ok(Some(Bytes::from_static(b"D")))));
}

const LIMITS: Timeouts =
    Timeouts { connect: Duration::from_secs(1), answer: Duration::from_secs(10) };

fn request(method: Method, body: Body) -> hyper::Request<Body> {
    let request = hyper::Request::builder().method(method).uri("/some/path");
    request.body(body).expect("the parts are right")
}

/// Answers with what it got, twice.
async fn echo(mut request: http::Request) -> Response {
    let got = request.body_mut().collect(1 << 20).await.expect("it arrives");
    let twice = [(Purpose::JobResult, got.clone()), (Purpose::Listing, got)];
    Response::new(Body::parts(twice))
}

pub(crate) fn a_request_is_answered_over_http(world: &mut dyn Room) {
    let found = Probe::new();
    let finding = found.clone();
    add(world, 0, |host| async move {
        http::serve(&host, 80, echo).expect("the port is free");
    });
    add(world, 1, move |host| {
        let finding = finding.clone();
        async move {
            host.sleep(Duration::from_millis(5)).await;
            let body = Body::full(Purpose::ObjectData, pattern(200_000));
            let put = request(Method::PUT, body);
            let mut answer = http::send(&host, address(0, 80), put, LIMITS).await.expect("answers");
            let body = answer.body.collect(1 << 20).await.expect("it arrives");
            finding.set((answer.status, body));
        }
    });
    let (status, body) = found.wait(world);
    assert_eq!(status, StatusCode::OK);
    assert_eq!(body, [pattern(200_000), pattern(200_000)].concat());
}

pub(crate) fn body_bytes_are_counted_by_purpose(world: &mut dyn Room) {
    a_request_is_answered_over_http(world);
    for purpose in [Purpose::ObjectData, Purpose::JobResult, Purpose::Listing] {
        assert_eq!(world.body_bytes(purpose), 200_000, "{purpose:?}");
    }
    let body: u64 = Purpose::ALL.into_iter().map(|purpose| world.body_bytes(purpose)).sum();
    assert_eq!(body, 600_000);
    let heads = world.payload() - body;
    assert!((100..2_000).contains(&heads), "{heads} bytes of heads");
}
