//! Any calls to a real disk give what they give on the simulated one, which is the model of it.
//!
//! Leaves out crashes, and directories that are empty again: a real disk keeps them.

use std::collections::BTreeMap;
use std::rc::Rc;

use bytes::Bytes;
use proptest::prelude::*;
use stayput_host::{Backend, Batch, Disk, DiskError, File};

use stayput_testkit::world::{Probe, add, fabric, tcp};

const NAMES: [&str; 6] = ["a", "b", "f/x", "f/y", "g/x", "h/i/j/x"];
const DIRS: [&str; 4] = ["f", "g/", "h/i/j", "none"];
const KEYS: [&str; 5] = ["", "a", "a/b", "b", "c"];

#[derive(Clone, Debug)]
enum Call {
    Create(usize),
    Append(usize, u8, usize),
    Read(usize, u64, u64),
    Rename(usize, usize),
    Remove(usize),
    List(usize),
    SyncDir(usize),
    Commit(Vec<(usize, Option<u8>)>),
    Get(usize),
    Scan(usize, usize, usize),
}

fn call() -> impl Strategy<Value = Call> {
    let name = || 0..NAMES.len();
    let key = || 0..KEYS.len();
    let change = (key(), proptest::option::of(any::<u8>()));
    prop_oneof![
        4 => name().prop_map(Call::Create),
        4 => (name(), any::<u8>(), 0_usize..9_000).prop_map(|(n, b, l)| Call::Append(n, b, l)),
        4 => (name(), 0_u64..20_000, 0_u64..20_000).prop_map(|(n, o, l)| Call::Read(n, o, l)),
        3 => (name(), name()).prop_map(|(from, to)| Call::Rename(from, to)),
        2 => name().prop_map(Call::Remove),
        2 => (0..DIRS.len()).prop_map(Call::List),
        1 => (0..DIRS.len()).prop_map(Call::SyncDir),
        2 => proptest::collection::vec(change, 0..4).prop_map(Call::Commit),
        1 => key().prop_map(Call::Get),
        1 => (key(), key(), 0_usize..4).prop_map(|(from, to, limit)| Call::Scan(from, to, limit)),
    ]
}

/// Result of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Gave {
    Done,
    Bytes(Option<Bytes>),
    Names(Vec<String>),
    Rows(Vec<(Vec<u8>, Bytes)>),
}

/// Files that were created, by the name that they were given: they stay open.
type Open = BTreeMap<usize, Rc<dyn File>>;

async fn make(disk: &Rc<dyn Disk>, open: &mut Open, call: Call) -> Result<Gave, DiskError> {
    Ok(match call {
        Call::Create(name) => {
            open.insert(name, disk.create(NAMES[name]).await?);
            Gave::Done
        }
        Call::Append(name, byte, len) => {
            if let Some(file) = open.get(&name) {
                file.append(vec![byte; len].into()).await?;
                file.sync().await?;
            }
            Gave::Done
        }
        Call::Read(name, offset, len) => {
            Gave::Bytes(Some(disk.open(NAMES[name]).await?.read_at(offset, len).await?))
        }
        Call::Rename(from, to) => {
            disk.rename(NAMES[from], NAMES[to]).await?;
            Gave::Done
        }
        Call::Remove(name) => {
            disk.remove(NAMES[name]).await?;
            Gave::Done
        }
        Call::List(dir) => Gave::Names(disk.list(DIRS[dir]).await?),
        Call::SyncDir(dir) => {
            disk.sync_dir(DIRS[dir]).await?;
            Gave::Done
        }
        Call::Commit(changes) => {
            let mut batch = Batch::new();
            for (key, value) in changes {
                match value {
                    Some(value) => batch.put(KEYS[key], vec![value]),
                    None => batch.delete(KEYS[key]),
                }
            }
            disk.commit(batch).await?;
            Gave::Done
        }
        Call::Get(key) => Gave::Bytes(disk.get(KEYS[key].as_bytes()).await?),
        Call::Scan(from, to, limit) => {
            Gave::Rows(disk.scan(KEYS[from].as_bytes(), KEYS[to].as_bytes(), limit).await?)
        }
    })
}

/// Makes all calls on a disk of the world; what came of each, and what the open files hold in the
/// end.
fn all_on(world: &mut dyn Backend, calls: &[Call]) -> (Vec<Result<Gave, DiskError>>, Vec<Bytes>) {
    let (found, calls) = (Probe::new(), calls.to_vec());
    let finding = found.clone();
    add(world, 0, move |host| {
        let (finding, calls) = (finding.clone(), calls.clone());
        async move {
            let disk = host.disk("d1").expect("the host has it");
            let (mut open, mut gave) = (Open::new(), Vec::new());
            for call in calls {
                gave.push(make(&disk, &mut open, call).await);
            }
            let mut held = Vec::new();
            for file in open.values() {
                held.push(file.read_at(0, u64::MAX).await.expect("it stays readable"));
            }
            finding.set((gave, held));
        }
    });
    found.wait(world)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn any_calls_give_what_they_give_on_the_simulated_disk(
        calls in proptest::collection::vec(call(), 1..40),
    ) {
        let simulated = all_on(&mut *fabric(), &calls);
        prop_assert_eq!(all_on(&mut *tcp(), &calls), simulated);
    }
}
