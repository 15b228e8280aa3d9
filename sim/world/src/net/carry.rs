//! From card to card: through the trunk, over the link, into the receiver's card, to the
//! connection.

use std::time::Duration;

use stayput_host::topology::HostKey;
use stayput_host::{Span, SpanKind, Time};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::connection::{Flight, Flow};
use super::port::Served;
use super::send::ends;
use super::{
    ConnectionKey, FabricNetwork, FlightKey, NetworkSignal, Power, RESET_AFTER, State, TrunkKey,
};
use crate::clock::Clock;
use crate::trace::TraceEvent;

impl State {
    /// The sender's card carries so many bytes from `now` on.
    pub(super) fn pass(&mut self, host: HostKey, now: Time, wire_bytes: u64) -> Served {
        let port = &mut self.hosts[host.0 as usize].egress;
        for fault in port.limiting() {
            self.effects.entry(fault).or_default().add("throttled_bytes", wire_bytes);
        }
        port.serve(now, now, wire_bytes)
    }
}

impl FabricNetwork {
    /// Sends a chunk from the card to the trunk if there is one, else over the link.
    pub(super) fn leave(&self, state: &mut State, flight: Flight, served: Served) {
        let trunk = state
            .connections
            .get(flight.flow.connection)
            .map(|connection| connection.ends[flight.flow.index()].trunk);
        let key = state.flights.insert(flight);
        let is_open = |trunk: TrunkKey| {
            let trunk = &state.trunks[trunk as usize];
            trunk.port.rate().is_none() && trunk.waiting.is_empty()
        };
        if trunk.is_none_or(is_open) {
            self.fly(state, key, served);
        } else {
            self.signal_at(served.last_bit, NetworkSignal::AtTrunk(key));
        }
    }

    pub(super) fn at_trunk(&self, key: FlightKey) {
        let state = &mut *self.state.borrow_mut();
        let Some(flight) = state.flights.get(key) else { return };
        let flow = flight.flow;
        let Some(connection) = state.connections.get(flow.connection) else { return };
        let at = connection.ends[flow.index()].trunk;
        let trunk = &mut state.trunks[at as usize];
        if trunk.waiting.is_empty() && trunk.port.free_at() <= self.executor.now() {
            self.pass_trunk(state, at, key);
        } else {
            trunk.waiting.push(flow, key);
            self.await_trunk(state, at);
        }
    }

    pub(super) fn trunk_is_free(&self, at: TrunkKey) {
        let state = &mut *self.state.borrow_mut();
        let trunk = &mut state.trunks[at as usize];
        trunk.port.is_awaited = false;
        if let Some(key) = trunk.waiting.pop() {
            self.pass_trunk(state, at, key);
        }
        self.await_trunk(state, at);
    }

    fn await_trunk(&self, state: &mut State, at: TrunkKey) {
        let trunk = &mut state.trunks[at as usize];
        if !trunk.port.is_awaited && !trunk.waiting.is_empty() {
            trunk.port.is_awaited = true;
            self.signal_at(trunk.port.free_at().max(self.executor.now()), NetworkSignal::Trunk(at));
        }
    }

    fn pass_trunk(&self, state: &mut State, at: TrunkKey, key: FlightKey) {
        let Some(flight) = state.flights.get(key) else { return };
        let wire_bytes = flight.chunk.wire_bytes();
        let port = &mut state.trunks[at as usize].port;
        for fault in port.limiting() {
            state.effects.entry(fault).or_default().add("throttled_bytes", wire_bytes);
        }
        let served = port.serve(flight.first_bit, self.executor.now(), wire_bytes);
        self.fly(state, key, served);
    }

    /// Over the link: arrives after its latency, and after what was sent before it.
    fn fly(&self, state: &mut State, key: FlightKey, served: Served) {
        let Some(flight) = state.flights.get_mut(key) else { return };
        let Some(connection) = state.connections.get_mut(flight.flow.connection) else { return };
        let delay = Duration::from_nanos(connection.latency_ns.saturating_add(flight.delay_ns));
        let end = connection.end(flight.flow);
        let arrival = (served.last_bit + delay).max(end.last_arrival);
        end.last_arrival = arrival;
        flight.first_bit = arrival - served.last_bit.since(served.first_bit);
        self.signal_at(arrival, NetworkSignal::Arrive(key));
    }

    pub(super) fn arrive(&self, key: FlightKey) {
        let state = &mut *self.state.borrow_mut();
        let Some(to) = state.receiver(key) else { return };
        let host = state.host(to);
        if host.arrived.is_empty() && host.ingress.free_at() <= self.executor.now() {
            self.enter(state, to, key);
        } else if let Some(flight) = state.flights.get(key) {
            let flow = flight.flow;
            state.host(to).arrived.push(flow, key);
            self.await_ingress(state, to);
        }
    }

    pub(super) fn ingress_is_free(&self, host: HostKey) {
        let state = &mut *self.state.borrow_mut();
        state.host(host).ingress.is_awaited = false;
        if let Some(key) = state.host(host).arrived.pop() {
            self.enter(state, host, key);
        }
        self.await_ingress(state, host);
    }

    fn await_ingress(&self, state: &mut State, key: HostKey) {
        let host = state.host(key);
        if !host.ingress.is_awaited && !host.arrived.is_empty() {
            host.ingress.is_awaited = true;
            let at = host.ingress.free_at().max(self.executor.now());
            self.signal_at(at, NetworkSignal::Ingress(key));
        }
    }

