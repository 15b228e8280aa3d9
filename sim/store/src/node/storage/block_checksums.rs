//! Checksums of an object's blocks, by which a range of it is verified without the rest.
//!
//! Each is the XXH3 of a block of 64 KiB, seeded with the block's number, so that a block in the
//! place of another one is damage as well. They lie behind the object's bytes. An object of no more
//! than a block has none: its MD5 is as good.
//!
//! Leaves out checksums of the checksums: a damaged one makes its block look damaged, which costs a
//! copy and hides nothing.

use bytes::{BufMut, Bytes, BytesMut};
use xxhash_rust::xxh3::{Xxh3, xxh3_64_with_seed};

/// Bytes of a block; the last one of an object may have fewer.
pub(crate) const BLOCK_BYTES: u64 = 64 << 10;
/// Bytes of a block's checksum.
pub(crate) const CHECKSUM_BYTES: u64 = 8;

/// Number of checksums that an object of `body_len` bytes has.
pub(crate) const fn count(body_len: u64) -> u64 {
    if body_len <= BLOCK_BYTES { 0 } else { body_len.div_ceil(BLOCK_BYTES) }
}

/// Checksum of the block with that number, from 0.
pub(crate) fn checksum(block: &[u8], number: u64) -> u64 {
    xxh3_64_with_seed(block, number)
}

/// Checksums of the blocks of a stream of bytes.
pub(crate) struct BlockChecksums {
    block: Box<Xxh3>,
    /// Bytes of the current block so far.
    filled: u64,
    complete: BytesMut,
}

impl Default for BlockChecksums {
    fn default() -> Self {
        Self { block: Box::new(Xxh3::with_seed(0)), filled: 0, complete: BytesMut::new() }
    }
}

impl BlockChecksums {
    /// Takes in the next bytes.
    pub(crate) fn update(&mut self, mut data: &[u8]) {
        while !data.is_empty() {
            let room = usize::try_from(BLOCK_BYTES - self.filled).unwrap_or(usize::MAX);
            let (now, later) = data.split_at(room.min(data.len()));
            self.block.update(now);
            self.filled += now.len() as u64;
            if self.filled == BLOCK_BYTES {
                self.end_block();
            }
            data = later;
        }
    }

    fn end_block(&mut self) {
        self.complete.put_u64_le(self.block.digest());
        let next = self.complete.len() as u64 / CHECKSUM_BYTES;
        *self.block = Xxh3::with_seed(next);
        self.filled = 0;
    }

    /// Checksums of all bytes, as a file has them: none for no more than a block.
    pub(crate) fn finish(mut self) -> Bytes {
        if self.filled > 0 {
            self.end_block();
        }
        let one = usize::try_from(CHECKSUM_BYTES).unwrap_or(usize::MAX);
        if self.complete.len() > one { self.complete.freeze() } else { Bytes::new() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn checksums_are_those_of_the_blocks_however_the_bytes_come(
            len in 0_usize..200_000, parts in prop::collection::vec(1_usize..100_000, 0..6),
        ) {
            let data: Vec<u8> = (0..len).map(|at| (at * 31 % 251) as u8).collect();
            let mut checksums = BlockChecksums::default();
            let mut rest = &data[..];
            for part in parts {
                let (now, later) = rest.split_at(part.min(rest.len()));
                checksums.update(now);
                rest = later;
            }
            checksums.update(rest);
            let blocks = (0..).zip(data.chunks(65_536));
            let each: Vec<u8> =
                blocks.flat_map(|(n, it)| xxh3_64_with_seed(it, n).to_le_bytes()).collect();
            let wanted = if each.len() > 8 { each } else { Vec::new() };
            prop_assert_eq!(checksums.finish(), Bytes::from(wanted.clone()));
            prop_assert_eq!(wanted.len() as u64, CHECKSUM_BYTES * count(len as u64));
        }
    }
}
