//! What another replica lacks of an object: a pure rule over what both have.
//!
//! Leaves out sending it.

use serde::{Deserialize, Serialize};

use crate::node::object::files::{Kind, Winners};
use crate::swift::Timestamp;

/// What a replica has of an object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Has {
    /// When the object that is there was put.
    pub(super) data: Option<Timestamp>,
    /// When its metadata was replaced.
    pub(super) meta: Option<Timestamp>,
    /// When it was deleted.
    pub(super) tombstone: Option<Timestamp>,
}

impl Has {
    pub(super) fn of(winners: &Winners) -> Self {
        let Winners { data, meta, tombstone, .. } = *winners;
        Self { data, meta, tombstone }
    }

    /// What the other one lacks, in the order in which it takes it.
    pub(super) fn lacking(self, theirs: Self) -> impl Iterator<Item = (Kind, Timestamp)> {
        // Data counts more than a tombstone of its own time, and a tombstone only if it is newer than data.
        let newer_data = self.data > theirs.data && self.data >= theirs.tombstone;
        let newer_tombstone = self.tombstone > theirs.data && self.tombstone > theirs.tombstone;
        let same_data = newer_data || self.data == theirs.data;
        let their_meta = if newer_data { None } else { theirs.meta };
        let newer_meta = same_data && self.meta > their_meta;
        let lacks =
            |kind, at: Option<Timestamp>, lacks: bool| at.filter(|_| lacks).map(|at| (kind, at));
        let data = lacks(Kind::Data, self.data, newer_data);
        let tombstone = lacks(Kind::Tombstone, self.tombstone, newer_tombstone);
        let meta = lacks(Kind::Meta, self.meta, newer_meta);
        data.into_iter().chain(tombstone).chain(meta)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::node::object::files::FileName;

    fn any_files() -> impl Strategy<Value = Vec<FileName>> {
        let file = (1_u64..6, 0_u8..3).prop_map(|(tick, kind)| FileName {
            timestamp: (0..tick).fold(Timestamp::ZERO, |timestamp, _| timestamp.next()),
            kind: [Kind::Data, Kind::Meta, Kind::Tombstone][usize::from(kind)],
        });
        prop::collection::vec(file, 0..8)
    }

    /// The files with what another replica sends added, as the object server adds it.
    fn given(
        mut files: Vec<FileName>,
        lacking: impl Iterator<Item = (Kind, Timestamp)>,
    ) -> Vec<FileName> {
        for (kind, timestamp) in lacking {
            files.push(FileName { timestamp, kind });
        }
        files
    }

    proptest! {
        #[test]
        fn two_replicas_that_give_each_other_what_they_lack_have_the_same(
            ours in any_files(), theirs in any_files(),
        ) {
            let has = |files: &[FileName]| Has::of(&Winners::among(files));
            let (mut ours, mut theirs) = (ours, theirs);
            // Twice: metadata that waited for its object is seen when the object has come.
            for _round in 0..2 {
                let lacking: Vec<_> = has(&ours).lacking(has(&theirs)).collect();
                theirs = given(theirs, lacking.into_iter());
                let lacking: Vec<_> = has(&theirs).lacking(has(&ours)).collect();
                ours = given(ours, lacking.into_iter());
            }
            prop_assert_eq!(has(&ours), has(&theirs));
        }

        #[test]
        fn what_is_not_lacking_changes_nothing(ours in any_files(), theirs in any_files()) {
            let has = |files: &[FileName]| Has::of(&Winners::among(files));
            let all: Vec<FileName> = theirs.iter().chain(&ours).copied().collect();
            let given = given(theirs.clone(), has(&ours).lacking(has(&theirs)));
            // Metadata that waits for its object is known to nobody but who has it.
            let put = |has: Has| (has.data, has.tombstone);
            prop_assert_eq!(put(has(&given)), put(has(&all)));
        }
    }
}
