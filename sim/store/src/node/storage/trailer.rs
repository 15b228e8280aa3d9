//! Format of files: an object's bytes, metadata as JSON, and a footer that finds and checks it.
//!
//! ```text
//! bytes | checksums of blocks, u64 each | JSON | its length, u32 | checksum, u64 | magic, 8 bytes
//! ```
//! The checksum is the XXH3 of the JSON, seeded with the length of the bytes. Numbers are little
//! endian. The metadata comes last because the MD5 is known last. The bytes themselves are verified
//! by their MD5, ranges of them by the checksums of their blocks: see `block_checksums`.
//!
//! The magic differs with and without checksums of blocks. Files without have no more than a block,
//! or are older than these checksums.
//!
//! Leaves out the metadata's fields, which are the object store's.

use bytes::{BufMut, Bytes, BytesMut};
use serde::Serialize;
use serde::de::DeserializeOwned;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::block_checksums::{self, BLOCK_BYTES, CHECKSUM_BYTES};

/// Last bytes of a file without checksums of blocks, and of one with them.
const MAGIC: &[u8; 8] = b"STAYPUT1";
const MAGIC_CHECKSUMS: &[u8; 8] = b"STAYPUT2";
/// Length of the footer in bytes.
pub(crate) const FOOTER_LEN: u64 = 4 + 8 + 8;
/// Far above what headers can bring; a longer one is damage.
const JSON_LEN_MAX: u64 = 1 << 20;

/// FileDamage of a file or of a row.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileDamage {
    /// An end that no file of the store has.
    #[error("the file does not end with a footer")]
    NoFooter,
    /// Lengths in the footer that the file cannot have.
    #[error("the footer wants {json_len} bytes of metadata in a file of {file_len}")]
    Length {
        /// Length of the metadata by the footer, in bytes.
        json_len: u64,
        /// Length of the file, in bytes.
        file_len: u64,
    },
    /// Metadata that does not match its checksum.
    #[error("the metadata does not match its checksum")]
    Checksum,
    /// Metadata that cannot be read.
    #[error("the metadata cannot be read: {why}")]
    Metadata {
        /// Error of the parser.
        why: String,
    },
    /// A block that does not match its checksum.
    #[error("block {number}, of {} KiB each, does not match its checksum", BLOCK_BYTES >> 10)]
    Block {
        /// Number of the block, from 0.
        number: u64,
    },
    /// Bytes that do not match their MD5.
    #[error("the bytes' MD5 is {actual}, {stored} was stored")]
    Etag {
        /// MD5 of the bytes.
        actual: String,
        /// Stored ETag.
        stored: String,
    },
}

/// Footer of a file: the place of its metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Footer {
    json_len: u64,
    checksum: u64,
    body_len: u64,
    has_checksums: bool,
}

/// Trailer of a file with `body_len` bytes before it.
pub(crate) fn encode<T: Serialize>(metadata: &T, body_len: u64) -> Bytes {
    encode_with(metadata, body_len, &Bytes::new())
}

/// Trailer of a file, with the checksums of its blocks if it has any.
pub(crate) fn encode_with<T: Serialize>(metadata: &T, body_len: u64, checksums: &Bytes) -> Bytes {
    #[expect(
        clippy::expect_used,
        reason = "structs of strings and numbers always have a JSON form"
    )]
    let json = serde_json::to_vec(metadata).expect("metadata has a JSON form");
    let mut trailer = BytesMut::with_capacity(checksums.len() + json.len() + 20);
    trailer.put_slice(checksums);
    trailer.put_slice(&json);
    #[expect(clippy::expect_used, reason = "headers are bounded by hyper far below 4 GiB")]
    trailer.put_u32_le(u32::try_from(json.len()).expect("metadata is below 4 GiB"));
    trailer.put_u64_le(xxh3_64_with_seed(&json, body_len));
    trailer.put_slice(if checksums.is_empty() { MAGIC } else { MAGIC_CHECKSUMS });
    trailer.freeze()
}

impl Footer {
    /// Reads the footer from `end`, the last bytes of a file of `file_len` bytes: the footer or
    /// more than it.
    pub(crate) fn decode(end: &[u8], file_len: u64) -> Result<Self, FileDamage> {
        let (_, footer) = end.split_last_chunk::<20>().ok_or(FileDamage::NoFooter)?;
        let (json_len, rest) = footer.split_first_chunk::<4>().ok_or(FileDamage::NoFooter)?;
        let (checksum, magic) = rest.split_first_chunk::<8>().ok_or(FileDamage::NoFooter)?;
        let has_checksums = match magic {
            magic if magic == MAGIC => false,
            magic if magic == MAGIC_CHECKSUMS => true,
            _ => return Err(FileDamage::NoFooter),
        };
        let json_len = u64::from(u32::from_le_bytes(*json_len));
        let body_len = file_len
            .checked_sub(FOOTER_LEN + json_len)
            .filter(|_| json_len <= JSON_LEN_MAX)
            .and_then(|rest| if has_checksums { body_before_checksums(rest) } else { Some(rest) })
            .ok_or(FileDamage::Length { json_len, file_len })?;
        Ok(Self { json_len, checksum: u64::from_le_bytes(*checksum), body_len, has_checksums })
    }

    /// Number of the object's bytes.
    pub(crate) const fn body_len(self) -> u64 {
        self.body_len
    }

    /// Presence of checksums of blocks.
    pub(crate) const fn has_checksums(self) -> bool {
        self.has_checksums
    }

    /// Bytes of metadata and footer together.
    pub(crate) const fn trailer_len(self) -> u64 {
        self.json_len + FOOTER_LEN
    }

