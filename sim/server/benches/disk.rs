//! Operations of a real disk per second of wall time, beside other ways to do the same: where it
//! reads, and how it syncs.
//!
//! A reading is what a node does for a GET of 1 KiB: list the object's directory, open the file,
//! read its end. A writing is what it does for its copy of a PUT of 1 KiB: a new file, synced,
//! renamed, its directory synced, and a row of the container committed. Writings are compared with
//! the same calls on threads of their own, each with its own syncs, and with threads that share one
//! sync of the whole file system. The ways take turns, so that what else the machine does meets all
//! of them. `STAYPUT_BENCH_DISK` names the directory. Leaves out HTTP, and what the node checks.
#![cfg(unix)]
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a benchmark measures the wall clock"
)]

use std::cell::Cell;
use std::fs;
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::join_all;
use stayput_host::{Batch, Disk, DiskError, File};
use stayput_server::disk::{DiskOptions, DiskPool, RealDisk};

const ROUNDS: usize = 5;
const LASTS: Duration = Duration::from_millis(600);
const DISKS: u64 = 4;
const REPLICAS: u64 = 3;
const OBJECTS: u64 = 1_000;
/// An object of 1 KiB with its metadata.
const FILE: [u8; 1_300] = [b'x'; 1_300];
const THREADS: usize = 16;
/// Bytes that a node reads at a time of a large object.
const PIECE_BYTES: u64 = 256 << 10;
const PIECES: u64 = 64;

fn size(n: usize) -> NonZeroUsize {
    NonZeroUsize::new(n).expect("not zero")
}

fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("the system has room for a runtime").block_on(future)
}

fn open(root: &Path, reads_at_once: bool) -> Vec<Rc<dyn Disk>> {
    let pool = DiskPool::new(size(THREADS), size(1_024)).expect("the system has room");
    let options = DiskOptions { reads_at_once, ..DiskOptions::default() };
    let open = |index| RealDisk::open_with(&root.join(format!("d{index}")), &pool, options);
    (0..DISKS).map(|index| open(index).expect("nobody else has it")).collect()
}

fn directory(number: u64) -> String {
    format!("objects/{}/{:03x}/{number:032x}", number % 64, number % 4_096)
}

async fn write(disk: &dyn Disk, number: u64) -> Result<(), DiskError> {
    let (tmp, dir) = (format!("tmp/{number}"), directory(number));
    let file = disk.create(&tmp).await?;
    file.append(Bytes::from_static(&FILE[..1_024])).await?;
    file.append(Bytes::from_static(&FILE[1_024..])).await?;
    file.sync().await?;
    disk.list(&dir).await?;
    disk.rename(&tmp, &format!("{dir}/1.data")).await?;
    disk.sync_dir(&dir).await?;
    disk.list(&dir).await?;
    disk.get(b"index/c/info").await?;
    disk.commit(row(number)).await
}

fn row(number: u64) -> Batch {
    let mut batch = Batch::new();
    batch.put(
        format!("index/c/r/{:032x}", number.wrapping_mul(0x9E37_79B9_7F4A_7C15)),
        &FILE[..200],
    );
    batch.put("index/c/info", &FILE[..300]);
    batch
}

async fn read(disk: &dyn Disk, number: u64) -> Result<(), DiskError> {
    let dir = directory(number);
    for name in disk.list(&dir).await? {
        let file = disk.open(&format!("{dir}/{name}")).await?;
        let data = file.read_at(0, file.len()).await?;
        assert_eq!(data.len(), FILE.len());
    }
    Ok(())
}

/// Times a second that `act` comes to its end, with so many at a time; each gets a number of
/// its own.
fn rate<F: Future<Output = Result<(), DiskError>>>(at_a_time: u64, act: impl Fn(u64) -> F) -> f64 {
    let (begun, next) = (Instant::now(), Cell::new(0));
    let client = async |_| {
        while begun.elapsed() < LASTS {
            next.set(next.get() + 1);
            act(next.get()).await.expect("the disk works");
        }
    };
    block_on(join_all((0..at_a_time).map(client)));
    next.get() as f64 / begun.elapsed().as_secs_f64()
}

/// As [`rate`], with threads.
fn rate_of_threads(threads: u64, act: impl Fn(u64) + Sync) -> f64 {
    let (begun, next) = (Instant::now(), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while begun.elapsed() < LASTS {
                    act(next.fetch_add(1, Ordering::Relaxed));
                }
            });
        }
    });
    next.into_inner() as f64 / begun.elapsed().as_secs_f64()
}

/// One sync of the whole file system for all that ask meanwhile.
struct Whole {
    root: fs::File,
    /// Syncs begun, syncs done, whether one is under way.
    state: Mutex<(u64, u64, bool)>,
    done: Condvar,
}

impl Whole {
    fn sync(&self) {
        let mut state = self.state.lock().expect("nobody panicked");
        let wanted = state.0 + 1;
        while state.1 < wanted {
            if state.2 {
                state = self.done.wait(state).expect("nobody panicked");
                continue;
            }
            state.0 += 1;
            state.2 = true;
            let mine = state.0;
            drop(state);
            #[cfg(target_os = "linux")]
            rustix::fs::syncfs(&self.root).expect("it works");
            #[cfg(not(target_os = "linux"))]
            self.root.sync_all().expect("it works");
            state = self.state.lock().expect("nobody panicked");
            state.1 = mine;
            state.2 = false;
            self.done.notify_all();
        }
    }
}

