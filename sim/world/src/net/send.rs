//! Out of the sender's card: whose turn it is, what goes out, and what becomes of it on the link.

use stayput_host::config::{Chance, Jitter};
use stayput_host::topology::HostKey;
use stayput_host::{Label, Time};

use super::connection::{Chunk, Connection, End, Flight, Flow};
use super::draw::{Purpose, jitter_ns};
use super::loss::{Losing, Losses, segment};
use super::{CHUNK_MAX, FabricNetwork, LOOPBACK_LATENCY_NS, NetEvent, NetworkSignal, State};
use crate::clock::Clock;
use crate::fault::FaultId;
use crate::trace::TraceEvent;
use crate::wire;

impl FabricNetwork {
    pub(super) fn signal_at(&self, at: Time, what: NetworkSignal) {
        self.executor.signal_at(at, NetEvent(what));
    }

    /// Queues `flow` for the card if it has anything to send.
    pub(super) fn queue(&self, state: &mut State, flow: Flow) {
        let Some(connection) = state.connections.get_mut(flow.connection) else { return };
        let end = connection.end(flow);
        if !end.queued && end.stall.is_none() && end.has_more() {
            self.queue_now(state, flow);
        }
    }

    /// Gives `flow` a turn, whatever it waits for.
    pub(super) fn queue_now(&self, state: &mut State, flow: Flow) {
        let Some(connection) = state.connections.get_mut(flow.connection) else { return };
        let is_loopback = connection.is_loopback;
        let end = connection.end(flow);
        end.queued = true;
        if is_loopback {
            self.signal_at(self.executor.now(), NetworkSignal::Loopback(flow));
        } else {
            let host = end.host;
            state.host(host).senders.push_back(flow);
            self.await_egress(state, host);
        }
    }

    /// Schedules the card's next turn: as an event even when it is free, so that bytes written at
    /// one time go out together.
    fn await_egress(&self, state: &mut State, key: HostKey) {
        let host = state.host(key);
        if !host.egress.is_awaited && !host.senders.is_empty() {
            host.egress.is_awaited = true;
            let at = host.egress.free_at().max(self.executor.now());
            self.signal_at(at, NetworkSignal::Egress(key));
        }
    }

    pub(super) fn egress(&self, key: HostKey) {
        let state = &mut *self.state.borrow_mut();
        state.host(key).egress.is_awaited = false;
        while let Some(flow) = state.host(key).senders.pop_front() {
            if self.send_next(state, flow) {
                break;
            }
        }
        self.await_egress(state, key);
    }

    /// Sends the next chunk of `flow`; false when there is none.
    fn send_next(&self, state: &mut State, flow: Flow) -> bool {
        let Some(connection) = state.connections.get_mut(flow.connection) else { return false };
        let end = connection.end(flow);
        end.queued = false;
        if let Some(stall) = end.stall.take() {
            self.try_again(state, flow, stall);
            self.queue(state, flow);
            return true;
        }
        let room = end.window.room();
        let chunk = if end.has_more() { end.take_chunk(room) } else { None };
        let Some(chunk) = chunk else {
            if end.has_more() {
                end.window.is_closed = true;
                self.await_acknowledgement(state, flow);
            }
            Self::reap(state, flow.connection);
            return false;
        };
        let (from, to) = ends(connection, flow);
        let cuts = state.cuts(from, to);
        if cuts.is_empty() {
            self.launch(state, flow, chunk);
        } else {
            self.stall(state, flow, chunk, &cuts);
        }
        // Behind those that wait already.
        self.queue(state, flow);
        true
    }

    /// Puts a chunk on the card and the link.
    pub(super) fn launch(&self, state: &mut State, flow: Flow, chunk: Chunk) {
        let now = self.executor.now();
        let Some(connection) = state.connections.get_mut(flow.connection) else { return };
        let (from, to) = ends(connection, flow);
        let (latency_ns, jitter, identity) =
            (connection.latency_ns, connection.jitter, connection.identity);
        let end = connection.end(flow);
        let (way, nth, more_follows) = (end.way, end.chunks, end.has_more());
        end.chunks += 1;
        end.flying += 1;
        end.window.outstanding += chunk.bytes;
        let mut delay_ns = state.delay_ns(from, to);
        if jitter != Jitter::None {
            let mut stream = self.draws.stream(Purpose::Jitter, identity, flow.end, nth);
            delay_ns += jitter_ns(jitter, &mut stream);
        }
        let losing = self.losing(state, from, to);
        let mut wire_bytes = chunk.wire_bytes();
        if !losing.never() {
            let mut stream = self.draws.stream(Purpose::Loss, identity, flow.end, nth);
            let segments = chunk.bytes.div_ceil(wire::SEGMENT_PAYLOAD).max(1);
            let losses = losing.lose(&mut stream, segments, more_follows, 2 * latency_ns);
            wire_bytes += self.count_losses(state, flow, &chunk, &losses);
            delay_ns += losses.delay_ns;
        }
        if let Some(way) = way {
            for (label, data) in &chunk.pieces {
                state.ledger.sent(way, *label, data.len() as u64);
            }
            state.ledger.on_wire(way, wire_bytes);
            state.in_flight += chunk.bytes;
        }
        let served = state.pass(from, now, wire_bytes);
        let flight =
            Flight { flow, chunk, left: served.first_bit, first_bit: served.first_bit, delay_ns };
        self.leave(state, flight, served);
    }

