//! Counts the lines of /dev/input that have a word in them; the word is the job's first argument.

use std::fs::File;
use std::io::{BufRead, BufReader};

fn main() -> std::io::Result<()> {
    let word = std::env::args().nth(1).unwrap_or_default().into_bytes();
    let mut count = 0;
    for line in BufReader::new(File::open("/dev/input")?).split(b'\n') {
        let line = line?;
        if word.is_empty() || line.windows(word.len()).any(|part| part == word) {
            count += 1;
        }
    }
    println!("{count}");
    Ok(())
}
