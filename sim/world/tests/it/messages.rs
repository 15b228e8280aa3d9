//! Messages that host A sends host B at known times under faults, for exact comparisons.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use stayput_host::topology::HostKey;
use stayput_host::{Backend, Host, Time};
use stayput_world::fabric::Fabric;
use stayput_world::fault::{Fault, FaultKind, Repeat, Sides};
use stayput_world::{Effects, FaultInjection};

use crate::support::{LIMIT, add, address, at, ms, network, read_some, spec, world, write_all};

/// The sender, in zone 1.
pub(crate) const A: HostKey = HostKey(0);
/// The receiver, in zone 2.
pub(crate) const B: HostKey = HostKey(1);
/// Time of a segment's headers and a few bytes on a card, and more.
pub(crate) const INSTANT: Duration = Duration::from_micros(10);

/// Observations of a run.
pub(crate) struct Seen {
    pub(crate) world: Fabric,
    /// Time at which each message was there as a whole.
    pub(crate) arrivals: Vec<Time>,
    /// Reset that the sender saw, if it saw one.
    pub(crate) reset: Option<(Time, io::ErrorKind)>,
    /// Effects of each fault.
    pub(crate) effects: Vec<Effects>,
}

/// Sends a message of `bytes` at each of the times over one connection, which is made at time zero.
pub(crate) fn send_under(faults: Vec<Fault>, times: &[Time], bytes: usize) -> Seen {
    let mut world = world(network());
    let (arrivals, reset) = (Rc::new(RefCell::new(Vec::new())), Rc::new(RefCell::new(None)));
    let (seen, times) = (Rc::clone(&reset), times.to_vec());
    add(&mut world, spec(0), move |host: Host| {
        let (seen, times) = (Rc::clone(&seen), times.clone());
        async move {
            let mut stream = host.connect(address(HostKey(2), 80)).await.expect("it listens");
            for time in times {
                host.sleep_until(time).await;
                write_all(&mut stream, &vec![7; bytes]).await.expect("no reset yet");
            }
            // Nobody answers, so that only a reset ends it.
            let end = read_some(&mut stream, 1).await.expect_err("nobody answers");
            *seen.borrow_mut() = Some((host.now(), end.kind()));
        }
    });
    let arriving = Rc::clone(&arrivals);
    add(&mut world, spec(2), move |host: Host| {
        let arriving = Rc::clone(&arriving);
        async move {
            let mut listener = host.listen(80).expect("free");
            let (mut stream, _) = listener.accept().await.expect("it listens");
            let mut read = 0;
            while let Ok(data) = read_some(&mut stream, bytes).await {
                read += data.len();
                if read.is_multiple_of(bytes) {
                    arriving.borrow_mut().push(host.now());
                }
            }
        }
    });
    let ids: Vec<_> =
        faults.into_iter().map(|fault| world.schedule(fault).expect("it can happen")).collect();
    world.run(&mut || false, LIMIT);
    let effects = ids.into_iter().map(|id| world.effects(id)).collect();
    Seen { arrivals: arrivals.take(), reset: reset.take(), effects, world }
}

pub(crate) fn count(effects: &Effects, name: &str) -> u64 {
    effects.counts().get(name).copied().unwrap_or_default()
}

/// The ways from A to B, or back.
pub(crate) fn one_way(is_there: bool) -> Sides<HostKey> {
    let (from, to) = if is_there { (A, B) } else { (B, A) };
    Sides::between(vec![from], vec![to], true)
}

/// Times of a fault, in whole milliseconds; messages are sent between two of those.
#[derive(Clone, Debug)]
pub(crate) struct FaultTimes {
    begin_ms: u64,
    lasts_ms: u64,
    /// Rest between two of them, and their number.
    repeat: Option<(u64, u32)>,
}

impl FaultTimes {
    /// Faults that begin after the handshake.
    pub(crate) fn any(begin_ms_max: u64, lasts_ms_max: u64) -> impl Strategy<Value = Self> {
        let repeat = prop::option::of((0..lasts_ms_max, 1_u32..4));
        (5..begin_ms_max, 1..lasts_ms_max, repeat).prop_map(|(begin_ms, lasts_ms, repeat)| Self {
            begin_ms,
            lasts_ms,
            repeat,
        })
    }

    pub(crate) fn fault(&self, kind: FaultKind) -> Fault {
        let repeat = |(rest, times)| Repeat { every: ms(self.lasts_ms + rest), times };
        let (begin, lasts) = (at(self.begin_ms), ms(self.lasts_ms));
        Fault { at: begin, lasts, repeat: self.repeat.map(repeat), kind }
    }

    /// True if it is in force at `time`: from each beginning to before each end.
    pub(crate) fn holds(&self, time: Time) -> bool {
        let (rest, times) = self.repeat.unwrap_or((0, 1));
        let begins = |nth: u32| self.begin_ms + u64::from(nth) * (self.lasts_ms + rest);
        (0..times).any(|nth| (at(begins(nth))..at(begins(nth) + self.lasts_ms)).contains(&time))
    }
}

/// Faults, each with a parameter.
pub(crate) fn timed<T: std::fmt::Debug>(
    times: impl Strategy<Value = FaultTimes>,
    parameter: impl Strategy<Value = T>,
) -> impl Strategy<Value = Vec<(FaultTimes, T)>> {
    vec((times, parameter), 1..5)
}

/// Times at which messages are sent: `every` so often, half a millisecond past a whole one.
pub(crate) fn sending_times(every: Duration, number: u32) -> Vec<Time> {
    (1..=number).map(|nth| Time::ZERO + every * nth + Duration::from_micros(500)).collect()
}
