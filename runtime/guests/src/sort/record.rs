//! Records and their hash.

use base::device::Input;
use base::fail;
use base::memory;
use base::scan::word_at;

/// A record has so many bytes.
pub const RECORD_BYTES: usize = 100;
/// Its key are the first of them.
pub const KEY_BYTES: usize = 10;
/// Records that are read at once.
const CHUNK_RECORDS: usize = 2_500;

/// A key.
pub type Key = [u8; KEY_BYTES];

/// The key of a record.
#[inline]
pub fn key(record: &[u8]) -> Key {
    let mut key = [0; KEY_BYTES];
    key.copy_from_slice(&record[..KEY_BYTES]);
    key
}

/// The first eight bytes as a number that compares as they do.
#[inline(always)]
pub fn prefix(bytes: &[u8]) -> u64 {
    debug_assert!(bytes.len() >= 8);
    unsafe { word_at(bytes.as_ptr()) }.swap_bytes()
}

/// A hash of all bytes: each of the record's words of eight bytes, and the last one of four, is
/// XORed in, then the hash is multiplied and turned. Any single change of a record changes it.
#[inline(always)]
pub fn hash(record: &[u8]) -> u64 {
    const TURN: usize = 32;
    debug_assert!(record.len() == RECORD_BYTES);
    let mut hash = 0;
    let mut at = 0;
    while at < RECORD_BYTES - 4 {
        let word = |more: usize| unsafe { word_at(record.as_ptr().add(at + more)) };
        hash = mixed(mixed(mixed(mixed(hash, word(0)), word(8)), word(16)), word(24));
        at += TURN;
    }
    let last = unsafe { (record.as_ptr().add(at) as *const u32).read_unaligned() };
    mixed(hash, u64::from(last))
}

#[inline(always)]
fn mixed(hash: u64, word: u64) -> u64 {
    (hash ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29)
}

/// The records of a device, many at a time.
pub struct Records {
    input: Input,
    chunk: &'static mut [u8],
}

impl Records {
    /// Those of `input`.
    pub fn new(input: Input) -> Self {
        Records { input, chunk: memory::bytes(CHUNK_RECORDS * RECORD_BYTES) }
    }

    /// The next ones; none at the end.
    pub fn next(&mut self) -> Option<&[u8]> {
        match self.input.read_full(self.chunk) {
            0 => None,
            len if len % RECORD_BYTES == 0 => Some(&self.chunk[..len]),
            _ => fail(&[b"/dev/input ends in the middle of a record of 100 bytes"]),
        }
    }
}
