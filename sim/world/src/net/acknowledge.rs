//! Windows: bound of a direction's bytes under way, and acknowledgements that open it again.
//!
//! Bytes that were read are acknowledged when there is no more to read or enough for a chunk: an
//! update for each small read would make for small chunks (RFC 9293: silly window syndrome). An
//! acknowledgement that nobody waits for costs no event.

use stayput_host::Time;

use super::connection::{Congestion, Flow, Window};
use super::loss::timeout_ns;
use super::send::ends;
use super::{CHUNK_MAX, FabricNetwork, NetworkSignal, RESET_AFTER, State};
use crate::clock::Clock;
use crate::wire::SEGMENT_PAYLOAD;

/// Segments with which a connection begins (RFC 6928).
const INITIAL_SEGMENTS: u64 = 10;

impl Window {
    /// Applies acknowledgements that have arrived by `now`.
    fn advance(&mut self, now: Time) {
        while let Some((at, bytes)) = self.coming.front().copied()
            && at <= now
        {
            self.coming.pop_front();
            self.unread -= bytes;
            self.outstanding = self.outstanding.saturating_sub(bytes);
            if let Some(congestion) = &mut self.congestion {
                congestion.open(bytes);
            }
        }
    }

    /// Bytes that may leave now.
    pub(super) fn room(&self) -> usize {
        let room = self.congestion.map_or(u64::MAX, |c| c.window.saturating_sub(self.outstanding));
        usize::try_from(room).unwrap_or(usize::MAX)
    }

    /// Shrinks the congestion window after a loss.
    pub(super) fn shrink(&mut self, timed_out: bool) {
        if let Some(congestion) = &mut self.congestion {
            congestion.threshold = (congestion.window / 2).max(2 * SEGMENT_PAYLOAD);
            congestion.window = if timed_out { SEGMENT_PAYLOAD } else { congestion.threshold };
        }
    }
}

impl Congestion {
    pub(super) const fn new() -> Self {
        Self { window: INITIAL_SEGMENTS * SEGMENT_PAYLOAD, threshold: u64::MAX }
    }

    /// Slow start up to the threshold, then a segment per window.
    fn open(&mut self, acknowledged: u64) {
        let grows = if self.window < self.threshold {
            acknowledged
        } else {
            (acknowledged * SEGMENT_PAYLOAD).div_ceil(self.window)
        };
        self.window = self.window.saturating_add(grows);
    }
}

impl FabricNetwork {
    /// Bytes that `flow` may write now.
    pub(super) fn room_to_write(&self, state: &mut State, flow: Flow) -> usize {
        let now = self.executor.now();
        let Some(connection) = state.connections.get_mut(flow.connection) else { return 0 };
        let limit = connection.window;
        let window = &mut connection.end(flow).window;
        if window.unread >= limit {
            window.advance(now);
        }
        usize::try_from(limit.saturating_sub(window.unread)).unwrap_or(usize::MAX)
    }

    /// Schedules an event for the next acknowledgement of `flow` if anything waits for it.
    pub(super) fn await_acknowledgement(&self, state: &mut State, flow: Flow) {
        let Some(connection) = state.connections.get_mut(flow.connection) else { return };
        let end = connection.end(flow);
        let waits = end.writer.is_some() || end.window.is_closed;
        if waits
            && !end.window.is_awaited
            && let Some((at, _)) = end.window.coming.front()
        {
            end.window.is_awaited = true;
            self.signal_at(*at, NetworkSignal::Acknowledged(flow));
        }
    }

    pub(super) fn acknowledged(&self, flow: Flow) {
        let now = self.executor.now();
        let state = &mut *self.state.borrow_mut();
        let Some(connection) = state.connections.get_mut(flow.connection) else { return };
        let limit = connection.window;
        let end = connection.end(flow);
        end.window.is_awaited = false;
        end.window.advance(now);
        if end.window.unread < limit
            && let Some(writer) = end.writer.take()
        {
            writer.wake();
        }
        if std::mem::take(&mut end.window.is_closed) {
            // Finds it closed again if it is.
            self.queue(state, flow);
        }
        self.await_acknowledgement(state, flow);
    }

    /// Counts bytes that the reader of `flow` has read.
    pub(super) fn read(&self, state: &mut State, flow: Flow, bytes: u64) {
        let Some(connection) = state.connections.get_mut(flow.connection) else { return };
        let reader = connection.end(flow.back());
        reader.read += bytes;
        if reader.inbox.is_empty() || reader.read >= CHUNK_MAX as u64 {
            let read = std::mem::take(&mut reader.read);
            self.acknowledge(state, flow, read, 0);
        }
    }

