//! Random jobs of many connected sessions, with the right answer of each.
//!
//! Leaves out what jobs compute otherwise: every answer here is made twice, by guests and by an
//! oracle in the plainest way there is.

use std::collections::BTreeMap;
use std::fmt::Write;

use proptest::collection::vec;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use crate::cluster::{CONTAINER, Store};

/// Guest that counts words as a mapper, a reducer or a merger.
const WORDS: &[u8] = include_bytes!("../../../runtime/guests/words.wasm");

/// Map-reduce that counts the words of texts: a mapper for each, some reducers, and a manager that
/// answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WordCount {
    /// Texts, an object each.
    pub texts: Vec<WordText>,
    /// Sessions that add counts up.
    pub reducers: u32,
    /// Copies of the manager, of which the first to end answers.
    pub copies: u8,
}

/// Text of some words, and how often all of them come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WordText {
    /// Words.
    pub words: Vec<String>,
    /// Repetitions.
    pub times: u32,
}

impl WordText {
    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        format!("{} \t", self.words.join(" ")).repeat(self.times as usize).into_bytes()
    }
}

impl WordCount {
    /// Stores the guest and the texts.
    ///
    /// # Panics
    /// They are not stored.
    pub async fn store(&self, store: &Store) {
        store.put("words.wasm", WORDS).await;
        for (number, text) in self.texts.iter().enumerate() {
            store.put(&format!("text-{number}.txt"), text.bytes()).await;
        }
    }

    /// Description of the job over all texts, as `scenarios/jobs/wordcount.json` has it.
    #[must_use]
    pub fn description(&self) -> String {
        let path = |object: &str| format!("swift://~/{CONTAINER}/{object}");
        let exec = |role: &str| serde_json::json!({"path": path("words.wasm"), "args": role});
        let mut nodes = serde_json::json!([
            {"name": "mapper", "exec": exec("map"), "connect": ["reducer"],
             "devices": [{"name": "input", "path": path("text-*.txt")}]},
            {"name": "reducer", "exec": exec("reduce"), "count": self.reducers,
             "connect": ["manager"]},
            {"name": "manager", "exec": exec("merge"), "devices": [{"name": "stdout"}]},
        ]);
        if self.copies > 1 {
            nodes[2]["replicate"] = self.copies.into();
        }
        nodes.to_string()
    }

    /// Right answer.
    #[must_use]
    pub fn answer(&self) -> String {
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        for text in self.texts.iter().filter(|text| text.times > 0) {
            for word in text.words.iter().flat_map(|word| word.split_ascii_whitespace()) {
                *counts.entry(word).or_default() += u64::from(text.times);
            }
        }
        let mut lines = String::new();
        for (word, count) in counts {
            // Writing into a string cannot fail.
            let _infallible = writeln!(lines, "{word} {count}");
        }
        lines
    }
}

/// Strategy for jobs: up to eight texts, some of them long, up to four reducers, and sometimes a
/// second copy of the manager.
///
/// ```
/// use proptest::prelude::*;
/// use stayput_testkit::jobs::jobs;
///
/// proptest!(|(job in jobs())| {
///     let words = job.texts.iter().flat_map(|text| &text.words).count();
///     prop_assert_eq!(job.answer().is_empty(), words == 0);
/// });
/// ```
pub fn jobs() -> impl Strategy<Value = WordCount> {
    let text = (vec("[a-e]{1,12}", 0..40), prop_oneof![3 => 1_u32..4, 1 => 4_u32..200]);
    let text = text.prop_map(|(words, times)| WordText { words, times });
    let copies = prop_oneof![3 => Just(1_u8), 1 => Just(2)];
    (vec(text, 1..=8), 1_u32..=4, copies).prop_map(|(texts, reducers, copies)| WordCount {
        texts,
        reducers,
        copies,
    })
}
