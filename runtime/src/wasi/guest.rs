//! Checked access to a guest's memory, which may hold anything.
//!
//! Leaves out the meaning of the bytes, which the calls know.

use super::errno::Errno;
use crate::limits::SEGMENTS_MAX;

/// Linear memory of a guest.
pub(crate) struct Guest<'a>(pub(crate) &'a mut [u8]);

/// One buffer of a scattered read or gathered write. It lay within memory when it was made, and
/// memory never shrinks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Segment {
    pub(crate) at: usize,
    pub(crate) len: usize,
}

/// Buffers of one call. Nearly always there is one, which needs no allocation.
#[derive(Debug)]
pub(crate) enum Segments {
    One(Segment),
    Many(Vec<Segment>),
}

impl std::ops::Deref for Segments {
    type Target = [Segment];

    fn deref(&self) -> &[Segment] {
        match self {
            Self::One(segment) => std::slice::from_ref(segment),
            Self::Many(segments) => segments,
        }
    }
}

impl Guest<'_> {
    pub(crate) fn bytes(&self, at: u32, len: u32) -> Result<&[u8], Errno> {
        let at = at as usize;
        self.0.get(at..at + len as usize).ok_or(Errno::Fault)
    }

    pub(crate) fn bytes_mut(&mut self, at: u32, len: u32) -> Result<&mut [u8], Errno> {
        let at = at as usize;
        self.0.get_mut(at..at + len as usize).ok_or(Errno::Fault)
    }

    pub(crate) fn text(&self, at: u32, len: u32) -> Result<&str, Errno> {
        std::str::from_utf8(self.bytes(at, len)?).map_err(|_| Errno::Ilseq)
    }

    pub(crate) fn put(&mut self, at: u32, bytes: &[u8]) -> Result<(), Errno> {
        let len = u32::try_from(bytes.len()).map_err(|_| Errno::Fault)?;
        self.bytes_mut(at, len)?.copy_from_slice(bytes);
        Ok(())
    }

    pub(crate) fn put_u32(&mut self, at: u32, value: u32) -> Result<(), Errno> {
        self.put(at, &value.to_le_bytes())
    }

    pub(crate) fn put_u64(&mut self, at: u32, value: u64) -> Result<(), Errno> {
        self.put(at, &value.to_le_bytes())
    }

    /// List of buffers at `at`. Their total fits the guest's 32-bit result.
    pub(crate) fn segments(&self, at: u32, count: u32) -> Result<Segments, Errno> {
        if count > SEGMENTS_MAX {
            return Err(Errno::Inval);
        }
        let list = self.bytes(at, count * 8)?;
        let segments = if count == 1 {
            Segments::One(self.segment(list)?)
        } else {
            let mut segments = Vec::with_capacity(count as usize);
            for pair in list.chunks_exact(8) {
                segments.push(self.segment(pair)?);
            }
            Segments::Many(segments)
        };
        if total_len(&segments) > i32::MAX as usize {
            return Err(Errno::Inval);
        }
        Ok(segments)
    }

    fn segment(&self, pair: &[u8]) -> Result<Segment, Errno> {
        let number =
            |at: usize| u32::from_le_bytes([pair[at], pair[at + 1], pair[at + 2], pair[at + 3]]);
        let (at, len) = (number(0), number(4));
        self.bytes(at, len)?;
        Ok(Segment { at: at as usize, len: len as usize })
    }

    /// Copies `data` into the segments, beginning `skip` bytes into them.
    pub(crate) fn scatter(&mut self, segments: &[Segment], mut skip: usize, mut data: &[u8]) {
        for segment in segments {
            if skip >= segment.len {
                skip -= segment.len;
                continue;
            }
            let len = (segment.len - skip).min(data.len());
            let (now, later) = data.split_at(len);
            let at = segment.at + skip;
            self.0[at..at + len].copy_from_slice(now);
            data = later;
            skip = 0;
            if data.is_empty() {
                return;
            }
        }
        assert!(data.is_empty(), "{} bytes more than the guest asked for", data.len());
    }

    /// At most `len` bytes of the segments, beginning `skip` bytes into them.
    pub(crate) fn gather(&self, segments: &[Segment], mut skip: usize, len: usize) -> Vec<u8> {
        let mut data = Vec::with_capacity(len);
        for segment in segments {
            if skip >= segment.len {
                skip -= segment.len;
                continue;
            }
            let at = segment.at + skip;
            let part = (segment.len - skip).min(len - data.len());
            data.extend_from_slice(&self.0[at..at + part]);
            skip = 0;
        }
        data
    }
}

/// Total length of all segments.
pub(crate) fn total_len(segments: &[Segment]) -> usize {
    segments.iter().map(|segment| segment.len).sum()
}
