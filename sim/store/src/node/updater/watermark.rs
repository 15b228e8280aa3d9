//! Watermark of a device's updates: the time before which all of them are delivered or in the
//! pending log, so that a crash between a change and its update leaves no object that no container
//! lists.
//!
//! The watermark is a row of the table. It advances from time to time, so that a change costs
//! nothing; a change with an older time moves it back first. After a start, updates of objects with
//! a newer time are sent again.
//!
//! Leaves out sending again, which is the replicator's: it scans all objects after a start. Without
//! one nothing is recorded here.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use stayput_host::{Batch, Disk, DiskError};
use tokio::sync::Mutex;

use crate::node::storage::NameHash;
use crate::swift::Timestamp;

/// Key of the watermark's row.
const KEY: &[u8] = b"told";

/// Object of a change: its partition and its hash.
pub(crate) type ChangedObject = (u32, NameHash);

/// Watermark of a device's updates, and the changes above it.
#[derive(Debug, Default)]
pub(crate) struct UpdateWatermark {
    /// True once it was recovered: a node without a replicator records nothing.
    on: Cell<bool>,
    /// Time in the table, or soon in it: updates of older changes are delivered.
    before: Cell<Timestamp>,
    /// Time of the newest change so far: the watermark advances until it has passed it.
    newest: Cell<Timestamp>,
    /// Lock of the row.
    writer: Mutex<()>,
    /// Number of changes under way, by their time.
    under_way: RefCell<BTreeMap<Timestamp, usize>>,
    /// Objects whose update failed.
    undelivered: RefCell<BTreeSet<ChangedObject>>,
}

/// Change under way. Dropped without [`UndeliveredChange::delivered`], its update is sent again
/// later.
#[must_use]
pub(crate) struct UndeliveredChange<'a> {
    watermark: &'a UpdateWatermark,
    object: ChangedObject,
    timestamp: Timestamp,
    delivered: bool,
}

impl UndeliveredChange<'_> {
    /// Ends the change: its updates are delivered, or in the pending log.
    pub(crate) fn delivered(mut self) {
        self.delivered = true;
    }
}

impl Drop for UndeliveredChange<'_> {
    fn drop(&mut self) {
        let mut under_way = self.watermark.under_way.borrow_mut();
        if let Some(count) = under_way.get_mut(&self.timestamp) {
            *count -= 1;
            if *count == 0 {
                under_way.remove(&self.timestamp);
            }
        }
        if self.watermark.on.get() && !self.delivered {
            self.watermark.undelivered.borrow_mut().insert(self.object);
        }
    }
}

impl UpdateWatermark {
    /// Reads the watermark from the table, and records changes from now on.
    pub(crate) async fn recover(&self, disk: &dyn Disk) -> Result<(), DiskError> {
        self.on.set(true);
        let row = disk.get(KEY).await?;
        let stored = row.and_then(|row| std::str::from_utf8(&row).ok()?.parse().ok());
        // A row that cannot be read: all updates are sent again.
        let before = stored.unwrap_or(Timestamp::ZERO);
        self.before.set(before);
        self.newest.set(before);
        Ok(())
    }

    /// Time before which all updates are delivered, as far as is known.
    pub(crate) fn before(&self) -> Timestamp {
        self.before.get()
    }

