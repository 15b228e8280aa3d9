//! What containers' access lists were a moment ago, so that guests do not cost the nodes a request each.
//!
//! Each proxy has its own. What it changes itself it forgets; of what others change it hears when an entry's time is over.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use stayput_host::Time;

use super::access::Lists;
use crate::swift::Path;

/// How long an entry is good for. Swift keeps them for a minute; a grant that is taken back should not live on for that long.
pub(in crate::proxy) const LISTS_LIFE: Duration = Duration::from_secs(5);
/// Entries that are kept: with the longest access lists they have 8 MiB.
const ENTRIES_MAX: usize = 512;

/// The access lists that were read lately.
#[derive(Debug, Default)]
pub(in crate::proxy) struct ListsCache {
    entries: BTreeMap<Path, Entry>,
    /// Those that were put in, oldest first; some are gone by now.
    order: VecDeque<(Path, Time)>,
    changes: u64,
}

#[derive(Debug)]
struct Entry {
    lists: Rc<Lists>,
    until: Time,
}

/// How far changes had come when a reading began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen(u64);

impl ListsCache {
    /// The lists of a container, if they were read lately.
    pub(super) fn get(&self, container: &Path, now: Time) -> Option<Rc<Lists>> {
        let entry = self.entries.get(container).filter(|entry| now < entry.until)?;
        Some(Rc::clone(&entry.lists))
    }

    /// To be asked for before a reading begins.
    pub(super) fn seen(&self) -> Seen {
        Seen(self.changes)
    }

    /// Keeps what was read, unless something was changed since the reading began.
    pub(super) fn put(&mut self, container: Path, lists: Rc<Lists>, begun: Seen, now: Time) {
        if begun != self.seen() {
            return;
        }
        while let Some((oldest, until)) = self.order.front()
            && (*until <= now || self.order.len() >= ENTRIES_MAX)
        {
            // It may have been forgotten and read again since.
            if self.entries.get(oldest).is_some_and(|entry| entry.until == *until) {
                self.entries.remove(oldest);
            }
            self.order.pop_front();
        }
        let until = now + LISTS_LIFE;
        self.order.push_back((container.clone(), until));
        self.entries.insert(container, Entry { lists, until });
    }

    /// Forgets a container's lists, because they may have changed.
    pub(super) fn forget(&mut self, container: &Path) {
        self.entries.remove(container);
        self.changes += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn container(number: usize) -> Path {
        Path::account_only("AUTH_a").unwrap().with_container(&number.to_string()).unwrap()
    }

    fn at(seconds: u64) -> Time {
        Time::from_nanos(seconds * 1_000_000_000)
    }

    fn put(cache: &mut ListsCache, number: usize, now: Time) {
        let seen = cache.seen();
        cache.put(container(number), Rc::default(), seen, now);
    }

    #[test]
    fn an_entry_is_good_for_a_while() {
        let mut cache = ListsCache::default();
        put(&mut cache, 1, at(10));
        assert!(cache.get(&container(1), at(14)).is_some());
        assert!(cache.get(&container(1), at(15)).is_none());
        put(&mut cache, 1, at(20));
        assert!(cache.get(&container(1), at(24)).is_some());
        assert_eq!(cache.order.len(), 1, "the old one is gone");
    }

    #[test]
    fn what_was_read_before_a_change_is_not_kept() {
        let mut cache = ListsCache::default();
        put(&mut cache, 1, at(10));
        let begun = cache.seen();
        cache.forget(&container(1));
        assert!(cache.get(&container(1), at(10)).is_none());
        cache.put(container(1), Rc::default(), begun, at(10));
        assert!(cache.get(&container(1), at(10)).is_none());
    }

    #[test]
    fn however_many_are_asked_for_few_are_kept() {
        let mut cache = ListsCache::default();
        for number in 0..3 * ENTRIES_MAX {
            put(&mut cache, number, at(10));
            if number % 3 == 0 {
                cache.forget(&container(number));
                put(&mut cache, number, at(10));
            }
        }
        assert!(cache.entries.len() <= ENTRIES_MAX && cache.order.len() <= ENTRIES_MAX);
        assert!(cache.get(&container(3 * ENTRIES_MAX - 1), at(10)).is_some());
        assert!(cache.get(&container(0), at(10)).is_none());
    }
}
