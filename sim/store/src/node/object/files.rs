//! Files of an object and their order of precedence, as in Swift's hash directories: pure rules
//! over file names.
//!
//! A directory holds `<timestamp>.data` (an object), `.meta` (metadata posted later) and `.ts` (a
//! tombstone). The rules are a maximum of each kind, so that neither the order in which files came
//! nor a file that a crash brought back changes the outcome.
//!
//! Leaves out erasure-coded fragments and expired objects.

use std::fmt;
use std::str::FromStr;

use crate::swift::Timestamp;

/// FileKind of an object's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum FileKind {
    /// Object, as it was put.
    Data,
    /// Metadata of a POST, which replaces the object's own.
    Meta,
    /// Deletion of the object.
    Tombstone,
}

/// Name of an object's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FileName {
    /// Time of the change.
    pub(crate) timestamp: Timestamp,
    /// FileKind of the change.
    pub(crate) kind: FileKind,
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ending = match self.kind {
            FileKind::Data => "data",
            FileKind::Meta => "meta",
            FileKind::Tombstone => "ts",
        };
        write!(f, "{}.{ending}", self.timestamp)
    }
}

/// Name in a hash directory that none of the store's files has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is no name of an object's file: those are a timestamp and .data, .meta or .ts")]
pub(crate) struct UnknownFileName {
    name: String,
}

impl FromStr for FileName {
    type Err = UnknownFileName;

    fn from_str(name: &str) -> Result<Self, UnknownFileName> {
        let unknown = || UnknownFileName { name: name.to_owned() };
        let (timestamp, ending) = name.rsplit_once('.').ok_or_else(unknown)?;
        let kind = match ending {
            "data" => FileKind::Data,
            "meta" => FileKind::Meta,
            "ts" => FileKind::Tombstone,
            _ => return Err(unknown()),
        };
        Ok(Self { timestamp: timestamp.parse().map_err(|_| unknown())?, kind })
    }
}

/// Files of one object that count, by the time of their changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ObjectFiles {
    /// Time of the PUT of the object that is there, if one is.
    pub(crate) data: Option<Timestamp>,
    /// Time of the last POST to it, if there was one.
    pub(crate) meta: Option<Timestamp>,
    /// Time of its deletion, if no later object is there.
    pub(crate) tombstone: Option<Timestamp>,
    /// Files that do not count and never will again.
    pub(crate) obsolete: Vec<FileName>,
}

impl ObjectFiles {
    /// Files that count among `files`, in any order. Data precedes a tombstone of the same time, as
    /// in listings.
    pub(crate) fn among(files: &[FileName]) -> Self {
        let newest =
            |kind| files.iter().filter(|file| file.kind == kind).map(|file| file.timestamp).max();
        let (data, meta) = (newest(FileKind::Data), newest(FileKind::Meta));
        let tombstone = newest(FileKind::Tombstone).filter(|deleted| Some(*deleted) > data);
        let data = if tombstone.is_some() { None } else { data };
        // Metadata that came before its object waits for it.
        let newest_change = data.max(tombstone);
        let waiting_meta = meta.filter(|posted| Some(*posted) > newest_change);
        let stays = |file: &&FileName| match file.kind {
            FileKind::Data => Some(file.timestamp) == data,
            FileKind::Meta => Some(file.timestamp) == waiting_meta,
            FileKind::Tombstone => Some(file.timestamp) == tombstone,
        };
        let mut obsolete: Vec<FileName> =
            files.iter().filter(|file| !stays(file)).copied().collect();
        obsolete.sort_unstable();
        obsolete.dedup();
        Self { data, meta: waiting_meta.filter(|_| data.is_some()), tombstone, obsolete }
    }

    /// Time of the newest PUT or deletion.
    pub(crate) fn newest(&self) -> Option<Timestamp> {
        self.data.max(self.tombstone)
    }

