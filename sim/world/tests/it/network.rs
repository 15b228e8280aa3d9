//! Connections: latency, bandwidth, fair shares, windows, jitter, loss, and how they begin and end.
//!
//! Leaves out exact comparisons with solvers, which are in `tests/all/model`.

use std::io;
use std::time::Duration;

use stayput_host::config::{Chance, Jitter, LinkConfig, NetworkConfig};
use stayput_host::topology::HostKey;
use stayput_host::{Backend, Host, RunEnd, Time};
use stayput_world::{RunMeters, WireMeters};

use crate::support::{
    GBIT, LATENCY, LIMIT, Probe, add, address, at, close, ms, network, pattern, rate, read_some,
    read_to_end, spec, transfer_time, transfers, world, write_all,
};

const MEGABYTE: usize = 1_000_000;

fn cross_zone(link: LinkConfig) -> NetworkConfig {
    NetworkConfig { cross_zone: link, ..network() }
}

fn since_start(time: Time) -> Duration {
    time.since(Time::ZERO)
}

#[test]
fn a_small_message_takes_the_handshake_and_its_own_way() {
    let took = since_start(transfer_time(network(), 1));
    let latencies = 3 * LATENCY;
    assert!(took >= latencies, "{took:?}");
    assert!(took < latencies + Duration::from_micros(20), "{took:?}");
}

#[test]
fn a_big_one_goes_at_the_cards_rate_with_headers() {
    let bytes = 20 * MEGABYTE;
    let took = since_start(transfer_time(network(), bytes)).as_secs_f64();
    let wire = bytes as f64 * 1_514.0 / 1_448.0;
    let off = took / (wire / GBIT as f64) - 1.0;
    assert!((0.0..0.03).contains(&off), "{took} s is {off} off");
}

#[test]
fn a_trunk_bounds_what_crosses_it() {
    let slow = cross_zone(LinkConfig::new(LATENCY, Some(rate(GBIT / 10))));
    let bytes = 2 * MEGABYTE;
    let took = since_start(transfer_time(slow, bytes)).as_secs_f64();
    let wire = bytes as f64 * 1_514.0 / 1_448.0;
    let off = took / (wire / (GBIT / 10) as f64) - 1.0;
    assert!((0.0..0.05).contains(&off), "{took} s is {off} off");
}

#[test]
fn flows_into_one_card_share_it_and_another_card_is_free() {
    let mut world = world(network());
    let bytes = 10 * MEGABYTE;
    let pairs = [(0, 2, bytes), (1, 2, bytes), (3, 0, bytes)];
    let begun = transfers(&mut world, Duration::ZERO, &pairs);
    let ends: Vec<f64> = begun
        .iter()
        .map(|transfer| transfer.received.wait(&mut world).1.since(Time::ZERO).as_secs_f64())
        .collect();
    assert!((ends[0] / ends[1] - 1.0).abs() < 0.02, "{ends:?}: the two end together");
    assert!((ends[0] / ends[2] - 2.0).abs() < 0.1, "{ends:?}: at half the other's rate");
}

#[test]
fn both_directions_of_a_card_are_independent() {
    let mut world = world(network());
    let begun =
        transfers(&mut world, Duration::ZERO, &[(0, 2, 10 * MEGABYTE), (2, 0, 10 * MEGABYTE)]);
    let ends: Vec<Time> = begun.iter().map(|t| t.received.wait(&mut world).1).collect();
    let alone = transfer_time(network(), 10 * MEGABYTE);
    for end in ends {
        assert!(since_start(end).as_secs_f64() < since_start(alone).as_secs_f64() * 1.02);
    }
}

#[test]
fn slow_start_costs_round_trips_on_a_long_link() {
    let long = LinkConfig::new(ms(20), None);
    let steady = transfer_time(cross_zone(long.clone()), MEGABYTE);
    let slow = transfer_time(NetworkConfig { slow_start: true, ..cross_zone(long) }, MEGABYTE);
    // 10 segments, then twice as many each round trip: a megabyte takes six of them more.
    let later = slow.since(steady);
    assert!((ms(180)..ms(300)).contains(&later), "{later:?}");
}

