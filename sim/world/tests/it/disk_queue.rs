//! Times of a disk's accesses that come at random, against a naive queue with one head.
//!
//! Leaves out contents, which are in `disk_model`.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use stayput_host::topology::HostKey;
use stayput_host::{Batch, Disk, File, Time};
use stayput_world::clock::Clock;
use stayput_world::executor::{Executor, TaskOrder};

use crate::disk_model::sim_disk;
use crate::support::{disk_config, ms};

/// Bytes of each file that is read.
const FILE_BYTES: u64 = 400_000;
const FILES: usize = 3;

#[derive(Clone, Debug)]
enum Access {
    Read {
        file: usize,
        offset: u64,
        len: u64,
    },
    /// To a new file.
    Append {
        len: u64,
    },
    Sync {
        file: usize,
    },
    SyncDir,
    Commit {
        len: u64,
    },
}

fn access() -> impl Strategy<Value = Access> {
    let file = || 0..FILES;
    // Few offsets, so that some reads go on where others ended.
    let blocks = |blocks: std::ops::Range<u64>| blocks.prop_map(|block| block * 50_000);
    prop_oneof![
        4 => (file(), blocks(0..9), blocks(1..4))
            .prop_map(|(file, offset, len)| Access::Read { file, offset, len }),
        1 => (1_u64..300_000).prop_map(|len| Access::Append { len }),
        1 => file().prop_map(|file| Access::Sync { file }),
        1 => Just(Access::SyncDir),
        1 => (3_u64..100_000).prop_map(|len| Access::Commit { len }),
    ]
}

/// Ends of accesses that come at the given times, and the disk's busy time.
fn naive(accesses: &[(Time, Access)]) -> (Vec<Time>, Duration) {
    let config = disk_config();
    let (mut free, mut busy, mut head) = (Time::ZERO, Duration::ZERO, None);
    let mut ends = Vec::new();
    for (nth, (comes, access)) in accesses.iter().enumerate() {
        let nanos = |rate: u64, bytes: u64| Duration::from_nanos(bytes * 1_000_000_000 / rate);
        let (begins_at, ends_at, takes) = match *access {
            Access::Read { file, offset, len } => {
                let len = len.min(FILE_BYTES.saturating_sub(offset));
                (Some((file, offset)), Some((file, offset + len)), nanos(1_000_000_000, len))
            }
            Access::Append { len } => {
                let file = FILES + nth;
                (Some((file, 0)), Some((file, len)), nanos(500_000_000, len))
            }
            Access::Sync { .. } | Access::SyncDir => (None, None, Duration::ZERO),
            Access::Commit { len } => (None, None, nanos(500_000_000, len)),
        };
        let goes_on = begins_at.is_some() && begins_at == head;
        let takes = if goes_on { takes } else { takes + config.seek };
        head = ends_at;
        free = free.max(*comes) + takes;
        busy += takes;
        ends.push(free);
    }
    (ends, busy)
}

async fn make(disk: &dyn Disk, files: &[Rc<dyn File>], nth: usize, access: Access) {
    let done = match access {
        Access::Read { file, offset, len } => files[file].read_at(offset, len).await.map(drop),
        Access::Append { len } => {
            let file = disk.create(&format!("new-{nth}")).await.expect("there is room");
            file.append(Bytes::from(vec![7; len as usize])).await
        }
        Access::Sync { file } => files[file].sync().await,
        Access::SyncDir => disk.sync_dir("").await,
        Access::Commit { len } => {
            let mut batch = Batch::new();
            batch.put("key", vec![7; len as usize - 3]);
            disk.commit(batch).await
        }
    };
    done.expect("no fault");
}

fn simulated(accesses: &[(Time, Access)], begin: Time) -> (Vec<Time>, Duration) {
    let clock = Executor::<()>::new(TaskOrder::Fixed);
    let disk = Rc::new(sim_disk(&clock));
    let files: Rc<RefCell<Vec<Rc<dyn File>>>> = Rc::default();
    let (making, of_disk) = (Rc::clone(&files), Rc::clone(&disk));
    clock.spawn(
        HostKey(0),
        Box::pin(async move {
            for file in 0..FILES {
                let file = of_disk.create(&format!("old-{file}")).await.expect("there is room");
                file.append(Bytes::from(vec![7; FILE_BYTES as usize])).await.expect("room");
                making.borrow_mut().push(file);
            }
            // The head is nowhere.
            of_disk.sync_dir("").await.expect("no fault");
        }),
    );
    clock.run(&mut || false, begin);
    let before = disk.busy();
    let ends = Rc::new(RefCell::new(vec![Time::MAX; accesses.len()]));
    for (nth, (comes, access)) in accesses.iter().cloned().enumerate() {
        let (clock, disk, files) = (clock.clone(), Rc::clone(&disk), files.borrow().clone());
        let (task, ends) = (clock.clone(), Rc::clone(&ends));
        clock.spawn(
            HostKey(0),
            Box::pin(async move {
                task.sleep_until(comes).await;
                make(&*disk, &files, nth, access).await;
                ends.borrow_mut()[nth] = task.now();
            }),
        );
    }
    clock.run(&mut || false, Time::MAX);
    let ends = ends.take();
    (ends, disk.busy() - before)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn accesses_are_served_in_the_order_of_their_coming_and_seek_unless_they_go_on(
        accesses in vec((0_u64..1_500, access()), 1..25),
    ) {
        let begin = Time::ZERO + ms(1_000);
        let mut comes = begin;
        let accesses: Vec<(Time, Access)> = accesses
            .into_iter()
            .map(|(after_us, access)| {
                comes = comes + Duration::from_micros(after_us);
                (comes, access)
            })
            .collect();
        prop_assert_eq!(simulated(&accesses, begin), naive(&accesses));
    }
}
