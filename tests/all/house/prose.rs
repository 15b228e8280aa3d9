//! Doc comments that a reader of the field would find by searching.

use super::assert_none;
use super::source::{docs, shipped};

/// First words of a question, where a doc comment wants a noun.
const QUESTIONS: [&str; 9] =
    ["What", "Who", "Whom", "Whose", "Whether", "How", "Why", "When", "Where"];

/// Doc lines that may begin so, each with its reason.
const ALLOWED: [(&str, &str); 0] = [];

#[test]
fn docs_begin_with_a_noun_and_not_with_a_question() {
    let mut found = Vec::new();
    for source in shipped() {
        for line in docs(&source) {
            let first = line.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
            let allowed = ALLOWED.iter().any(|(allowed, _)| line.starts_with(allowed));
            if QUESTIONS.contains(&first) && !allowed {
                found.push(format!("{}: {line}", source.path));
            }
        }
    }
    let flaw = "doc comments that begin with a question: write the noun that a reader searches for";
    assert_none(flaw, &found);
}
