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
    use super::*;

    #[test]
    fn characters_with_a_meaning_are_escaped_and_those_that_xml_lacks_replaced() {
        assert_eq!(escape_xml("a<b>&\"c\""), "a&lt;b&gt;&amp;&quot;c&quot;");
        assert_eq!(escape_xml("tab\tline\n"), "tab&#9;line&#10;");
        assert_eq!(escape_xml("\0\u{1}\u{ffff}é"), "\u{fffd}\u{fffd}\u{fffd}é");
    }
}
