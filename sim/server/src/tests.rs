//! Promises of servers beside the seam's contract.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use bytes::Bytes;
use stayput_host::{Host, HostStartError, Label, Listener, LocalFuture, Purpose, Seed, Serving};

use crate::*;

type Begun = Result<Serving, HostStartError>;

fn ip(last: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(10, 0, 0, last))
}

fn actor(
    last: u8,
    main: impl Fn(Host) -> LocalFuture<'static, Begun> + Send + Sync + 'static,
) -> Actor {
    let (disks, doors) = (BTreeMap::new(), BTreeMap::new());
    Actor { name: format!("actor {last}"), ip: ip(last), disks, doors, main: Arc::new(main) }
}

#[test]
fn actors_on_two_threads_reach_each_other_in_memory() {
    let server = Server::new(2, 16, Seed(1)).unwrap();
    let listens = actor(1, |host| {
        Box::pin(async move {
            let mut listener = listen(&host)?;
            let answering: Serving = Box::pin(async move {
                let (mut stream, from) = listener.accept().await.expect("somebody connects");
                assert_eq!(from.ip(), ip(2));
                let read = poll_fn(|cx| stream.poll_read(cx, 100)).await.expect("it writes");
                let label = Label::body(Purpose::ObjectData);
                let back = poll_fn(|cx| stream.poll_write(cx, &read, label)).await;
                assert_eq!(back.expect("it reads"), read.len());
            });
            Ok(answering)
        })
    });
    server.start(0, listens).wait().unwrap();
    assert_eq!(ask(&server, 1, Purpose::ObjectData).unwrap(), "hello");
    assert_eq!(server.meters().bytes(Purpose::ObjectData, stayput_host::MessagePart::Body), 10);
    assert_eq!(server.stop(Duration::ZERO), 0);
}

#[test]
fn an_actor_that_cannot_begin_says_why() {
    let server = Server::new(1, 16, Seed(1)).unwrap();
    let fails = actor(7, |_| Box::pin(async { Err(HostStartError::Disk("no disk".into())) }));
    let refused = server.start(0, fails);
    assert_eq!(refused.wait().unwrap_err().to_string(), "actor 7 did not start: no disk");
}

#[test]
fn an_address_that_is_taken_is_told_with_a_way_out() {
    let server = Server::new(1, 16, Seed(1)).unwrap();
    let (_door, at) = server.open_door(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), None).unwrap();
    let error = server.open_door(at, None).unwrap_err().to_string();
    assert!(error.contains(&at.to_string()) && error.contains("choose another"), "{error}");
}

/// Actor at `ip(last)`: it answers the first who comes with what it says, back to front.
fn answers(last: u8) -> Actor {
    actor(last, |host| {
        Box::pin(async move {
            let mut listener = listen(&host)?;
            let answering: Serving = Box::pin(async move {
                let (mut stream, from) = listener.accept().await.expect("somebody connects");
                assert_eq!(from.ip(), ip(2));
                let read = poll_fn(|cx| stream.poll_read(cx, 100)).await.expect("it writes");
                let back: Vec<u8> = read.iter().rev().copied().collect();
                let label = Label::body(Purpose::JobToJob);
                let sent = poll_fn(|cx| stream.poll_write(cx, &back, label)).await;
                assert_eq!(sent.expect("it reads"), back.len());
            });
            Ok(answering)
        })
    })
}

/// Answer of the actor at `ip(to)` to one at `ip(2)`, which writes hello to it.
fn ask(server: &Server, to: u8, purpose: Purpose) -> io::Result<Bytes> {
    let (sender, answer) = mpsc::channel();
    let asks = actor(2, move |host| {
        let sender = sender.clone();
        Box::pin(async move {
            let asking: Serving = Box::pin(async move {
                sender.send(exchange(&host, to, purpose).await).expect("the test waits");
            });
            Ok(asking)
        })
    });
    server.start(1, asks).wait().expect("it only connects");
    answer.recv().expect("it sends an answer or an error")
}

async fn exchange(host: &Host, to: u8, purpose: Purpose) -> io::Result<Bytes> {
    let mut stream = host.connect(SocketAddr::new(ip(to), 80)).await?;
    poll_fn(|cx| stream.poll_write(cx, b"hello", Label::body(purpose))).await?;
    let read = poll_fn(|cx| stream.poll_read(cx, 100)).await?;
    let end = poll_fn(|cx| stream.poll_read(cx, 100)).await?;
    assert_eq!(end.len(), 0, "it closes");
    Ok(read)
}

