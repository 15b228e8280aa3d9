//! The devices of a session, opened by name.

use crate::memory::{self, Buffer};
use crate::order::sort;
use crate::wasi::{self, Access};
use crate::{fail, write_all};
use core::cmp::Ordering;

/// How much is read or written at once.
pub const CHUNK_BYTES: usize = 256 * 1024;

/// A readable device, or one side of a connection.
pub struct Input {
    name: &'static [u8],
    fd: u32,
}

impl Input {
    /// Opens `/dev/<name>`, or ends the program.
    pub fn open(name: &'static [u8]) -> Self {
        match wasi::open(name, Access::Read) {
            Some(fd) => Input { name, fd },
            None => fail(&[b"cannot open /dev/", name, b": the job has no such device"]),
        }
    }

    /// How many bytes it has, as far as is known in advance.
    pub fn size(&self) -> u64 {
        match wasi::size(self.fd) {
            Some(size) => size,
            None => fail(&[b"cannot tell the size of /dev/", self.name]),
        }
    }

    /// Fills `buffer` from its start with what there is, at least a byte; 0 at the end.
    pub fn read(&mut self, buffer: &mut [u8]) -> usize {
        match wasi::read(self.fd, buffer, None) {
            Some(len) => len,
            None => fail(&[b"cannot read /dev/", self.name]),
        }
    }

    /// Fills the whole of `buffer` unless the device ends before; how far it came.
    pub fn read_full(&mut self, buffer: &mut [u8]) -> usize {
        let mut done = 0;
        while done < buffer.len() {
            match self.read(&mut buffer[done..]) {
                0 => break,
                len => done += len,
            }
        }
        done
    }

    /// Fills the whole of `buffer` from a place in the device, or ends the program.
    pub fn read_at(&self, buffer: &mut [u8], at: u64) {
        let mut done = 0;
        while done < buffer.len() {
            match wasi::read(self.fd, &mut buffer[done..], Some(at + done as u64)) {
                None | Some(0) => fail(&[b"cannot read within /dev/", self.name]),
                Some(len) => done += len,
            }
        }
    }
}

/// A writable device, whose bytes are gathered into large writes.
pub struct Output {
    name: &'static [u8],
    fd: u32,
    waiting: Buffer,
}

impl Output {
    /// `/dev/output` if the job has it, else the standard output.
    pub fn open() -> Self {
        let (name, fd): (&'static [u8], u32) = match wasi::open(b"output", Access::Write) {
            Some(fd) => (b"output", fd),
            None => (b"stdout", 1),
        };
        Output { name, fd, waiting: Buffer::with_room(CHUNK_BYTES) }
    }

    /// Writes `text`, now or later.
    #[inline]
    pub fn push(&mut self, text: &[u8]) {
        if text.len() > self.waiting.room() - self.waiting.len() {
            self.push_the_last(text);
        } else {
            self.waiting.push_within_room(text);
        }
    }

    #[inline(never)]
    fn push_the_last(&mut self, text: &[u8]) {
        self.flush();
        if text.len() >= self.waiting.room() {
            self.write(text);
        } else {
            self.waiting.push_within_room(text);
        }
    }

    /// Writes what waits.
    pub fn flush(&mut self) {
        self.write(self.waiting.as_slice());
        self.waiting.truncate(0);
    }

    fn write(&self, text: &[u8]) {
        if !write_all(self.fd, text) {
            fail(&[b"cannot write to /dev/", self.name]);
        }
    }
}

/// What lies in `/dev/<directory>`, shorter names first: so `a-2` comes before `a-10`. Nothing if
/// there is no such directory.
pub(crate) fn names_in(directory: &[u8]) -> &'static [&'static [u8]] {
    const HEAD_BYTES: usize = 24;
    let fd = match wasi::open(directory, Access::List) {
        Some(fd) => fd,
        None => return &[],
    };
    let page = memory::bytes(16 * 1024);
    let mut names: &'static mut [&'static [u8]] = &mut [];
    let mut count = 0;
    let mut cookie = 0;
    loop {
        let len = match wasi::list(fd, page, cookie) {
            Some(len) => len,
            None => fail(&[b"cannot list /dev/", directory]),
        };
        let mut at = 0;
        while at + HEAD_BYTES <= len {
            let number = |from: usize| {
                let mut bytes = [0; 4];
                bytes.copy_from_slice(&page[from..from + 4]);
                u32::from_le_bytes(bytes)
            };
            let name_at = at + HEAD_BYTES;
            let name_end = name_at + number(at + 16) as usize;
            if name_end > len {
                break;
            }
            cookie = u64::from(number(at));
            let name = &page[name_at..name_end];
            if name != b"." && name != b".." {
                let kept = memory::bytes(name.len());
                kept.copy_from_slice(name);
                if count == names.len() {
                    let larger = memory::array(names.len() * 2 + 16, &[] as &[u8]);
                    larger[..count].copy_from_slice(names);
                    names = larger;
                }
                names[count] = kept;
                count += 1;
            }
            at = name_end;
        }
        if len < page.len() {
            break;
        }
    }
    let names = &mut names[..count];
    sort(names, |a, b| a.len().cmp(&b.len()).then_with(|| a.cmp(b)) == Ordering::Less);
    names
}
