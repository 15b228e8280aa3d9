//! Prints the lines, words and bytes of `/dev/input`, as `wc` does.
//!
//! It is written with the standard library, as a user's job would be.

use std::fs::File;
use std::io::{self, Read};
use std::process::ExitCode;

const CHUNK_BYTES: usize = 256 * 1024;

fn main() -> ExitCode {
    match count() {
        Ok((lines, words, bytes)) => {
            println!("{} {} {}", lines, words, bytes);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("cannot count /dev/input: {}", error);
            ExitCode::FAILURE
        }
    }
}

fn count() -> io::Result<(u64, u64, u64)> {
    let mut input = File::open("/dev/input")?;
    let mut buffer = vec![0; CHUNK_BYTES];
    let (mut lines, mut words, mut bytes) = (0, 0, 0);
    let mut in_word = false;
    loop {
        let len = input.read(&mut buffer)?;
        if len == 0 {
            return Ok((lines, words, bytes));
        }
        bytes += len as u64;
        for &byte in &buffer[..len] {
            // The white space of C's `isspace`: a vertical tab counts, unlike in Rust.
            let space = matches!(byte, b' ' | 9..=13);
            lines += u64::from(byte == b'\n');
            words += u64::from(!space && !in_word);
            in_word = !space;
        }
    }
}
