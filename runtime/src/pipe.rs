//! What a pipe between two sessions holds: the writes of one that the other has not read yet.
//!
//! A read gives bytes of one write, never of two, so that what a session reads depends on what its peer wrote and not on when it
//! came: a job of many sessions has one outcome, whatever the network does. Leaves out waiting, which is its drivers' matter.

use bytes::Bytes;
use std::collections::VecDeque;

/// A pipe takes more while it holds fewer bytes than this, in a job of few pipes. See [`pipe_capacity`].
pub const PIPE_BYTES: usize = 256 << 10;
/// What all pipes of a job may hold together, about.
const JOB_PIPES_BYTES: usize = 64 << 20;
/// A longer write is as good as several of so many bytes: no pipe holds much more than its room.
pub const PIECE_BYTES: usize = 64 << 10;

/// How many bytes each pipe of a job with so many of them has room for.
#[must_use]
pub fn pipe_capacity(pipes: usize) -> usize {
    (JOB_PIPES_BYTES / pipes.max(1)).min(PIPE_BYTES)
}

/// The writes that wait in a pipe.
#[derive(Clone, Debug)]
pub struct PipeBuffer {
    room: usize,
    writes: VecDeque<Bytes>,
    bytes: usize,
    writer: Option<WriterEnd>,
    is_abandoned: bool,
}

/// How the writer of a pipe ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriterEnd {
    /// It exited, with whatever code: its reader finds the end.
    Exited,
    /// It was stopped, by a trap or a limit: its reader finds an error behind what was written.
    Died,
}

/// What a read finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PipeRead {
    /// Bytes of one write.
    Data(Bytes),
    /// Nothing yet.
    Empty,
    /// Nothing any more.
    End(WriterEnd),
}

impl PipeBuffer {
    /// An empty one with room for so many bytes.
    #[must_use]
    pub fn new(room: usize) -> Self {
        Self { room, writes: VecDeque::new(), bytes: 0, writer: None, is_abandoned: false }
    }

    /// Takes of a write what it has room for, and leaves the rest in `data`; true if nothing is left. A write that no reader is left for
    /// is dropped: a session does the same whether its peer has ended already or is about to.
    pub fn write(&mut self, data: &mut Bytes) -> bool {
        if self.is_abandoned {
            data.clear();
        }
        while !data.is_empty() && self.bytes < self.room {
            let piece = data.split_to(data.len().min(PIECE_BYTES));
            self.bytes += piece.len();
            self.writes.push_back(piece);
        }
        data.is_empty()
    }

    /// Takes note of the writer's end.
    pub fn end(&mut self, end: WriterEnd) {
        self.writer.get_or_insert(end);
    }

    /// Takes note that nobody will read any more.
    pub fn abandon(&mut self) {
        self.is_abandoned = true;
        self.writes.clear();
        self.bytes = 0;
    }

    /// Whether nobody will read any more.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.is_abandoned
    }

    /// At most `len` bytes of the oldest write, or piece of one.
    pub fn read(&mut self, len: usize) -> PipeRead {
        let Some(write) = self.writes.front_mut() else {
            return self.writer.map_or(PipeRead::Empty, PipeRead::End);
        };
        let data = write.split_to(len.min(write.len()));
        if write.is_empty() {
            self.writes.pop_front();
        }
        self.bytes -= data.len();
        PipeRead::Data(data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pipe_of(writes: &[&'static [u8]]) -> PipeBuffer {
        let mut pipe = PipeBuffer::new(PIPE_BYTES);
        for write in writes {
            assert!(pipe.write(&mut Bytes::from_static(write)));
        }
        pipe
    }

    #[test]
    fn a_read_never_joins_two_writes() {
        let mut pipe = pipe_of(&[b"abc", b"d"]);
        assert_eq!(pipe.read(2), PipeRead::Data(Bytes::from_static(b"ab")));
        assert_eq!(pipe.read(9), PipeRead::Data(Bytes::from_static(b"c")));
        assert_eq!(pipe.read(9), PipeRead::Data(Bytes::from_static(b"d")));
        assert_eq!(pipe.read(9), PipeRead::Empty);
    }

    #[test]
    fn the_end_is_found_behind_what_was_written() {
        let mut pipe = pipe_of(&[b"x"]);
        pipe.end(WriterEnd::Died);
        pipe.end(WriterEnd::Exited);
        assert_eq!(pipe.read(1), PipeRead::Data(Bytes::from_static(b"x")));
        assert_eq!(pipe.read(1), PipeRead::End(WriterEnd::Died), "the first end counts");
    }

    #[test]
    fn a_full_pipe_takes_no_more_until_nobody_reads_any_more() {
        let mut pipe = PipeBuffer::new(PIPE_BYTES);
        let mut data = Bytes::from(vec![0; 10 * PIPE_BYTES]);
        assert!(!pipe.write(&mut data));
        assert_eq!(data.len(), 9 * PIPE_BYTES);
        pipe.abandon();
        assert!(pipe.write(&mut data) && data.is_empty());
        assert_eq!(pipe.read(1), PipeRead::Empty, "a write without a reader is dropped");
    }

    #[test]
    fn pipes_of_a_large_job_hold_less_each() {
        assert_eq!(pipe_capacity(1), PIPE_BYTES);
        assert_eq!(pipe_capacity(4_096), 16 << 10);
    }

    proptest! {
        #[test]
        fn bytes_come_out_as_they_went_in(
            writes in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..9), 0..20),
            len in 1_usize..12,
            room in 1_usize..30,
        ) {
            let mut pipe = PipeBuffer::new(room);
            let mut read = Vec::new();
            for write in &writes {
                let mut data = Bytes::from(write.clone());
                while !pipe.write(&mut data) {
                    let PipeRead::Data(data) = pipe.read(len) else { panic!("a full pipe has data") };
                    read.extend_from_slice(&data);
                }
            }
            pipe.end(WriterEnd::Exited);
            while let PipeRead::Data(data) = pipe.read(len) {
                prop_assert!((1..=len).contains(&data.len()));
                read.extend_from_slice(&data);
            }
            prop_assert_eq!(read, writes.concat());
            prop_assert_eq!(pipe.bytes, 0);
        }
    }
}
