//! What servers promise beside the seam's contract.

use std::net::Ipv4Addr;
use std::sync::mpsc;

use super::*;
use crate::host::{Label, Purpose};
use std::future::poll_fn;

fn ip(last: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(10, 0, 0, last))
}

fn actor(
    last: u8,
    main: impl FnOnce(Host) -> LocalFuture<'static, Result<LocalFuture<'static, ()>, String>>
    + Send
    + 'static,
) -> Actor {
    let (disks, doors) = (BTreeMap::new(), BTreeMap::new());
    Actor { name: format!("actor {last}"), ip: ip(last), disks, doors, main: Box::new(main) }
}

#[test]
fn actors_on_two_threads_reach_each_other_in_memory() {
    let server = Server::new(2, 16, Seed(1)).unwrap();
    let listens = actor(1, |host| {
        Box::pin(async move {
            let mut listener = host.listen(80).map_err(|error| error.to_string())?;
            let answering: LocalFuture<'static, ()> = Box::pin(async move {
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
    let (sender, heard) = mpsc::channel();
    let asks = actor(2, move |host| {
        Box::pin(async move {
            let to = SocketAddr::new(ip(1), 80);
            let mut stream = host.connect(to).await.map_err(|error| error.to_string())?;
            let label = Label::body(Purpose::ObjectData);
            poll_fn(|cx| stream.poll_write(cx, b"hello", label)).await.expect("it listens");
            let read = poll_fn(|cx| stream.poll_read(cx, 100)).await.expect("it answers");
            let end = poll_fn(|cx| stream.poll_read(cx, 100)).await.expect("it closes");
            sender.send((read, end.len())).expect("the test waits");
            let nothing: LocalFuture<'static, ()> = Box::pin(async {});
            Ok(nothing)
        })
    });
    server.start(1, asks).wait().unwrap();
    assert_eq!(heard.recv().unwrap(), ("hello".into(), 0));
    assert_eq!(server.meters().bytes(Purpose::ObjectData, crate::host::Part::Body), 10);
    assert_eq!(server.stop(Duration::ZERO), 0);
}

#[test]
fn an_actor_that_cannot_begin_says_why() {
    let server = Server::new(1, 16, Seed(1)).unwrap();
    let refused = server.start(0, actor(7, |_| Box::pin(async { Err("no disk".to_owned()) })));
    assert_eq!(refused.wait().unwrap_err().to_string(), "actor 7 did not start: no disk");
}

#[test]
fn an_address_that_is_taken_is_told_with_a_way_out() {
    let server = Server::new(1, 16, Seed(1)).unwrap();
    let (_door, at) = server.open_door(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
    let error = server.open_door(at).unwrap_err().to_string();
    assert!(error.contains(&at.to_string()) && error.contains("choose another"), "{error}");
}