    /// Counts the losses of a chunk; returns their bytes on the wire.
    fn count_losses(&self, state: &mut State, flow: Flow, chunk: &Chunk, losses: &Losses) -> u64 {
        let mut wire_bytes = 0;
        for index in &losses.segments {
            let (begin, len) = segment(*index, chunk.bytes);
            self.count_dropped(state, flow, labels(chunk, begin, len));
            wire_bytes += len + wire::SEGMENT_HEADER;
        }
        for fault in &losses.by_fault {
            state.effects.entry(*fault).or_default().add("lost_segments", 1);
        }
        if !losses.segments.is_empty()
            && let Some(connection) = state.connections.get_mut(flow.connection)
        {
            connection.end(flow).window.shrink(losses.timed_out);
        }
        wire_bytes
    }

    /// Counts bytes that leave the card and are lost.
    pub(super) fn count_dropped(
        &self,
        state: &mut State,
        flow: Flow,
        labels: impl Iterator<Item = (Label, u64)>,
    ) {
        let Some(connection) = state.connections.get(flow.connection) else { return };
        let (from, to) = ends(connection, flow);
        let number = connection.number;
        let Some(way) = connection.ends[flow.index()].way else { return };
        let mut bytes = 0;
        for (label, len) in labels {
            state.ledger.sent(way, label, len);
            state.ledger.dropped(way, label, len);
            bytes += len;
        }
        self.note_dropped(state, from, to, number, bytes);
    }

    pub(super) fn note_dropped(
        &self,
        state: &State,
        from: HostKey,
        to: HostKey,
        connection: u64,
        bytes: u64,
    ) {
        let (from, to) = (state.name(from), state.name(to));
        let event = TraceEvent::Dropped { from, to, connection, bytes };
        self.trace.note(self.executor.now(), &event);
    }

    /// Causes of loss between two hosts now.
    pub(super) fn losing(&self, state: &State, from: HostKey, to: HostKey) -> Losing {
        let link = if from == to { Chance::NEVER } else { self.link(state, from, to).loss };
        let faults: Vec<(FaultId, Chance)> = state.losses(from, to);
        Losing { link, faults }
    }

    pub(super) fn send_to_itself(&self, flow: Flow) {
        let state = &mut *self.state.borrow_mut();
        let Some(connection) = state.connections.get_mut(flow.connection) else { return };
        let end = connection.end(flow);
        end.queued = false;
        let chunk = if end.has_more() { end.take_chunk(CHUNK_MAX) } else { None };
        if let Some(chunk) = chunk {
            end.flying += 1;
            let now = self.executor.now();
            let flight = Flight { flow, chunk, left: now, first_bit: now, delay_ns: 0 };
            let key = state.flights.insert(flight);
            let at = Time::from_nanos(now.as_nanos() + LOOPBACK_LATENCY_NS);
            self.signal_at(at, NetworkSignal::Deliver(key));
            self.queue(state, flow);
        }
        Self::reap(state, flow.connection);
    }
}

/// The sender of `flow` and its receiver.
pub(super) fn ends(connection: &Connection, flow: Flow) -> (HostKey, HostKey) {
    let host = |end: &End| end.host;
    (host(&connection.ends[flow.index()]), host(&connection.ends[flow.back().index()]))
}

/// Labels of `len` bytes of a chunk from `begin` on, each with its number of bytes.
pub(super) fn labels(chunk: &Chunk, begin: u64, len: u64) -> impl Iterator<Item = (Label, u64)> {
    let end = begin + len;
    chunk.pieces.iter().scan(0_u64, move |offset, (label, data)| {
        let (from, to) = (*offset, *offset + data.len() as u64);
        *offset = to;
        Some((*label, to.min(end).saturating_sub(from.max(begin))))
    })
}
