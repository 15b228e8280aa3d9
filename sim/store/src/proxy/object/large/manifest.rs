//! A manifest as it is stored, and which runs of which segments a run of its large object is.
//!
//! Leaves out what a client may write into one: see `spec`.

use serde::{Deserialize, Serialize};
use stayput_host::Checksum;

use crate::proxy::limits::MANIFEST_SEGMENTS_MAX;
use crate::proxy::object::ranges::Run;
use crate::proxy::object::relay::hex;
use crate::swift::{BadName, Path};

/// The longest segment, which may be a large object itself. A thousand of them are no more than a number can say.
const SEGMENT_BYTES_MAX: u64 = 1 << 53;

/// A segment, as it was found when the manifest was put. The names are Swift's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::proxy::object) struct Segment {
    /// `/container/object`, decoded.
    pub(in crate::proxy::object) name: String,
    /// How long the object is; of a large object, all its segments.
    pub(in crate::proxy::object) bytes: u64,
    /// Its ETag.
    pub(in crate::proxy::object) hash: String,
    pub(in crate::proxy::object) content_type: String,
    pub(in crate::proxy::object) last_modified: String,
    /// The run of it that counts, as `first-last`; all of it if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::proxy::object) range: Option<String>,
    /// Whether it is a large object itself.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(in crate::proxy::object) sub_slo: bool,
}

/// The segments of a large object, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(in crate::proxy::object) struct Manifest(Vec<Segment>);

impl Segment {
    /// Its path, in the account of `path`.
    pub(in crate::proxy::object) fn path(&self, path: &Path) -> Result<Path, BadName> {
        path_of(path, &self.name)
    }

    /// The run of its object that counts. `None` if what it says is none that its object has.
    fn run(&self) -> Option<Run> {
        let Some(range) = &self.range else { return Some(Run { first: 0, length: self.bytes }) };
        let (first, last) = range.split_once('-')?;
        let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
        (first <= last && last < self.bytes).then(|| Run { first, length: last - first + 1 })
    }
}

/// The path of `/container/object` in the account of `path`.
pub(in crate::proxy::object) fn path_of(path: &Path, name: &str) -> Result<Path, BadName> {
    let missing = || BadName::Missing { path: name.to_owned(), what: "object" };
    let (container, object) = name.trim_start_matches('/').split_once('/').ok_or_else(missing)?;
    Path::object_of(path.account(), container, object)
}

impl Manifest {
    /// Of these segments, unless one says what cannot be, or they are more than may be.
    pub(in crate::proxy::object) fn new(segments: Vec<Segment>) -> Option<Self> {
        let makes_sense =
            |segment: &Segment| segment.bytes <= SEGMENT_BYTES_MAX && segment.run().is_some();
        let few = segments.len() <= MANIFEST_SEGMENTS_MAX;
        (few && segments.iter().all(makes_sense)).then_some(Self(segments))
    }

    /// As it was stored.
    pub(in crate::proxy::object) fn stored(json: &[u8]) -> Option<Self> {
        let Self(segments) = serde_json::from_slice(json).ok()?;
        Self::new(segments)
    }

    pub(in crate::proxy::object) fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// How long the large object is.
    pub(in crate::proxy::object) fn size(&self) -> u64 {
        self.0.iter().filter_map(Segment::run).map(|run| run.length).sum()
    }

    /// The ETag of the large object: the MD5 of its segments' ETags and ranges.
    pub(in crate::proxy::object) fn etag(&self) -> String {
        let mut checksum = Checksum::default();
        for segment in &self.0 {
            checksum.update(segment.hash.as_bytes());
            if let Some(range) = &segment.range {
                checksum.update(format!(":{range};").as_bytes());
            }
        }
        hex(&checksum.sum())
    }

    /// The runs of the segments that `wanted` of the large object is.
    pub(in crate::proxy::object) fn runs(
        &self,
        wanted: Run,
    ) -> impl Iterator<Item = (&Segment, Run)> {
        let (mut begin, end) = (0, wanted.first + wanted.length);
        self.0.iter().filter_map(move |segment| {
            let own = segment.run()?;
            let (from, to) = (wanted.first.max(begin), end.min(begin + own.length));
            let offset = from.saturating_sub(begin);
            begin += own.length;
            (from < to).then(|| (segment, Run { first: own.first + offset, length: to - from }))
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn segment(name: usize, bytes: u64, range: Option<(u64, u64)>) -> Segment {
        Segment {
            name: format!("/c/{name}"),
            bytes,
            hash: "h".to_owned(),
            content_type: "t".to_owned(),
            last_modified: "m".to_owned(),
            range: range.map(|(first, last)| format!("{first}-{last}")),
            sub_slo: false,
        }
    }

    #[test]
    fn a_manifest_that_says_what_cannot_be_is_none() {
        assert!(Manifest::new(vec![segment(0, 10, Some((0, 9)))]).is_some());
        assert!(Manifest::new(vec![segment(0, 10, Some((0, 10)))]).is_none());
        assert!(Manifest::new(vec![segment(0, 10, Some((5, 4)))]).is_none());
        assert!(Manifest::new(vec![segment(0, u64::MAX, None), segment(1, 1, None)]).is_none());
        assert!(Manifest::stored(b"[{}]").is_none());
        assert!(Manifest::stored(b"{").is_none());
    }

    #[test]
    fn the_etag_is_of_the_segments_etags_and_ranges() {
        let manifest = Manifest::new(vec![segment(0, 10, None), segment(1, 10, Some((2, 4)))]);
        let mut checksum = Checksum::default();
        checksum.update(b"hh:2-4;");
        assert_eq!(manifest.unwrap().etag(), hex(&checksum.sum()));
    }

    proptest! {
        #[test]
        fn a_run_of_the_whole_is_its_segments_runs_joined(
            sizes in prop::collection::vec((0_u64..9, prop::option::of((0_u64..9, 0_u64..9))), 0..9),
            first in 0_u64..60, length in 0_u64..60,
        ) {
            let valid = |bytes: u64, range: Option<(u64, u64)>| {
                range.filter(|(first, last)| first <= last && *last < bytes)
            };
            let segments: Vec<_> = sizes.iter().enumerate()
                .map(|(name, (bytes, range))| segment(name, *bytes, valid(*bytes, *range)))
                .collect();
            // Each byte of the large object, as its segment and place there.
            let bytes: Vec<(String, u64)> = segments.iter().flat_map(|segment| {
                let run = segment.run().unwrap();
                (run.first..run.first + run.length).map(|at| (segment.name.clone(), at))
            }).collect();
            let manifest = Manifest::new(segments).unwrap();
            prop_assert_eq!(manifest.size(), bytes.len() as u64);
            let joined: Vec<(String, u64)> = manifest.runs(Run { first, length })
                .flat_map(|(segment, run)| {
                    (run.first..run.first + run.length).map(|at| (segment.name.clone(), at))
                })
                .collect();
            let wanted: Vec<_> =
                bytes.into_iter().skip(first as usize).take(length as usize).collect();
            prop_assert_eq!(joined, wanted);
        }
    }
}
