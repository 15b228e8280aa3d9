//! The fabric's network: connections between hosts, over network cards, trunks and links that can be cut.
//!
//! A connection is two directions, each with a window of bytes that may be written and not yet read. A chunk
//! leaves through the sender's card (each direction has at most one chunk there, so flows share it by turns), goes through
//! the trunk, takes the link's latency, and enters through the receiver's card. What meets a cut link is dropped and
//! its connection is frozen: nothing more arrives, and its sender sees a reset five seconds later.
//!
//! Leaves out retransmission, loss and jitter: this is the first, minimal network.

mod connect;
mod cut;
pub mod rule;
mod stream;
mod transfer;

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::rc::Rc;
use std::task::Waker;
use std::time::Duration;

use bytes::Bytes;

use self::rule::Rule;
use super::clock::Line;
use super::executor::Executor;
use super::fault::{Effects, FaultId};
use super::ledger::{Ledger, Way};
use super::topology::{HostKey, HostSpec, LinkClass, Place, crosses_zones, link};
use super::trace::Trace;
use crate::config::NetworkConfig;
use crate::host::Label;

/// The most bytes of a chunk.
const CHUNK_MAX: usize = 64 << 10;
/// The least window of a direction: bytes that may be written and not yet known to be read.
const WINDOW_MIN: u64 = 1 << 20;
/// When the end of a frozen connection gives up.
const RESET_AFTER: Duration = Duration::from_secs(5);
/// Connections that may wait to be accepted.
const BACKLOG_MAX: usize = 1024;
/// From a host to itself.
const LOOPBACK_LATENCY_NS: u64 = 10_000;

/// A connection, counted over the world.
type ConnectionKey = u64;

/// The network of a world.
pub struct Net {
    executor: Executor,
    trace: Trace,
    config: NetworkConfig,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    hosts: Vec<NetHost>,
    by_ip: BTreeMap<IpAddr, HostKey>,
    trunks: BTreeMap<(Place, Place), Line>,
    connections: BTreeMap<ConnectionKey, Connection>,
    connections_made: u64,
    flights: BTreeMap<u64, Flight>,
    flights_made: u64,
    rules: Vec<(FaultId, Rule)>,
    /// For each host that is down, the faults that keep it so.
    down: BTreeMap<HostKey, Vec<FaultId>>,
    effects: BTreeMap<FaultId, Effects>,
    ledger: Ledger,
}

struct NetHost {
    spec: HostSpec,
    egress: Line,
    ingress: Line,
    power: Power,
    listeners: BTreeMap<u16, ListenerState>,
}

/// What a host's machine is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Power {
    /// Its kernel answers, whether or not its process runs.
    On,
    /// Nothing answers.
    Off,
}

#[derive(Default)]
struct ListenerState {
    waiting: VecDeque<ConnectionKey>,
    waker: Option<Waker>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Connecting,
    Refused,
    Established,
}

struct Connection {
    phase: Phase,
    latency_ns: u64,
    window: u64,
    /// What each end's bytes are counted as; `None` from a host to itself.
    ways: Option<[Way; 2]>,
    /// The connecting end, then the accepting one.
    ends: [End; 2],
}

/// One end: what it writes, and what has come for it to read.
struct End {
    host: HostKey,
    /// Whether its host knows of it: the accepting end begins when the handshake reaches it.
    attached: bool,
    /// Its stream was dropped, or its host is gone.
    gone: bool,
    reset: bool,
    /// What it sent is lost from some byte on: nothing after that may arrive.
    frozen: bool,
    buffer: VecDeque<(Label, Bytes)>,
    unread_by_peer: u64,
    transmitting: bool,
    fin: Fin,
    flying: u32,
    inbox: VecDeque<Bytes>,
    end_of_stream: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fin {
    Open,
    Wanted,
    Sent,
}

/// A chunk on its way.
struct Flight {
    connection: ConnectionKey,
    from_end: usize,
    from: HostKey,
    to: HostKey,
    pieces: Vec<(Label, Bytes)>,
    fin: bool,
    /// Whether it has left the sender's card, so that it counts as sent.
    has_left: bool,
}

impl Flight {
    fn bytes(&self) -> u64 {
        self.pieces.iter().map(|(_, data)| data.len() as u64).sum()
    }
}

impl End {
    fn new(host: HostKey, attached: bool) -> Self {
        Self {
            host,
            attached,
            gone: false,
            reset: false,
            frozen: false,
            buffer: VecDeque::new(),
            unread_by_peer: 0,
            transmitting: false,
            fin: Fin::Open,
            flying: 0,
            inbox: VecDeque::new(),
            end_of_stream: false,
            reader: None,
            writer: None,
        }
    }

