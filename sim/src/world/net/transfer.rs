//! The way of a chunk: out of the sender's card, through the trunk, over the link, into the receiver's card.

use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::{CHUNK_MAX, ConnectionKey, Fin, Flight, Net, Power, RESET_AFTER, State};
use crate::host::{Label, Time};
use crate::world::clock::Clock;
use crate::world::topology::{Place, link};
use crate::world::trace::TraceEvent;
use crate::world::wire;

impl Net {
    /// Sees to it that what `end` has written goes out.
    pub(super) fn transmit(self: &Rc<Self>, key: ConnectionKey, end: usize) {
        let starts = match self.state.borrow_mut().connections.get_mut(&key) {
            Some(connection) if !connection.ends[end].transmitting => {
                connection.ends[end].transmitting = true;
                true
            }
            _ => false,
        };
        if starts {
            // As an event of its own, so that what is written at one time goes out together.
            let net = Rc::clone(self);
            self.executor.at(self.executor.now(), move || net.send_chunk(key, end));
        }
    }

    /// Puts the next chunk on the card, or rests.
    fn send_chunk(self: &Rc<Self>, key: ConnectionKey, end: usize) {
        let state = &mut *self.state.borrow_mut();
        let Some(connection) = state.connections.get_mut(&key) else { return };
        let (from, to) = (connection.ends[end].host, connection.ends[1 - end].host);
        let sender = &mut connection.ends[end];
        let pieces = take_chunk(&mut sender.buffer);
        let fin = pieces.is_empty() && sender.fin == Fin::Wanted;
        if sender.frozen || sender.reset || (pieces.is_empty() && !fin) {
            sender.buffer.clear();
            sender.transmitting = false;
            Self::reap(state, key);
            return;
        }
        sender.flying += 1;
        let flight =
            Flight { connection: key, from_end: end, from, to, pieces, fin, has_left: false };
        let wire_bytes = if fin { wire::SEGMENT_HEADER } else { wire::data(flight.bytes()) };
        let id = state.flights_made;
        state.flights_made += 1;
        state.flights.insert(id, flight);
        let now = self.executor.now();
        let leaves = if from == to {
            now
        } else {
            let host = state.host(from);
            let nanos = host.spec.nic.nanos_for(wire_bytes);
            host.egress.serve(now, nanos)
        };
        let net = Rc::clone(self);
        self.executor.at(leaves, move || net.leave(id, wire_bytes));
    }

    fn leave(self: &Rc<Self>, id: u64, wire_bytes: u64) {
        let Some((key, end, from, to)) = self.count_sent(id, wire_bytes) else { return };
        let bytes = self.state.borrow().flights.get(&id).map_or(0, Flight::bytes);
        if self.is_lost(from, to, "dropped_bytes", bytes) {
            self.drop_flight(id);
            self.freeze(key, end);
        } else {
            let arrives = self.through_trunk(id, wire_bytes);
            let net = Rc::clone(self);
            self.executor.at(arrives, move || net.arrive(id, wire_bytes));
        }
        self.send_chunk(key, end);
    }

    fn count_sent(
        &self,
        id: u64,
        wire_bytes: u64,
    ) -> Option<(ConnectionKey, usize, crate::world::HostKey, crate::world::HostKey)> {
        let state = &mut *self.state.borrow_mut();
        let flight = state.flights.get_mut(&id)?;
        flight.has_left = true;
        if flight.fin
            && let Some(connection) = state.connections.get_mut(&flight.connection)
        {
            connection.ends[flight.from_end].fin = Fin::Sent;
        }
        if flight.from != flight.to {
            let (from, to) = (flight.from, flight.to);
            let way = State::way(state, from, to);
            let flight = state.flights.get(&id)?;
            for (label, data) in &flight.pieces {
                state.ledger.sent(way, *label, data.len() as u64);
            }
            state.ledger.on_wire(way.class, wire_bytes);
        }
        let flight = state.flights.get(&id)?;
        Some((flight.connection, flight.from_end, flight.from, flight.to))
    }

    /// When the chunk is at the other side of trunk and link.
    fn through_trunk(&self, id: u64, wire_bytes: u64) -> Time {
        let now = self.executor.now();
        let state = &mut *self.state.borrow_mut();
        let Some(flight) = state.flights.get(&id) else { return now };
        let latency = state.connections.get(&flight.connection).map_or(0, |c| c.latency_ns);
        let place = |key: crate::world::HostKey| state.hosts[key.0 as usize].spec.place;
        let (from, to) = (place(flight.from), place(flight.to));
        let done = match link(&self.config, from, to).trunk {
            Some(rate) if flight.from != flight.to => {
                let trunk = state.trunks.entry(trunk_between(from, to)).or_default();
                trunk.serve(now, rate.nanos_for(wire_bytes))
            }
            _ => now,
        };
        done + Duration::from_nanos(latency)
    }

    fn arrive(self: &Rc<Self>, id: u64, wire_bytes: u64) {
        let now = self.executor.now();
        let read_at = {
            let state = &mut *self.state.borrow_mut();
            let Some(flight) = state.flights.get(&id) else { return };
            let (from, to) = (flight.from, flight.to);
            if from == to {
                now
            } else {
                let host = state.host(to);
                let nanos = host.spec.nic.nanos_for(wire_bytes);
                host.ingress.serve(now, nanos)
            }
        };
        let net = Rc::clone(self);
        self.executor.at(read_at, move || net.deliver(id));
    }

