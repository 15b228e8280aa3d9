//! A node for each session of a gang: the first that it may have, and another for those before it
//! where that makes room.
//!
//! A matching of sessions to nodes that each take several, by augmenting paths (Kuhn 1955): if
//! there is a way to place all of them, one is found. Sessions that fit where they would rather be
//! are not moved. Leaves out which nodes a session may have, and their order.

use std::collections::{BTreeMap, BTreeSet};

/// For each session the number of its place among its candidates, best first, so that no node has
/// more than `room` sessions.
///
/// # Errors
/// The first session for which there is no place, wherever the ones before it go.
pub(super) fn assign<N: Ord + Copy>(candidates: &[Vec<N>], room: u64) -> Result<Vec<usize>, usize> {
    let mut matching = Matching { candidates, room, placed: BTreeMap::new(), chosen: Vec::new() };
    for session in 0..candidates.len() {
        matching.chosen.push(None);
        if !matching.place(session, &mut BTreeSet::new()) {
            return Err(session);
        }
    }
    matching.chosen.iter().enumerate().map(|(session, place)| place.ok_or(session)).collect()
}

struct Matching<'a, N> {
    candidates: &'a [Vec<N>],
    room: u64,
    /// The sessions of each node.
    placed: BTreeMap<N, Vec<usize>>,
    chosen: Vec<Option<usize>>,
}

impl<N: Ord + Copy> Matching<'_, N> {
    /// Finds a place for a session, and moves others if it must. Each node is looked at once.
    fn place(&mut self, session: usize, seen: &mut BTreeSet<N>) -> bool {
        let candidates = &self.candidates[session];
        let has_room = |node: &&N| self.placed.get(node).map_or(0, Vec::len) < self.capacity();
        if let Some(node) = candidates.iter().find(has_room) {
            self.put(session, *node);
            return true;
        }
        for node in candidates {
            if !seen.insert(*node) {
                continue;
            }
            for other in self.placed.get(node).cloned().unwrap_or_default() {
                if self.place(other, seen) {
                    self.placed.entry(*node).or_default().retain(|it| *it != other);
                    self.put(session, *node);
                    return true;
                }
            }
        }
        false
    }

    fn capacity(&self) -> usize {
        usize::try_from(self.room).unwrap_or(usize::MAX)
    }

    fn put(&mut self, session: usize, node: N) {
        self.placed.entry(node).or_default().push(session);
        self.chosen[session] = self.candidates[session].iter().position(|it| *it == node);
    }
}

#[cfg(test)]
mod tests {
    use super::assign;
    use proptest::prelude::*;

    /// True if there is any way, by trying all.
    fn is_possible(candidates: &[Vec<u8>], room: u64, load: &mut [u64; 4]) -> bool {
        let Some((first, others)) = candidates.split_first() else { return true };
        first.iter().any(|node| {
            let node = usize::from(*node);
            if load[node] == room {
                return false;
            }
            load[node] += 1;
            let possible = is_possible(others, room, load);
            load[node] -= 1;
            possible
        })
    }

    proptest! {
        #[test]
        fn a_way_is_found_whenever_there_is_one(
            candidates in prop::collection::vec(
                prop::sample::subsequence(vec![0_u8, 1, 2, 3], 0..=4).prop_shuffle(), 0..7),
            room in 1_u64..3,
        ) {
            let found = assign(&candidates, room);
            prop_assert_eq!(found.is_ok(), is_possible(&candidates, room, &mut [0; 4]));
            if let Ok(chosen) = found {
                let mut load = [0; 4];
                for (session, place) in chosen.iter().enumerate() {
                    load[usize::from(candidates[session][*place])] += 1;
                }
                prop_assert!(load.iter().all(|load| *load <= room), "{:?}", load);
            } else if let Err(session) = found {
                prop_assert!(!is_possible(&candidates[..=session], room, &mut [0; 4]));
                prop_assert!(is_possible(&candidates[..session], room, &mut [0; 4]));
            }
        }
    }

    #[test]
    fn sessions_that_fit_stay_where_they_would_rather_be() {
        assert_eq!(assign(&[vec![1, 2], vec![1, 2], vec![2, 1]], 2), Ok(vec![0, 0, 0]));
    }

    #[test]
    fn an_earlier_session_makes_way_for_one_that_has_no_other_place() {
        assert_eq!(assign(&[vec![1, 2], vec![1]], 1), Ok(vec![1, 0]));
        assert_eq!(assign(&[vec![1, 2], vec![2, 3], vec![1]], 1), Ok(vec![1, 1, 0]));
        assert_eq!(assign(&[vec![1], vec![1]], 1), Err(1));
    }
}
