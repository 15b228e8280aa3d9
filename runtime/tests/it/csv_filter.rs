//! The filter of CSV rows, against filters that are made in other ways.

use crate::driver::Draws;
use crate::support::{CSVFILTER, compile, piped, run, text};
use proptest::prelude::*;
use stayput_runtime::engine::Module;
use stayput_runtime::outcome::EndReason;
use std::cmp::Ordering;
use std::sync::LazyLock;

static MODULE: LazyLock<Module> = LazyLock::new(|| compile(CSVFILTER));

fn filtered(args: &[&str], input: &[u8]) -> Vec<u8> {
    let args = [&["csvfilter"], args].concat();
    let run = run(&MODULE, &args, input.to_vec());
    assert_eq!(run.outcome.end, EndReason::Exited { code: 0 }, "{}", text(&run, "stderr"));
    run.outputs["output"].to_vec()
}

fn refused(args: &[&str], input: &str) -> (u32, String) {
    let args = [&["csvfilter"], args].concat();
    let run = run(&MODULE, &args, input.to_owned());
    let EndReason::Exited { code } = run.outcome.end else { panic!("{:?}", run.outcome) };
    (code, text(&run, "stderr"))
}

/// The rows of a text and their fields, byte by byte; a row keeps its bytes.
fn naive_rows(input: &[u8]) -> Vec<(&[u8], Vec<Vec<u8>>)> {
    let mut rows = Vec::new();
    let (mut start, mut quoted) = (0, false);
    let mut fields = vec![Vec::new()];
    for (at, byte) in input.iter().enumerate() {
        match byte {
            b'"' => {
                quoted = !quoted;
                // One that follows another is text.
                if quoted && at > 0 && input[at - 1] == b'"' {
                    fields.last_mut().unwrap().push(b'"');
                }
            }
            b',' if !quoted => fields.push(Vec::new()),
            b'\n' if !quoted => {
                rows.push((&input[start..=at], std::mem::replace(&mut fields, vec![Vec::new()])));
                start = at + 1;
            }
            b'\r' if !quoted => {}
            byte => fields.last_mut().unwrap().push(*byte),
        }
    }
    if start < input.len() {
        rows.push((&input[start..], fields));
    }
    rows
}

/// A number in thousand-millionths, by way of text.
fn naive_number(field: &[u8]) -> Option<i128> {
    let text = std::str::from_utf8(field).ok()?;
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |text: &str| text.len() <= 9 && text.bytes().all(|byte| byte.is_ascii_digit());
    if !all_digits(whole) || !all_digits(part) || whole.len() + part.len() == 0 {
        return None;
    }
    let number: i128 = format!("0{whole}{part:0<9}").parse().ok()?;
    Some(if text.starts_with('-') { -number } else { number })
}

fn naive(column: &str, operator: &str, bound: &str, input: &[u8]) -> Vec<u8> {
    let rows = naive_rows(input);
    let Some((header, names)) = rows.first() else { return Vec::new() };
    let index = names.iter().position(|name| name == column.as_bytes()).unwrap();
    let bound = naive_number(bound.as_bytes()).unwrap();
    let holds = |field: &Vec<u8>| {
        let order = naive_number(field)?.cmp(&bound);
        Some(match operator {
            "<" => order == Ordering::Less,
            "<=" => order != Ordering::Greater,
            ">" => order == Ordering::Greater,
            ">=" => order != Ordering::Less,
            "=" => order == Ordering::Equal,
            _ => order != Ordering::Equal,
        })
    };
    let kept =
        rows[1..].iter().filter(|(_, fields)| fields.get(index).and_then(holds) == Some(true));
    [&[*header][..], &kept.map(|(row, _)| *row).collect::<Vec<_>>()].concat().concat()
}

#[test]
fn rows_whose_column_compares_are_passed_on_as_they_are() {
    let table = "id,score\r\n1,0.5\n2,\"0.25\"\r\n3,-1\n4,\n5,x\n6\n7,0.250000000,more\n8,1";
    let kept = |args: &[&str]| String::from_utf8(filtered(args, table.as_bytes())).unwrap();
    assert_eq!(kept(&["--keep", "0.3"]), "id,score\r\n2,\"0.25\"\r\n3,-1\n7,0.250000000,more\n");
    assert_eq!(kept(&["score", "=", "0.25"]), "id,score\r\n2,\"0.25\"\r\n7,0.250000000,more\n");
    assert_eq!(kept(&["score", ">=", "0.5"]), "id,score\r\n1,0.5\n8,1");
    assert_eq!(kept(&["id", ">", "6"]), "id,score\r\n7,0.250000000,more\n8,1");
}

