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
use rows::{field, unquoted, Rows};

const USAGE: &[u8] = b"usage: csvfilter COLUMN < | <= | > | >= | = | != NUMBER, or csvfilter --keep SHARE\n";

#[derive(Clone, Copy)]
enum Operator {
    Below,
    AtMost,
    Above,
    AtLeast,
    Equal,
    Unequal,
}

#[no_mangle]
extern "C" fn _start() {
    let (column, operator, bound): (&[u8], _, _) = match base::arguments() {
        [_, b"--keep", share] => (b"score", Operator::Below, *share),
        [_, column, operator, bound] => (column, parse_operator(operator), *bound),
        _ => exit(2, USAGE),
    };
    match parse(bound) {
        Some(bound) => filter(column, operator, bound),
        None => exit(2, USAGE),
    }
}

fn parse_operator(word: &[u8]) -> Operator {
    match word {
        b"<" => Operator::Below,
        b"<=" => Operator::AtMost,
        b">" => Operator::Above,
        b">=" => Operator::AtLeast,
        b"=" => Operator::Equal,
        b"!=" => Operator::Unequal,
        _ => exit(2, USAGE),
    }
}

impl Operator {
    #[inline(always)]
    fn holds(self, number: i64, bound: i64) -> bool {
        match self {
            Operator::Below => number < bound,
            Operator::AtMost => number <= bound,
            Operator::Above => number > bound,
            Operator::AtLeast => number >= bound,
            Operator::Equal => number == bound,
            Operator::Unequal => number != bound,
        }
    }
}

fn filter(column: &[u8], operator: Operator, bound: i64) {
    let mut rows = Rows::new(Input::open(b"input"));
    let mut output = Output::open();
    let index = match rows.next() {
        Some(header) => {
            output.push(header);
            match index_of(column, header) {
                Some(index) => index,
                None => fail(&[b"the first row names no column ", column]),
            }
        }
        None => return,
    };
    while let Some(row) = rows.next() {
        let number = field(row, index).and_then(|field| parse(unquoted(field)));
        if number.map_or(false, |number| operator.holds(number, bound)) {
            output.push(row);
        }
    }
    output.flush();
}

fn index_of(column: &[u8], header: &[u8]) -> Option<usize> {
    let mut index = 0;
    while let Some(name) = field(header, index) {
        if unquoted(name) == column {
            return Some(index);
        }
        index += 1;
    }
    None
}
