//! The fabric's network: connections between hosts, over network cards, trunks and links that
//! delay, lose and break.
//!
//! A connection is two directions, each with a window of bytes that may be written and not yet
//! read. What a direction has to send leaves in chunks through the sender's card, goes through the
//! trunk between the two places, takes the link's latency, and enters through the receiver's card.
//! Cards and trunks serve their flows by turns, a chunk each. A card or trunk that is free passes a
//! chunk on while it comes in; one that is not keeps it until its turn.
//!
//! A segment that is lost is sent again, which costs time and bytes (`loss`); a chunk that meets a
//! cut way is tried again as TCP would, until its sender gives up (`stall`). Leaves out the card's
//! time for acknowledgements, reordering within a connection (TCP hides it), and duplicates.

mod acknowledge;
mod carry;
mod connect;
mod connection;
mod down;
mod draw;
mod loss;
mod port;
mod rule;
mod send;
mod stall;
mod stream;

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::rc::Rc;
use std::task::Waker;
use std::time::Duration;

use slotmap::{SlotMap, new_key_type};
use stayput_host::Seed;
use stayput_host::config::{LinkConfig, NetworkConfig};
use stayput_host::topology::{HostKey, HostPlace, HostSpec, LinkClass, crosses_zones, link};

use self::connection::{Connection, Flight, Flow};
use self::draw::Draws;
use self::port::{Port, Turns};
use self::rule::ImposedRule;
use super::executor::Executor;
use super::fault::{Effects, FaultId};
use super::ledger::{Ledger, LedgerWay};
use super::timeline::Timeline;
use super::trace::Trace;

/// The most bytes of a chunk.
const CHUNK_MAX: usize = 64 << 10;
/// The least window of a direction: bytes that may be written and not yet known to be read.
const WINDOW_MIN: u64 = 1 << 20;
/// Time after which a sender whose bytes do not arrive gives up.
const RESET_AFTER: Duration = Duration::from_secs(5);
/// Connections that may wait to be accepted.
const BACKLOG_MAX: usize = 1024;
/// From a host to itself.
const LOOPBACK_LATENCY_NS: u64 = 10_000;

new_key_type! {
    /// A connection, while there is one.
    struct ConnectionKey;
    /// A chunk on its way.
    struct FlightKey;
}

/// Event of the network.
#[derive(Clone, Copy, Debug)]
pub struct NetEvent(NetworkSignal);

#[derive(Clone, Copy, Debug)]
enum NetworkSignal {
    /// The sender's card has time for a chunk.
    Egress(HostKey),
    /// A host's bytes for itself may go.
    Loopback(Flow),
    /// The chunk has left the card and is at the trunk.
    AtTrunk(FlightKey),
    /// The trunk has time for a chunk.
    Trunk(TrunkKey),
    /// The chunk is at the receiver's card.
    Arrive(FlightKey),
    /// The receiver's card has time for a chunk.
    Ingress(HostKey),
    /// The chunk is in.
    Deliver(FlightKey),
    /// Acknowledgements that somebody waits for are there.
    Acknowledged(Flow),
    /// A chunk that met a cut way is tried again.
    Retransmit(Flow),
    /// An acknowledgement that met a cut way is tried again.
    AcknowledgeAgain(Flow),
    /// A handshake begins, or begins again.
    Syn { connection: ConnectionKey, port: u16, tries: u32 },
    /// It reaches the other host.
    SynArrives { connection: ConnectionKey, port: u16, tries: u32 },
    /// The other host's answer is there.
    Answer { connection: ConnectionKey, taken: bool },
    /// An end is reset.
    Reset(Flow),
}

/// A trunk, counted over the world.
type TrunkKey = u32;