    /// Reads the metadata out of the last bytes of the file, at least [`Footer::trailer_len`] of
    /// them.
    pub(crate) fn metadata<T: DeserializeOwned>(self, end: &[u8]) -> Result<T, FileDamage> {
        let short = FileDamage::Length { json_len: self.json_len, file_len: end.len() as u64 };
        let from = (end.len() as u64).checked_sub(self.trailer_len()).ok_or(short)?;
        let to = end.len() as u64 - FOOTER_LEN;
        let place = usize::try_from(from).ok().zip(usize::try_from(to).ok());
        let json = place.and_then(|(from, to)| end.get(from..to)).ok_or(FileDamage::NoFooter)?;
        if xxh3_64_with_seed(json, self.body_len) != self.checksum {
            return Err(FileDamage::Checksum);
        }
        serde_json::from_slice(json)
            .map_err(|error| FileDamage::Metadata { why: error.to_string() })
    }
}

/// Number of an object's bytes in `len` bytes of it and its checksums; `None` if no object has
/// that many.
fn body_before_checksums(len: u64) -> Option<u64> {
    let blocks = len.div_ceil(BLOCK_BYTES + CHECKSUM_BYTES);
    let body_len = len.checked_sub(blocks * CHECKSUM_BYTES)?;
    (blocks == block_checksums::count(body_len)).then_some(body_len)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    type Map = BTreeMap<String, String>;

    fn read(file: &[u8]) -> Result<(u64, Map), FileDamage> {
        let footer = Footer::decode(file, file.len() as u64)?;
        Ok((footer.body_len(), footer.metadata(file)?))
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(
            mut bytes in prop::collection::vec(any::<u8>(), 0..200),
            magic in prop::option::of(prop::sample::select(vec![MAGIC, MAGIC_CHECKSUMS])),
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
        fn a_body_is_told_from_its_checksums(blocks in 1_u64..100_000, last in 1..=BLOCK_BYTES) {
            let body_len = blocks * BLOCK_BYTES + last;
            let with_checksums = body_len + CHECKSUM_BYTES * block_checksums::count(body_len);
            prop_assert_eq!(body_before_checksums(with_checksums), Some(body_len));
            prop_assert_eq!(body_before_checksums(last), None, "one block has none");
        }

        #[test]
        fn a_file_that_lost_its_beginning_is_refused(lost in 1_usize..20) {
            let mut file = vec![7; 20];
            file.extend_from_slice(&encode(&Map::new(), 20));
            prop_assert!(read(&file[lost..]).is_err());
        }
    }

    /// File of so many bytes with its checksums, as an upload writes it.
    fn file_of(body_len: usize, map: &Map) -> Vec<u8> {
        let body: Vec<u8> = (0..body_len).map(|at| (at % 251) as u8).collect();
        let mut checksums = block_checksums::BlockChecksums::default();
        checksums.update(&body);
        let trailer = encode_with(map, body_len as u64, &checksums.finish());
        [&body[..], &trailer].concat()
    }

    #[test]
    fn bodies_of_around_a_block_read_back_with_checksums_where_they_have_more_than_one() {
        let block = usize::try_from(BLOCK_BYTES).unwrap();
        let map = Map::from([("etag".to_owned(), "e".to_owned())]);
        for (body_len, blocks) in [
            (0, 0),
            (1, 0),
            (block - 1, 0),
            (block, 0),
            (block + 1, 2),
            (2 * block - 1, 2),
            (2 * block, 2),
            (2 * block + 1, 3),
        ] {
            let file = file_of(body_len, &map);
            let footer = Footer::decode(&file, file.len() as u64).unwrap();
            assert_eq!((footer.body_len(), footer.has_checksums()), (body_len as u64, blocks > 0));
            let checksums = blocks * CHECKSUM_BYTES;
            assert_eq!(file.len() as u64, body_len as u64 + checksums + footer.trailer_len());
            assert_eq!(footer.metadata::<Map>(&file).as_ref(), Ok(&map));
            // The end of a file is enough to read both.
            let end = &file[file.len() - usize::try_from(footer.trailer_len()).unwrap()..];
            assert_eq!(Footer::decode(end, file.len() as u64).as_ref(), Ok(&footer));
            assert_eq!(footer.metadata::<Map>(end).as_ref(), Ok(&map));
            let short = footer.metadata::<Map>(&end[1..]).unwrap_err();
            assert!(matches!(short, FileDamage::Length { .. }), "{short}");
        }
    }

    #[test]
    fn a_file_that_is_cut_off_or_goes_on_is_refused() {
        let file = file_of(100, &Map::new());
        for len in 0..file.len() {
            assert!(read(&file[..len]).is_err(), "cut off after {len} bytes");
        }
        for more in [&b"x"[..], b"\0", b"STAYPUT1"] {
            assert!(read(&[&file[..], more].concat()).is_err(), "with {more:?} after it");
        }
    }

    #[test]
    fn a_footer_that_wants_more_metadata_than_there_may_be_is_refused() {
        let footer = |json_len: u32| {
            let mut file = vec![0; 40];
            file.put_u32_le(json_len);
            file.put_u64_le(0);
            file.put_slice(MAGIC);
            file
        };
        for json_len in [41, u32::MAX] {
            let file = footer(json_len);
            let (wanted, file_len) = (u64::from(json_len), file.len() as u64);
            let refused = Footer::decode(&file, file_len).unwrap_err();
            assert_eq!(refused, FileDamage::Length { json_len: wanted, file_len });
        }
        // Of a file that is large enough, and of metadata that no headers make.
        let json_len = u32::try_from(JSON_LEN_MAX).unwrap();
        assert!(Footer::decode(&footer(json_len), 1 << 30).is_ok());
        assert!(Footer::decode(&footer(json_len + 1), 1 << 30).is_err());
    }
}
