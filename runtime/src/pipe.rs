//! What a pipe between two sessions holds: the writes of one that the other has not read yet.
//!
//! A read gives bytes of one write, never of two, so that what a session reads depends on what its peer wrote and not on when it
//! came: a job of many sessions has one outcome, whatever the network does. Leaves out waiting, which is its drivers' matter.

use bytes::Bytes;
use std::collections::VecDeque;

/// A pipe takes another write while it holds fewer bytes than this.
pub const PIPE_BYTES: usize = 256 << 10;

/// The writes that wait in a pipe.
#[derive(Clone, Debug, Default)]
pub struct PipeBuffer {
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
    /// Whether a write can be taken now.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.bytes < PIPE_BYTES || self.is_abandoned
    }

    /// Takes a write, however large. One that no reader is left for is dropped: a session does the same whether its peer has
    /// ended already or is about to.
    pub fn write(&mut self, data: Bytes) {
        if !self.is_abandoned && !data.is_empty() {
            self.bytes += data.len();
            self.writes.push_back(data);
        }
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

    /// At most `len` bytes of the oldest write.
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

    #[test]
    fn a_read_never_joins_two_writes() {
        let mut pipe = PipeBuffer::default();
        pipe.write(Bytes::from_static(b"abc"));
        pipe.write(Bytes::from_static(b"d"));
        assert_eq!(pipe.read(2), PipeRead::Data(Bytes::from_static(b"ab")));
        assert_eq!(pipe.read(9), PipeRead::Data(Bytes::from_static(b"c")));
        assert_eq!(pipe.read(9), PipeRead::Data(Bytes::from_static(b"d")));
        assert_eq!(pipe.read(9), PipeRead::Empty);
    }

    #[test]
    fn the_end_is_found_behind_what_was_written() {
        let mut pipe = PipeBuffer::default();
        pipe.write(Bytes::from_static(b"x"));
        pipe.end(WriterEnd::Died);
        pipe.end(WriterEnd::Exited);
        assert_eq!(pipe.read(1), PipeRead::Data(Bytes::from_static(b"x")));
        assert_eq!(pipe.read(1), PipeRead::End(WriterEnd::Died), "the first end counts");
    }

    #[test]
    fn a_full_pipe_has_room_again_when_nobody_reads_any_more() {
        let mut pipe = PipeBuffer::default();
        pipe.write(Bytes::from(vec![0; PIPE_BYTES]));
        assert!(!pipe.has_room());
        pipe.abandon();
        assert!(pipe.has_room());
        pipe.write(Bytes::from_static(b"x"));
        assert_eq!(pipe.read(1), PipeRead::Empty, "a write without a reader is dropped");
    }

    proptest! {
        #[test]
        fn bytes_come_out_as_they_went_in(
            writes in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..9), 0..20),
            len in 1_usize..12,
        ) {
            let mut pipe = PipeBuffer::default();
            writes.iter().for_each(|write| pipe.write(write.clone().into()));
            pipe.end(WriterEnd::Exited);
            let mut read = Vec::new();
            while let PipeRead::Data(data) = pipe.read(len) {
                prop_assert!((1..=len).contains(&data.len()));
                read.extend_from_slice(&data);
            }
            prop_assert_eq!(read, writes.concat());
            prop_assert_eq!(pipe.bytes, 0);
        }
    }
}
