//! Manifest as it is stored, and the segments that hold a range of its large object.
//!
//! Leaves out the form in which clients write one: see `manifest_request`.

use serde::{Deserialize, Serialize};
use stayput_host::Checksum;

use crate::http::ByteRange;
use crate::proxy::headers::hex;
use crate::proxy::limits::MANIFEST_SEGMENTS_MAX;
use crate::swift::{BadName, Path};

/// Longest segment in bytes. It may be a large object itself; a thousand of them fit into 64 bits.
const SEGMENT_BYTES_MAX: u64 = 1 << 53;

/// Segment as it was found when the manifest was put. The names are Swift's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::proxy) struct Segment {
    /// `/container/object`, decoded.
    pub(in crate::proxy) name: String,
    /// Length of the object in bytes; of a large object, of all its segments.
    pub(in crate::proxy) bytes: u64,
    /// ETag of the object.
    pub(in crate::proxy) hash: String,
    pub(in crate::proxy) content_type: String,
    pub(in crate::proxy) last_modified: String,
    /// Range of the object, as `first-last`; `None` for all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::proxy) range: Option<String>,
    /// True if the object is a large object itself.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(in crate::proxy) sub_slo: bool,
}

/// Segments of a large object, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(in crate::proxy) struct Manifest(Vec<Segment>);

impl Segment {
    /// Path of the object, in the account of `path`.
    pub(in crate::proxy) fn path(&self, path: &Path) -> Result<Path, BadName> {
        path_of(path, &self.name)
    }

    /// Range of the object; `None` if the object does not have it.
    fn byte_range(&self) -> Option<ByteRange> {
        let Some(range) = &self.range else {
            return Some(ByteRange { first: 0, length: self.bytes });
        };
        let (first, last) = range.split_once('-')?;
        let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
        (first <= last && last < self.bytes).then(|| ByteRange { first, length: last - first + 1 })
    }
}

/// Path of `/container/object` in the account of `path`.
pub(in crate::proxy) fn path_of(path: &Path, name: &str) -> Result<Path, BadName> {
    let missing = || BadName::Missing { path: name.to_owned(), what: "object" };
    let (container, object) = name.trim_start_matches('/').split_once('/').ok_or_else(missing)?;
    Path::object_of(path.account(), container, object)
}

impl Manifest {
    /// Joins segments; `None` if one is impossible, or they are too many.
    pub(in crate::proxy) fn new(segments: Vec<Segment>) -> Option<Self> {
        let is_possible = |segment: &Segment| {
            segment.bytes <= SEGMENT_BYTES_MAX && segment.byte_range().is_some()
        };
        let few = segments.len() <= MANIFEST_SEGMENTS_MAX;
        (few && segments.iter().all(is_possible)).then_some(Self(segments))
    }

    /// Parses the stored JSON.
    pub(in crate::proxy) fn stored(json: &[u8]) -> Option<Self> {
        let Self(segments) = serde_json::from_slice(json).ok()?;
        Self::new(segments)
    }

    pub(in crate::proxy) fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// Length of the large object in bytes.
    pub(in crate::proxy) fn size(&self) -> u64 {
        self.0.iter().filter_map(Segment::byte_range).map(|range| range.length).sum()
    }

    /// ETag of the large object: the MD5 of its segments' ETags and ranges.
    pub(in crate::proxy) fn etag(&self) -> String {
        let mut checksum = Checksum::default();
        for segment in &self.0 {
            checksum.update(segment.hash.as_bytes());
            if let Some(range) = &segment.range {
                checksum.update(format!(":{range};").as_bytes());
            }
        }
        hex(&checksum.sum())
    }

    /// Ranges of segments that hold `wanted` of the large object.
    pub(in crate::proxy) fn ranges(
        &self,
        wanted: ByteRange,
    ) -> impl Iterator<Item = (&Segment, ByteRange)> {
        let (mut begin, end) = (0, wanted.first + wanted.length);
        self.0.iter().filter_map(move |segment| {
            let own = segment.byte_range()?;
            let (from, to) = (wanted.first.max(begin), end.min(begin + own.length));
            let offset = from.saturating_sub(begin);
            begin += own.length;
            (from < to)
                .then(|| (segment, ByteRange { first: own.first + offset, length: to - from }))
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
    fn an_impossible_manifest_is_refused() {
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
        fn a_range_of_the_whole_is_the_ranges_of_its_segments_joined(
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
                let run = segment.byte_range().unwrap();
                (run.first..run.first + run.length).map(|at| (segment.name.clone(), at))
            }).collect();
            let manifest = Manifest::new(segments).unwrap();
            prop_assert_eq!(manifest.size(), bytes.len() as u64);
            let joined: Vec<(String, u64)> = manifest.ranges(ByteRange { first, length })
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