/// The calls of [`write`] on the caller's thread; `whole` syncs in the place of the file and the
/// directory.
fn write_plainly(root: &Path, number: u64, whole: Option<&Whole>) {
    let tmp = root.join(format!("tmp-{number}"));
    let mut file = fs::File::create_new(&tmp).expect("it is new");
    file.write_all(&FILE).expect("there is room");
    match whole {
        Some(whole) => whole.sync(),
        None => file.sync_data().expect("it works"),
    }
    let dir = root.join(directory(number));
    fs::create_dir_all(&dir).expect("there is room");
    fs::rename(&tmp, dir.join("1.data")).expect("it is there");
    match whole {
        Some(whole) => whole.sync(),
        // The new directory, and the one in which it is new.
        None => dir.ancestors().take(2).for_each(|dir| {
            fs::File::open(dir).and_then(|dir| dir.sync_all()).expect("it works");
        }),
    }
}

fn commit_plainly(table: &redb::Database, number: u64) {
    const ROWS: redb::TableDefinition<'_, &[u8], &[u8]> = redb::TableDefinition::new("rows");
    let writing = table.begin_write().expect("it works");
    let mut rows = writing.open_table(ROWS).expect("it works");
    for (key, value) in row(number).changes() {
        let value = value.as_ref().expect("it is put");
        rows.insert(&key[..], &value[..]).expect("it works");
    }
    drop(rows);
    writing.commit().expect("it works");
}

/// The median, the least and the most.
fn tell(what: &str, mut rates: Vec<f64>) {
    rates.sort_by(f64::total_cmp);
    let (least, most) = (rates[0], rates[rates.len() - 1]);
    println!("{what:<58} {:>9.0}/s  ({least:.0} to {most:.0})", rates[rates.len() / 2]);
}

fn bench_reads(root: &Path) {
    let mut rates = [Vec::new(), Vec::new()];
    let disks = open(root, true);
    block_on(async {
        for number in 0..OBJECTS {
            write(&*disks[0], number).await.expect("there is room");
        }
    });
    drop(disks);
    let mut large = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        for (way, at_once) in [true, false].into_iter().enumerate() {
            let disks = open(root, at_once);
            rates[way].push(rate(16, |number| read(&*disks[0], number % OBJECTS)));
            let file = block_on(large_file(&*disks[1])).expect("there is room");
            large[way].push(rate(16, |number| read_piece(&*file, number)));
        }
    }
    for (what, rates) in [("readings of 1 KiB", rates), ("pieces of 256 KiB", large)] {
        let [at_once, pooled] = rates;
        tell(&format!("{what}, 16 at a time, on the caller's thread"), at_once);
        tell(&format!("{what}, 16 at a time, on the pool's threads"), pooled);
    }
}

/// A file of many pieces.
async fn large_file(disk: &dyn Disk) -> Result<Rc<dyn File>, DiskError> {
    match disk.open("large").await {
        Err(DiskError::NotFound { .. }) => {}
        opened => return opened,
    }
    let file = disk.create("large").await?;
    for _ in 0..PIECES {
        file.append(vec![7; PIECE_BYTES as usize].into()).await?;
    }
    file.sync().await?;
    Ok(file)
}

async fn read_piece(file: &dyn File, number: u64) -> Result<(), DiskError> {
    let data = file.read_at(number % PIECES * PIECE_BYTES, PIECE_BYTES).await?;
    assert_eq!(data.len() as u64, PIECE_BYTES);
    Ok(())
}

fn bench_writes(root: &Path, at_a_time: u64) {
    let mut rates = [const { Vec::new() }; 3];
    let fresh = |way: &str, round: usize| -> PathBuf {
        let root = root.join(format!("{way}-{at_a_time}-{round}"));
        fs::create_dir_all(&root).expect("there is room");
        root
    };
    for round in 0..ROUNDS {
        let disks = open(&fresh("disk", round), true);
        rates[0].push(rate(at_a_time, |number| {
            let copies = (0..REPLICAS).map(|copy| &disks[((number + copy) % DISKS) as usize]);
            let writes = copies.map(|disk| write(&**disk, number)).collect::<Vec<_>>();
            async { join_all(writes).await.into_iter().collect() }
        }));
        drop(disks);
        for (way, rates) in ["each", "whole"].into_iter().zip(&mut rates[1..]) {
            let root = fresh(way, round);
            let table = redb::Database::create(root.join("table")).expect("there is room");
            let state = Mutex::default();
            let held = fs::File::open(&root).expect("it is there");
            let whole = Whole { root: held, state, done: Condvar::new() };
            let shared = (way == "whole").then_some(&whole);
            let copies = rate_of_threads(at_a_time * REPLICAS, |number| {
                write_plainly(&root, number, shared);
                commit_plainly(&table, number);
            });
            rates.push(copies / REPLICAS as f64);
        }
    }
    let [disk, each, whole] = rates;
    let what = |way| format!("writings of 3 copies, {at_a_time} at a time, {way}");
    tell(&what("this disk"), disk);
    tell(&what("each with its syncs"), each);
    tell(&what("one sync for all"), whole);
}

fn main() {
    let under =
        std::env::var_os("STAYPUT_BENCH_DISK").map_or_else(std::env::temp_dir, PathBuf::from);
    let root = tempfile::tempdir_in(under).expect("there is room for a directory");
    bench_reads(&root.path().join("reads"));
    for at_a_time in [1, 16] {
        bench_writes(root.path(), at_a_time);
    }
}