#[test]
fn line_ends_and_commas_within_quotes_are_text() {
    let table = "name,\"n\"\n\"a,\nb\",3\n\"say \"\"no,\n4\"\"\",5\n\"\",3\n";
    let wanted = "name,\"n\"\n\"a,\nb\",3\n\"\",3\n";
    assert_eq!(filtered(&["n", "<", "4"], table.as_bytes()), wanted.as_bytes());
}

#[test]
fn an_empty_text_gives_an_empty_one() {
    assert_eq!(filtered(&["--keep", "1"], b""), b"");
    assert_eq!(filtered(&["--keep", "1"], b"score"), b"score");
}

#[test]
fn a_row_may_be_larger_than_every_buffer() {
    let long = "x".repeat(700_000);
    let table = format!("score,text\n1,{long}\n0,\"{long}\n\n{long}\"\n0,b\n1,\n");
    let wanted = format!("score,text\n0,\"{long}\n\n{long}\"\n0,b\n");
    assert!(filtered(&["--keep", "0.5"], table.as_bytes()) == wanted.as_bytes());
}

#[test]
fn bad_arguments_and_a_missing_column_are_refused() {
    for args in
        [&["--keep"][..], &["--keep", "much"], &["score", "~", "1"], &["score", "<", "1e3"], &[]]
    {
        let (code, said) = refused(args, "score\n1\n");
        assert_eq!(code, 2, "{args:?}");
        assert!(said.starts_with("usage: csvfilter"), "{said}");
    }
    let (code, said) = refused(&["price", "<", "1"], "id,score\n1,2\n");
    assert_eq!((code, said.as_str()), (1, "the first row names no column price\n"));
}

/// Fields of which many are numbers near each other.
fn field() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => "-?[0-2](\\.[0-9]{0,3})?",
        1 => "[+-]?[0-9]{0,11}\\.?[0-9]{0,11}",
        1 => "[a-z .-]{0,6}",
        1 => "\"[a-c,\n]{0,5}\"",
        1 => "\"(\"\"|[0-9]|,|\r|\n){0,8}\"",
        1 => "[a-z]{30,300}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_rows_are_filtered_as_naively(
        rows in prop::collection::vec((prop::collection::vec(field(), 1..5), "\r?\n"), 0..40),
        column in 0_usize..3,
        operator in prop::sample::select(&["<", "<=", ">", ">=", "=", "!="][..]),
        bound in "-?[0-2](\\.[0-9]{1,2})?",
        cut in 0_usize..2,
    ) {
        let rows = rows.iter().map(|(fields, end)| format!("{}{end}", fields.join(",")));
        let mut table = format!("a,b,\"c\"\n{}", rows.collect::<String>());
        if table.ends_with('\n') && cut == 1 {
            table.pop();
        }
        let column = ["a", "b", "c"][column];
        let found = filtered(&[column, operator, &bound], table.as_bytes());
        let wanted = naive(column, operator, &bound, table.as_bytes());
        prop_assert_eq!(String::from_utf8_lossy(&found), String::from_utf8_lossy(&wanted));
    }
}

const PYTHON_FILTER: &str = "
import csv, decimal, io, sys
text = io.TextIOWrapper(sys.stdin.buffer, encoding='utf-8', newline='')
rows = csv.reader(text)
out = csv.writer(sys.stdout, lineterminator='\\n')
header = next(rows)
out.writerow(header)
for row in rows:
    try:
        if decimal.Decimal(row[header.index('score')]) < decimal.Decimal(sys.argv[1]):
            out.writerow(row)
    except (decimal.InvalidOperation, IndexError):
        pass
";

#[test]
#[ignore = "needs Python 3"]
fn rows_are_filtered_as_python_filters_them() {
    let mut draws = Draws(5);
    let mut table = "id,score,\"remark, or none\"\n".to_owned();
    for id in 0..50_000 {
        let score = draws.below(1_000_000);
        let remark =
            ["", "fine", "\"so, so\"", "\"two\nlines\"", "\"he said \"\"no\"\"\""][draws.below(5)];
        // Some rows without a score, or with a word for one.
        match draws.below(50) {
            0 => table.push_str(&format!("{id}\n")),
            1 => table.push_str(&format!("{id},none,{remark}\n")),
            _ => table.push_str(&format!("{id},0.{score:06},{remark}\n")),
        }
    }
    for share in ["0.2", "0.00001", "1", "0.777777"] {
        let found = filtered(&["--keep", share], table.as_bytes());
        let wanted = piped(&["python3", "-c", PYTHON_FILTER, share], table.as_bytes());
        assert!(found == wanted, "{share}: they differ");
    }
}