    /// Time of the newest change that readers see: `X-Timestamp`.
    pub(crate) fn changed(&self) -> Option<Timestamp> {
        self.data.max(self.meta)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_file() -> impl Strategy<Value = FileName> {
        (0_u64..6, 0_u8..3).prop_map(|(tick, kind)| FileName {
            timestamp: (0..tick).fold(Timestamp::ZERO, |timestamp, _| timestamp.next()),
            kind: [FileKind::Data, FileKind::Meta, FileKind::Tombstone][usize::from(kind)],
        })
    }

    fn outcome(files: &ObjectFiles) -> [Option<Timestamp>; 3] {
        [files.data, files.meta, files.tombstone]
    }

    #[test]
    fn a_deletion_hides_older_data_and_older_metadata() {
        let files = ["0000000001.00000.data", "0000000002.00000.meta", "0000000003.00000.ts"];
        let files: Vec<FileName> = files.iter().map(|name| name.parse().unwrap()).collect();
        let counting = ObjectFiles::among(&files);
        assert_eq!((counting.data, counting.meta), (None, None));
        assert_eq!(counting.tombstone, Some(files[2].timestamp));
        assert_eq!(counting.obsolete, files[..2]);
    }

    proptest! {
        #[test]
        fn a_name_reads_back_as_it_was_written(file in any_file()) {
            prop_assert_eq!(file.to_string().parse::<FileName>(), Ok(file));
        }

        #[test]
        fn the_order_of_files_decides_nothing(
            files in prop::collection::vec(any_file(), 0..12), turn in 0_usize..12,
        ) {
            let mut turned = files.clone();
            turned.rotate_left(turn.min(files.len()));
            prop_assert_eq!(ObjectFiles::among(&files), ObjectFiles::among(&turned));
            turned.reverse();
            prop_assert_eq!(ObjectFiles::among(&files), ObjectFiles::among(&turned));
        }

        #[test]
        fn removing_what_is_obsolete_decides_nothing_now_or_later(
            files in prop::collection::vec(any_file(), 0..12),
            later in prop::collection::vec(any_file(), 0..6),
        ) {
            let obsolete = ObjectFiles::among(&files).obsolete;
            let kept = files.iter().filter(|file| !obsolete.contains(file)).copied();
            let pruned: Vec<_> = kept.chain(later.iter().copied()).collect();
            let whole: Vec<_> = files.iter().chain(&later).copied().collect();
            prop_assert_eq!(outcome(&ObjectFiles::among(&pruned)), outcome(&ObjectFiles::among(&whole)));
        }
    }

    /// Files that count, one change after the other in the order of their times; of one time the
    /// object comes after its deletion, and metadata before both.
    fn replayed(files: &[FileName]) -> [Option<Timestamp>; 3] {
        let rank = |kind| match kind {
            FileKind::Meta => 0,
            FileKind::Tombstone => 1,
            FileKind::Data => 2,
        };
        let mut changes = files.to_vec();
        changes.sort_by_key(|file| (file.timestamp, rank(file.kind)));
        let (mut data, mut meta, mut tombstone) = (None, None, None);
        for FileName { timestamp, kind } in changes {
            match kind {
                FileKind::Data => (data, meta, tombstone) = (Some(timestamp), None, None),
                FileKind::Tombstone => (data, meta, tombstone) = (None, None, Some(timestamp)),
                // Metadata of what is not there waits, and is not seen.
                FileKind::Meta if data.is_some() => meta = Some(timestamp),
                FileKind::Meta => {}
            }
        }
        [data, meta, tombstone]
    }

    proptest! {
        #[test]
        fn the_files_that_count_are_those_of_the_last_changes(
            files in prop::collection::vec(any_file(), 0..12),
        ) {
            let counting = ObjectFiles::among(&files);
            prop_assert_eq!(outcome(&counting), replayed(&files));
            prop_assert!(counting.data.is_none() || counting.tombstone.is_none());
            prop_assert_eq!(counting.newest(), counting.data.or(counting.tombstone));
            prop_assert_eq!(counting.changed(), counting.meta.or(counting.data));
            // What counts is not obsolete, and each obsolete file is one of them, once.
            let mut obsolete = counting.obsolete.clone();
            obsolete.dedup();
            prop_assert_eq!(&obsolete, &counting.obsolete);
            prop_assert!(obsolete.iter().all(|file| files.contains(file)));
            let kept: Vec<_> =
                files.iter().filter(|file| !obsolete.contains(file)).copied().collect();
            prop_assert!(ObjectFiles::among(&kept).obsolete.is_empty());
        }

        #[test]
        fn any_name_is_a_files_or_not(name in ".{0,30}") {
            if let Ok(file) = name.parse::<FileName>() {
                prop_assert_eq!(file.to_string().parse::<FileName>(), Ok(file));
            }
        }
    }

    #[test]
    fn a_name_of_another_kind_is_no_files() {
        let names =
            ["", ".data", "1.0.dat", "1.0.data.tmp", "x.data", "1.0.DATA", "1.0.ts~", "data"];
        for name in names {
            let refused = name.parse::<FileName>().unwrap_err().to_string();
            assert!(refused.contains(&format!("{name:?}")), "{refused}");
        }
    }
}
