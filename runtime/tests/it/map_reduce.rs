//! The counts of words by map-reduce, against counts that are made in other ways.

use crate::driver::{Draws, Node, group, run, run_well};
use crate::support::{WORDS, compile, piped};
use bytes::Bytes;
use proptest::prelude::*;
use stayput_runtime::engine::Module;
use stayput_runtime::outcome::EndReason;
use std::collections::BTreeMap;
use std::sync::LazyLock;

static MODULE: LazyLock<Module> = LazyLock::new(|| compile(WORDS));

fn nodes(texts: &[Bytes], reducers: usize) -> Vec<Node> {
    let reducers = group("reducer", reducers);
    let mappers = group("mapper", texts.len()).into_iter().zip(texts).map(|(name, text)| {
        Node::new(&name, &MODULE, "map").reading(text.clone()).writing_to(&reducers)
    });
    let manager = Node::new("manager", &MODULE, "merge");
    let adders =
        reducers.iter().map(|name| Node::new(name, &MODULE, "reduce").writing_to(["manager"]));
    mappers.chain(adders).chain([manager]).collect()
}

fn counted(texts: &[Bytes], reducers: usize, seed: u64) -> Vec<u8> {
    run_well(&nodes(texts, reducers), seed)["manager"].stdout().to_vec()
}

fn is_space(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | 0x0b | 0x0c | b'\r')
}

fn naive(texts: &[Bytes]) -> Vec<u8> {
    let mut counts: BTreeMap<&[u8], u64> = BTreeMap::new();
    for word in texts.iter().flat_map(|text| text.split(is_space)).filter(|word| !word.is_empty()) {
        *counts.entry(word).or_default() += 1;
    }
    let line = |(word, count): (&&[u8], &u64)| [word, format!(" {count}\n").as_bytes()].concat();
    counts.iter().map(line).collect::<Vec<_>>().concat()
}

fn assert_counted(texts: &[Bytes], reducers: usize, seed: u64) {
    let (found, wanted) = (counted(texts, reducers, seed), naive(texts));
    // Not compared by the assertion itself, which would print megabytes.
    assert!(found == wanted, "{reducers} reducers, seed {seed}: {texts:?}");
}

fn one(text: impl Into<Vec<u8>>) -> Vec<Bytes> {
    vec![Bytes::from(text.into())]
}

#[test]
fn words_are_counted_over_all_texts_and_come_in_the_order_of_bytes() {
    let texts = ["the cat and the hat\n", "", "The hat.\tand\r\nthe end"];
    let texts = texts.map(Bytes::from);
    let wanted = "The 1\nand 2\ncat 1\nend 1\nhat 1\nhat. 1\nthe 3\n";
    assert_eq!(String::from_utf8_lossy(&counted(&texts, 3, 1)), wanted);
}

#[test]
fn texts_without_a_word_give_nothing() {
    assert_eq!(counted(&one(""), 2, 1), b"");
    assert_eq!(counted(&one(" \n\t\x0b\x0c\r "), 2, 2), b"");
    assert_eq!(counted(&[Bytes::new(), Bytes::new()], 1, 3), b"");
}

#[test]
fn a_word_may_be_larger_than_every_buffer() {
    let giant = b"banana".repeat(200_000);
    let text = [b"a ", giant.as_slice(), b" b ", &giant, b"x ", &giant].concat();
    assert_counted(&one(text), 2, 4);
    assert_counted(&one(giant), 2, 5);
}

#[test]
fn words_at_the_edges_of_chunks_are_whole() {
    const CHUNK: usize = 256 * 1024;
    for shift in 0..20 {
        let mut text = b"word ".repeat(CHUNK / 5);
        text.truncate(CHUNK - shift);
        text.extend_from_slice(b" twelve-bytes short eightbyt");
        assert_counted(&one(text), 1, shift as u64);
    }
}

#[test]
fn more_words_than_a_mapper_keeps_are_counted_all_the_same() {
    let mut text = String::new();
    for number in 0..300_000 {
        text.push_str(&format!("{:x} ", number * 7 % 150_001));
    }
    assert_counted(&[Bytes::from(text), Bytes::from_static(b"7 e")], 3, 6);
}

