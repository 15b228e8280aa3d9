//! Text form of a token: expiry, user, and the seal that proves them.
//!
//! A token is self-contained, so that proxies share no table of tokens: `AUTH_tk`, then hexadecimal
//! digits of expiry, user and seal. Each token has exactly one text. Leaves out the revocation of a
//! single token: it ends at its expiry, or with its user's key.

use std::fmt;

use super::secret::SEAL_BYTES;

/// Prefix of each token, as in Swift.
pub(super) const PREFIX: &str = "AUTH_tk";
/// Bytes of a user's id.
pub(super) const USER_BYTES: usize = 16;
const EXPIRY_BYTES: usize = 8;
const TOKEN_BYTES: usize = EXPIRY_BYTES + USER_BYTES + SEAL_BYTES;
const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Pseudonym of a user in tokens, meaningless without the cluster's secret.
pub(super) type UserId = [u8; USER_BYTES];

/// Fields of a token. Only a holder of the secret can verify them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Token {
    /// Unix time of the expiry, in seconds.
    pub(super) expires_unix_s: u64,
    pub(super) user: UserId,
    pub(super) seal: [u8; SEAL_BYTES],
}

impl Token {
    /// Parses a token; `None` if the text is none.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(PREFIX)?.as_bytes();
        if digits.len() != 2 * TOKEN_BYTES {
            return None;
        }
        let mut bytes = [0; TOKEN_BYTES];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = value(pair[0])? << 4 | value(pair[1])?;
        }
        let (expiry, rest) = bytes.split_first_chunk::<EXPIRY_BYTES>()?;
        let (user, seal) = rest.split_first_chunk::<USER_BYTES>()?;
        let seal = seal.first_chunk::<SEAL_BYTES>()?;
        Some(Self { expires_unix_s: u64::from_be_bytes(*expiry), user: *user, seal: *seal })
    }
}

/// Value of a lower-case hexadecimal digit.
fn value(digit: u8) -> Option<u8> {
    DIGITS.iter().position(|it| *it == digit).and_then(|at| u8::try_from(at).ok())
}

/// The text that clients get.
impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PREFIX)?;
        let expiry = self.expires_unix_s.to_be_bytes();
        for byte in expiry.iter().chain(&self.user).chain(&self.seal) {
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

/// Omits the seal, which is a secret.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("expires_unix_s", &self.expires_unix_s)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn other_text_is_no_token() {
        let token = Token { expires_unix_s: 171, user: [0xab; 16], seal: [0xcd; 32] };
        let good = token.to_string();
        let upper = good.replace('a', "A");
        let long = format!("{good}0");
        for bad in ["", "AUTH_tk", &good[7..], &good[..good.len() - 1], &long, &upper] {
            assert_eq!(Token::parse(bad), None, "{bad}");
        }
        assert!(!format!("{token:?}").contains("cd"), "{token:?}");
    }

    proptest! {
        #[test]
        fn a_token_reads_back_as_it_was_written(
            expires_unix_s: u64,
            user: [u8; 16],
            seal: [u8; 32],
        ) {
            let token = Token { expires_unix_s, user, seal };
            prop_assert_eq!(Token::parse(&token.to_string()), Some(token));
        }

        #[test]
        fn each_token_has_one_text(text in "AUTH_tk[0-9a-f]{112}|.{0,130}") {
            if let Some(token) = Token::parse(&text) {
                prop_assert_eq!(token.to_string(), text);
            }
        }
    }
}
