//! The rows of a CSV text and their fields.

use base::device::{Input, CHUNK_BYTES};
use base::memory::Buffer;
use base::scan::Either;

/// A text, row by row.
pub struct Rows {
    input: Input,
    text: Buffer,
    start: usize,
    is_all_read: bool,
    ends: Either,
}

impl Rows {
    /// Those of `input`.
    pub fn new(input: Input) -> Self {
        let text = Buffer::with_room(CHUNK_BYTES);
        Rows { input, text, start: 0, is_all_read: false, ends: Either::new(b'\n', b'"') }
    }

    /// The next row with its line end, which the last one may lack; none at the end.
    #[inline]
    pub fn next(&mut self) -> Option<&[u8]> {
        loop {
            if let Some(end) = self.end_of_row() {
                let start = self.start;
                self.start = end;
                return Some(&self.text.as_slice()[start..end]);
            }
            if self.is_all_read {
                let start = self.start;
                self.start = self.text.len();
                return if start < self.text.len() {
                    Some(&self.text.as_slice()[start..])
                } else {
                    None
                };
            }
            self.read_on();
        }
    }

    /// Where the row ends that begins at `start`, if it does in what is read.
    #[inline(always)]
    fn end_of_row(&self) -> Option<usize> {
        let text = self.text.as_slice();
        let mut at = self.ends.find(text, self.start)?;
        let mut is_quoted = false;
        // Quotes come in pairs, those within quotes too, so that counting them tells what is text.
        while text[at] == b'"' || is_quoted {
            is_quoted ^= text[at] == b'"';
            at = self.ends.find(text, at + 1)?;
        }
        Some(at + 1)
    }

    #[inline(never)]
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

/// A row's field, with its quotes but without the row's end; none if the row has fewer.
#[inline(always)]
pub fn field(row: &[u8], index: usize) -> Option<&[u8]> {
    let row = match row {
        // The text may have been cut off within its last line end.
        [rest @ .., b'\r', b'\n'] | [rest @ .., b'\n'] | [rest @ .., b'\r'] => rest,
        _ => row,
    };
    let mut start = 0;
    let mut index = index;
    loop {
        let end = end_of_field(row, start);
        if index == 0 {
            return Some(&row[start..end]);
        }
        if end == row.len() {
            return None;
        }
        index -= 1;
        start = end + 1;
    }
}

#[inline(always)]
fn end_of_field(row: &[u8], start: usize) -> usize {
    let mut at = start;
    let mut is_quoted = false;
    while at < row.len() && (row[at] != b',' || is_quoted) {
        is_quoted ^= row[at] == b'"';
        at += 1;
    }
    at
}

/// A field without the quotes around it. Two quotes within it stay two: a number has none.
#[inline]
pub fn unquoted(field: &[u8]) -> &[u8] {
    match field {
        [b'"', inner @ .., b'"'] => inner,
        _ => field,
    }
}
