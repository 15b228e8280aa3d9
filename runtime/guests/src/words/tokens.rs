//! The words of a device, counted chunk by chunk.
//!
//! Words are looked for eight bytes at a time. Most have fewer bytes, so that they are read, hashed
//! and compared as one number.

use crate::table::{folded, hash_of_key, hash_on, Table, KEY_BYTES};
use base::device::{Input, CHUNK_BYTES};
use base::memory::Buffer;
use base::scan::{bytes_below, word_at};

/// Behind the text lies white space, so that every search ends there, and may be read beyond.
const MARGIN: [u8; 2 * KEY_BYTES] = [b' '; 2 * KEY_BYTES];
const SPACE_MAX: u8 = b' ';

/// A device, and the beginning of a word whose end is not read yet.
pub struct Tokens {
    input: Input,
    text: Buffer,
}

impl Tokens {
    /// The words of `input`.
    pub fn new(input: Input) -> Self {
        Tokens { input, text: Buffer::with_room(CHUNK_BYTES + MARGIN.len()) }
    }

    /// Reads on and counts the words that end in it; false if there is no more.
    pub fn count_chunk(&mut self, table: &mut Table) -> bool {
        // A word that fills the buffer makes it grow, each time by as much as there is of it.
        let wanted = MARGIN.len() + if self.text.len() < CHUNK_BYTES / 2 { 1 } else { self.text.len() };
        let spare = self.text.spare(wanted);
        let most = spare.len() - MARGIN.len();
        let len = self.input.read(&mut spare[..most]);
        spare[len..len + MARGIN.len()].copy_from_slice(&MARGIN);
        self.text.added(len);
        let text = self.text.as_slice();
        let unfinished = unsafe { count(text, table) };
        if len == 0 {
            if unfinished < text.len() {
                table.add(&text[unfinished..], 1);
            }
            return false;
        }
        self.text.drop_front(unfinished);
        true
    }
}

#[inline(always)]
fn is_space(byte: u8) -> bool {
    byte == b' ' || byte.wrapping_sub(b'\t') < 5
}

/// Counts the words that end within `text`; says where the last one begins if it may go on.
///
/// Fuel is paid for a loop's whole body, also for what a pass through it leaves out, so that what is
/// rare stands in functions of its own.
///
/// # Safety
/// [`MARGIN`] lies behind `text`.
#[inline(never)]
unsafe fn count(text: &[u8], table: &mut Table) -> usize {
    let base = text.as_ptr();
    let most = text.len();
    let mut at = 0;
    while at < most {
        let word = word_at(base.add(at));
        let marks = bytes_below(word, SPACE_MAX + 1);
        // Behind the last byte if there is no mark, and the word is odd then.
        let bits = marks.trailing_zeros() & !7;
        let end = at + bits as usize / 8;
        if bits.wrapping_sub(8) < 56 && end < most && is_space(*base.add(end)) {
            // A mark is in the highest bit of its byte, so that below it are whole bytes.
            table.add_short(word & !(u64::MAX << bits), bits as usize / 8, 1);
            at = end + 1;
            continue;
        }
        if is_space(word as u8) {
            at += 1;
            continue;
        }
        let end = at + odd_word(base.add(at), most - at, table);
        if end >= most {
            return at;
        }
        at = end + 1;
    }
    most
}

/// Counts a word that has eight bytes or more, or a control character in it, or is the last one, unless
/// it may go on. Says how long it is.
#[inline(never)]
unsafe fn odd_word(word: *const u8, most: usize, table: &mut Table) -> usize {
    let key = word_at(word);
    let mut hash = 0;
    let mut len = 0;
    loop {
        let piece = word_at(word.add(len));
        let marks = bytes_below(piece, SPACE_MAX + 1);
        if marks == 0 {
            hash = if len == 0 { hash_of_key(key) } else { hash_on(hash, piece) };
            len += KEY_BYTES;
            continue;
        }
        let bits = marks.trailing_zeros() & !7;
        let end = len + bits as usize / 8;
        if !is_space(*word.add(end)) {
            return word_with_controls(word, end, most, table);
        }
        if end < most {
            let word = core::slice::from_raw_parts(word, end);
            match end - len {
                _ if end <= KEY_BYTES => table.add(word, 1),
                0 => table.add_long(word, key, folded(hash), 1),
                _ => {
                    let last = piece & !(u64::MAX << bits);
                    table.add_long(word, key, folded(hash_on(hash, last)), 1);
                }
            }
        }
        return end;
    }
}

/// The same for a word that has a control character at `at`.
#[inline(never)]
unsafe fn word_with_controls(word: *const u8, at: usize, most: usize, table: &mut Table) -> usize {
    let mut end = at;
    while !is_space(*word.add(end)) {
        end += 1;
    }
    if end < most {
        table.add(core::slice::from_raw_parts(word, end), 1);
    }
    end
}
