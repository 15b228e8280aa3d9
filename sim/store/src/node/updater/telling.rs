//! What a device has changed and not yet told anybody: so that a crash between a change and its telling leaves no object that no
//! container lists.
//!
//! A row of the table names a time before which all that was changed has been told, or stands in the pending log. It moves on from time to
//! time, so that a change costs nothing; one that comes with an older time moves it back first. After a start, what is there with a
//! newer time is told again.
//!
//! Leaves out telling again, which is the replicator's: it looks at everything after a start. Without one nothing is kept here.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use stayput_host::{Batch, Disk, DiskError};
use tokio::sync::Mutex;

use crate::node::device::NameHash;
use crate::swift::Timestamp;

/// Where the time stands in the table.
const KEY: &[u8] = b"told";

/// The object of a change: its partition and its hash.
pub(in crate::node) type Changed = (u32, NameHash);

/// The changes of a device that are not told yet.
#[derive(Debug, Default)]
pub(in crate::node) struct Telling {
    on: Cell<bool>,
    /// What the table says or will say soon: everything before was told.
    before: Cell<Timestamp>,
    /// The time of the newest change that is known of: the row moves on until it has passed it.
    newest: Cell<Timestamp>,
    /// Who changes the row.
    writer: Mutex<()>,
    /// Changes under way, by their time.
    open: RefCell<BTreeMap<Timestamp, usize>>,
    /// Changes whose telling went wrong.
    untold: RefCell<BTreeSet<Changed>>,
}

/// A change under way. Unless somebody says that it was told, it is told again later.
#[must_use]
pub(in crate::node) struct Untold<'a> {
    telling: &'a Telling,
    changed: Changed,
    timestamp: Timestamp,
    told: bool,
}

impl Untold<'_> {
    /// All who are to hear of it have heard, or will by the pending log.
    pub(in crate::node) fn told(mut self) {
        self.told = true;
    }
}

impl Drop for Untold<'_> {
    fn drop(&mut self) {
        let mut open = self.telling.open.borrow_mut();
        if let Some(count) = open.get_mut(&self.timestamp) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.timestamp);
            }
        }
        if self.telling.on.get() && !self.told {
            self.telling.untold.borrow_mut().insert(self.changed);
        }
    }
}

impl Telling {
    /// Begins to keep it, from what the table says.
    pub(in crate::node) async fn recover(&self, disk: &dyn Disk) -> Result<(), DiskError> {
        self.on.set(true);
        let row = disk.get(KEY).await?;
        let said = row.and_then(|row| std::str::from_utf8(&row).ok()?.parse().ok());
        // Nothing that can be read: everything is told again.
        let before = said.unwrap_or(Timestamp::ZERO);
        self.before.set(before);
        self.newest.set(before);
        Ok(())
    }

    /// Everything that was changed before was told, as far as is known.
    pub(in crate::node) fn before(&self) -> Timestamp {
        self.before.get()
    }

    /// A change of that time begins. When this returns, a crash does not make it forgotten.
    pub(in crate::node) async fn open<'a>(
        &'a self,
        disk: &dyn Disk,
        changed: Changed,
        timestamp: Timestamp,
    ) -> Result<Untold<'a>, DiskError> {
        *self.open.borrow_mut().entry(timestamp).or_default() += 1;
        self.newest.set(self.newest.get().max(timestamp));
        let untold = Untold { telling: self, changed, timestamp, told: false };
        if timestamp < self.before.get() {
            let _alone = self.writer.lock().await;
            if timestamp < self.before.get() {
                write(disk, timestamp).await?;
                self.before.set(timestamp);
            }
        }
        Ok(untold)
    }

    /// Lets the row say `now`, or the time of the oldest change under way. Not while something waits to be told again.
    pub(in crate::node) async fn move_on(
        &self,
        disk: &dyn Disk,
        now: Timestamp,
    ) -> Result<(), DiskError> {
        let _alone = self.writer.lock().await;
        let oldest = self.open.borrow().first_key_value().map(|(at, _)| *at);
        let before = oldest.map_or(now, |oldest| oldest.min(now));
        let moves = before > self.before.get() && self.before.get() <= self.newest.get();
        if !moves || !self.untold.borrow().is_empty() {
            return Ok(());
        }
        // First in memory: a change that begins from here on with an older time waits, and moves it back.
        self.before.set(before);
        write(disk, before).await
    }

    /// Takes what is to be told again.
    pub(in crate::node) fn take_untold(&self) -> BTreeSet<Changed> {
        self.untold.take()
    }

    /// Puts what could not be told now back.
    pub(in crate::node) fn still_untold(&self, changed: Changed) {
        self.untold.borrow_mut().insert(changed);
    }
}

async fn write(disk: &dyn Disk, before: Timestamp) -> Result<(), DiskError> {
    let mut batch = Batch::new();
    batch.put(KEY, before.to_string());
    disk.commit(batch).await
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;
    use std::time::Duration;

    use super::*;
    use crate::node::tests::run_on_a_disk;
    use stayput_host::Time;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::at(Time::ZERO + Duration::from_secs(seconds))
    }

    async fn row(disk: &dyn Disk) -> Option<Timestamp> {
        let row = disk.get(KEY).await.unwrap()?;
        Some(std::str::from_utf8(&row).unwrap().parse().unwrap())
    }

    #[test]
    fn the_row_passes_no_change_that_was_not_told_and_rests_when_it_has_passed_all() {
        run_on_a_disk(|disk: Rc<dyn Disk>| async move {
            let (disk, telling) = (&*disk, Telling::default());
            telling.recover(disk).await.unwrap();
            let changed = (7, NameHash([1; 16]));
            let change = telling.open(disk, changed, at(10)).await.unwrap();
            telling.move_on(disk, at(20)).await.unwrap();
            assert_eq!(row(disk).await, Some(at(10)));
            change.told();
            for (now, expected) in [(8, 10), (20, 20), (30, 20)] {
                telling.move_on(disk, at(now)).await.unwrap();
                assert_eq!(row(disk).await, Some(at(expected)), "at {now}");
            }
        });
    }

    #[test]
    fn a_late_change_moves_the_row_back_and_one_that_was_not_told_keeps_it_there() {
        run_on_a_disk(|disk: Rc<dyn Disk>| async move {
            let (disk, telling) = (&*disk, Telling::default());
            telling.recover(disk).await.unwrap();
            telling.move_on(disk, at(20)).await.unwrap();
            let changed = (7, NameHash([1; 16]));
            let change = telling.open(disk, changed, at(5)).await.unwrap();
            assert_eq!(row(disk).await, Some(at(5)), "before it is made");
            drop(change);
            telling.move_on(disk, at(30)).await.unwrap();
            assert_eq!(row(disk).await, Some(at(5)));
            assert_eq!(telling.take_untold(), BTreeSet::from([changed]));
            telling.move_on(disk, at(30)).await.unwrap();
            assert_eq!(row(disk).await, Some(at(30)));
            let again = Telling::default();
            again.recover(disk).await.unwrap();
            assert_eq!(again.before(), at(30));
        });
    }
}
