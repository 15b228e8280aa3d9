//! The rows of a CSV text and their fields.
//!
//! Fuel is paid for a loop's whole body, also for what a pass through it leaves out, so that what is
//! rare stands in functions of its own.

use crate::decimal::parse;
use base::device::{Input, CHUNK_BYTES};
use base::memory::Buffer;
use base::scan::{all_zero_bytes, word_at, Either, ONES};

/// A text, row by row.
pub struct Rows {
    input: Input,
    text: Buffer,
    start: usize,
    is_all_read: bool,
    ends: Either,
}

/// A row with its line end, which the last one may lack.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    /// Its bytes.
    pub text: &'a [u8],
    has_quotes: bool,
}

impl Rows {
    /// Those of `input`.
    pub fn new(input: Input) -> Self {
        let text = Buffer::with_room(CHUNK_BYTES);
        Rows { input, text, start: 0, is_all_read: false, ends: Either::new(b'\n', b'"') }
    }

    /// The next row; none at the end.
    #[inline(always)]
    pub fn next(&mut self) -> Option<Row<'_>> {
        let end = self.ends.find(self.text.as_slice(), self.start);
        match end.filter(|end| self.text.as_slice()[*end] == b'\n') {
            Some(end) => {
                let start = core::mem::replace(&mut self.start, end + 1);
                // The search began at the start and found the end within the text.
                let text = unsafe { self.text.as_slice().get_unchecked(start..end + 1) };
                Some(Row { text, has_quotes: false })
            }
            None => self.next_slowly(),
        }
    }

    #[inline(never)]
    fn next_slowly(&mut self) -> Option<Row<'_>> {
        let (end, has_quotes) = loop {
            match self.end_of_row() {
                (Some(end), has_quotes) => break (end, has_quotes),
                (None, has_quotes) if self.is_all_read => break (self.text.len(), has_quotes),
                _ => self.read_on(),
            }
        };
        let start = core::mem::replace(&mut self.start, end);
        if start < end {
            Some(Row { text: &self.text.as_slice()[start..end], has_quotes })
        } else {
            None
        }
    }

    /// Where the row ends that begins at `start`, if it does in what is read, and whether there are
    /// quotes before.
    fn end_of_row(&self) -> (Option<usize>, bool) {
        let text = self.text.as_slice();
        let mut at = self.start;
        // Quotes come in pairs, those within quotes too, so that counting them tells what is text.
        let (mut is_quoted, mut has_quotes) = (false, false);
        while let Some(found) = self.ends.find(text, at) {
            at = found + 1;
            if text[found] == b'"' {
                has_quotes = true;
                is_quoted = !is_quoted;
            } else if !is_quoted {
                return (Some(at), has_quotes);
            }
        }
        (None, has_quotes)
    }

    fn read_on(&mut self) {
        self.text.drop_front(self.start);
        self.start = 0;
        // A row that fills the buffer makes it grow.
        let wanted = if self.text.len() < CHUNK_BYTES / 2 { 1 } else { self.text.len() };
        let spare = self.text.spare(wanted);
        let len = self.input.read(spare);
        self.text.added(len);
        self.is_all_read = len == 0;
    }
}

impl<'a> Row<'a> {
    /// The number that its field of that index is; none if that is no number, or not there.
    #[inline(always)]
    pub fn number(self, index: usize) -> Option<i64> {
        if self.has_quotes {
            return number_in_quotes(self.text, index);
        }
        let start = if index == 0 { 0 } else { behind_comma(self.text, index)? };
        let field = unsafe { self.text.get_unchecked(start..) };
        let (number, len) = parse(field)?;
        match field.get(len) {
            None | Some(b',' | b'\n' | b'\r') => Some(number),
            _ => None,
        }
    }
}

#[inline(never)]
fn number_in_quotes(row: &[u8], index: usize) -> Option<i64> {
    let field = field(row, index)?;
    parse(field).filter(|(_, len)| *len == field.len()).map(|(number, _)| number)
}

/// Where the field begins that has so many commas before it.
#[inline(never)]
fn behind_comma(text: &[u8], mut count: usize) -> Option<usize> {
    let mut at = 0;
    while at + 8 <= text.len() {
        let word = unsafe { word_at(text.as_ptr().add(at)) };
        let mut marks = all_zero_bytes(word ^ (u64::from(b',') * ONES));
        let found = marks.count_ones() as usize;
        if found >= count {
            while count > 1 {
                marks &= marks - 1;
                count -= 1;
            }
            return Some(at + marks.trailing_zeros() as usize / 8 + 1);
        }
        count -= found;
        at += 8;
    }
    while at < text.len() {
        count -= usize::from(text[at] == b',');
        at += 1;
        if count == 0 {
            return Some(at);
        }
    }
    None
}

/// A row's field of that index, without the quotes around it; none if it has fewer. Two quotes within
/// it stay two: a number has none.
pub fn field(row: &[u8], mut index: usize) -> Option<&[u8]> {
    let row = match row {
        // The text may have been cut off within its last line end.
        [rest @ .., b'\r', b'\n'] | [rest @ .., b'\n'] | [rest @ .., b'\r'] => rest,
        _ => row,
    };
    let (mut start, mut is_quoted) = (0, false);
    for at in 0..=row.len() {
        match row.get(at) {
            Some(b'"') => is_quoted = !is_quoted,
            Some(b',') | None if at == row.len() || !is_quoted => {
                if index == 0 {
                    let field = &row[start..at];
                    return match field {
                        [b'"', inner @ .., b'"'] => Some(inner),
                        _ => Some(field),
                    };
                }
                index -= 1;
                start = at + 1;
            }
            _ => {}
        }
    }
    None
}
