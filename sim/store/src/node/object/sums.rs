//! Checksums of an object's blocks, by which a part of it is verified without the rest.
//!
//! Each is the XXH3 of a block of 64 KiB, seeded with the block's number, so that a block in the place of another one is damage as
//! well. They lie behind the object's bytes. An object of no more than a block has none: its MD5 is as good. Leaves out checksums of
//! the checksums: a damaged one makes its block look damaged, which costs a copy and tells no lie.

use bytes::{BufMut, Bytes, BytesMut};
use xxhash_rust::xxh3::{Xxh3, xxh3_64_with_seed};

use super::open::OpenObject;
use super::range::Span;
use crate::node::error::NodeError;

/// Bytes of a block; the last one of an object may have fewer.
pub(super) const BLOCK_BYTES: u64 = 64 << 10;
/// Bytes of a block's checksum.
pub(super) const SUM_BYTES: u64 = 8;
/// Checksums that are read at a time: those of 32 MiB.
const PAGE_SUMS: u64 = 512;

/// How many checksums an object of so many bytes has.
pub(super) const fn count(body_len: u64) -> u64 {
    if body_len <= BLOCK_BYTES { 0 } else { body_len.div_ceil(BLOCK_BYTES) }
}

/// The checksums of what comes.
pub(super) struct Sums {
    block: Box<Xxh3>,
    /// How many bytes of the block have come.
    filled: u64,
    full: BytesMut,
}

impl Default for Sums {
    fn default() -> Self {
        Self { block: Box::new(Xxh3::with_seed(0)), filled: 0, full: BytesMut::new() }
    }
}

impl Sums {
    pub(super) fn update(&mut self, mut data: &[u8]) {
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
        self.full.put_u64_le(self.block.digest());
        let next = self.full.len() as u64 / SUM_BYTES;
        *self.block = Xxh3::with_seed(next);
        self.filled = 0;
    }

    /// Those of all that came; of no more than a block there are none.
    pub(super) fn finish(mut self) -> Bytes {
        if self.filled > 0 {
            self.end_block();
        }
        let one = usize::try_from(SUM_BYTES).unwrap_or(usize::MAX);
        if self.full.len() > one { self.full.freeze() } else { Bytes::new() }
    }
}

/// Reads a part of an object, each block of which is verified before anybody sees it.
pub(super) struct PartReader<'a> {
    object: &'a OpenObject,
    /// Checksums that were read, from that of a block on.
    page: Option<(u64, Bytes)>,
}

impl<'a> PartReader<'a> {
    /// Of one that was stored without checksums, all is verified now.
    pub(super) async fn new(object: &'a OpenObject) -> Result<Self, NodeError> {
        if !object.has_sums() && object.metadata().length > BLOCK_BYTES {
            object.verify_etag().await?;
        }
        Ok(Self { object, page: None })
    }

    /// Reads from where `left` begins: all of it, or what lies in the next so many bytes' blocks.
    pub(super) async fn read(&mut self, left: Span, at_most: u64) -> Result<Bytes, NodeError> {
        let length = self.object.metadata().length;
        let begin = left.first - left.first % BLOCK_BYTES;
        let wanted = (left.first + left.len).next_multiple_of(BLOCK_BYTES);
        let end = wanted.min(begin + at_most.next_multiple_of(BLOCK_BYTES)).min(length);
        let data = self.object.read_at(begin, end - begin).await?;
        if self.object.has_sums() {
            self.check(begin / BLOCK_BYTES, &data).await?;
        } else if length <= BLOCK_BYTES {
            self.object.judge_whole(&data).await?;
        }
        let at = |offset: u64| usize::try_from(offset - begin).unwrap_or(usize::MAX);
        let to = at((left.first + left.len).min(end)).min(data.len());
        Ok(data.slice(at(left.first).min(to)..to))
    }

    async fn check(&mut self, first: u64, data: &Bytes) -> Result<(), NodeError> {
        let step = usize::try_from(BLOCK_BYTES).unwrap_or(usize::MAX);
        for (number, block) in (first..).zip(data.chunks(step)) {
            if self.sum(number).await? != Some(xxh3_64_with_seed(block, number)) {
                return Err(self.object.damaged_block(number).await);
            }
        }
        Ok(())
    }

    /// The checksum of a block as it was stored.
    async fn sum(&mut self, number: u64) -> Result<Option<u64>, NodeError> {
        let first = number - number % PAGE_SUMS;
        let (_, page) = match self.page.take().filter(|(at, _)| *at == first) {
            Some(page) => self.page.insert(page),
            None => self.page.insert((first, self.object.read_sums(first, PAGE_SUMS).await?)),
        };
        let at = usize::try_from((number - first) * SUM_BYTES).unwrap_or(usize::MAX);
        let bytes = page.get(at..).and_then(|rest| rest.first_chunk::<8>());
        Ok(bytes.map(|bytes| u64::from_le_bytes(*bytes)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn sums_are_those_of_the_blocks_however_the_bytes_come(
            len in 0_usize..200_000, parts in prop::collection::vec(1_usize..100_000, 0..6),
        ) {
            let data: Vec<u8> = (0..len).map(|at| (at * 31 % 251) as u8).collect();
            let mut sums = Sums::default();
            let mut rest = &data[..];
            for part in parts {
                let (now, later) = rest.split_at(part.min(rest.len()));
                sums.update(now);
                rest = later;
            }
            sums.update(rest);
            let blocks = (0..).zip(data.chunks(65_536));
            let each: Vec<u8> =
                blocks.flat_map(|(n, it)| xxh3_64_with_seed(it, n).to_le_bytes()).collect();
            let wanted = if each.len() > 8 { each } else { Vec::new() };
            prop_assert_eq!(sums.finish(), Bytes::from(wanted.clone()));
            prop_assert_eq!(wanted.len() as u64, SUM_BYTES * count(len as u64));
        }
    }
}