#[test]
fn a_word_costs_a_reducer_as_much_among_many_as_among_few() {
    let fuel_per_word = |words: u64| {
        let text: String = (0..words).map(|number| format!("{:x} ", number * 7_919)).collect();
        let ran = run_well(&nodes(&one(text), 1), 1);
        ran["reducer-1"].outcome.fuel / words
    };
    let (few, many) = (fuel_per_word(5_000), fuel_per_word(120_000));
    // Sorting makes it grow, by the logarithm of the number.
    assert!(many < few * 2, "{many} units among many, {few} among few");
}

#[test]
fn a_mapper_without_reducers_and_a_wrong_role_say_so() {
    let lost = &run(&[Node::new("m", &MODULE, "map")], 1)["m"];
    assert_eq!(lost.outcome.end, EndReason::Exited { code: 2 });
    assert!(lost.stderr().contains("reducers"), "{}", lost.stderr());
    let wrong = &run(&[Node::new("m", &MODULE, "shuffle")], 1)["m"];
    assert_eq!(wrong.outcome.end, EndReason::Exited { code: 2 });
}

#[test]
fn a_session_that_gives_up_makes_no_half_answer() {
    // A mapper with a role that it does not know ends at once, and its connection looks well
    // closed.
    let mut nodes = nodes(&one("a b c"), 2);
    nodes[0].args = vec!["mapper-1".to_owned(), "nothing".to_owned()];
    let ran = run(&nodes, 1);
    for name in ["reducer-1", "reducer-2", "manager"] {
        assert_eq!(ran[name].outcome.end, EndReason::Exited { code: 1 }, "{name}");
        assert!(ran[name].stderr().contains("has failed"), "{name}: {}", ran[name].stderr());
    }
    assert_eq!(ran["manager"].stdout(), b"");
}

/// Texts of which some have words in common.
fn texts() -> impl Strategy<Value = Vec<Bytes>> {
    let piece = prop_oneof![
        4 => "[ab]{1,3} ".prop_map(String::into_bytes),
        2 => "[a-c]{6,11}[ \n]".prop_map(String::into_bytes),
        2 => prop::collection::vec(any::<u8>(), 0..20),
        1 => prop::collection::vec(0_u8..35, 0..12),
        1 => (any::<u8>(), 0_usize..3000).prop_map(|(byte, len)| vec![byte; len]),
    ];
    let text = prop::collection::vec(piece, 0..40).prop_map(|pieces| Bytes::from(pieces.concat()));
    prop::collection::vec(text, 1..5)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_texts_are_counted_as_naively(texts in texts(), reducers in 1_usize..5, seed in any::<u64>()) {
        assert_counted(&texts, reducers, seed);
    }
}

#[test]
#[ignore = "needs coreutils"]
fn words_are_counted_as_coreutils_count_them() {
    let mut draws = Draws(7);
    let mut texts = Vec::new();
    for _ in 0..12 {
        let mut text = Vec::new();
        for _ in 0..20_000 {
            let rank = 1_usize << draws.below(12);
            text.extend_from_slice(format!("w{:x}", draws.below(rank) * 0x9e37).as_bytes());
            text.push(b" \n\t\r\x0b\x0c,.\x01\xff"[draws.below(10)]);
        }
        texts.push(Bytes::from(text));
    }
    let whole = texts.join(&b"\n"[..]);
    let script = "LC_ALL=C tr -s '[:space:]' '\\n' | LC_ALL=C sort | LC_ALL=C uniq -c";
    let mut wanted = Vec::new();
    for line in piped(&["sh", "-c", script], &whole).split(|byte| *byte == b'\n') {
        let line = line.trim_ascii_start();
        let Some(space) = line.iter().position(|byte| *byte == b' ') else { continue };
        let (count, word) = (&line[..space], &line[space + 1..]);
        if !word.is_empty() {
            wanted.extend_from_slice(&[word, b" ", count, b"\n"].concat());
        }
    }
    let found = counted(&texts, 4, 8);
    assert!(found.len() > 10_000, "{} bytes", found.len());
    assert!(found == wanted, "they differ");
}
