//! Escaping of texts in XML.
//!
//! Leaves out everything else about XML: each writer knows its few elements.

/// Text escaped for XML. Characters that XML 1.0 does not have are replaced.
#[must_use]
pub fn escape_xml(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\t' | '\n' | '\r' => escaped.push_str(&format!("&#{};", u32::from(char))),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {
                escaped.push(char::REPLACEMENT_CHARACTER)
            }
            char => escaped.push(char),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn characters_with_a_meaning_are_escaped_and_those_that_xml_lacks_replaced() {
        assert_eq!(escape_xml("a<b>&\"c\""), "a&lt;b&gt;&amp;&quot;c&quot;");
        assert_eq!(escape_xml("tab\tline\n"), "tab&#9;line&#10;");
        assert_eq!(escape_xml("\0\u{1}\u{ffff}é"), "\u{fffd}\u{fffd}\u{fffd}é");
    }

    /// Reads what was escaped.
    fn unescaped(text: &str) -> String {
        let mut text = text.to_owned();
        for number in ['\t', '\n', '\r'] {
            text = text.replace(&format!("&#{};", u32::from(number)), &number.to_string());
        }
        let named = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&amp;", "&")];
        named.iter().fold(text, |text, (escaped, plain)| text.replace(escaped, plain))
    }

    proptest! {
        #[test]
        fn what_is_escaped_reads_back_and_has_no_markup(text in "[a-z&<>\"'#;\t\n\ré]{0,30}") {
            let escaped = escape_xml(&text);
            prop_assert!(!escaped.contains(['<', '>', '"']), "{}", escaped);
            prop_assert_eq!(unescaped(&escaped), text);
        }

        #[test]
        fn every_character_of_the_result_is_one_of_xml(text in any::<String>()) {
            let is_of_xml = |c: char| {
                let is_plain = !c.is_control() || matches!(c, '\u{7f}'..='\u{9f}');
                is_plain && !matches!(c, '\u{fffe}' | '\u{ffff}')
            };
            let is_sound = escape_xml(&text).chars().all(is_of_xml);
            prop_assert!(is_sound, "{:?}", text);
        }
    }
}
