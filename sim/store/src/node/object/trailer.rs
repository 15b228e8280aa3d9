//! How files end: metadata as JSON behind the object's bytes, then a footer that finds and checks
//! it.
//!
//! ```text
//! bytes | sums of blocks, u64 each | JSON | JSON's length, u32 | XXH3 of bytes' length and JSON, u64 | magic, 8 bytes
//! ```
//! Numbers are little endian. The metadata comes last because the MD5 is known last. The bytes
//! themselves are checked by their MD5, parts of them by the sums of their blocks: see `sums`.
//!
//! The magic tells whether there are sums. Files without have no more than a block, or are older than sums are.

use bytes::{BufMut, Bytes, BytesMut};
use serde::Serialize;
use serde::de::DeserializeOwned;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::sums::{self, BLOCK_BYTES, SUM_BYTES};

/// Of a file without sums, and of one with them.
const MAGIC: &[u8; 8] = b"STAYPUT1";
const MAGIC_SUMS: &[u8; 8] = b"STAYPUT2";
/// Bytes that a file ends with.
pub(crate) const FOOTER_LEN: u64 = 4 + 8 + 8;
/// Far above what headers can bring; a longer one is damage.
const JSON_LEN_MAX: u64 = 1 << 20;

/// What is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// It does not end as a file of the store does.
    #[error("the file does not end with a footer")]
    NoFooter,
    /// The footer says what cannot be.
    #[error("the footer wants {json_len} bytes of metadata in a file of {file_len}")]
    Length {
        /// What the footer says.
        json_len: u64,
        /// How long the file is.
        file_len: u64,
    },
    /// The metadata is not what was written.
    #[error("the metadata does not match its checksum")]
    Checksum,
    /// The metadata cannot be read.
    #[error("the metadata cannot be read: {why}")]
    Metadata {
        /// What is wrong with it.
        why: String,
    },
    /// A block of the bytes is not as it was put.
    #[error("block {number}, of {} KiB each, does not match its checksum", BLOCK_BYTES >> 10)]
    Block {
        /// Which, from 0.
        number: u64,
    },
    /// The bytes are not those that were put.
    #[error("the bytes' MD5 is {is}, {said} was stored")]
    Etag {
        /// The MD5 of what is there.
        is: String,
        /// The stored ETag.
        said: String,
    },
}

/// Where a file's metadata is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Footer {
    json_len: u64,
    checksum: u64,
    body_len: u64,
    has_sums: bool,
}

/// What to put behind `body_len` bytes of an object.
pub(crate) fn encode<T: Serialize>(metadata: &T, body_len: u64) -> Bytes {
    encode_with(metadata, body_len, &Bytes::new())
}

/// The same with the sums of its blocks, if it has any.
pub(super) fn encode_with<T: Serialize>(metadata: &T, body_len: u64, sums: &Bytes) -> Bytes {
    #[expect(
        clippy::expect_used,
        reason = "structs of strings and numbers always have a JSON form"
    )]
    let json = serde_json::to_vec(metadata).expect("metadata has a JSON form");
    let mut trailer = BytesMut::with_capacity(sums.len() + json.len() + 20);
    trailer.put_slice(sums);
    trailer.put_slice(&json);
    #[expect(clippy::expect_used, reason = "headers are bounded by hyper far below 4 GiB")]
    trailer.put_u32_le(u32::try_from(json.len()).expect("metadata is below 4 GiB"));
    trailer.put_u64_le(xxh3_64_with_seed(&json, body_len));
    trailer.put_slice(if sums.is_empty() { MAGIC } else { MAGIC_SUMS });
    trailer.freeze()
}

impl Footer {
    /// Reads the last bytes of a file of `file_len` bytes; more of its end than the footer may be
    /// given.
    pub(crate) fn decode(end: &[u8], file_len: u64) -> Result<Self, Damage> {
        let (_, footer) = end.split_last_chunk::<20>().ok_or(Damage::NoFooter)?;
        let (json_len, rest) = footer.split_first_chunk::<4>().ok_or(Damage::NoFooter)?;
        let (checksum, magic) = rest.split_first_chunk::<8>().ok_or(Damage::NoFooter)?;
        let has_sums = match magic {
            magic if magic == MAGIC => false,
            magic if magic == MAGIC_SUMS => true,
            _ => return Err(Damage::NoFooter),
        };
        let json_len = u64::from(u32::from_le_bytes(*json_len));
        let body_len = file_len
            .checked_sub(FOOTER_LEN + json_len)
            .filter(|_| json_len <= JSON_LEN_MAX)
            .and_then(|rest| if has_sums { before_sums(rest) } else { Some(rest) })
            .ok_or(Damage::Length { json_len, file_len })?;
        Ok(Self { json_len, checksum: u64::from_le_bytes(*checksum), body_len, has_sums })
    }

