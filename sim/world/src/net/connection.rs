//! Connections and what belongs to their ends. Data only.

use std::collections::VecDeque;
use std::task::Waker;

use bytes::Bytes;
use stayput_host::config::Jitter;
use stayput_host::topology::HostKey;
use stayput_host::{Label, Time};

use super::{CHUNK_MAX, ConnectionKey, TrunkKey};
use crate::ledger::LedgerWayKey;
use crate::wire;

/// A direction of a connection, named by the end that sends: 0 has opened the connection, 1 has
/// accepted it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Flow {
    pub(super) connection: ConnectionKey,
    pub(super) end: u8,
}

impl Flow {
    /// The other direction.
    pub(super) const fn back(self) -> Self {
        Self { connection: self.connection, end: 1 - self.end }
    }

    pub(super) const fn index(self) -> usize {
        self.end as usize
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Connecting,
    Refused,
    Established,
}

pub(super) struct Connection {
    /// Counted over the world: its name in the trace.
    pub(super) number: u64,
    /// Identity for draws: of opener, acceptor, and the number of connections between them.
    pub(super) identity: u64,
    pub(super) phase: Phase,
    pub(super) latency_ns: u64,
    pub(super) jitter: Jitter,
    pub(super) window: u64,
    pub(super) is_loopback: bool,
    /// The connecting end, then the accepting one.
    pub(super) ends: [End; 2],
}

/// One end: bytes to send, and bytes that have come to be read.
pub(super) struct End {
    pub(super) host: HostKey,
    /// Key in the ledger; `None` from a host to itself.
    pub(super) way: Option<LedgerWayKey>,
    pub(super) trunk: TrunkKey,
    /// True once its host knows of it: for the accepting end, when the handshake reaches it.
    pub(super) attached: bool,
    /// Its stream was dropped, or its host is gone.
    pub(super) gone: bool,
    pub(super) reset: bool,
    /// True if its bytes are lost from some byte on: nothing after that may arrive.
    pub(super) frozen: bool,
    pub(super) fin: Fin,

    pub(super) buffer: VecDeque<(Label, Bytes)>,
    /// True while it waits for its turn at the card.
    pub(super) queued: bool,
    /// Chunks on their way.
    pub(super) flying: u32,
    /// Chunks that were sent so far, for draws.
    pub(super) chunks: u64,
    /// No chunk may overtake the one before it.
    pub(super) last_arrival: Time,
    pub(super) stall: Option<Stall>,
    pub(super) window: Window,

    pub(super) inbox: VecDeque<Bytes>,
    /// Read and not yet acknowledged.
    pub(super) read: u64,
    pub(super) end_of_stream: bool,
    pub(super) reader: Option<Waker>,
    pub(super) writer: Option<Waker>,
}

/// Window of a direction: bound of its bytes under way.
#[derive(Default)]
pub(super) struct Window {
    /// Written and not known to be read.
    pub(super) unread: u64,
    /// Sent and not known to be read: what the congestion window bounds.
    pub(super) outstanding: u64,
    /// Acknowledgements on their way here: when they arrive, and for how many bytes.
    pub(super) coming: VecDeque<(Time, u64)>,
    /// True if an event is scheduled for the first of them.
    pub(super) is_awaited: bool,
    /// True while the direction waits for the congestion window to open.
    pub(super) is_closed: bool,
    pub(super) congestion: Option<Congestion>,
    /// Acknowledgements that met a cut way: since when, how often they were tried, and for how many
    /// bytes.
    pub(super) held: Option<(Time, u32, u64)>,
}

/// The congestion window of a direction (RFC 5681), in bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Congestion {
    pub(super) window: u64,
    pub(super) threshold: u64,
}

/// A direction whose next chunk met a cut way.
pub(super) struct Stall {
    pub(super) since: Time,
    pub(super) tries: u32,
    pub(super) chunk: Chunk,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fin {
    Open,
    Wanted,
    Sent,
}

/// Bytes that go out at once.
#[derive(Default)]
pub(super) struct Chunk {
    pub(super) pieces: VecDeque<(Label, Bytes)>,
    pub(super) bytes: u64,
    /// True for the end of the stream.
    pub(super) fin: bool,
}

impl Chunk {
    /// With the headers of its segments: each write makes segments of its own, and so does the end.
    pub(super) fn wire_bytes(&self) -> u64 {
        let written: u64 = self.pieces.iter().map(|(_, data)| wire::data(data.len() as u64)).sum();
        written + if self.fin { wire::SEGMENT_HEADER } else { 0 }
    }

    /// Bytes of its acknowledgements: a segment for each write, and one for the end.
    pub(super) fn acknowledgement_bytes(&self) -> u64 {
        (self.pieces.len() as u64 + u64::from(self.fin)) * wire::SEGMENT_HEADER
    }
}

/// A chunk on its way.
pub(super) struct Flight {
    pub(super) flow: Flow,
    pub(super) chunk: Chunk,
    /// Time when its first bit left the sender's card.
    pub(super) left: Time,
    /// Time when its first bit came to where the chunk is.
    pub(super) first_bit: Time,
    /// Delay by jitter, losses and faults on top of the connection's latency, in nanoseconds.
    pub(super) delay_ns: u64,
}

impl Connection {
    pub(super) fn end(&mut self, flow: Flow) -> &mut End {
        &mut self.ends[flow.index()]
    }

