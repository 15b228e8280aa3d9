//! Incremental MD5, an object's `ETag`, which digests contents known beforehand only once.
//!
//! A simulated object is digested by its client, its proxies and each of its replicas, when it is
//! put and whenever it is read, which would be most of a run's time. So a world may know contents
//! beforehand: bytes that equal one of those, compared one by one, get its digest, which is
//! computed once; all others are digested. Leaves out trust in anything but the bytes: a damaged
//! copy equals no known content.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use md5::{Digest, Md5};

/// First bytes by which contents are looked up; shorter contents are digested.
const BEGIN_BYTES: usize = 64;

/// MD5 digest.
pub type Md5Sum = [u8; 16];

/// Contents whose checksums are computed once, when they are first needed. Clones share them, so
/// that all runs over the same objects may.
#[derive(Clone, Default)]
pub struct KnownContents(Arc<BTreeMap<[u8; BEGIN_BYTES], Vec<Arc<Content>>>>);

struct Content {
    bytes: Bytes,
    sum: OnceLock<Md5Sum>,
}

impl Content {
    fn sum(&self) -> Md5Sum {
        *self.sum.get_or_init(|| Md5::digest(&self.bytes).into())
    }
}

impl KnownContents {
    /// Set of these contents, without the ones too short to be looked up.
    #[must_use]
    pub fn new(contents: impl IntoIterator<Item = Bytes>) -> Self {
        let mut by_begin: BTreeMap<_, Vec<Arc<Content>>> = BTreeMap::new();
        for bytes in contents {
            if let Some(begin) = bytes.first_chunk().copied() {
                let content = Content { bytes, sum: OnceLock::new() };
                by_begin.entry(begin).or_default().push(Arc::new(content));
            }
        }
        Self(Arc::new(by_begin))
    }

    /// The contents that begin with `data`; none if it is too short to be looked up.
    fn beginning_with(&self, data: &[u8]) -> Vec<Arc<Content>> {
        let alike = data.first_chunk().and_then(|begin| self.0.get(begin));
        let alike = alike.into_iter().flatten();
        alike.filter(|content| content.bytes.starts_with(data)).cloned().collect()
    }
}

impl fmt::Debug for KnownContents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sizes = self.0.values().flatten().map(|content| content.bytes.len());
        f.debug_tuple("KnownContents").field(&sizes.collect::<Vec<_>>()).finish()
    }
}

/// MD5 of the bytes so far. [`Checksum::default`] knows no contents.
#[derive(Clone, Default)]
pub struct Checksum {
    known: KnownContents,
    state: ChecksumState,
}

#[derive(Clone, Default)]
enum ChecksumState {
    #[default]
    Empty,
    /// The bytes so far are a prefix of each of these contents, at least one.
    Known { same: Vec<Arc<Content>>, len: usize },
    /// The bytes so far are a prefix of no known content.
    Digested(Md5),
}

impl Checksum {
    /// Checksum of no bytes yet; bytes that equal one of `known` are not digested.
    #[must_use]
    pub const fn knowing(known: KnownContents) -> Self {
        Self { known, state: ChecksumState::Empty }
    }

    /// Adds the next bytes.
    pub fn update(&mut self, data: &[u8]) {
        if data.is_empty() {
            return;
        }
        match &mut self.state {
            ChecksumState::Empty => {
                let same = self.known.beginning_with(data);
                self.state = match same.is_empty() {
                    true => ChecksumState::Digested(Md5::new_with_prefix(data)),
                    false => ChecksumState::Known { same, len: data.len() },
                };
            }
            ChecksumState::Known { same, len } => {
                let before = same.first().map(|content| content.bytes.slice(..*len));
                let end = *len + data.len();
                same.retain(|content| content.bytes.get(*len..end) == Some(data));
                *len = end;
                if same.is_empty() {
                    let md5 = Md5::new_with_prefix(before.unwrap_or_default());
                    self.state = ChecksumState::Digested(md5.chain_update(data));
                }
            }
            ChecksumState::Digested(md5) => md5.update(data),
        }
    }

    /// MD5 of all bytes.
    #[must_use]
    pub fn sum(self) -> Md5Sum {
        match self.state {
            ChecksumState::Empty => Md5::digest([]).into(),
            ChecksumState::Known { same, len } => {
                let whole = same.iter().find(|content| content.bytes.len() == len);
                whole.map_or_else(
                    || Md5::digest(same.first().map_or(&[][..], |it| &it.bytes[..len])).into(),
                    |content| content.sum(),
                )
            }
            ChecksumState::Digested(md5) => md5.finalize().into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Contents of two kinds of beginning, some of which continue alike.
    fn contents() -> Vec<Bytes> {
        let bytes = |begin: u8, len: usize| vec![begin; len];
        let mut all = vec![bytes(1, 100), bytes(1, 200), bytes(2, 64), bytes(2, 63), bytes(1, 0)];
        all.push([bytes(1, 150), bytes(3, 50)].concat());
        all.into_iter().map(Bytes::from).collect()
    }

    proptest! {
        #[test]
        fn a_sum_is_the_md5_whatever_is_known_and_however_it_comes(
            which in 0_usize..6, len in 0_usize..250, change in prop::option::of(0_usize..200),
            parts in prop::collection::vec(0_usize..130, 0..5),
        ) {
            let mut data = contents()[which].to_vec();
            data.resize(len.max(data.len()), 1);
            if let Some(byte) = change.and_then(|at| data.get_mut(at)) {
                *byte ^= 0x40;
            }
            let mut checksum = Checksum::knowing(KnownContents::new(contents()));
            let mut rest = &data[..];
            for part in parts {
                let (now, later) = rest.split_at(part.min(rest.len()));
                checksum.update(now);
                // A sum taken on the way changes nothing.
                let _so_far = checksum.clone().sum();
                rest = later;
            }
            checksum.update(rest);
            prop_assert_eq!(checksum.sum(), Md5Sum::from(Md5::digest(&data)));
        }
    }

    #[test]
    fn a_known_content_is_not_digested() {
        let content = Bytes::from(vec![7; 1_000]);
        let known = KnownContents::new([content.clone()]);
        let mut checksum = Checksum::knowing(known.clone());
        checksum.update(&content[..500]);
        checksum.update(&content[500..]);
        assert!(matches!(&checksum.state, ChecksumState::Known { len: 1_000, .. }));
        let stored = known.beginning_with(&content);
        stored[0].sum.set([9; 16]).expect("nobody asked yet");
        assert_eq!(checksum.sum(), [9; 16], "it is the known one's");
    }
}
