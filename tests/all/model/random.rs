//! Random transfers over troubled links: whole and in order if links alone are troubled and not for
//! too long, never wrong, never left over.
//!
//! Leaves out what is made of that above: the cluster's properties hold it.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use stayput_host::config::{ByteRate, Chance, Jitter, NetworkConfig};
use stayput_host::topology::{HostKey, HostSpec};
use stayput_host::{Backend, BoxStream, Host, RunEnd, Seed, Time};
use stayput_world::executor::TaskOrder;
use stayput_world::fabric::Fabric;
use stayput_world::fault::kinds::{Crash, Latency, Loss, NetworkPartition, Power, Throttle};
use stayput_world::fault::{FaultKind, Sides};
use stayput_world::{Fault, FaultInjection, RunMeters, Trace, WireMeters};

use super::{LABEL, machine};
use stayput_testkit::random::config;
use stayput_testkit::world::{address, network};

/// Cases when `PROPTEST_CASES` does not say.
const CASES: u32 = 300;
/// Slow enough for faults to come in the middle.
const CARD: u64 = 2_000_000;
const HOSTS: u32 = 3;
/// All is mended then: sooner than a sender gives up.
const MENDED_MS: u64 = 4_900;
/// Time that an end waits for the other to do anything: longer than a handshake is tried.
const PATIENCE: Duration = Duration::from_secs(300);

#[derive(Clone, Debug)]
struct Sending {
    from: u32,
    to: u32,
    begin_ms: u64,
    bytes: usize,
}

#[derive(Clone, Debug)]
struct Case {
    seed: u64,
    shuffle: Option<u64>,
    jitter_us: u64,
    slow_start: bool,
    sendings: Vec<Sending>,
    /// When each begins, how long it lasts, and what it is.
    faults: Vec<(u64, u64, FaultKind)>,
}

/// For each sending: what the sender saw, and whether somebody has got all of it.
#[derive(Clone, Debug, Default)]
struct Outcome {
    sent: Option<Result<(), io::ErrorKind>>,
    whole: bool,
}

fn cases(kind: impl Strategy<Value = FaultKind>) -> impl Strategy<Value = Case> {
    let host = || 0..HOSTS;
    let sending = (host(), host(), 0_u64..3_000, 0_usize..2_000_000)
        .prop_map(|(from, to, begin_ms, bytes)| Sending { from, to, begin_ms, bytes });
    let fault = (0..MENDED_MS, 1..MENDED_MS, kind)
        .prop_map(|(at_ms, for_ms, kind)| (at_ms, for_ms.min(MENDED_MS - at_ms), kind));
    let shuffle = proptest::option::of(0_u64..1_000);
    let network = (0_u64..100, shuffle, 0_u64..3_000, any::<bool>());
    (network, vec(sending, 1..6), vec(fault, 0..8)).prop_map(
        |((seed, shuffle, jitter_us, slow_start), sendings, faults)| Case {
            seed,
            shuffle,
            jitter_us,
            slow_start,
            sendings,
            faults,
        },
    )
}

fn links() -> impl Strategy<Value = FaultKind> {
    let ways = || (vec(0..HOSTS, 1..3), vec(0..HOSTS, 1..3), any::<bool>());
    let keys = |numbers: Vec<u32>| numbers.into_iter().map(HostKey).collect::<Vec<_>>();
    let rate = || (10_000_u64..1_000_000).prop_map(|rate| ByteRate::new(rate).expect("not zero"));
    prop_oneof![
        3 => ways().prop_map(move |(from, to, one_way)| {
            FaultKind::ways(Sides::between(keys(from), keys(to), one_way), NetworkPartition)
        }),
        1 => (ways(), 1_u64..1_000).prop_map(move |((from, to, one_way), added_ms)| {
            let added = Duration::from_millis(added_ms);
            FaultKind::ways(Sides::between(keys(from), keys(to), one_way), Latency { added })
        }),
        1 => (ways(), 1_u32..=30).prop_map(move |((from, to, one_way), percent)| {
            let chance = Chance::per_billion(percent * 10_000_000).expect("below all");
            FaultKind::ways(Sides::between(keys(from), keys(to), one_way), Loss { chance })
        }),
        1 => (0..HOSTS, rate()).prop_map(|(host, rate)| {
            FaultKind::card(HostKey(host), Throttle { rate })
        }),
        1 => rate().prop_map(|rate| {
            FaultKind::trunk([HostKey(0), HostKey(2)], Throttle { rate })
        }),
    ]
}

fn machines_as_well() -> impl Strategy<Value = FaultKind> {
    let host = || (0..HOSTS).prop_map(HostKey);
    prop_oneof![
        2 => links(),
        1 => host().prop_map(|host| FaultKind::process(host, Crash)),
        1 => host().prop_map(|host| FaultKind::process(host, Power)),
    ]
}

/// Byte at `position` of a sending.
fn byte(sending: usize, position: usize) -> u8 {
    (position.wrapping_mul(31) ^ (position >> 7) ^ sending.wrapping_mul(101)).to_le_bytes()[0]
}

fn port(sending: usize) -> u16 {
    1_000 + u16::try_from(sending).expect("few sendings")
}

