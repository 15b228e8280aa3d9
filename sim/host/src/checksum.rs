//! The MD5 of bytes as they come, which is an object's `ETag`.
//!
//! A simulated object is digested by its client, its proxies and each of its replicas, when it is put and whenever it is read: most of
//! a run's time, if each of them did it. So a world may know contents beforehand. Bytes that are the same as one of those, compared one by
//! one, have its digest; all others are digested. Leaves out trust in anything but the bytes themselves: a damaged copy is none of
//! those that are known.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use md5::{Digest, Md5};

/// KnownContents are looked up by so many of their first bytes; shorter ones are not worth it.
const BEGIN_BYTES: usize = 64;

/// An MD5.
pub type Md5Sum = [u8; 16];

/// KnownContents whose checksums are computed once, when they are first asked for. Clones share, so that all runs over the same objects may.
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
    /// These.
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

    /// Those that begin with `data`, which is not too short.
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

/// The MD5 of what came so far. [`Checksum::default`] knows no contents.
#[derive(Clone, Default)]
pub struct Checksum {
    known: KnownContents,
    state: State,
}

#[derive(Clone, Default)]
enum State {
    #[default]
    Empty,
    /// What came is how all of these begin; there is at least one.
    Known { same: Vec<Arc<Content>>, len: usize },
    /// It is how none begins.
    Digested(Md5),
}

impl Checksum {
    /// Of nothing yet; what turns out to be one of `known` is not digested.
    #[must_use]
    pub const fn knowing(known: KnownContents) -> Self {
        Self { known, state: State::Empty }
    }

    /// Takes in what comes next.
    pub fn update(&mut self, data: &[u8]) {
        if data.is_empty() {
            return;
        }
        match &mut self.state {
            State::Empty => {
                let same = self.known.beginning_with(data);
                self.state = match same.is_empty() {
                    true => State::Digested(Md5::new_with_prefix(data)),
                    false => State::Known { same, len: data.len() },
                };
            }
            State::Known { same, len } => {
                let before = same.first().map(|content| content.bytes.slice(..*len));
                let end = *len + data.len();
                same.retain(|content| content.bytes.get(*len..end) == Some(data));
                *len = end;
                if same.is_empty() {
                    let md5 = Md5::new_with_prefix(before.unwrap_or_default());
                    self.state = State::Digested(md5.chain_update(data));
                }
            }
            State::Digested(md5) => md5.update(data),
        }
    }

    /// The MD5 of all that came.
    #[must_use]
    pub fn sum(self) -> Md5Sum {
        match self.state {
            State::Empty => Md5::digest([]).into(),
            State::Known { same, len } => {
                let whole = same.iter().find(|content| content.bytes.len() == len);
                whole.map_or_else(
                    || Md5::digest(same.first().map_or(&[][..], |it| &it.bytes[..len])).into(),
                    |content| content.sum(),
                )
            }
            State::Digested(md5) => md5.finalize().into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// KnownContents of two kinds of beginning, some of which go on as others do.
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
                // What was asked for on the way changes nothing.
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
        assert!(matches!(&checksum.state, State::Known { len: 1_000, .. }));
        let stored = known.beginning_with(&content);
        stored[0].sum.set([9; 16]).expect("nobody asked yet");
        assert_eq!(checksum.sum(), [9; 16], "it is the known one's");
    }
}
