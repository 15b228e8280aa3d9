//! Cache of containers' access lists, so that guests do not cost the nodes a request each.
//!
//! Each proxy has its own. It forgets what it changes itself; changes by other proxies show when an
//! entry expires.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use stayput_host::Time;

use super::container_acls::ContainerAcls;
use crate::swift::Path;

/// Lifetime of an entry. Swift's is a minute; a revoked grant should not last that long.
pub(in crate::proxy) const ACLS_LIFE: Duration = Duration::from_secs(5);
/// Entries at most: 8 MiB with the longest access lists.
const ENTRIES_MAX: usize = 512;

/// Access lists of containers that were read lately.
#[derive(Debug, Default)]
pub(in crate::proxy) struct AclCache {
    entries: BTreeMap<Path, CacheEntry>,
    /// Insertions, oldest first; some of their entries are gone.
    order: VecDeque<(Path, Time)>,
    changes: u64,
}

#[derive(Debug)]
struct CacheEntry {
    acls: Rc<ContainerAcls>,
    until: Time,
}

/// Number of changes when a read began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ChangeCount(u64);

impl AclCache {
    /// Access lists of a container, if they were read lately.
    pub(super) fn get(&self, container: &Path, now: Time) -> Option<Rc<ContainerAcls>> {
        let entry = self.entries.get(container).filter(|entry| now < entry.until)?;
        Some(Rc::clone(&entry.acls))
    }

    /// Number of changes so far; to be read before a read begins.
    pub(super) fn changes(&self) -> ChangeCount {
        ChangeCount(self.changes)
    }

    /// Stores access lists, unless there was a change since their read began.
    pub(super) fn put(
        &mut self,
        container: Path,
        acls: Rc<ContainerAcls>,
        begun: ChangeCount,
        now: Time,
    ) {
        if begun != self.changes() {
            return;
        }
        while let Some((oldest, until)) = self.order.front()
            && (*until <= now || self.order.len() >= ENTRIES_MAX)
        {
            // It may have been removed and read again since.
            if self.entries.get(oldest).is_some_and(|entry| entry.until == *until) {
                self.entries.remove(oldest);
            }
            self.order.pop_front();
        }
        let until = now + ACLS_LIFE;
        self.order.push_back((container.clone(), until));
        self.entries.insert(container, CacheEntry { acls, until });
    }

    /// Removes a container's access lists, because they may have changed.
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

    fn put(cache: &mut AclCache, number: usize, now: Time) {
        let changes = cache.changes();
        cache.put(container(number), Rc::default(), changes, now);
    }

    #[test]
    fn an_entry_expires() {
        let mut cache = AclCache::default();
        put(&mut cache, 1, at(10));
        assert!(cache.get(&container(1), at(14)).is_some());
        assert!(cache.get(&container(1), at(15)).is_none());
        put(&mut cache, 1, at(20));
        assert!(cache.get(&container(1), at(24)).is_some());
        assert_eq!(cache.order.len(), 1, "the old one is gone");
    }

    #[test]
    fn access_lists_read_before_a_change_are_not_stored() {
        let mut cache = AclCache::default();
        put(&mut cache, 1, at(10));
        let begun = cache.changes();
        cache.forget(&container(1));
        assert!(cache.get(&container(1), at(10)).is_none());
        cache.put(container(1), Rc::default(), begun, at(10));
        assert!(cache.get(&container(1), at(10)).is_none());
    }

    #[test]
    fn the_number_of_entries_is_bounded() {
        let mut cache = AclCache::default();
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