    /// Begins a change of that time. When this returns, its update survives a crash.
    pub(crate) async fn begin_change<'a>(
        &'a self,
        disk: &dyn Disk,
        object: ChangedObject,
        timestamp: Timestamp,
    ) -> Result<UndeliveredChange<'a>, DiskError> {
        *self.under_way.borrow_mut().entry(timestamp).or_default() += 1;
        self.newest.set(self.newest.get().max(timestamp));
        let change = UndeliveredChange { watermark: self, object, timestamp, delivered: false };
        if timestamp < self.before.get() {
            let _locked = self.writer.lock().await;
            if timestamp < self.before.get() {
                write(disk, timestamp).await?;
                self.before.set(timestamp);
            }
        }
        Ok(change)
    }

    /// Advances the watermark to `now`, or to the time of the oldest change under way; not while
    /// updates wait to be sent again.
    pub(crate) async fn advance(&self, disk: &dyn Disk, now: Timestamp) -> Result<(), DiskError> {
        let _locked = self.writer.lock().await;
        let oldest = self.under_way.borrow().first_key_value().map(|(at, _)| *at);
        let before = oldest.map_or(now, |oldest| oldest.min(now));
        let advances = before > self.before.get() && self.before.get() <= self.newest.get();
        if !advances || !self.undelivered.borrow().is_empty() {
            return Ok(());
        }
        // First in memory: a change that begins now with an older time waits for the lock, and
        // moves it back.
        self.before.set(before);
        write(disk, before).await
    }

    /// Takes the objects whose updates are to be sent again.
    pub(crate) fn take_undelivered(&self) -> BTreeSet<ChangedObject> {
        self.undelivered.take()
    }

    /// Puts back an object whose update could not be sent.
    pub(crate) fn put_back(&self, object: ChangedObject) {
        self.undelivered.borrow_mut().insert(object);
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

    use proptest::collection::vec;
    use proptest::prelude::*;

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
    fn the_watermark_passes_no_undelivered_change_and_rests_when_it_has_passed_all() {
        run_on_a_disk(|disk: Rc<dyn Disk>| async move {
            let (disk, watermark) = (&*disk, UpdateWatermark::default());
            watermark.recover(disk).await.unwrap();
            let changed = (7, NameHash([1; 16]));
            let change = watermark.begin_change(disk, changed, at(10)).await.unwrap();
            watermark.advance(disk, at(20)).await.unwrap();
            assert_eq!(row(disk).await, Some(at(10)));
            change.delivered();
            for (now, expected) in [(8, 10), (20, 20), (30, 20)] {
                watermark.advance(disk, at(now)).await.unwrap();
                assert_eq!(row(disk).await, Some(at(expected)), "at {now}");
            }
        });
    }

    #[test]
    fn a_late_change_moves_the_watermark_back_and_an_undelivered_one_keeps_it_there() {
        run_on_a_disk(|disk: Rc<dyn Disk>| async move {
            let (disk, watermark) = (&*disk, UpdateWatermark::default());
            watermark.recover(disk).await.unwrap();
            watermark.advance(disk, at(20)).await.unwrap();
            let changed = (7, NameHash([1; 16]));
            let change = watermark.begin_change(disk, changed, at(5)).await.unwrap();
            assert_eq!(row(disk).await, Some(at(5)), "before it is made");
            drop(change);
            watermark.advance(disk, at(30)).await.unwrap();
            assert_eq!(row(disk).await, Some(at(5)));
            assert_eq!(watermark.take_undelivered(), BTreeSet::from([changed]));
            watermark.advance(disk, at(30)).await.unwrap();
            assert_eq!(row(disk).await, Some(at(30)));
            let again = UpdateWatermark::default();
            again.recover(disk).await.unwrap();
            assert_eq!(again.before(), at(30));
        });
    }

    #[derive(Clone, Debug)]
    enum Step {
        /// A change of that time begins.
        Begin(u64),
        /// A change that is under way ends with its update delivered, or without.
        End(usize, bool),
        /// The replicator sends again what is undelivered; some of it fails.
        SendAgain(Vec<bool>),
        Advance(u64),
        /// The node crashes, starts anew and scans what is newer than the watermark.
        Restart,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (1_u64..30).prop_map(Step::Begin),
            4 => (0_usize..4, any::<bool>()).prop_map(|(which, is)| Step::End(which, is)),
            1 => vec(any::<bool>(), 8).prop_map(Step::SendAgain),
            3 => (1_u64..40).prop_map(Step::Advance),
            1 => Just(Step::Restart),
        ]
    }

    /// Changes whose updates are not delivered yet, by their object: each has one change.
    type Lacking = BTreeMap<ChangedObject, Timestamp>;

    /// The promise: what a start sends again covers every change whose update is missing.
    async fn assert_covers(disk: &dyn Disk, lacking: &Lacking, after: &Step) {
        let row = row(disk).await.unwrap_or(Timestamp::ZERO);
        for (object, timestamp) in lacking {
            assert!(
                row <= *timestamp,
                "{object:?} of {timestamp} is lost by {row}, after {after:?}"
            );
        }
    }

    async fn run_steps(disk: Rc<dyn Disk>, steps: Vec<Step>) {
        let disk = &*disk;
        let (mut lacking, mut made) = (Lacking::new(), 0);
        let mut steps = steps.into_iter().peekable();
        while steps.peek().is_some() {
            let watermark = UpdateWatermark::default();
            watermark.recover(disk).await.unwrap();
            // The scan after a start finds all changes that the watermark does not cover.
            lacking.retain(|_, timestamp| *timestamp < watermark.before());
            assert!(lacking.is_empty(), "{lacking:?} are below {}", watermark.before());
            let mut under_way: Vec<UndeliveredChange<'_>> = Vec::new();
            for step in steps.by_ref() {
                match &step {
                    Step::Begin(seconds) => {
                        let object = (made, NameHash([0; 16]));
                        made += 1;
                        let begun = watermark.begin_change(disk, object, at(*seconds)).await;
                        under_way.push(begun.unwrap());
                        lacking.insert(object, at(*seconds));
                    }
                    Step::End(which, is_delivered) if !under_way.is_empty() => {
                        let change = under_way.remove(which % under_way.len());
                        if *is_delivered {
                            lacking.remove(&change.object);
                            change.delivered();
                        }
                    }
                    Step::End(..) => {}
                    Step::SendAgain(outcomes) => {
                        let objects = watermark.take_undelivered();
                        for (object, is_sent) in objects.into_iter().zip(outcomes.iter().cycle()) {
                            if *is_sent {
                                lacking.remove(&object);
                            } else {
                                watermark.put_back(object);
                            }
                        }
                    }
                    Step::Advance(now) => watermark.advance(disk, at(*now)).await.unwrap(),
                    Step::Restart => break,
                }
                assert_covers(disk, &lacking, &step).await;
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

        #[test]
        fn the_watermark_never_passes_a_change_whose_update_is_missing(
            steps in vec(step(), 0..40),
        ) {
            run_on_a_disk(move |disk: Rc<dyn Disk>| run_steps(disk, steps.clone()));
        }
    }

    #[test]
    fn without_a_replicator_nothing_is_recorded() {
        run_on_a_disk(|disk: Rc<dyn Disk>| async move {
            let (disk, watermark) = (&*disk, UpdateWatermark::default());
            let change = watermark.begin_change(disk, (1, NameHash([0; 16])), at(5)).await.unwrap();
            drop(change);
            assert!(watermark.take_undelivered().is_empty());
            assert_eq!(row(disk).await, None);
        });
    }

    #[test]
    fn a_row_that_cannot_be_read_sends_everything_again() {
        run_on_a_disk(|disk: Rc<dyn Disk>| async move {
            let mut batch = Batch::new();
            batch.put(KEY, "yesterday");
            disk.commit(batch).await.unwrap();
            let watermark = UpdateWatermark::default();
            watermark.recover(&*disk).await.unwrap();
            assert_eq!(watermark.before(), Timestamp::ZERO);
        });
    }
}
