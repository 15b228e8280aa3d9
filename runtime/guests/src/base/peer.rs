//! Connections between the sessions of a job.
//!
//! What one side sends comes in frames: a length of four bytes, then so many bytes; a length of
//! zero says that all was sent. A stream that stops without it came from a session that failed,
//! whatever its connection looks like, and its reader fails as well instead of giving half an answer.

use crate::device::{names_in, Input};
use crate::memory::{self, Buffer};
use crate::wasi::{self, Access};
use crate::{fail, write_all};

/// A frame with its length. Some of them fit into what a connection holds.
const FRAME_BYTES: usize = 64 * 1024;
const LENGTH_BYTES: usize = 4;

/// The names of the sessions that this one writes to, as `names_in` orders them.
pub fn targets() -> &'static [&'static [u8]] {
    names_in(b"out")
}

/// The names of the sessions that this one reads from, as `names_in` orders them.
pub fn sources() -> &'static [&'static [u8]] {
    names_in(b"in")
}

fn device_name(directory: &[u8], peer: &[u8]) -> &'static [u8] {
    let name = memory::bytes(directory.len() + peer.len());
    name[..directory.len()].copy_from_slice(directory);
    name[directory.len()..].copy_from_slice(peer);
    name
}

/// The sending side.
pub struct Sender {
    name: &'static [u8],
    fd: u32,
    frame: &'static mut [u8],
    len: usize,
}

impl Sender {
    /// Opens the connection to `peer`, or ends the program.
    pub fn open(peer: &[u8]) -> Self {
        let name = device_name(b"out/", peer);
        match wasi::open(name, Access::Write) {
            Some(fd) => {
                Sender { name, fd, frame: memory::bytes(FRAME_BYTES), len: LENGTH_BYTES }
            }
            None => fail(&[b"cannot open /dev/", name]),
        }
    }

    /// Sends `bytes`, now or later.
    #[inline]
    pub fn push(&mut self, bytes: &[u8]) {
        if bytes.len() > FRAME_BYTES - self.len {
            return self.push_in_parts(bytes);
        }
        self.frame[self.len..self.len + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
    }

    /// The same, for what may be large.
    #[inline(never)]
    pub fn push_in_parts(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.len == FRAME_BYTES {
                self.flush();
            }
            let part = bytes.len().min(FRAME_BYTES - self.len);
            self.frame[self.len..self.len + part].copy_from_slice(&bytes[..part]);
            self.len += part;
            bytes = &bytes[part..];
        }
    }

    /// Sends what waits.
    pub fn flush(&mut self) {
        let payload = self.len - LENGTH_BYTES;
        if payload > 0 {
            self.frame[..LENGTH_BYTES].copy_from_slice(&(payload as u32).to_le_bytes());
            self.write(&self.frame[..self.len]);
            self.len = LENGTH_BYTES;
        }
    }

    /// Sends what waits, and that it was all.
    pub fn finish(&mut self) {
        self.flush();
        self.write(&[0; LENGTH_BYTES]);
    }

    fn write(&self, bytes: &[u8]) {
        if !write_all(self.fd, bytes) {
            fail(&[b"cannot write to /dev/", self.name, b": the other side is gone"]);
        }
    }
}

/// The receiving side.
pub struct Receiver {
    name: &'static [u8],
    input: Input,
    waiting: Buffer,
    /// How much of what waits is taken already.
    taken: usize,
    left_in_frame: usize,
    is_done: bool,
}

impl Receiver {
    /// Opens the connection from `peer`, or ends the program.
    pub fn open(peer: &[u8]) -> Self {
        let name = device_name(b"in/", peer);
        Receiver {
            name,
            input: Input::open(name),
            waiting: Buffer::with_room(FRAME_BYTES),
            taken: 0,
            left_in_frame: 0,
            is_done: false,
        }
    }

    /// The next `len` bytes, which stay; none if all was sent and taken before. Ends the program if
    /// there are some and not enough.
    #[inline]
    pub fn peek(&mut self, len: usize) -> Option<&[u8]> {
        if self.waiting.len() - self.taken < len && !self.fetch(len) {
            return None;
        }
        Some(&self.waiting.as_slice()[self.taken..self.taken + len])
    }

    /// What was received and not taken, as far as it is here.
    #[inline]
    pub fn waiting(&self) -> &[u8] {
        &self.waiting.as_slice()[self.taken..]
    }

    /// Takes bytes that were seen.
    #[inline]
    pub fn take(&mut self, len: usize) {
        self.taken += len;
        debug_assert!(self.taken <= self.waiting.len());
    }

    /// Whatever comes next, to be taken as a whole; none if all was taken.
    pub fn next_part(&mut self) -> Option<&[u8]> {
        let waiting = (self.waiting.len() - self.taken).max(1);
        self.peek(waiting)?;
        let start = self.taken;
        self.taken = self.waiting.len();
        Some(&self.waiting.as_slice()[start..])
    }

    #[inline(never)]
    fn fetch(&mut self, len: usize) -> bool {
        self.waiting.drop_front(self.taken);
        self.taken = 0;
        while self.waiting.len() < len {
            if !self.receive(len) {
                if self.waiting.is_empty() {
                    return false;
                }
                fail(&[b"/dev/", self.name, b" ends in the middle of something"]);
            }
        }
        true
    }

    /// Gets some bytes more; false if all was sent.
    fn receive(&mut self, wanted: usize) -> bool {
        if self.left_in_frame == 0 {
            if self.is_done {
                return false;
            }
            let mut length = [0; LENGTH_BYTES];
            if self.input.read_full(&mut length) < LENGTH_BYTES {
                fail(&[b"/dev/", self.name, b" stops before its end: the other side has failed"]);
            }
            self.left_in_frame = u32::from_le_bytes(length) as usize;
            self.is_done = self.left_in_frame == 0;
            if self.is_done {
                return false;
            }
        }
        let more = wanted.saturating_sub(self.waiting.len()).max(1);
        let spare = self.waiting.spare(more);
        let most = spare.len().min(self.left_in_frame);
        let len = self.input.read(&mut spare[..most]);
        if len == 0 {
            fail(&[b"/dev/", self.name, b" stops before its end: the other side has failed"]);
        }
        self.waiting.added(len);
        self.left_in_frame -= len;
        true
    }
}