    /// True if nobody holds it and nothing is on its way.
    pub(super) fn is_over(&self) -> bool {
        let rests = |end: &End| !end.queued && end.flying == 0 && end.stall.is_none();
        self.ends.iter().all(|end| (end.gone || !end.attached) && rests(end))
    }
}

impl End {
    pub(super) fn new(
        host: HostKey,
        way: Option<LedgerWayKey>,
        trunk: TrunkKey,
        attached: bool,
    ) -> Self {
        Self {
            host,
            way,
            trunk,
            attached,
            gone: false,
            reset: false,
            frozen: false,
            fin: Fin::Open,
            buffer: VecDeque::new(),
            queued: false,
            flying: 0,
            chunks: 0,
            last_arrival: Time::ZERO,
            stall: None,
            window: Window::default(),
            inbox: VecDeque::new(),
            read: 0,
            end_of_stream: false,
            reader: None,
            writer: None,
        }
    }

    pub(super) fn wake(&mut self) {
        for waker in [self.reader.take(), self.writer.take()].into_iter().flatten() {
            waker.wake();
        }
    }

    /// True if it has data or its end to send, and may.
    pub(super) fn has_more(&self) -> bool {
        !self.frozen && !self.reset && (!self.buffer.is_empty() || self.fin == Fin::Wanted)
    }

    /// Takes what goes out next, `room` bytes at most, if there is anything.
    pub(super) fn take_chunk(&mut self, room: usize) -> Option<Chunk> {
        let room = room.min(CHUNK_MAX);
        let buffered: usize = self.buffer.iter().map(|(_, data)| data.len()).sum();
        let mut chunk = Chunk { bytes: buffered.min(room) as u64, ..Chunk::default() };
        if buffered <= room {
            chunk.pieces = std::mem::take(&mut self.buffer);
            if self.fin == Fin::Wanted {
                self.fin = Fin::Sent;
                chunk.fin = true;
            }
        } else {
            chunk.pieces = split_off_front(&mut self.buffer, room);
        }
        (chunk.bytes > 0 || chunk.fin).then_some(chunk)
    }
}

/// Takes the first `bytes` out of `buffer`.
fn split_off_front(
    buffer: &mut VecDeque<(Label, Bytes)>,
    bytes: usize,
) -> VecDeque<(Label, Bytes)> {
    let mut pieces = VecDeque::new();
    let mut room = bytes;
    while room > 0
        && let Some((label, mut data)) = buffer.pop_front()
    {
        if data.len() > room {
            buffer.push_front((label, data.split_off(room)));
        }
        room -= data.len();
        pieces.push_back((label, data));
    }
    pieces
}

#[cfg(test)]
mod tests {
    use stayput_host::Purpose;

    use super::*;

    const BODY: Label = Label::body(Purpose::ALL[0]);

    fn end() -> End {
        End::new(HostKey(0), None, 0, true)
    }

    fn with(pieces: &[usize]) -> End {
        let mut end = end();
        for len in pieces {
            end.buffer.push_back((BODY, Bytes::from(vec![1; *len])));
        }
        end
    }

    fn lens(chunk: &Chunk) -> Vec<usize> {
        chunk.pieces.iter().map(|(_, data)| data.len()).collect()
    }

    #[test]
    fn a_chunk_takes_what_fits_and_cuts_a_piece_in_two() {
        let mut end = with(&[10, 20, 30]);
        let chunk = end.take_chunk(25).expect("there is something");
        assert_eq!((lens(&chunk), chunk.bytes, chunk.fin), (vec![10, 15], 25, false));
        let rest = end.take_chunk(1_000).expect("there is more");
        assert_eq!((lens(&rest), rest.bytes), (vec![5, 30], 35));
        assert!(end.take_chunk(1_000).is_none());
    }

    #[test]
    fn no_chunk_is_larger_than_the_bound() {
        let mut end = with(&[3 * CHUNK_MAX]);
        let chunk = end.take_chunk(usize::MAX).expect("there is something");
        assert_eq!(chunk.bytes, CHUNK_MAX as u64);
    }

    #[test]
    fn the_end_goes_with_the_last_chunk_and_once() {
        let mut end = with(&[10]);
        end.fin = Fin::Wanted;
        let first = end.take_chunk(5).expect("there is something");
        assert!(!first.fin);
        let last = end.take_chunk(5).expect("there is more");
        assert!(last.fin && end.fin == Fin::Sent && !end.has_more());
    }

    #[test]
    fn an_end_without_bytes_is_a_chunk_of_its_own() {
        let mut end = end();
        end.fin = Fin::Wanted;
        assert!(end.has_more());
        let chunk = end.take_chunk(0).expect("the end");
        assert_eq!((chunk.bytes, chunk.fin, chunk.wire_bytes()), (0, true, wire::SEGMENT_HEADER));
    }

    #[test]
    fn without_room_nothing_goes() {
        let mut end = with(&[10]);
        assert!(end.take_chunk(0).is_none());
        assert!(end.has_more(), "it is still there");
    }

    #[test]
    fn nothing_more_goes_from_an_end_that_is_frozen_or_reset() {
        let (mut frozen, mut reset) = (with(&[10]), with(&[10]));
        frozen.frozen = true;
        reset.reset = true;
        assert!(!frozen.has_more() && !reset.has_more());
    }

    #[test]
    fn each_write_has_segments_and_an_acknowledgement_of_its_own() {
        let chunk = with(&[1, 1_448, 1_449]).take_chunk(usize::MAX).expect("there is something");
        assert_eq!(chunk.wire_bytes(), 1 + 1_448 + 1_449 + 4 * wire::SEGMENT_HEADER);
        assert_eq!(chunk.acknowledgement_bytes(), 3 * wire::SEGMENT_HEADER);
    }
}