    /// Into the receiver's card.
    fn enter(&self, state: &mut State, to: HostKey, key: FlightKey) {
        let now = self.executor.now();
        let Some(flight) = state.flights.get(key) else { return };
        let wire_bytes = flight.chunk.wire_bytes();
        let port = &mut state.hosts[to.0 as usize].ingress;
        for fault in port.limiting() {
            state.effects.entry(fault).or_default().add("throttled_bytes", wire_bytes);
        }
        let served = port.serve(flight.first_bit, now, wire_bytes);
        if served.last_bit > now {
            self.signal_at(served.last_bit, NetworkSignal::Deliver(key));
        } else {
            self.deliver_in(state, key);
        }
    }

    pub(super) fn deliver(&self, key: FlightKey) {
        self.deliver_in(&mut self.state.borrow_mut(), key);
    }

    fn deliver_in(&self, state: &mut State, key: FlightKey) {
        let Some(flight) = state.flights.remove(key) else { return };
        let flow = flight.flow;
        let Some(connection) = state.connections.get_mut(flow.connection) else { return };
        connection.end(flow).flying -= 1;
        let reader = &connection.ends[flow.back().index()];
        let is_open = !reader.gone && !reader.reset;
        let to = reader.host;
        let is_on = state.hosts[to.0 as usize].power == Power::On;
        if is_on && is_open {
            self.hand_over(state, flight);
        } else {
            self.drop_flight(state, &flight, to, is_on);
        }
        Self::reap(state, flow.connection);
    }

    fn hand_over(&self, state: &mut State, flight: Flight) {
        let Flight { flow, chunk, left, .. } = flight;
        let Some(connection) = state.connections.get_mut(flow.connection) else { return };
        let (from, to) = ends(connection, flow);
        let number = connection.number;
        let mut digest = 0;
        let way = connection.ends[flow.index()].way;
        for (label, data) in &chunk.pieces {
            digest = xxh3_64_with_seed(data, digest);
            if let Some(way) = way {
                state.ledger.delivered(way, *label, data.len() as u64);
            }
        }
        if let Some(way) = way {
            state.in_flight -= chunk.bytes;
            state.ledger.on_wire(way, chunk.acknowledgement_bytes());
        }
        let reader = &mut connection.ends[flow.back().index()];
        reader.end_of_stream |= chunk.fin;
        reader.inbox.extend(chunk.pieces.into_iter().map(|(_, data)| data));
        if let Some(waker) = reader.reader.take() {
            waker.wake();
        }
        if chunk.bytes > 0 {
            self.show_transfer(state, (from, to), left, number, chunk.bytes);
            let (from, to) = (state.name(from), state.name(to));
            let (connection, bytes) = (number, chunk.bytes);
            let event = TraceEvent::Delivered { from, to, connection, bytes, digest };
            self.trace.note(self.executor.now(), &event);
        }
    }

    /// Adds a chunk that has arrived to the timeline, if spans are kept.
    fn show_transfer(
        &self,
        state: &State,
        (from, to): (HostKey, HostKey),
        left: Time,
        connection: u64,
        bytes: u64,
    ) {
        if self.timeline.is_on() {
            let name = format!("to {}", state.name(to));
            let span = Span::new(SpanKind::Transfer, name, left, self.executor.now());
            let span = span.figure("bytes", bytes).figure("connection", connection);
            self.timeline.add(from, span);
        }
    }

    /// Drops a chunk that reaches nobody. A running machine answers with a reset; one without power
    /// does not, and the sender gives up after a while.
    fn drop_flight(&self, state: &mut State, flight: &Flight, to: HostKey, is_on: bool) {
        let (flow, bytes) = (flight.flow, flight.chunk.bytes);
        state.charge_down(to, "dropped_bytes", bytes);
        let Some(connection) = state.connections.get(flow.connection) else { return };
        let (from, _) = ends(connection, flow);
        let number = connection.number;
        let way = connection.ends[flow.index()].way;
        if let Some(way) = way {
            for (label, data) in &flight.chunk.pieces {
                state.ledger.dropped(way, *label, data.len() as u64);
            }
            state.in_flight -= bytes;
            if bytes > 0 {
                self.note_dropped(state, from, to, number, bytes);
            }
        }
        if !is_on {
            self.freeze(state, flow);
        } else if bytes > 0 {
            if !self.reset_after_latency(state, flow) {
                self.freeze(state, flow);
            }
        } else if let Some(way) = way {
            // A kernel acknowledges the end of a connection that its process has closed.
            state.ledger.on_wire(way, flight.chunk.acknowledgement_bytes());
        }
    }

    /// Freezes `flow`: nothing more arrives, and its sender is reset later.
    pub(super) fn freeze(&self, state: &mut State, flow: Flow) {
        let Some(connection) = state.connections.get_mut(flow.connection) else { return };
        let end = connection.end(flow);
        if !std::mem::replace(&mut end.frozen, true) {
            self.signal_at(self.executor.now() + RESET_AFTER, NetworkSignal::Reset(flow));
        }
    }

    /// Removes a connection that nobody holds and nothing flies on.
    pub(super) fn reap(state: &mut State, key: ConnectionKey) {
        if state.connections.get(key).is_some_and(super::connection::Connection::is_over) {
            state.connections.remove(key);
        }
    }
}

impl State {
    fn receiver(&self, key: FlightKey) -> Option<HostKey> {
        let flow = self.flights.get(key)?.flow;
        Some(self.connections.get(flow.connection)?.ends[flow.back().index()].host)
    }
}
