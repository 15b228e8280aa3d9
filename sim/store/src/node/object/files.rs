//! Which files of an object count, as Swift's hash directories decide it: pure rules over file
//! names.
//!
//! A directory holds `<timestamp>.data` (an object), `.meta` (metadata posted later) and `.ts` (a
//! tombstone). The rules are a maximum of each kind, so that neither the order in which files came
//! nor a file that a crash brought back changes who wins.
//!
//! Leaves out erasure-coded fragments and expired objects.

use std::fmt;
use std::str::FromStr;

use crate::swift::Timestamp;

/// What a file of an object says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The object, as it was put.
    Data,
    /// Metadata that a POST put in the place of the object's own.
    Meta,
    /// The object was deleted.
    Tombstone,
}

/// The name of a file of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileName {
    /// When the change happened.
    pub timestamp: Timestamp,
    /// What the change was.
    pub kind: Kind,
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ending = match self.kind {
            Kind::Data => "data",
            Kind::Meta => "meta",
            Kind::Tombstone => "ts",
        };
        write!(f, "{}.{ending}", self.timestamp)
    }
}

/// A name in a hash directory that none of the store's files has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is no name of an object's file: those are a timestamp and .data, .meta or .ts")]
pub struct StrangeName {
    name: String,
}

impl FromStr for FileName {
    type Err = StrangeName;

    fn from_str(name: &str) -> Result<Self, StrangeName> {
        let strange = || StrangeName { name: name.to_owned() };
        let (timestamp, ending) = name.rsplit_once('.').ok_or_else(strange)?;
        let kind = match ending {
            "data" => Kind::Data,
            "meta" => Kind::Meta,
            "ts" => Kind::Tombstone,
            _ => return Err(strange()),
        };
        Ok(Self { timestamp: timestamp.parse().map_err(|_| strange())?, kind })
    }
}

/// What the files of one object come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Winners {
    /// When the object that is there was put, if one is.
    pub data: Option<Timestamp>,
    /// When its metadata was replaced, if it was.
    pub meta: Option<Timestamp>,
    /// When it was deleted, if that is what counts.
    pub tombstone: Option<Timestamp>,
    /// Files that no longer count and never will again.
    pub obsolete: Vec<FileName>,
}

impl Winners {
    /// Decides among `files`, in any order. Data wins over a tombstone of the same time, as in
    /// listings.
    #[must_use]
    pub fn among(files: &[FileName]) -> Self {
        let newest =
            |kind| files.iter().filter(|file| file.kind == kind).map(|file| file.timestamp).max();
        let (data, meta) = (newest(Kind::Data), newest(Kind::Meta));
        let tombstone = newest(Kind::Tombstone).filter(|deleted| Some(*deleted) > data);
        let data = if tombstone.is_some() { None } else { data };
        // A meta file that came before its object waits for it.
        let fate = data.max(tombstone);
        let waiting_meta = meta.filter(|posted| Some(*posted) > fate);
        let stays = |file: &&FileName| match file.kind {
            Kind::Data => Some(file.timestamp) == data,
            Kind::Meta => Some(file.timestamp) == waiting_meta,
            Kind::Tombstone => Some(file.timestamp) == tombstone,
        };
        let mut obsolete: Vec<FileName> =
            files.iter().filter(|file| !stays(file)).copied().collect();
        obsolete.sort_unstable();
        obsolete.dedup();
        Self { data, meta: waiting_meta.filter(|_| data.is_some()), tombstone, obsolete }
    }

    /// The newest put or deletion.
    #[must_use]
    pub fn newest(&self) -> Option<Timestamp> {
        self.data.max(self.tombstone)
    }

    /// The newest change that readers see: `X-Timestamp`.
    #[must_use]
    pub fn changed(&self) -> Option<Timestamp> {
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
            kind: [Kind::Data, Kind::Meta, Kind::Tombstone][usize::from(kind)],
        })
    }

    fn outcome(winners: &Winners) -> [Option<Timestamp>; 3] {
        [winners.data, winners.meta, winners.tombstone]
    }

    #[test]
    fn a_deletion_hides_older_data_and_older_metadata() {
        let files = ["0000000001.00000.data", "0000000002.00000.meta", "0000000003.00000.ts"];
        let files: Vec<FileName> = files.iter().map(|name| name.parse().unwrap()).collect();
        let winners = Winners::among(&files);
        assert_eq!((winners.data, winners.meta), (None, None));
        assert_eq!(winners.tombstone, Some(files[2].timestamp));
        assert_eq!(winners.obsolete, files[..2]);
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
            prop_assert_eq!(Winners::among(&files), Winners::among(&turned));
            turned.reverse();
            prop_assert_eq!(Winners::among(&files), Winners::among(&turned));
        }

        #[test]
        fn removing_what_is_obsolete_decides_nothing_now_or_later(
            files in prop::collection::vec(any_file(), 0..12),
            later in prop::collection::vec(any_file(), 0..6),
        ) {
            let obsolete = Winners::among(&files).obsolete;
            let kept = files.iter().filter(|file| !obsolete.contains(file)).copied();
            let pruned: Vec<_> = kept.chain(later.iter().copied()).collect();
            let whole: Vec<_> = files.iter().chain(&later).copied().collect();
            prop_assert_eq!(outcome(&Winners::among(&pruned)), outcome(&Winners::among(&whole)));
        }
    }
}
