//! Claims about connections: order, ends, refusals, addresses and back pressure.

use std::io;
use std::time::Duration;

use super::script::{LABEL, close, pattern, read_to_end, start_host, start_reporting, write_all};
use super::{ContractBackend, host_address};
use crate::Time;

/// Claims that bytes arrive once and in order, and the end of the stream after them.
pub fn bytes_arrive_in_order_and_the_end_after_them(backend: &mut dyn ContractBackend) {
    let read = start_reporting(backend, 0, |host| async move {
        let mut listener = host.listen(80).expect("the port is free");
        let (mut stream, _) = listener.accept().await.expect("host 1 connects");
        read_to_end(&mut stream).await.expect("the bytes arrive")
    });
    start_host(backend, 1, |host| async move {
        host.sleep(Duration::from_millis(5)).await;
        let mut stream = host.connect(host_address(0, 80)).await.expect("host 0 listens");
        write_all(&mut stream, &pattern(300_000), LABEL).await.expect("host 0 reads");
    });
    assert_eq!(read.wait(backend), pattern(300_000));
}

/// Claims that closing one half leaves the other open.
pub fn both_ends_may_close_their_half(backend: &mut dyn ContractBackend) {
    start_host(backend, 0, |host| async move {
        let mut listener = host.listen(80).expect("the port is free");
        let (mut stream, _) = listener.accept().await.expect("host 1 connects");
        let request = read_to_end(&mut stream).await.expect("the bytes arrive");
        write_all(&mut stream, &request, LABEL).await.expect("the other half is open");
        close(&mut stream).await.expect("it can be closed");
    });
    let answer = start_reporting(backend, 1, |host| async move {
        host.sleep(Duration::from_millis(5)).await;
        let mut stream = host.connect(host_address(0, 80)).await.expect("host 0 listens");
        write_all(&mut stream, b"ping", LABEL).await.expect("host 0 reads");
        close(&mut stream).await.expect("it can be closed");
        read_to_end(&mut stream).await.expect("the answer arrives")
    });
    assert_eq!(answer.wait(backend), b"ping");
}

/// Claims that a listener learns the IP address of each peer.
pub fn an_acceptor_knows_who_connects(backend: &mut dyn ContractBackend) {
    let peers = start_reporting(backend, 0, |host| async move {
        let mut listener = host.listen(80).expect("the port is free");
        let mut peers = Vec::new();
        for _ in 0..2 {
            let (_stream, peer) = listener.accept().await.expect("a host connects");
            peers.push(peer.ip());
        }
        peers.sort_unstable();
        peers
    });
    for index in [1, 2] {
        start_host(backend, index, |host| async move {
            host.sleep(Duration::from_millis(5)).await;
            let _stream = host.connect(host_address(0, 80)).await.expect("host 0 listens");
            host.sleep_until(Time::MAX).await;
        });
    }
    assert_eq!(peers.wait(backend), [host_address(1, 0).ip(), host_address(2, 0).ip()]);
}

/// Claims that a host that runs refuses connections to a port without a listener.
pub fn a_port_that_nobody_listens_on_refuses(backend: &mut dyn ContractBackend) {
    start_host(backend, 0, |_| async {});
    let refused = start_reporting(backend, 1, |host| async move {
        let refused = host.connect(host_address(0, 81)).await.map(drop);
        refused.map_err(|error| error.kind())
    });
    assert_eq!(refused.wait(backend), Err(io::ErrorKind::ConnectionRefused));
}

/// Claims that a port has one listener at a time, and is free again when that is dropped.
pub fn a_port_that_is_taken_is_not_given_again(backend: &mut dyn ContractBackend) {
    let listened = start_reporting(backend, 0, |host| async move {
        let listener = host.listen(80).expect("the port is free");
        let taken = host.listen(80).map(drop).map_err(|error| error.kind());
        drop(listener);
        (taken, host.listen(80).is_ok())
    });
    assert_eq!(listened.wait(backend), (Err(io::ErrorKind::AddrInUse), true));
}

/// Claims back pressure: a writer whose peer does not read stops within 16 MiB.
pub fn a_slow_reader_stops_its_writer(backend: &mut dyn ContractBackend) {
    start_host(backend, 0, |host| async move {
        let mut listener = host.listen(80).expect("the port is free");
        let (_unread, _) = listener.accept().await.expect("host 1 connects");
        host.sleep_until(Time::MAX).await;
    });
    let written = start_reporting(backend, 1, |host| async move {
        host.sleep(Duration::from_millis(5)).await;
        let mut stream = host.connect(host_address(0, 80)).await.expect("host 0 listens");
        let endless = async {
            loop {
                let written = write_all(&mut stream, &[7; 65_536], LABEL).await;
                written.expect("the reader is only slow");
            }
        };
        host.timeout(Duration::from_secs(2), endless).await
    });
    assert!(written.wait(backend).is_err(), "the writer never stops");
    assert!(backend.payload_bytes() <= 16 << 20, "more was sent than any window holds");
}
