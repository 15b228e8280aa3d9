//! Files of an object that another replica lacks: a pure rule over the files of both.
//!
//! Leaves out sending them.

use serde::{Deserialize, Serialize};

use crate::node::object::{FileKind, ObjectFiles};
use crate::swift::Timestamp;

/// Files of an object that count on a replica, by the time of their changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ReplicaFiles {
    /// Time of the PUT of the object that is there.
    pub(super) data: Option<Timestamp>,
    /// Time of the last POST to it.
    pub(super) meta: Option<Timestamp>,
    /// Time of its deletion.
    pub(super) tombstone: Option<Timestamp>,
}

impl ReplicaFiles {
    pub(super) fn of(files: &ObjectFiles) -> Self {
        let ObjectFiles { data, meta, tombstone, .. } = *files;
        Self { data, meta, tombstone }
    }

    /// Files that another replica with `theirs` lacks, in the order in which it takes them.
    pub(super) fn missing_in(self, theirs: Self) -> impl Iterator<Item = (FileKind, Timestamp)> {
        // Data precedes a tombstone of its own time, and a tombstone counts only if it is newer
        // than data.
        let newer_data = self.data > theirs.data && self.data >= theirs.tombstone;
        let newer_tombstone = self.tombstone > theirs.data && self.tombstone > theirs.tombstone;
        let same_data = newer_data || self.data == theirs.data;
        let their_meta = if newer_data { None } else { theirs.meta };
        let newer_meta = same_data && self.meta > their_meta;
        let missing =
            |kind, at: Option<Timestamp>, newer: bool| at.filter(|_| newer).map(|at| (kind, at));
        let data = missing(FileKind::Data, self.data, newer_data);
        let tombstone = missing(FileKind::Tombstone, self.tombstone, newer_tombstone);
        let meta = missing(FileKind::Meta, self.meta, newer_meta);
        data.into_iter().chain(tombstone).chain(meta)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::node::object::FileName;

    fn any_files() -> impl Strategy<Value = Vec<FileName>> {
        let file = (1_u64..6, 0_u8..3).prop_map(|(tick, kind)| FileName {
            timestamp: (0..tick).fold(Timestamp::ZERO, |timestamp, _| timestamp.next()),
            kind: [FileKind::Data, FileKind::Meta, FileKind::Tombstone][usize::from(kind)],
        });
        prop::collection::vec(file, 0..8)
    }

    /// The files with what another replica sends added, as the object server adds it.
    fn given(
        mut files: Vec<FileName>,
        missing: impl Iterator<Item = (FileKind, Timestamp)>,
    ) -> Vec<FileName> {
        for (kind, timestamp) in missing {
            files.push(FileName { timestamp, kind });
        }
        files
    }

    proptest! {
        #[test]
        fn two_replicas_that_give_each_other_missing_files_have_the_same(
            ours in any_files(), theirs in any_files(),
        ) {
            let has = |files: &[FileName]| ReplicaFiles::of(&ObjectFiles::among(files));
            let (mut ours, mut theirs) = (ours, theirs);
            // Twice: metadata that waited for its object is seen when the object has come.
            for _round in 0..2 {
                let missing: Vec<_> = has(&ours).missing_in(has(&theirs)).collect();
                theirs = given(theirs, missing.into_iter());
                let missing: Vec<_> = has(&theirs).missing_in(has(&ours)).collect();
                ours = given(ours, missing.into_iter());
            }
            prop_assert_eq!(has(&ours), has(&theirs));
        }

        #[test]
        fn a_file_that_is_not_missing_changes_nothing(ours in any_files(), theirs in any_files()) {
            let has = |files: &[FileName]| ReplicaFiles::of(&ObjectFiles::among(files));
            let all: Vec<FileName> = theirs.iter().chain(&ours).copied().collect();
            let given = given(theirs.clone(), has(&ours).missing_in(has(&theirs)));
            // Metadata that waits for its object does not count, so no other replica sees it.
            let put = |has: ReplicaFiles| (has.data, has.tombstone);
            prop_assert_eq!(put(has(&given)), put(has(&all)));
        }
    }
}
