//! Buffer of a pipe between two sessions: the writes of one that the other has not read yet.
//!
//! A read gives bytes of one write, never of two, so that a session's reads depend on its peer's
//! writes and not on their time: a job of many sessions has one outcome, whatever the network does.
//! Leaves out waiting, which drivers do.

use bytes::Bytes;
use std::collections::VecDeque;

/// Capacity of a pipe in a job of few pipes, in bytes. See [`pipe_capacity`].
pub const PIPE_BYTES: usize = 256 << 10;
/// Capacity of all pipes of a job together, in bytes, about.
const JOB_PIPES_BYTES: usize = 64 << 20;
/// Length of the pieces of a longer write, so that no pipe holds much more than its capacity.
pub const PIECE_BYTES: usize = 64 << 10;

/// Capacity of each pipe of a job with `pipes` of them, in bytes.
#[must_use]
pub fn pipe_capacity(pipes: usize) -> usize {
    (JOB_PIPES_BYTES / pipes.max(1)).min(PIPE_BYTES)
}

/// Writes that wait in a pipe.
#[derive(Clone, Debug)]
pub struct PipeBuffer {
    room: usize,
    writes: VecDeque<Bytes>,
    bytes: usize,
    writer: Option<WriterEnd>,
    is_abandoned: bool,
}

/// End of the writer of a pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriterEnd {
    /// Exit, with any code: its reader finds the end.
    Exited,
    /// Trap or limit: its reader finds an error behind the written bytes.
    Died,
}

/// Result of a read from a pipe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PipeRead {
    /// Bytes of one write.
    Data(Bytes),
    /// No bytes yet.
    Empty,
    /// End of the pipe.
    End(WriterEnd),
}

impl PipeBuffer {
    /// Empty buffer of `room` bytes.
    #[must_use]
    pub fn new(room: usize) -> Self {
        Self { room, writes: VecDeque::new(), bytes: 0, writer: None, is_abandoned: false }
    }

    /// Takes as much of a write as it has room for, and leaves the rest in `data`; true if nothing
    /// is left. A write without a reader is dropped: a session does the same whether its peer has
    /// ended already or is about to.
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

    /// Sets the writer's end.
    pub fn end(&mut self, end: WriterEnd) {
        self.writer.get_or_insert(end);
    }

    /// Drops the buffer of a pipe that has no reader any more.
    pub fn abandon(&mut self) {
        self.is_abandoned = true;
        self.writes.clear();
        self.bytes = 0;
    }

    /// True if the pipe has no reader any more.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.is_abandoned
    }

    /// Reads at most `len` bytes of the oldest write, or piece of one.
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