    /// Sends the writer of `flow` an acknowledgement, for the first time or again.
    fn acknowledge(&self, state: &mut State, flow: Flow, bytes: u64, tries: u32) {
        let now = self.executor.now();
        let Some(connection) = state.connections.get(flow.connection) else { return };
        let (writer, reader) = ends(connection, flow);
        let latency_ns = connection.latency_ns;
        let cuts = state.cuts(reader, writer);
        for fault in &cuts {
            state.effects.entry(*fault).or_default().add("dropped_acknowledgements", 1);
        }
        let delay_ns = if cuts.is_empty() { state.delay_ns(reader, writer) } else { 0 };
        let Some(connection) = state.connections.get_mut(flow.connection) else { return };
        let window = &mut connection.end(flow).window;
        if !cuts.is_empty() {
            let (since, held) = window.held.map_or((now, 0), |(since, _, held)| (since, held));
            let is_first = window.held.is_none() || tries > 0;
            window.held = Some((since, tries, held + bytes));
            if is_first {
                let at = now.as_nanos().saturating_add(timeout_ns(2 * latency_ns, tries));
                self.signal_at(Time::from_nanos(at), NetworkSignal::AcknowledgeAgain(flow));
            }
            return;
        }
        let at = Time::from_nanos(now.as_nanos().saturating_add(latency_ns + delay_ns));
        let at = window.coming.back().map_or(at, |(last, _)| at.max(*last));
        window.coming.push_back((at, bytes));
        self.await_acknowledgement(state, flow);
    }

    /// Sends held acknowledgements again, or gives up.
    pub(super) fn acknowledge_again(&self, flow: Flow) {
        let state = &mut *self.state.borrow_mut();
        let Some(connection) = state.connections.get_mut(flow.connection) else { return };
        let Some((since, tries, bytes)) = connection.end(flow).window.held else { return };
        let (writer, reader) = ends(connection, flow);
        if state.cuts(reader, writer).is_empty() {
            if let Some(connection) = state.connections.get_mut(flow.connection) {
                connection.end(flow).window.held = None;
            }
            self.acknowledge(state, flow, bytes, 0);
        } else if self.executor.now().since(since) >= RESET_AFTER {
            self.reset_in(state, flow);
        } else {
            self.acknowledge(state, flow, 0, tries + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(congestion: Option<Congestion>) -> Window {
        Window { congestion, ..Window::default() }
    }

    #[test]
    fn acknowledgements_count_when_they_have_come_and_in_order() {
        let mut window = window(None);
        window.unread = 100;
        window.coming.extend([(Time::from_nanos(5), 30), (Time::from_nanos(8), 50)]);
        window.advance(Time::from_nanos(4));
        assert_eq!(window.unread, 100);
        window.advance(Time::from_nanos(5));
        assert_eq!(window.unread, 70);
        window.advance(Time::from_nanos(99));
        assert_eq!((window.unread, window.coming.len()), (20, 0));
    }

    #[test]
    fn slow_start_doubles_each_round_trip() {
        let mut congestion = Congestion::new();
        let first = congestion.window;
        assert_eq!(first, 10 * SEGMENT_PAYLOAD);
        congestion.open(first);
        assert_eq!(congestion.window, 2 * first);
        congestion.open(2 * first);
        assert_eq!(congestion.window, 4 * first);
    }

    #[test]
    fn above_the_threshold_a_window_grows_by_a_segment_each_round_trip() {
        let threshold = 20 * SEGMENT_PAYLOAD;
        let mut congestion = Congestion { window: threshold, threshold };
        congestion.open(threshold);
        assert_eq!(congestion.window, threshold + SEGMENT_PAYLOAD);
    }

    #[test]
    fn a_loss_halves_the_window_and_a_timer_closes_it_to_a_segment() {
        let open = Congestion { window: 40 * SEGMENT_PAYLOAD, threshold: u64::MAX };
        let shrunk = |timed_out| {
            let mut window = window(Some(open));
            window.shrink(timed_out);
            window.congestion.map(|congestion| (congestion.window, congestion.threshold))
        };
        let half = 20 * SEGMENT_PAYLOAD;
        assert_eq!(shrunk(false), Some((half, half)));
        assert_eq!(shrunk(true), Some((SEGMENT_PAYLOAD, half)));
        let mut small = window(Some(Congestion { window: SEGMENT_PAYLOAD, threshold: u64::MAX }));
        small.shrink(false);
        assert_eq!(small.room(), usize::try_from(2 * SEGMENT_PAYLOAD).expect("small"));
    }

    #[test]
    fn what_is_under_way_takes_room_and_without_slow_start_there_is_no_bound() {
        let mut bounded = window(Some(Congestion::new()));
        bounded.outstanding = 9 * SEGMENT_PAYLOAD;
        assert_eq!(bounded.room() as u64, SEGMENT_PAYLOAD);
        bounded.outstanding = 11 * SEGMENT_PAYLOAD;
        assert_eq!(bounded.room(), 0);
        assert_eq!(window(None).room(), usize::MAX);
    }
}
