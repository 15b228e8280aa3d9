//! Latency: exact to the nanosecond where nothing is drawn, within its bounds where something is.

use std::time::Duration;

use stayput_host::Time;
use stayput_host::config::{Jitter, LinkConfig, NetworkConfig};

use super::{machine, transfer, world};
use stayput_testkit::world::{Probe, add, address, fabric, network};

const GBIT: u64 = 125_000_000;

#[test]
fn a_message_takes_its_latency_and_its_time_on_the_slower_card() {
    for (sender, receiver) in [(GBIT, GBIT), (GBIT, GBIT / 10), (GBIT / 10, GBIT)] {
        let world = &mut *world(network());
        let hosts = [machine(0, 1, sender), machine(1, 2, receiver)];
        let found = transfer(world, hosts, Duration::from_millis(1), 1_000);
        // One segment of 1,000 bytes with 66 of headers; a card passes it on while it comes in. Its
        // end goes along in one of its own.
        let wire_ns = (1_000 + 66 + 66) * 1_000_000_000 / sender.min(receiver);
        assert_eq!(found.took, Duration::from_nanos(500_000 + wire_ns), "{sender} to {receiver}");
    }
}

#[test]
fn connecting_takes_a_round_trip() {
    let world = &mut *fabric();
    let found = Probe::new();
    add(world, 0, |host| async move {
        let mut listener = host.listen(80).expect("the port is free");
        let _held = listener.accept().await;
        host.sleep_until(Time::MAX).await;
    });
    let finding = found.clone();
    add(world, 1, move |host| {
        let finding = finding.clone();
        async move {
            let begun = host.now();
            let _stream = host.connect(address(0, 80)).await.expect("it listens");
            finding.set(host.now().since(begun));
        }
    });
    assert_eq!(found.wait(world), Duration::from_millis(1));
}

#[test]
fn jitter_comes_on_top_and_never_reorders() {
    let max = Duration::from_millis(3);
    let mut took: Vec<Duration> = Vec::new();
    for begin in 0..40 {
        let mut cross_zone = LinkConfig::new(Duration::from_micros(500), None);
        cross_zone.jitter = Jitter::Uniform { max };
        let world = &mut *world(NetworkConfig { cross_zone, ..network() });
        // The message's length is another each time; its bytes must come in order, which the
        // reader's count shows.
        let hosts = [machine(0, 1, GBIT), machine(1, 2, GBIT)];
        let bytes = 100_000 + begin * 10_000;
        let found = transfer(world, hosts, Duration::from_millis(begin), bytes);
        assert_eq!(found.brought, bytes);
        let wire = Duration::from_nanos((bytes + bytes / 20 + 200) * 8);
        let least = Duration::from_micros(500) + Duration::from_nanos(bytes * 8);
        let most = Duration::from_micros(500) + wire + max;
        assert!(least <= found.took && found.took <= most, "{:?}", found.took);
        took.push(found.took - least);
    }
    assert!(took.iter().any(|extra| *extra > max / 2), "something was drawn: {took:?}");
}