fn listen(host: &Host) -> Result<Box<dyn Listener>, HostStartError> {
    host.listen(80).map_err(|source| HostStartError::Port { port: 80, source })
}

fn peers(secret: u8, ways: &[(u8, SocketAddr)]) -> Peers {
    let ways = ways.iter().map(|(last, at)| (ip(*last), Arc::from(at.to_string())));
    Peers::new(PeerSecret::new([secret; 32]), ways)
}

fn anywhere() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
}

#[test]
fn actors_of_two_processes_reach_each_other_by_those_who_know_the_secret() {
    let serves = Server::among(2, 16, Seed(1), peers(1, &[])).unwrap();
    serves.start(1, answers(1)).wait().unwrap();
    let at = serves.open_port(anywhere()).unwrap();

    let knows_it_not = Server::among(1, 16, Seed(2), peers(2, &[(1, at)])).unwrap();
    let refused = ask(&knows_it_not, 1, Purpose::JobToJob).unwrap_err().to_string();
    assert!(refused.contains("hung up"), "{refused}");
    let [(_, found)] = &knows_it_not.look_for_peers()[..] else { panic!("one is known") };
    assert!(found.as_ref().is_err_and(|why| matches!(why, PeerError::HungUp)), "{found:?}");
    // The one who asked and the one who looked.
    assert_eq!(serves.meters().refused_strangers(), 2);

    let knows_it = Server::among(1, 16, Seed(2), peers(1, &[(1, at), (3, at)])).unwrap();
    assert_eq!(ask(&knows_it, 1, Purpose::JobToJob).unwrap(), "olleh");
    let refused = ask(&knows_it, 3, Purpose::JobToJob).unwrap_err().to_string();
    assert!(refused.contains("nobody listens there"), "{refused}");
    let found = knows_it.look_for_peers();
    assert!(matches!(found.as_slice(), [(way, Ok(()))] if **way == *at.to_string()), "{found:?}");
    // Each counts what it sends, and has done so once it has ended.
    let meters = [knows_it.meters(), serves.meters()];
    assert_eq!((knows_it.stop(Duration::ZERO), serves.stop(Duration::from_secs(60))), (0, 0));
    let body =
        |meters: &Arc<Meters>| meters.bytes(Purpose::JobToJob, stayput_host::MessagePart::Body);
    assert_eq!(meters.each_ref().map(body), [5, 5]);
}

#[test]
fn a_process_that_is_another_one_than_was_meant_says_so() {
    let other = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
    let serves = Server::among(1, 16, Seed(1), peers(1, &[(7, other)])).unwrap();
    let at = serves.open_port(anywhere()).unwrap();
    let asking = Server::among(1, 16, Seed(2), peers(1, &[(7, at)])).unwrap();
    let refused = ask(&asking, 7, Purpose::JobToJob).unwrap_err().to_string();
    assert!(refused.contains("another process"), "{refused}");
}

#[test]
fn a_connection_that_is_being_closed_is_waited_for_and_not_cut_off() {
    let server = Server::new(1, 16, Seed(1)).unwrap();
    let (door, at) = server.open_door(anywhere(), None).unwrap();
    let (meters, (sender, heard)) = (server.meters(), mpsc::channel());
    let mut closes = actor(1, move |host| {
        let (meters, sender) = (Arc::clone(&meters), sender.clone());
        Box::pin(async move {
            let mut listener = listen(&host)?;
            let closing: Serving = Box::pin(async move {
                let (stream, _) = listener.accept().await.expect("somebody connects");
                let before = (meters.open_connections(), meters.closing_connections());
                drop(stream);
                let after = (meters.open_connections(), meters.closing_connections());
                sender.send([before, after]).expect("the test waits");
            });
            Ok(closing)
        })
    });
    closes.doors.insert(80, door);
    server.start(0, closes).wait().unwrap();
    let client = std::net::TcpStream::connect(at).unwrap();
    assert_eq!(heard.recv().unwrap(), [(1, 0), (0, 1)]);
    drop(client);
    let meters = server.meters();
    assert_eq!(server.stop(Duration::from_secs(60)), 0);
    assert_eq!(meters.closing_connections(), 0);
}