    fn deliver(self: &Rc<Self>, id: u64) {
        let state = &mut *self.state.borrow_mut();
        let Some(flight) = state.flights.get(&id) else { return };
        let (key, end, to) = (flight.connection, flight.from_end, flight.to);
        let is_on = state.hosts[to.0 as usize].power == Power::On;
        let is_open = is_on
            && state.connections.get(&key).is_some_and(|connection| {
                !connection.ends[1 - end].gone && !connection.ends[1 - end].reset
            });
        if is_open {
            self.hand_over(state, id);
            return;
        }
        let wants_reset = is_on && flight.bytes() > 0;
        self.drop_flight_in(state, id);
        if wants_reset {
            self.reset_after_latency(state, key, end);
        }
        Self::reap(state, key);
    }

    fn hand_over(&self, state: &mut State, id: u64) {
        let Some(flight) = state.flights.remove(&id) else { return };
        let way = (flight.from != flight.to).then(|| state.way(flight.from, flight.to));
        let mut digest = 0;
        for (label, data) in &flight.pieces {
            digest = xxh3_64_with_seed(data, digest);
            if let Some(way) = way {
                state.ledger.delivered(way, *label, data.len() as u64);
            }
        }
        if let Some(way) = way {
            state.ledger.on_wire(way.class, wire::acknowledgements(flight.bytes()));
        }
        if !flight.fin {
            let (from, to) = (state.name(flight.from), state.name(flight.to));
            let (connection, bytes) = (flight.connection, flight.bytes());
            let event = TraceEvent::Delivered { from, to, connection, bytes, digest };
            self.trace.note(self.executor.now(), &event);
        }
        let Some(connection) = state.connections.get_mut(&flight.connection) else { return };
        connection.ends[flight.from_end].flying -= 1;
        let reader = &mut connection.ends[1 - flight.from_end];
        reader.end_of_stream |= flight.fin;
        reader.inbox.extend(flight.pieces.into_iter().map(|(_, data)| data));
        if let Some(waker) = reader.reader.take() {
            waker.wake();
        }
        Self::reap(state, flight.connection);
    }

    fn drop_flight(&self, id: u64) {
        self.drop_flight_in(&mut self.state.borrow_mut(), id);
    }

    fn drop_flight_in(&self, state: &mut State, id: u64) {
        let Some(flight) = state.flights.remove(&id) else { return };
        if let Some(connection) = state.connections.get_mut(&flight.connection) {
            connection.ends[flight.from_end].flying -= 1;
        }
        if flight.from == flight.to || flight.fin {
            return;
        }
        let way = state.way(flight.from, flight.to);
        for (label, data) in &flight.pieces {
            state.ledger.dropped(way, *label, data.len() as u64);
        }
        let (from, to) = (state.name(flight.from), state.name(flight.to));
        let (connection, bytes) = (flight.connection, flight.bytes());
        let event = TraceEvent::Dropped { from, to, connection, bytes };
        self.trace.note(self.executor.now(), &event);
    }

    /// From now on nothing that `end` sends arrives; later it hears of it.
    pub(super) fn freeze(self: &Rc<Self>, key: ConnectionKey, end: usize) {
        let state = &mut *self.state.borrow_mut();
        let Some(connection) = state.connections.get_mut(&key) else { return };
        if std::mem::replace(&mut connection.ends[end].frozen, true) {
            return;
        }
        let net = Rc::clone(self);
        self.executor.at(self.executor.now() + RESET_AFTER, move || net.reset(key, end));
    }

    /// Does `then` when the connection's latency is over.
    pub(super) fn after_latency(
        self: &Rc<Self>,
        key: ConnectionKey,
        then: impl FnOnce(&Rc<Self>) + 'static,
    ) {
        let latency = self.state.borrow().connections.get(&key).map_or(0, |c| c.latency_ns);
        let net = Rc::clone(self);
        let at = self.executor.now() + Duration::from_nanos(latency);
        self.executor.at(at, move || then(&net));
    }

    pub(super) fn count_wire(&self, key: ConnectionKey, end: usize, bytes: u64) {
        let state = &mut *self.state.borrow_mut();
        if let Some(ways) = state.connections.get(&key).and_then(|connection| connection.ways) {
            state.ledger.on_wire(ways[end].class, bytes);
        }
    }
}

/// Takes what fits into a chunk out of `buffer`.
fn take_chunk(buffer: &mut std::collections::VecDeque<(Label, Bytes)>) -> Vec<(Label, Bytes)> {
    let mut pieces = Vec::new();
    let mut room = CHUNK_MAX;
    while room > 0
        && let Some((label, mut data)) = buffer.pop_front()
    {
        if data.len() > room {
            buffer.push_front((label, data.split_off(room)));
        }
        room -= data.len();
        pieces.push((label, data));
    }
    pieces
}

/// All zones of a region share its trunks to the others.
fn trunk_between(from: Place, to: Place) -> (Place, Place) {
    match (from, to) {
        (Place::Zone { region: a, .. }, Place::Zone { region: b, .. }) if a != b => {
            (Place::Zone { region: a, zone: 0 }, Place::Zone { region: b, zone: 0 })
        }
        pair => pair,
    }
}