#[test]
fn jitter_delays_within_its_bound_and_keeps_the_order() {
    let max = ms(5);
    let link = LinkConfig { jitter: Jitter::Uniform { max }, ..LinkConfig::new(LATENCY, None) };
    let even = transfer_time(network(), 3 * MEGABYTE);
    let uneven = transfer_time(cross_zone(link), 3 * MEGABYTE);
    assert!(uneven > even, "{uneven} after {even}");
    // Two segments of the handshake and the last chunk.
    assert!(uneven.since(even) < 3 * max, "{uneven} after {even}");
}

#[test]
fn loss_delays_and_costs_bytes_and_loses_nothing() {
    let loss = Chance::per_billion(Chance::BILLION / 50).expect("below all");
    let lossy = cross_zone(LinkConfig { loss, ..LinkConfig::new(LATENCY, None) });
    let sent = |network: NetworkConfig| {
        let mut world = world(network);
        let begun = transfers(&mut world, Duration::ZERO, &[(0, 2, 3 * MEGABYTE)]);
        let (data, when) = begun[0].received.wait(&mut world);
        assert_eq!(data.expect("TCP sends again"), pattern(3 * MEGABYTE));
        (when, world.ledger().totals())
    };
    let ((sound_end, sound), (end, totals)) = (sent(network()), sent(lossy));
    assert!(end > sound_end);
    assert_eq!((sound.dropped, sound.delivered), (0, totals.delivered));
    let lost = totals.dropped as f64 / totals.payload as f64;
    assert!((0.01..0.03).contains(&lost), "{lost} of all bytes are lost");
    assert!(totals.wire > sound.wire);
}

#[test]
fn two_runs_of_one_seed_are_the_same_and_another_seed_jitters_otherwise() {
    let link = LinkConfig {
        jitter: Jitter::Exponential { mean: ms(1) },
        ..LinkConfig::new(LATENCY, None)
    };
    let hash = |seed| {
        let network = cross_zone(link.clone());
        let trace = stayput_world::Trace::default();
        let mut world =
            stayput_world::fabric::Fabric::new(stayput_host::Seed(seed), network, trace);
        let begun = transfers(&mut world, Duration::ZERO, &[(0, 2, MEGABYTE), (1, 3, MEGABYTE)]);
        begun.iter().for_each(|transfer| drop(transfer.received.wait(&mut world)));
        world.trace().hash()
    };
    assert_eq!(hash(1), hash(1));
    assert_ne!(hash(1), hash(2));
}

#[test]
fn a_port_without_a_listener_refuses_and_an_unknown_address_is_unreachable() {
    let mut world = world(network());
    add(&mut world, spec(0), |_| async {});
    let found = Probe::new();
    let finding = found.clone();
    add(&mut world, spec(1), move |host: Host| {
        let finding = finding.clone();
        async move {
            let refused = host.connect(address(HostKey(0), 7)).await.err().map(|e| e.kind());
            let nobody = host.connect(address(HostKey(9), 7)).await.err().map(|e| e.kind());
            finding.set((refused, nobody, host.now()));
        }
    });
    let (refused, nobody, when) = found.wait(&mut world);
    assert_eq!(refused, Some(io::ErrorKind::ConnectionRefused));
    assert_eq!(nobody, Some(io::ErrorKind::HostUnreachable));
    assert!(since_start(when) >= 2 * LATENCY, "a refusal takes a round trip");
}

#[test]
fn a_port_is_listened_on_once_and_free_again_when_its_listener_is_dropped() {
    let mut world = world(network());
    let found = Probe::new();
    let finding = found.clone();
    add(&mut world, spec(0), move |host: Host| {
        let finding = finding.clone();
        async move {
            let first = host.listen(80);
            let second = host.listen(80).err().map(|error| error.kind());
            drop(first);
            finding.set((second, host.listen(80).is_ok()));
        }
    });
    assert_eq!(found.wait(&mut world), (Some(io::ErrorKind::AddrInUse), true));
}