    fn wake(&mut self) {
        for waker in [self.reader.take(), self.writer.take()].into_iter().flatten() {
            waker.wake();
        }
    }
}

impl State {
    fn host(&mut self, key: HostKey) -> &mut NetHost {
        &mut self.hosts[key.0 as usize]
    }

    /// Charges what happened to the faults that keep `host` down.
    fn charge_down(&mut self, host: HostKey, what: &'static str, count: u64) {
        for fault in self.down.get(&host).into_iter().flatten() {
            self.effects.entry(*fault).or_default().add(what, count);
        }
    }

    fn way(&self, from: HostKey, to: HostKey) -> Way {
        let (a, b) = (&self.hosts[from.0 as usize].spec, &self.hosts[to.0 as usize].spec);
        Way {
            from,
            to,
            class: LinkClass::between(a, b),
            crosses_zones: crosses_zones(a.place, b.place),
            to_consumer: !b.name.starts_with("proxy:"),
        }
    }

    fn name(&self, key: HostKey) -> &str {
        &self.hosts[key.0 as usize].spec.name
    }
}

impl Net {
    /// One without hosts.
    #[must_use]
    pub fn new(executor: Executor, trace: Trace, config: NetworkConfig) -> Rc<Self> {
        Rc::new(Self { executor, trace, config, state: RefCell::default() })
    }

    /// Adds a host.
    pub fn add_host(&self, spec: HostSpec) -> HostKey {
        let state = &mut *self.state.borrow_mut();
        let key = HostKey(u32::try_from(state.hosts.len()).unwrap_or(u32::MAX));
        let taken = state.by_ip.insert(IpAddr::V4(spec.ip), key);
        assert!(taken.is_none(), "two hosts have the address {}", spec.ip);
        state.hosts.push(NetHost {
            spec,
            egress: Line::default(),
            ingress: Line::default(),
            power: Power::On,
            listeners: BTreeMap::new(),
        });
        key
    }

    /// How many hosts there are.
    #[must_use]
    pub fn hosts(&self) -> usize {
        self.state.borrow().hosts.len()
    }

    /// The host's name.
    #[must_use]
    pub fn name(&self, host: HostKey) -> String {
        self.state.borrow().name(host).to_owned()
    }

    /// What was sent so far.
    #[must_use]
    pub fn ledger(&self) -> Ledger {
        self.state.borrow().ledger.clone()
    }

    /// Payload bytes that have left a card and have neither arrived nor been dropped.
    #[must_use]
    pub fn in_flight(&self) -> u64 {
        let state = self.state.borrow();
        let counted = |flight: &&Flight| flight.has_left && flight.from != flight.to;
        state.flights.values().filter(counted).map(Flight::bytes).sum()
    }

    /// What a fault has done to the network so far.
    #[must_use]
    pub fn effects(&self, fault: FaultId) -> Effects {
        self.state.borrow().effects.get(&fault).cloned().unwrap_or_default()
    }

    /// Adds to what a fault has done.
    pub fn add_effect(&self, fault: FaultId, what: &'static str, count: u64) {
        self.state.borrow_mut().effects.entry(fault).or_default().add(what, count);
    }

    /// At least twice what the slower card sends while a byte goes there and its acknowledgement comes back: no
    /// connection shall be slower than its links for want of a window.
    fn window(&self, from: HostKey, to: HostKey, latency_ns: u64) -> u64 {
        let state = self.state.borrow();
        let rate = |key: HostKey| state.hosts[key.0 as usize].spec.nic.get();
        let slower = u128::from(rate(from).min(rate(to)));
        let round_trip_bytes = slower * u128::from(latency_ns) * 2 / 1_000_000_000;
        u64::try_from(2 * round_trip_bytes).unwrap_or(u64::MAX).max(WINDOW_MIN)
    }

    fn latency_ns(&self, from: HostKey, to: HostKey) -> u64 {
        if from == to {
            return LOOPBACK_LATENCY_NS;
        }
        let state = self.state.borrow();
        let place = |key: HostKey| state.hosts[key.0 as usize].spec.place;
        crate::host::time::nanos(link(&self.config, place(from), place(to)).latency)
    }
}
