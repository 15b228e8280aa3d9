//! Passes the rows of a CSV text on whose column compares as asked:
//!
//!     csvfilter COLUMN OPERATOR NUMBER       such as: csvfilter score < 0.2
//!     csvfilter --keep SHARE                 the same as: csvfilter score < SHARE
//!
//! The operators are `<`, `<=`, `>`, `>=`, `=` and `!=`. The text is `/dev/input`, its first row names
//! the columns and is passed on; the result goes to `/dev/output` if there is one, else to the standard
//! output, with every row's bytes as they were. Fields and rows are those of RFC 4180: within double
//! quotes commas and line ends are text, and two quotes are one. A row ends at a newline, with or
//! without a carriage return before it. A row whose field is missing or no number is not passed on.
//! Numbers are decimal: a sign, up to nine digits, a point and up to nine more.
//!
//! Left out: several conditions, choosing columns, other separators.

#![no_std]
#![no_main]

mod decimal;
mod rows;

use base::device::{Input, Output};
use base::{exit, fail};
use decimal::parse;
use rows::{field, Row, Rows};

const USAGE: &[u8] = b"usage: csvfilter COLUMN < | <= | > | >= | = | != NUMBER, or csvfilter --keep SHARE\n";

/// Which outcomes of a comparison are asked for: below in bit 0, equal in bit 1, above in bit 2.
#[derive(Clone, Copy)]
struct Operator(u32);

#[no_mangle]
extern "C" fn _start() {
    let (column, operator, bound): (&[u8], _, _) = match base::arguments() {
        [_, b"--keep", share] => (b"score", Operator::parse(b"<"), *share),
        [_, column, operator, bound] => (column, Operator::parse(operator), *bound),
        _ => exit(2, USAGE),
    };
    match parse(bound) {
        Some((number, len)) if len == bound.len() => filter(column, operator, number),
        _ => exit(2, USAGE),
    }
}

impl Operator {
    fn parse(word: &[u8]) -> Self {
        Operator(match word {
            b"<" => 0b001,
            b"<=" => 0b011,
            b">" => 0b100,
            b">=" => 0b110,
            b"=" => 0b010,
            b"!=" => 0b101,
            _ => exit(2, USAGE),
        })
    }

    #[inline(always)]
    fn holds(self, number: i64, bound: i64) -> bool {
        let outcome = u32::from(number >= bound) + u32::from(number > bound);
        self.0 >> outcome & 1 != 0
    }
}

#[inline(never)]
fn filter(column: &[u8], operator: Operator, bound: i64) {
    let mut rows = Rows::new(Input::open(b"input"));
    let mut output = Output::open();
    let index = match rows.next() {
        Some(header) => {
            output.push(header.text);
            index_of(column, header)
        }
        None => return,
    };
    while let Some(row) = rows.next() {
        if row.number(index).map_or(false, |number| operator.holds(number, bound)) {
            output.push(row.text);
        }
    }
    output.flush();
}

fn index_of(column: &[u8], header: Row) -> usize {
    let mut index = 0;
    while let Some(name) = field(header.text, index) {
        if name == column {
            return index;
        }
        index += 1;
    }
    fail(&[b"the first row names no column ", column])
}