#[test]
fn a_reader_that_does_not_read_stops_its_writer() {
    let mut world = world(network());
    let (written, reading) = (Probe::new(), Probe::new());
    let (held, read) = (reading.clone(), written.clone());
    add(&mut world, spec(0), move |host: Host| {
        let held = held.clone();
        async move {
            let mut listener = host.listen(80).expect("free");
            let (mut stream, _) = listener.accept().await.expect("it listens");
            host.sleep(ms(2_000)).await;
            held.set(read_to_end(&mut stream).await.map(|data| data.len()));
        }
    });
    add(&mut world, spec(1), move |host: Host| {
        let read = read.clone();
        async move {
            let mut stream = host.connect(address(HostKey(0), 80)).await.expect("it listens");
            write_all(&mut stream, &pattern(8 * MEGABYTE)).await.expect("no fault");
            read.set(host.now());
            close(&mut stream).await.expect("no fault");
        }
    });
    assert!(written.wait(&mut world) > at(2_000), "8 MB do not fit into the window");
    assert_eq!(reading.wait(&mut world).expect("no fault"), 8 * MEGABYTE);
}

#[test]
fn what_was_written_before_a_close_arrives_before_the_end() {
    let mut world = world(network());
    let found = Probe::new();
    let finding = found.clone();
    add(&mut world, spec(0), move |host: Host| {
        let finding = finding.clone();
        async move {
            let mut listener = host.listen(80).expect("free");
            let (mut stream, _) = listener.accept().await.expect("it listens");
            let data = read_to_end(&mut stream).await.expect("no fault");
            let after = read_some(&mut stream, 10).await.expect("still at the end");
            finding.set((data, after.is_empty()));
        }
    });
    add(&mut world, spec(1), |host: Host| async move {
        let mut stream = host.connect(address(HostKey(0), 80)).await.expect("it listens");
        write_all(&mut stream, b"last words").await.expect("no fault");
        close(&mut stream).await.expect("no fault");
        let late = write_all(&mut stream, b"more").await.expect_err("closed");
        assert_eq!(late.kind(), io::ErrorKind::BrokenPipe);
    });
    assert_eq!(found.wait(&mut world), (b"last words".to_vec(), true));
}

#[test]
fn a_dropped_stream_resets_who_goes_on_sending() {
    let mut world = world(network());
    let found = Probe::new();
    let finding = found.clone();
    add(&mut world, spec(0), |host: Host| async move {
        let mut listener = host.listen(80).expect("free");
        drop(listener.accept().await.expect("it listens"));
        host.sleep_until(Time::MAX).await;
    });
    add(&mut world, spec(1), move |host: Host| {
        let finding = finding.clone();
        async move {
            let mut stream = host.connect(address(HostKey(0), 80)).await.expect("it listens");
            let error = loop {
                host.sleep(ms(1)).await;
                if let Err(error) = write_all(&mut stream, b"hello").await {
                    break error.kind();
                }
            };
            finding.set((error, host.now()));
        }
    });
    let (error, when) = found.wait(&mut world);
    assert_eq!(error, io::ErrorKind::ConnectionReset);
    assert!(when < at(10), "{when}");
}

#[test]
fn a_host_reaches_itself_without_its_card_and_leaves_no_trace_in_the_ledger() {
    let mut world = world(network());
    let begun = transfers(&mut world, Duration::ZERO, &[(1, 1, MEGABYTE)]);
    let (data, when) = begun[0].received.wait(&mut world);
    assert_eq!(data.expect("no fault"), pattern(MEGABYTE));
    assert!(when < at(2), "{when}");
    assert_eq!(world.ledger().totals().payload, 0);
}

#[test]
fn connections_are_forgotten_when_nobody_holds_them() {
    let mut world = world(network());
    let begun = transfers(&mut world, Duration::ZERO, &[(0, 2, 10), (1, 3, MEGABYTE)]);
    for transfer in &begun {
        transfer.sent.wait(&mut world).expect("no fault");
    }
    assert_eq!(world.run(&mut || false, LIMIT), RunEnd::Stuck);
    assert_eq!(world.connections(), 0);
    assert_eq!(world.in_flight(), 0);
}
