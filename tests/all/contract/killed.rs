//! A process that writes to a real disk and is killed in the middle of it, again and again: what it
//! acknowledged is there and whole.
//!
//! The writer is this test binary, in a process of its own, which tells of each change when the
//! disk says that it is durable. It is killed when it has told of so many, wherever it is by then.
//! `STAYPUT_KILLS=50` kills it more often. Leaves out a loss of power, which only a simulated disk
//! can have here.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::{Command, Stdio};
use std::rc::Rc;

use bytes::Bytes;
use futures_util::future::join_all;
use rand::{Rng, RngExt};
use stayput_host::{Batch, Disk, DiskError, Seed};
use stayput_server::disk::{DiskPool, RealDisk};

const ROOT: &str = "STAYPUT_KILLED_DISK";
const ROUND: &str = "STAYPUT_KILLED_ROUND";
const KILLS: &str = "STAYPUT_KILLS";
const KILLS_USUALLY: u64 = 3;
/// Changes that are told of before the writer is killed, at most.
const TOLD_MAX: u64 = 150;
const WRITERS: u64 = 8;
/// First and last characters of a line of the writer; the test harness writes others.
const TOLD: &str = "durable ";
const WHOLE: &str = "indeed";

fn open(root: &Path) -> Rc<dyn Disk> {
    let size = |n| NonZeroUsize::new(n).expect("not zero");
    let pool = DiskPool::new(size(8), size(64)).expect("the system has room for threads");
    RealDisk::open(root, &pool).expect("nobody else has it")
}

fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("the system has room for a runtime").block_on(future)
}

/// Content written under a name: longer than a page of the system now and then.
fn content(name: &str) -> Vec<u8> {
    let mut draws = Seed(1).entropy("killed", name.as_bytes(), 0);
    let len = draws.random_range(0..20_000);
    std::iter::repeat_with(|| draws.next_u64().to_le_bytes()).flatten().take(len).collect()
}

/// One change as the store makes it: a new file, and a row that counts.
async fn store(disk: &Rc<dyn Disk>, writer: u64, name: &str) -> Result<(), DiskError> {
    let tmp = format!("tmp/{name}");
    let file = disk.create(&tmp).await?;
    let content = content(name);
    let (first, second) = content.split_at(content.len() / 2);
    file.append(Bytes::copy_from_slice(first)).await?;
    file.append(Bytes::copy_from_slice(second)).await?;
    file.sync().await?;
    let dir = format!("objects/{writer}");
    disk.rename(&tmp, &format!("{dir}/{name}")).await?;
    disk.sync_dir(&dir).await?;
    let mut batch = Batch::new();
    batch.put(format!("row/{name}"), content.len().to_string());
    batch.put(format!("last/{writer}"), name.to_owned());
    disk.commit(batch).await
}

/// Writes until it is killed, in the process that the other test starts.
#[test]
#[ignore = "it is the process that the other test kills, and ends only so"]
fn writes_until_it_is_killed() {
    let (Ok(root), Ok(round)) = (std::env::var(ROOT), std::env::var(ROUND)) else { return };
    let disk = open(Path::new(&root));
    let writer = async |writer: u64| {
        for number in 0_u64.. {
            let name = format!("{round}-{writer}-{number}");
            store(&disk, writer, &name).await.expect("the disk works");
            println!("{TOLD}{writer} {name} {WHOLE}");
        }
    };
    block_on(join_all((0..WRITERS).map(writer)));
}

/// Starts the writer and kills it after `told` changes; all that it told of, with the writer of
/// each.
fn run_and_kill(root: &Path, round: u64, told: u64) -> Vec<(u64, String)> {
    let name = "contract::killed::writes_until_it_is_killed";
    let itself = std::env::current_exe().expect("it runs");
    let mut child = Command::new(itself)
        .args(["--exact", name, "--ignored", "--nocapture"])
        .envs([(ROOT, root.as_os_str()), (ROUND, round.to_string().as_ref())])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the system has room for a process");
    let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    let mut found = Vec::new();
    for line in lines {
        let line = line.expect("it is text");
        let told_of = line.strip_prefix(TOLD).and_then(|line| line.strip_suffix(WHOLE));
        let told_of = told_of.and_then(|line| line.trim_end().split_once(' '));
        if let Some((writer, name)) = told_of {
            found.push((writer.parse().expect("a number"), name.to_owned()));
        }
        if found.len() as u64 == told {
            child.kill().expect("it runs");
        }
    }
    assert!(!child.wait().expect("it was started").success(), "it was killed");
    found
}

async fn check(disk: &Rc<dyn Disk>, told: &BTreeMap<String, u64>) {
    for (name, writer) in told {
        let path = format!("objects/{writer}/{name}");
        let file = disk.open(&path).await.expect("it was acknowledged");
        let read = file.read_at(0, file.len()).await.expect("it can be read");
        assert!(read == content(name), "{path} is not what was written");
        let row = disk.get(format!("row/{name}").as_bytes()).await.expect("it can be read");
        assert_eq!(row, Some(content(name).len().to_string().into()), "{name}");
    }
    for writer in 0..WRITERS {
        let dir = format!("objects/{writer}");
        for name in disk.list(&dir).await.expect("it can be read") {
            let file = disk.open(&format!("{dir}/{name}")).await.expect("it is there");
            assert_eq!(file.len(), content(&name).len() as u64, "{name} is half-written");
        }
    }
    let rows = disk.scan(b"row/", b"row0", usize::MAX).await.expect("it can be read");
    assert!(rows.len() >= told.len(), "{} rows of {}", rows.len(), told.len());
}

#[test]
fn what_a_killed_process_acknowledged_is_there_and_whole() {
    let root = tempfile::tempdir().expect("the system has room for a directory");
    let kills = std::env::var(KILLS).ok().map(|kills| kills.parse().expect("a number"));
    let mut told = BTreeMap::new();
    for round in 0..kills.unwrap_or(KILLS_USUALLY) {
        let after = 1 + Seed(7).entropy("kills", b"", round).random_range(0..TOLD_MAX);
        let found = run_and_kill(root.path(), round, after);
        assert!(found.len() as u64 >= after, "{} of {after} were told of", found.len());
        told.extend(found.into_iter().map(|(writer, name)| (name, writer)));
        let disk = open(root.path());
        block_on(check(&disk, &told));
    }
}
