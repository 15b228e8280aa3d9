//! Secrets: drawn from the machine's randomness, written as hexadecimal, never shown.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The machine has no randomness to give.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the system has no randomness for secrets: {0}")]
pub struct NoRandomness(getrandom::Error);

/// A random secret of 32 bytes. Its debug form hides them.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Secret([u8; 32]);

impl Secret {
    /// Draws a new secret.
    ///
    /// # Errors
    /// The system has no randomness.
    pub fn drawn() -> Result<Self, NoRandomness> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(NoRandomness)?;
        Ok(Self(bytes))
    }

    /// The bytes.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first eight bytes as a number: a seed.
    #[must_use]
    pub fn seed(&self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl From<Secret> for String {
    fn from(secret: Secret) -> Self {
        secret.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl TryFrom<String> for Secret {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let wrong = "a secret is 64 hexadecimal digits";
        let mut bytes = [0; 32];
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(wrong);
        }
        for (index, byte) in bytes.iter_mut().enumerate() {
            let digits = &text[2 * index..2 * index + 2];
            *byte = u8::from_str_radix(digits, 16).map_err(|_| wrong)?;
        }
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_reads_back_and_is_not_shown() {
        let secret = Secret::drawn().unwrap();
        let text = String::from(secret.clone());
        assert_eq!(Secret::try_from(text.clone()).as_ref(), Ok(&secret));
        assert!(!format!("{secret:?}").contains(&text[..8]));
        assert_ne!(Secret::drawn().unwrap(), secret);
    }

    #[test]
    fn what_is_no_secret_is_refused() {
        for text in ["", "00", &"0".repeat(63), &"g".repeat(64), &"é".repeat(32), &"+1".repeat(32)]
        {
            assert!(Secret::try_from(text.to_owned()).is_err(), "{text:?}");
        }
    }
}