    /// How many bytes of the object come before the metadata.
    pub(crate) const fn body_len(self) -> u64 {
        self.body_len
    }

    /// Whether the sums of its blocks come after them.
    pub(super) const fn has_sums(self) -> bool {
        self.has_sums
    }

    /// How many bytes at the end of the file hold the metadata and the footer.
    pub(crate) const fn trailer_len(self) -> u64 {
        self.json_len + FOOTER_LEN
    }

    /// Reads the metadata out of the last bytes of the file, at least [`Footer::trailer_len`] of
    /// them.
    pub(crate) fn metadata<T: DeserializeOwned>(self, end: &[u8]) -> Result<T, Damage> {
        let short = Damage::Length { json_len: self.json_len, file_len: end.len() as u64 };
        let from = (end.len() as u64).checked_sub(self.trailer_len()).ok_or(short)?;
        let to = end.len() as u64 - FOOTER_LEN;
        let place = usize::try_from(from).ok().zip(usize::try_from(to).ok());
        let json = place.and_then(|(from, to)| end.get(from..to)).ok_or(Damage::NoFooter)?;
        if xxh3_64_with_seed(json, self.body_len) != self.checksum {
            return Err(Damage::Checksum);
        }
        serde_json::from_slice(json).map_err(|error| Damage::Metadata { why: error.to_string() })
    }
}

/// How many of `len` bytes of an object and its sums are the object's; `None` if none has that many.
fn before_sums(len: u64) -> Option<u64> {
    let blocks = len.div_ceil(BLOCK_BYTES + SUM_BYTES);
    let body_len = len.checked_sub(blocks * SUM_BYTES)?;
    (blocks == sums::count(body_len)).then_some(body_len)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    type Map = BTreeMap<String, String>;

    fn read(file: &[u8]) -> Result<(u64, Map), Damage> {
        let footer = Footer::decode(file, file.len() as u64)?;
        Ok((footer.body_len(), footer.metadata(file)?))
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(
            mut bytes in prop::collection::vec(any::<u8>(), 0..200),
            magic in prop::option::of(prop::sample::select(vec![MAGIC, MAGIC_SUMS])),
        ) {
            bytes.extend_from_slice(magic.map_or(&[], |magic| &magic[..]));
            let _either = read(&bytes);
        }

        #[test]
        fn what_was_written_is_read_and_any_flipped_bit_is_seen(
            body in prop::collection::vec(any::<u8>(), 0..50),
            map in prop::collection::btree_map("[a-z]{1,8}", ".{0,20}", 0..5),
            at in any::<prop::sample::Index>(), bit in 0..8,
        ) {
            let trailer = encode(&map, body.len() as u64);
            let mut file = body.clone();
            file.extend_from_slice(&trailer);
            prop_assert_eq!(read(&file), Ok((body.len() as u64, map)));
            let at = body.len() + at.index(trailer.len());
            file[at] ^= 1_u8 << bit;
            prop_assert!(read(&file).is_err());
        }

        #[test]
        fn a_body_is_told_from_its_sums(blocks in 1_u64..100_000, last in 1..=BLOCK_BYTES) {
            let body_len = blocks * BLOCK_BYTES + last;
            let with_sums = body_len + SUM_BYTES * sums::count(body_len);
            prop_assert_eq!(before_sums(with_sums), Some(body_len));
            prop_assert_eq!(before_sums(last), None, "one block has none");
        }

        #[test]
        fn a_file_that_lost_its_beginning_is_refused(lost in 1_usize..20) {
            let mut file = vec![7; 20];
            file.extend_from_slice(&encode(&Map::new(), 20));
            prop_assert!(read(&file[lost..]).is_err());
        }
    }
}
