//! Hashes of names, which name the directory or the rows of what is stored.
//!
//! Leaves out how the ring hashes: a node is given that as a function.

use std::rc::Rc;

use crate::swift::Path;

/// Hash function of the ring: the salted hash of a path.
pub type NameHasher = Rc<dyn Fn(&Path) -> [u8; 16]>;

/// Hash of a path, by the ring: the name of its directory on a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct NameHash(pub(crate) [u8; 16]);

impl NameHash {
    /// The hash in 32 hexadecimal digits.
    pub(crate) fn hex(self) -> String {
        hex(&self.0)
    }

    /// Reads 32 hexadecimal digits.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let digits = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = u128::from_str_radix(text, 16).ok().filter(|_| digits)?;
        Some(Self(number.to_be_bytes()))
    }
}

/// Bytes in lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from(b"0123456789abcdef"[usize::from(nibble & 15)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_hash_reads_back_from_its_digits(bytes in any::<[u8; 16]>()) {
            let hash = NameHash(bytes);
            prop_assert_eq!(hash.hex().len(), 32);
            prop_assert_eq!(NameHash::parse(&hash.hex()), Some(hash));
        }

        #[test]
        fn any_text_is_a_hash_or_not(text in ".{0,40}") {
            let digits = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
            prop_assert_eq!(NameHash::parse(&text).is_some(), digits);
        }
    }
}
