//! Chunks that meet a cut way: tried again after a while, as TCP's timer would, until their sender
//! gives up.
//!
//! The first chunk that meets the cut is lost whole; each further try costs a segment, as the
//! sender's window is then one. A cut that is mended in time costs time and bytes and no
//! connection. Leaves out that the rest of a window would be lost as well: it waits with its
//! sender.

use stayput_host::Time;

use super::connection::{Chunk, Flow, Stall};
use super::loss::timeout_ns;
use super::send::{ends, labels};
use super::{FabricNetwork, NetworkSignal, RESET_AFTER, State};
use crate::clock::Clock;
use crate::fault::FaultId;
use crate::wire;

impl FabricNetwork {
    /// The first time that `chunk` meets a cut way.
    pub(super) fn stall(&self, state: &mut State, flow: Flow, chunk: Chunk, cuts: &[FaultId]) {
        let since = self.executor.now();
        let bytes = chunk.bytes;
        self.hold(state, flow, Stall { since, tries: 0, chunk }, cuts, bytes);
    }

    /// A chunk that has met a cut way gets another turn.
    pub(super) fn try_again(&self, state: &mut State, flow: Flow, stall: Stall) {
        let Some(connection) = state.connections.get(flow.connection) else { return };
        let (from, to) = ends(connection, flow);
        let cuts = state.cuts(from, to);
        if cuts.is_empty() {
            self.launch(state, flow, stall.chunk);
        } else {
            let bytes = stall.chunk.bytes.min(wire::SEGMENT_PAYLOAD);
            let stall = Stall { tries: stall.tries + 1, ..stall };
            self.hold(state, flow, stall, &cuts, bytes);
        }
    }

    /// Loses `bytes` of the chunk and waits.
    fn hold(&self, state: &mut State, flow: Flow, stall: Stall, cuts: &[FaultId], bytes: u64) {
        let now = self.executor.now();
        for fault in cuts {
            // The end of a stream has no bytes, and is missed all the same.
            state.effects.entry(*fault).or_default().add("dropped_bytes", bytes.max(1));
        }
        self.count_dropped(state, flow, labels(&stall.chunk, 0, bytes));
        let wire_bytes = if bytes == 0 { wire::SEGMENT_HEADER } else { wire::data(bytes) };
        let Some(connection) = state.connections.get_mut(flow.connection) else { return };
        let wait = timeout_ns(2 * connection.latency_ns, stall.tries);
        let end = connection.end(flow);
        let (host, way) = (end.host, end.way);
        end.stall = Some(stall);
        end.window.shrink(true);
        if let Some(way) = way {
            state.ledger.on_wire(way, wire_bytes);
        }
        state.pass(host, now, wire_bytes);
        let at = Time::from_nanos(now.as_nanos().saturating_add(wait));
        self.signal_at(at, NetworkSignal::Retransmit(flow));
    }

    pub(super) fn retransmit(&self, flow: Flow) {
        let state = &mut *self.state.borrow_mut();
        let Some(connection) = state.connections.get_mut(flow.connection) else { return };
        let (from, to) = ends(connection, flow);
        let end = connection.end(flow);
        let Some(stall) = &end.stall else { return };
        let (since, queued) = (stall.since, end.queued);
        // Whoever's patience is over tries once more: the way may have been mended since the last
        // time.
        if self.executor.now().since(since) >= RESET_AFTER && !state.cuts(from, to).is_empty() {
            self.reset_in(state, flow);
        } else if !queued {
            self.queue_now(state, flow);
        }
    }
}
