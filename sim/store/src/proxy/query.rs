//! Query of a client's request.
//!
//! Leaves out the parameters of listings, which nodes read.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// Decoded value of the first parameter of that name; empty for a parameter without a value.
pub(super) fn value<'a>(query: Option<&'a str>, name: &str) -> Option<Cow<'a, str>> {
    let pairs = query?.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let (_, value) = pairs.into_iter().find(|(key, _)| *key == name)?;
    let value = match value.contains('+') {
        true => Cow::Owned(value.replace('+', " ")),
        false => Cow::Borrowed(value),
    };
    match value {
        Cow::Borrowed(value) => percent_decode_str(value).decode_utf8().ok(),
        Cow::Owned(value) => percent_decode_str(&value)
            .decode_utf8()
            .ok()
            .map(|value| Cow::Owned(value.into_owned())),
    }
}

/// True if a parameter or a header is true, in any of Swift's spellings.
pub(super) fn is_true(value: &str) -> bool {
    ["true", "1", "yes", "on", "t", "y"].iter().any(|yes| value.eq_ignore_ascii_case(yes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_decoded_and_the_first_of_a_name_counts() {
        let query = Some("a=1&multipart-manifest=p%75t&b=x+y&a=2&c");
        assert_eq!(value(query, "multipart-manifest").as_deref(), Some("put"));
        assert_eq!(value(query, "a").as_deref(), Some("1"));
        assert_eq!(value(query, "b").as_deref(), Some("x y"));
        assert_eq!(value(query, "c").as_deref(), Some(""));
        assert_eq!(value(query, "d"), None);
        assert_eq!(value(Some("a=%ff"), "a"), None, "not UTF-8");
        assert_eq!(value(None, "a"), None);
    }
}