/// The network of a world.
pub struct FabricNetwork {
    executor: Executor<NetEvent>,
    trace: Trace,
    timeline: Timeline,
    config: NetworkConfig,
    draws: Draws,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    hosts: Vec<NetHost>,
    by_ip: BTreeMap<IpAddr, HostKey>,
    trunks: Vec<Trunk>,
    trunk_keys: BTreeMap<(HostPlace, HostPlace), TrunkKey>,
    connections: SlotMap<ConnectionKey, Connection>,
    connections_made: u64,
    flights: SlotMap<FlightKey, Flight>,
    /// Payload bytes that have left a card and have neither arrived nor been dropped.
    in_flight: u64,
    rules: Vec<ImposedRule>,
    /// For each host that is down, the faults that keep it so.
    down: BTreeMap<HostKey, Vec<FaultId>>,
    effects: BTreeMap<FaultId, Effects>,
    ledger: Ledger,
}

struct NetHost {
    spec: HostSpec,
    egress: Port,
    /// Directions that have something to send, in the order of their turns.
    senders: VecDeque<Flow>,
    ingress: Port,
    arrived: Turns,
    power: Power,
    listeners: BTreeMap<u16, ListenerState>,
    /// Connections that it opened so far, by where to: what a connection is known by in draws.
    opened: BTreeMap<HostKey, u64>,
}

/// Trunk: bandwidth that all flows between two places share, one way.
struct Trunk {
    port: Port,
    waiting: Turns,
}

/// Power of a host's machine.
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

impl State {
    fn host(&mut self, key: HostKey) -> &mut NetHost {
        &mut self.hosts[key.0 as usize]
    }

    fn host_keys(&self) -> impl Iterator<Item = HostKey> + use<> {
        (0..u32::try_from(self.hosts.len()).unwrap_or(u32::MAX)).map(HostKey)
    }

    /// Charges an effect to the faults that keep `host` down.
    fn charge_down(&mut self, host: HostKey, what: &'static str, count: u64) {
        for fault in self.down.get(&host).into_iter().flatten() {
            self.effects.entry(*fault).or_default().add(what, count);
        }
    }

