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

use tokio::sync::Mutex;

use crate::host::{Batch, Disk, DiskError};
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
    /// Whether anything was changed since the row was.
    changed: Cell<bool>,
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
        self.before.set(said.unwrap_or(Timestamp::ZERO));
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
        self.changed.set(true);
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
        let moves = before > self.before.get() && self.changed.get();
        if !moves || !self.untold.borrow().is_empty() {
            return Ok(());
        }
        self.changed.set(oldest.is_some());
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
