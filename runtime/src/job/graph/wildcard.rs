//! Wildcards in names: the texts that `*` matches, and their use in another pattern.
//!
//! Leaves out every other wildcard.

/// Text of each `*`, the first as long as possible; `None` if the name does not match. Both ends
/// are anchored.
pub(super) fn captures(pattern: &str, name: &str) -> Option<Vec<String>> {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or("");
    let rest = name.strip_prefix(first)?;
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else {
        return rest.is_empty().then(Vec::new);
    };
    let mut rest = rest.strip_suffix(last)?;
    // From the back, each part as far right as it goes: that leaves the most to the stars in front.
    let mut texts = Vec::with_capacity(parts.len());
    for part in middle.iter().rev() {
        let at = rest.rfind(part)?;
        texts.push(rest[at + part.len()..].to_owned());
        rest = &rest[..at];
    }
    texts.push(rest.to_owned());
    texts.reverse();
    Some(texts)
}

/// `pattern` with each `*` replaced by the next text; `None` if the texts do not suffice.
pub(super) fn fill<'a>(pattern: &str, texts: &mut impl Iterator<Item = &'a str>) -> Option<String> {
    let mut filled = String::with_capacity(pattern.len());
    for (index, part) in pattern.split('*').enumerate() {
        if index > 0 {
            filled.push_str(texts.next()?);
        }
        filled.push_str(part);
    }
    Some(filled)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(pattern: &str, name: &str) -> Option<Vec<String>> {
        captures(pattern, name)
    }

    #[test]
    fn a_star_matches_any_characters_and_both_ends_are_anchored() {
        assert_eq!(texts("*.txt", "a/b.txt"), Some(vec!["a/b".into()]));
        assert_eq!(texts("*.txt", "a.txt.bak"), None);
        assert_eq!(texts("log-*", "log-"), Some(vec![String::new()]));
        assert_eq!(texts("plain", "plain"), Some(vec![]));
        assert_eq!(texts("plain", "plainer"), None);
        assert_eq!(texts("ab*b", "ab"), None, "the ends do not share a character");
    }

    #[test]
    fn the_first_star_takes_the_most() {
        assert_eq!(texts("*b*c", "xbybzc"), Some(vec!["xby".into(), "z".into()]));
        assert_eq!(texts("**", "ab"), Some(vec!["ab".into(), String::new()]));
    }

    #[test]
    fn captured_texts_fill_another_pattern() {
        let texts = ["a".to_owned(), "b".to_owned()];
        let fill = |pattern| fill(pattern, &mut texts.iter().map(String::as_str));
        assert_eq!(fill("out/*.*"), Some("out/a.b".to_owned()));
        assert_eq!(fill("*"), Some("a".to_owned()));
        assert_eq!(fill("***"), None);
    }

    proptest! {
        #[test]
        fn what_a_pattern_captured_fills_it_to_the_name(pattern in "[ab*]{0,8}", name in "[ab]{0,12}") {
            if let Some(texts) = captures(&pattern, &name) {
                prop_assert_eq!(texts.len(), pattern.matches('*').count());
                prop_assert_eq!(fill(&pattern, &mut texts.iter().map(String::as_str)), Some(name));
            }
        }

        #[test]
        fn what_fills_a_pattern_matches_it(pattern in "[ab*]{0,8}", texts in prop::collection::vec("[ab/]{0,4}", 8)) {
            let name = fill(&pattern, &mut texts.iter().map(String::as_str)).expect("there are texts enough");
            prop_assert!(captures(&pattern, &name).is_some());
        }
    }
}
