//! Handshakes under faults: begun again after a second and then two, answered by whoever is there,
//! given up in the end.
//!
//! Leaves out limits of whoever connects, which give up sooner.

use std::future::poll_fn;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use stayput_host::topology::HostKey;
use stayput_host::{Backend, Host, RunEnd, Seed, Time};
use stayput_world::fabric::Fabric;
use stayput_world::fault::kinds::{Crash, NetworkPartition, Power};
use stayput_world::fault::{FaultKind, Sides};
use stayput_world::{Effects, Fault, FaultInjection, Trace};

use super::LABEL;
use stayput_testkit::world::{Probe, address, network, spec};

const SERVER: HostKey = HostKey(0);
const CLIENT: HostKey = HostKey(1);

/// Observation of a client that connected at 1 s, wrote four bytes and read them back.
struct Seen {
    result: io::Result<Bytes>,
    took: Duration,
    effects: Effects,
}

/// Listens; sends back what comes first on each connection.
async fn echo(host: Host) {
    let mut listener = host.listen(80).expect("the port is free");
    while let Ok((mut stream, _)) = listener.accept().await {
        host.spawn(async move {
            if let Ok(data) = poll_fn(|cx| stream.poll_read(cx, 100)).await {
                let _gone = poll_fn(|cx| stream.poll_write(cx, &data, LABEL)).await;
            }
        });
    }
}

async fn ask(host: &Host) -> io::Result<Bytes> {
    let mut stream = host.connect(address(0, 80)).await?;
    poll_fn(|cx| stream.poll_write(cx, b"ping", LABEL)).await?;
    poll_fn(|cx| stream.poll_read(cx, 100)).await
}

fn seen(at: Duration, lasts: Duration, kind: FaultKind) -> Seen {
    let mut world = Fabric::new(Seed(1), network(), Trace::default());
    let found = Probe::new();
    let finding = found.clone();
    world.add_local_host(spec(0), Rc::new(|host| Box::pin(echo(host))));
    let main = move |host: Host| {
        let finding = finding.clone();
        async move {
            host.sleep(Duration::from_secs(1)).await;
            let result = ask(&host).await;
            finding.set((result, host.now().since(Time::ZERO + Duration::from_secs(1))));
        }
    };
    world.add_local_host(spec(1), Rc::new(move |host| Box::pin(main(host))));
    let fault = world.schedule(Fault::once(Time::ZERO + at, lasts, kind)).expect("hosts exist");
    let (result, took) = found.wait(&mut world);
    assert_ne!(world.run(&mut || false, Time::ZERO + Duration::from_secs(900)), RunEnd::Livelock);
    assert_eq!(world.connections(), 0, "no connection is left over");
    Seen { result, took, effects: world.effects(fault) }
}

fn cut(from: HostKey, to: HostKey) -> FaultKind {
    FaultKind::ways(Sides::between(vec![from], vec![to], true), NetworkPartition)
}

/// That it was answered after so many seconds and the two round trips that connecting and asking
/// take.
fn assert_answered(seen: &Seen, waited_s: u64) {
    assert_eq!(seen.result.as_ref().ok(), Some(&Bytes::from_static(b"ping")), "{:?}", seen.result);
    let late = seen.took.saturating_sub(Duration::from_secs(waited_s));
    assert!((2..4).contains(&late.as_millis()), "{:?}, not {waited_s} s", seen.took);
    assert!(seen.effects.bit());
}

#[test]
fn a_handshake_begins_again_until_the_way_there_or_back_has_healed() {
    let ms = Duration::from_millis;
    for (from, to) in [(CLIENT, SERVER), (SERVER, CLIENT)] {
        // Tried after 1, 3 and 7 s.
        for (lasts, waited_s) in [(ms(1_400), 1), (ms(3_400), 3), (ms(7_400), 7)] {
            assert_answered(&seen(ms(500), lasts, cut(from, to)), waited_s);
        }
    }
}

#[test]
fn a_handshake_that_nobody_ever_answers_is_given_up_after_its_last_try() {
    let long = Duration::from_secs(800);
    for kind in [cut(CLIENT, SERVER), cut(SERVER, CLIENT), FaultKind::process(SERVER, Power)] {
        let seen = seen(Duration::from_millis(500), long, kind);
        seen.result.expect_err("nobody answers");
        // 1 + 2 + 4 + 8 + 16 + 32 + 64 s.
        assert_eq!(seen.took.as_secs(), 127);
        assert!(seen.effects.bit());
    }
}

#[test]
fn a_machine_that_has_power_again_answers_a_handshake_from_before() {
    let seen =
        seen(Duration::from_millis(500), Duration::from_secs(3), FaultKind::process(SERVER, Power));
    assert_answered(&seen, 3);
}

#[test]
fn a_handshake_that_is_on_its_way_when_a_machine_goes_down_is_not_lost_with_it() {
    // It leaves at 1 s and is there half a millisecond later.
    let (at, lasts) = (Duration::from_micros(1_000_250), Duration::from_micros(100));
    let server_was_back = seen(at, lasts, FaultKind::process(SERVER, Power));
    assert_answered(&server_was_back, 0);
    let refused = seen(at, Duration::from_millis(5), FaultKind::process(SERVER, Crash));
    let error = refused.result.expect_err("nobody listens");
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
}