    fn way(&self, from: HostKey, to: HostKey) -> LedgerWay {
        let (a, b) = (&self.hosts[from.0 as usize].spec, &self.hosts[to.0 as usize].spec);
        LedgerWay {
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

    /// The trunk from one place to another, made when it is first asked for.
    fn trunk(&mut self, network: &NetworkConfig, from: HostPlace, to: HostPlace) -> TrunkKey {
        let trunks = &mut self.trunks;
        *self.trunk_keys.entry(trunk_between(from, to)).or_insert_with(|| {
            let port = Port::new(link(network, from, to).trunk);
            trunks.push(Trunk { port, waiting: Turns::default() });
            u32::try_from(trunks.len() - 1).unwrap_or(u32::MAX)
        })
    }
}

impl FabricNetwork {
    /// Network without hosts.
    #[must_use]
    pub fn new(
        executor: Executor<NetEvent>,
        (trace, timeline): (Trace, Timeline),
        config: NetworkConfig,
        seed: Seed,
    ) -> Rc<Self> {
        let (draws, state) = (Draws::new(seed), RefCell::default());
        let net = Rc::new(Self { executor, trace, timeline, config, draws, state });
        let model = Rc::downgrade(&net);
        net.executor.set_model(move |event| {
            if let Some(net) = model.upgrade() {
                net.happens(event.0);
            }
        });
        net
    }

    fn happens(&self, what: NetworkSignal) {
        match what {
            NetworkSignal::Egress(host) => self.egress(host),
            NetworkSignal::Loopback(flow) => self.send_to_itself(flow),
            NetworkSignal::AtTrunk(flight) => self.at_trunk(flight),
            NetworkSignal::Trunk(trunk) => self.trunk_is_free(trunk),
            NetworkSignal::Arrive(flight) => self.arrive(flight),
            NetworkSignal::Ingress(host) => self.ingress_is_free(host),
            NetworkSignal::Deliver(flight) => self.deliver(flight),
            NetworkSignal::Acknowledged(flow) => self.acknowledged(flow),
            NetworkSignal::Retransmit(flow) => self.retransmit(flow),
            NetworkSignal::AcknowledgeAgain(flow) => self.acknowledge_again(flow),
            NetworkSignal::Syn { connection, port, tries } => {
                self.send_syn(connection, port, tries)
            }
            NetworkSignal::SynArrives { connection, port, tries } => {
                self.receive_syn(connection, port, tries);
            }
            NetworkSignal::Answer { connection, taken } => self.receive_answer(connection, taken),
            NetworkSignal::Reset(flow) => self.reset(flow),
        }
    }

    /// Adds a host.
    pub fn add_host(&self, spec: HostSpec) -> HostKey {
        let state = &mut *self.state.borrow_mut();
        let key = HostKey(u32::try_from(state.hosts.len()).unwrap_or(u32::MAX));
        let taken = state.by_ip.insert(IpAddr::V4(spec.ip), key);
        assert!(taken.is_none(), "two hosts have the address {}", spec.ip);
        state.hosts.push(NetHost {
            egress: Port::new(Some(spec.nic)),
            senders: VecDeque::new(),
            ingress: Port::new(Some(spec.nic)),
            arrived: Turns::default(),
            power: Power::On,
            listeners: BTreeMap::new(),
            opened: BTreeMap::new(),
            spec,
        });
        key
    }

    /// Number of hosts.
    #[must_use]
    pub fn hosts(&self) -> usize {
        self.state.borrow().hosts.len()
    }

    /// The host's name.
    #[must_use]
    pub fn name(&self, host: HostKey) -> String {
        self.state.borrow().name(host).to_owned()
    }

    /// The host's place.
    #[must_use]
    pub fn place(&self, host: HostKey) -> HostPlace {
        self.state.borrow().hosts[host.0 as usize].spec.place
    }

    /// Bytes sent so far.
    #[must_use]
    pub fn ledger(&self) -> Ledger {
        self.state.borrow().ledger.clone()
    }

    /// Payload bytes that have left a card and have neither arrived nor been dropped.
    #[must_use]
    pub fn in_flight(&self) -> u64 {
        self.state.borrow().in_flight
    }

    /// Connections that there are: those that somebody holds, and those on which something is still
    /// on its way.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.state.borrow().connections.len()
    }

    /// Effects of a fault on the network so far.
    #[must_use]
    pub fn effects(&self, fault: FaultId) -> Effects {
        self.state.borrow().effects.get(&fault).cloned().unwrap_or_default()
    }

    /// Adds to an effect of a fault.
    pub fn add_effect(&self, fault: FaultId, what: &'static str, count: u64) {
        self.state.borrow_mut().effects.entry(fault).or_default().add(what, count);
    }

    /// At least twice what the slower card sends while a byte goes there and its acknowledgement
    /// comes back: no connection shall be slower than its links for want of a window.
    fn window(state: &State, from: HostKey, to: HostKey, latency_ns: u64) -> u64 {
        let rate = |key: HostKey| state.hosts[key.0 as usize].spec.nic.get();
        let slower = u128::from(rate(from).min(rate(to)));
        let round_trip_bytes = slower * u128::from(latency_ns) * 2 / 1_000_000_000;
        let window = u64::try_from(2 * round_trip_bytes).unwrap_or(u64::MAX).max(WINDOW_MIN);
        assert!(u128::from(window) >= 2 * round_trip_bytes, "a window below twice the pipe");
        window
    }

    fn link(&self, state: &State, from: HostKey, to: HostKey) -> &LinkConfig {
        let place = |key: HostKey| state.hosts[key.0 as usize].spec.place;
        link(&self.config, place(from), place(to))
    }
}

/// All zones of a region share its trunks to the others.
fn trunk_between(from: HostPlace, to: HostPlace) -> (HostPlace, HostPlace) {
    match (from, to) {
        (HostPlace::Zone { region: a, .. }, HostPlace::Zone { region: b, .. }) if a != b => {
            (HostPlace::Zone { region: a, zone: 0 }, HostPlace::Zone { region: b, zone: 0 })
        }
        pair => pair,
    }
}
