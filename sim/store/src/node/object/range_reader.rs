//! Reads of a range of an object, verified block by block with its checksums.
//!
//! Leaves out reads of whole objects, which are verified by their MD5.

use bytes::Bytes;

use super::open::OpenObject;
use crate::http::ByteRange;
use crate::node::storage::NodeError;
use crate::node::storage::block_checksums::{BLOCK_BYTES, CHECKSUM_BYTES, checksum};

/// Checksums that are read at a time: those of 32 MiB.
const PAGE_CHECKSUMS: u64 = 512;

/// Reader of ranges of an object, each block of which is verified before it is given.
pub(super) struct RangeReader<'a> {
    object: &'a OpenObject,
    /// Stored checksums that were read, and the number of the first one's block.
    page: Option<(u64, Bytes)>,
}

impl<'a> RangeReader<'a> {
    /// A reader. An object of several blocks without checksums is verified as a whole now.
    pub(super) async fn new(object: &'a OpenObject) -> Result<Self, NodeError> {
        if !object.has_checksums() && object.metadata().length > BLOCK_BYTES {
            object.verify_etag().await?;
        }
        Ok(Self { object, page: None })
    }

    /// Reads from the beginning of `left`: all of it, or what lies in the blocks of the next
    /// `at_most` bytes.
    pub(super) async fn read(&mut self, left: ByteRange, at_most: u64) -> Result<Bytes, NodeError> {
        let length = self.object.metadata().length;
        let begin = left.first - left.first % BLOCK_BYTES;
        let wanted = (left.first + left.length).next_multiple_of(BLOCK_BYTES);
        let end = wanted.min(begin + at_most.next_multiple_of(BLOCK_BYTES)).min(length);
        let data = self.object.read_at(begin, end - begin).await?;
        if self.object.has_checksums() {
            self.verify(begin / BLOCK_BYTES, &data).await?;
        } else if length <= BLOCK_BYTES {
            self.object.verify_whole(&data).await?;
        }
        let at = |offset: u64| usize::try_from(offset - begin).unwrap_or(usize::MAX);
        let to = at((left.first + left.length).min(end)).min(data.len());
        Ok(data.slice(at(left.first).min(to)..to))
    }

    async fn verify(&mut self, first: u64, data: &Bytes) -> Result<(), NodeError> {
        let step = usize::try_from(BLOCK_BYTES).unwrap_or(usize::MAX);
        for (number, block) in (first..).zip(data.chunks(step)) {
            if self.stored(number).await? != Some(checksum(block, number)) {
                return Err(self.object.damaged_block(number).await);
            }
        }
        Ok(())
    }

    /// Stored checksum of a block.
    async fn stored(&mut self, number: u64) -> Result<Option<u64>, NodeError> {
        let first = number - number % PAGE_CHECKSUMS;
        let (_, page) = match self.page.take().filter(|(at, _)| *at == first) {
            Some(page) => self.page.insert(page),
            None => {
                let page = self.object.read_checksums(first, PAGE_CHECKSUMS).await?;
                self.page.insert((first, page))
            }
        };
        let at = usize::try_from((number - first) * CHECKSUM_BYTES).unwrap_or(usize::MAX);
        let bytes = page.get(at..).and_then(|rest| rest.first_chunk::<8>());
        Ok(bytes.map(|bytes| u64::from_le_bytes(*bytes)))
    }
}
