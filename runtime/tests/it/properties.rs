//! Properties for arbitrary input.

use crate::support::{LINECOUNT, WORDCOUNT, compile, run, text};
use proptest::prelude::*;
use stayput_runtime::engine::{Engine, Module};
use stayput_runtime::image::{Image, ImageLimits};
use stayput_runtime::job;
use std::sync::LazyLock;

static LINES: LazyLock<Module> = LazyLock::new(|| compile(LINECOUNT));
static WORDS: LazyLock<Module> = LazyLock::new(|| compile(WORDCOUNT));

fn naive_lines(text: &[u8], word: &[u8]) -> usize {
    let mut lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
    if lines.last().is_some_and(|line| line.is_empty()) {
        lines.pop();
    }
    let has =
        |line: &&&[u8]| word.is_empty() || line.windows(word.len()).any(|window| window == word);
    lines.iter().filter(has).count()
}

fn check_lines(text_bytes: Vec<u8>, word: &str) {
    let expected = naive_lines(&text_bytes, word.as_bytes());
    let run = run(&LINES, &["linecount", word], text_bytes);
    assert_eq!(text(&run, "stdout"), format!("{expected}\n"), "{word:?} {:?}", run.outcome);
}

#[test]
fn words_at_the_edges_of_chunks_are_found() {
    const CHUNK: usize = 256 * 1024;
    for shift in [0, 1, 3, 5, 6, 7] {
        let mut text = vec![b'.'; CHUNK - shift];
        text.extend_from_slice(b"banana");
        // One line longer than several chunks, with the word again and again.
        text.extend(b"..banana".repeat(CHUNK / 4));
        text.extend_from_slice(b"\nno\nbanana\n");
        text.resize(4 * CHUNK - shift, b'n');
        text.extend_from_slice(b"banana");
        check_lines(text, "banana");
    }
}

fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("3".to_owned()),
        Just("-1".to_owned()),
        "[a-z*:/~. %']{0,12}".prop_map(|text| format!("\"{text}\"")),
        Just("\"swift://~/c/*\"".to_owned()),
        Just("\"zvm://a:/dev/stdin\"".to_owned()),
    ];
    let key = prop_oneof![
        Just("name"),
        Just("exec"),
        Just("path"),
        Just("args"),
        Just("env"),
        Just("devices"),
        Just("count"),
        Just("connect"),
        Just("mode"),
        Just("meta"),
    ];
    leaf.prop_recursive(5, 60, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4)
                .prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec((key.clone(), inner), 0..6).prop_map(|fields| {
                let fields: Vec<_> =
                    fields.iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
                format!("{{{}}}", fields.join(","))
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn linecount_equals_the_naive_count(
        lines in prop::collection::vec("[ab\n]{0,90}", 0..20),
        word in "[ab]{0,4}",
    ) {
        check_lines(lines.concat().into_bytes(), &word);
    }

    #[test]
    fn linecount_takes_any_bytes(text in prop::collection::vec(any::<u8>(), 0..3000), word in "\\PC{1,3}") {
        check_lines(text, &word);
    }

    #[test]
    fn wordcount_equals_the_naive_count(input in "[a \t\n]{0,200}") {
        let words = input.split_ascii_whitespace().count();
        let expected = format!("{} {words} {}\n", input.matches('\n').count(), input.len());
        prop_assert_eq!(text(&run(&WORDS, &["wordcount"], input), "stdout"), expected);
    }

    #[test]
    fn parsing_a_job_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..300), json in json()) {
        let _ = job::parse(&bytes);
        let _ = job::parse(json.as_bytes());
        let node = format!("[{{\"name\":\"a\",\"exec\":{{\"path\":\"x\"}},\"devices\":{json}}}]");
        if let Ok(job) = job::parse(node.as_bytes()) {
            let _ = job::attached_device(&job.nodes[0]);
        }
    }

    #[test]
    fn unpacking_never_panics(
        noise in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..40),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut tar = crate::images::tar(&[("a/b", b"content"), ("c", &[1; 700])]);
        for (at, byte) in &noise {
            let at = at.index(tar.len());
            tar[at] = *byte;
        }
        let _ = Image::from_tar(&tar, ImageLimits::default());
        let _ = Image::from_tar(&tar[..cut.index(tar.len())], ImageLimits::default());
    }

    #[test]
    fn compiling_never_panics(
        noise in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut wasm = LINECOUNT.to_vec();
        for (at, byte) in &noise {
            let at = at.index(wasm.len());
            wasm[at] = *byte;
        }
        let _ = Engine::new().compile(&wasm);
    }
}