async fn send(host: &Host, number: usize, to: u32, bytes: usize) -> io::Result<()> {
    let to = address(u8::try_from(to).expect("few hosts"), port(number));
    let mut stream = host.connect(to).await?;
    let data: Vec<u8> = (0..bytes).map(|position| byte(number, position)).collect();
    let mut sent = 0;
    while sent < bytes {
        sent += poll_fn(|cx| stream.poll_write(cx, &data[sent..], LABEL)).await?;
    }
    poll_fn(|cx| stream.poll_close(cx)).await?;
    let end = host.timeout(PATIENCE, poll_fn(|cx| stream.poll_read(cx, 1)));
    end.await.map_err(|_| io::ErrorKind::TimedOut)?.map(drop)
}

/// True if all of a sending came; what comes must be right as far as it goes.
async fn take(host: &Host, number: usize, bytes: usize, stream: &mut BoxStream) -> bool {
    let mut position = 0;
    loop {
        let read = host.timeout(PATIENCE, poll_fn(|cx| stream.poll_read(cx, 100_000))).await;
        let Ok(Ok(data)) = read else { return false };
        if data.is_empty() {
            return position == bytes;
        }
        for got in &data {
            assert_eq!(*got, byte(number, position), "byte {position} of sending {number}");
            position += 1;
        }
    }
}

/// Main function of a host: it takes what is sent to it and sends what it has to send.
fn main(host: &Host, key: u32, case: &Case, outcomes: &Rc<RefCell<Vec<Outcome>>>) {
    for (number, sending) in case.sendings.iter().cloned().enumerate() {
        let Sending { from, to, begin_ms, bytes } = sending;
        if to == key {
            let (taking, outcomes) = (host.clone(), Rc::clone(outcomes));
            host.spawn(async move {
                let mut listener = taking.listen(port(number)).expect("the port is free");
                while let Ok((mut stream, _)) = listener.accept().await {
                    let whole = take(&taking, number, bytes, &mut stream).await;
                    outcomes.borrow_mut()[number].whole |= whole;
                }
            });
        }
        if from == key {
            let (sender, outcomes) = (host.clone(), Rc::clone(outcomes));
            host.spawn(async move {
                sender.sleep(Duration::from_millis(begin_ms)).await;
                let sent = send(&sender, number, to, bytes).await.map_err(|error| error.kind());
                outcomes.borrow_mut()[number].sent = Some(sent);
            });
        }
    }
}

/// Outcome of each sending; what must hold of every case is held here.
fn run(case: &Case) -> Vec<Outcome> {
    let mut network = NetworkConfig { slow_start: case.slow_start, ..network() };
    let max = Duration::from_micros(case.jitter_us);
    network.cross_zone.jitter = Jitter::Uniform { max };
    let order = case.shuffle.map_or(TaskOrder::Fixed, TaskOrder::Shuffled);
    let mut world = Fabric::in_order(order, Seed(case.seed), network, Trace::default());
    let outcomes = Rc::new(RefCell::new(vec![Outcome::default(); case.sendings.len()]));
    for key in 0..HOSTS {
        let spec: HostSpec = machine(u8::try_from(key).expect("few"), key.max(1), CARD);
        let (case, outcomes) = (case.clone(), Rc::clone(&outcomes));
        let main = move |host: Host| {
            main(&host, key, &case, &outcomes);
            Box::pin(async {}) as _
        };
        world.add_local_host(spec, Rc::new(main));
    }
    for (at_ms, for_ms, kind) in &case.faults {
        let at = Time::ZERO + Duration::from_millis(*at_ms);
        let fault = Fault::once(at, Duration::from_millis(*for_ms), kind.clone());
        world.schedule(fault).expect("the hosts exist");
    }
    let end = world.run(&mut || false, Time::ZERO + Duration::from_secs(7_200));
    assert_eq!(end, RunEnd::Stuck, "all is over some time");
    assert_eq!((world.connections(), world.in_flight()), (0, 0), "nothing is left over");
    for (way, label, counted) in world.ledger().rows() {
        assert_eq!(counted.sent, counted.delivered + counted.dropped, "{way:?} {label:?}");
    }
    outcomes.take()
}

fn runner() -> TestRunner {
    TestRunner::new(config(CASES))
}

#[test]
fn links_that_are_mended_before_a_sender_gives_up_lose_nothing_and_reset_nothing() {
    let outcome = runner().run(&cases(links()), |case| {
        for (number, Outcome { sent, whole }) in run(&case).into_iter().enumerate() {
            prop_assert_eq!(sent, Some(Ok(())), "sending {}", number);
            prop_assert!(whole, "sending {} is not whole", number);
        }
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn machines_that_go_down_leave_nothing_behind_and_never_what_is_wrong() {
    let outcome = runner().run(&cases(machines_as_well()), |case| {
        for (number, Outcome { sent, whole }) in run(&case).into_iter().enumerate() {
            // The end of a stream is all that tells a sender that its receiver has it.
            prop_assert!(whole || sent != Some(Ok(())), "sending {} is not whole", number);
        }
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
}
