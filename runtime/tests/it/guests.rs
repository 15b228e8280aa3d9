//! The example jobs against naive counts.

use crate::support::{LINECOUNT, WORDCOUNT, compile, run, text};
use stayput_runtime::outcome::EndReason;

#[test]
fn linecount_counts_the_lines_with_the_word() {
    let module = compile(LINECOUNT);
    let log = "a banana\nbananabanana\napple\nthe last banana";
    let run = run(&module, &["linecount", "banana"], log);
    assert_eq!(run.outcome.end, EndReason::Exited { code: 0 }, "{}", text(&run, "stderr"));
    assert_eq!(text(&run, "stdout"), "3\n");
}

#[test]
fn wordcount_counts_as_wc_does() {
    let module = compile(WORDCOUNT);
    let run = run(&module, &["wordcount"], "one two\n three\tfour \n");
    assert_eq!(run.outcome.end, EndReason::Exited { code: 0 }, "{}", text(&run, "stderr"));
    assert_eq!(text(&run, "stdout"), "2 4 21\n");
}
