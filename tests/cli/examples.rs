//! The example jobs over a user's own data, through the whole cluster, against answers that are
//! made here.
//!
//! Leaves out odd input, which the tests of the guests have, and faults, which `.ci/run` runs.

use std::collections::BTreeMap;
use std::path::Path;

use crate::support::{Variant, root};

/// Few objects and runs of a scenario, so that the debug build is quick.
fn smaller(line: &str) -> String {
    match line.split_once('=').map(|(key, _)| key.trim()) {
        Some("count") => "count = 3".to_owned(),
        Some("runs") => "runs = 3".to_owned(),
        _ => line.to_owned(),
    }
}

/// Answers of a scenario's jobs under both policies, if the objects of that pattern are
/// these.
fn answers(scenario: &str, pattern: &str, objects: [&[u8]; 3]) -> Vec<String> {
    let variant = Variant::of(&Path::new(&root()).join("scenarios").join(scenario), smaller);
    let mut words = vec!["--no-faults".to_owned()];
    for (number, object) in objects.into_iter().enumerate() {
        let name = pattern.replace('*', &format!("{:02}", number + 1));
        let file = variant.put(&format!("data-{number}"), object);
        words.extend(["--data".to_owned(), format!("demo/{name}={file}")]);
    }
    let file = variant.path("answers.txt");
    words.extend(["--answers".to_owned(), file.clone()]);
    let said = variant.run(&words.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(said.stdout.contains("all answers equal the reference"), "{said:?}");
    let text = std::fs::read_to_string(file).expect("it was written");
    let answers: Vec<String> = text.lines().map(unescaped).collect();
    assert_eq!(answers.len(), 6, "three jobs under two policies: {text}");
    answers
}

/// The answer of a line, of which the last newline was left out and others are escaped.
fn unescaped(line: &str) -> String {
    let answer = line.rsplit('\t').next().unwrap_or_default();
    answer.replace("\\n", "\n").replace("\\r", "\r") + "\n"
}

#[test]
fn the_filter_answers_with_the_rows_below_its_threshold() {
    let tables = [1_u64, 2, 3].map(|number| {
        let rows = (0..500_u64).map(|id| format!("{id},0.{:03}\n", id * 77 * number % 1_000));
        "id,score\n".to_owned() + &rows.collect::<String>()
    });
    let kept = tables.each_ref().map(|table| {
        let is_kept =
            |line: &&str| line.ends_with("score") || line.contains(",0.0") || line.contains(",0.1");
        table.lines().filter(is_kept).map(|line| format!("{line}\n")).collect::<String>()
    });
    let found = answers("csv.toml", "sales-*.csv", tables.each_ref().map(|table| table.as_bytes()));
    assert_eq!(found, [kept.clone(), kept].concat());
}

#[test]
fn the_word_count_answers_with_the_counts_over_all_texts() {
    let texts = ["the cat and the hat\n", "The hat,\tand\nthe end", "no more of it"];
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    for word in texts.iter().flat_map(|text| text.split_ascii_whitespace()) {
        *counts.entry(word).or_default() += 1;
    }
    let lines = counts.iter().map(|(word, count)| format!("{word} {count}\n"));
    let wanted = lines.collect::<String>();
    let found = answers("wordcount.toml", "text-*.txt", texts.map(str::as_bytes));
    assert_eq!(found, vec![wanted; 6]);
}

#[test]
fn the_sort_answers_with_how_many_records_there_are_and_that_they_are_in_order() {
    let objects = [300_u64, 0, 7].map(|count| {
        let record = |number| format!("{:010}{number:088}\r\n", number * 7_919 % 1_000);
        (0..count).map(record).collect::<String>()
    });
    let mut keys: Vec<&str> =
        objects.iter().flat_map(|object| object.lines()).map(|line| &line[..10]).collect();
    keys.sort_unstable();
    let duplicates = keys.windows(2).filter(|pair| pair[0] == pair[1]).count();
    assert!(duplicates > 0);
    let found =
        answers("sort.toml", "records-*.dat", objects.each_ref().map(|object| object.as_bytes()));
    for answer in found {
        let lines: Vec<&str> = answer.lines().collect();
        assert_eq!(lines.len(), 4, "{answer}");
        assert_eq!((lines[0], lines[3]), ("records 307", "in order"));
        assert_eq!(lines[2], format!("duplicates {duplicates}"));
    }
}
