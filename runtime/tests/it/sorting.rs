//! Records that sessions sort, against sorts that are made in other ways.

use crate::driver::{Draws, Node, Ran, group, run, run_well};
use crate::support::{SORT, compile, piped};
use bytes::Bytes;
use proptest::prelude::*;
use stayput_runtime::engine::Module;
use stayput_runtime::outcome::EndReason;
use std::collections::BTreeMap;
use std::sync::LazyLock;

static MODULE: LazyLock<Module> = LazyLock::new(|| compile(SORT));
const RECORD: usize = 100;
const KEY: usize = 10;

fn nodes(inputs: &[Bytes], sorters: usize) -> Vec<Node> {
    let (partitioners, sorters) = (group("partitioner", inputs.len()), group("sorter", sorters));
    let mut nodes = vec![
        Node::new("sampler", &MODULE, "sample").writing_to(&partitioners),
        Node::new("judge", &MODULE, "judge"),
    ];
    for (name, input) in partitioners.iter().zip(inputs) {
        let node = Node::new(name, &MODULE, "partition judge").reading(input.clone());
        nodes.push(node.writing_to(["sampler", "judge"]).writing_to(&sorters));
    }
    nodes.extend(sorters.iter().map(|name| Node::new(name, &MODULE, "sort").writing_to(["judge"])));
    nodes
}

/// The ranges one after the other.
fn result(ran: &BTreeMap<String, Ran>, sorters: usize) -> Vec<u8> {
    let ranges: Vec<_> = group("sorter", sorters).iter().map(|name| ran[name].stdout()).collect();
    ranges.concat()
}

fn naive(inputs: &[Bytes]) -> Vec<u8> {
    let mut records: Vec<&[u8]> = inputs.iter().flat_map(|input| input.chunks(RECORD)).collect();
    records.sort();
    records.concat()
}

/// Verdict of the judge on records in order.
fn verdict(sorted: &[u8]) -> String {
    let records: Vec<&[u8]> = sorted.chunks(RECORD).collect();
    let duplicates = records.windows(2).filter(|pair| pair[0][..KEY] == pair[1][..KEY]).count();
    let checksum = records.iter().map(|record| hash(record)).fold(0, u64::wrapping_add);
    let count = records.len();
    format!("records {count}\nchecksum {checksum:016x}\nduplicates {duplicates}\nin order\n")
}

fn hash(record: &[u8]) -> u64 {
    record.chunks(8).fold(0, |hash: u64, word| {
        let mut bytes = [0; 8];
        bytes[..word.len()].copy_from_slice(word);
        let mixed = (hash ^ u64::from_le_bytes(bytes)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed.rotate_left(29)
    })
}

fn assert_sorted(inputs: &[Bytes], sorters: usize, seed: u64) {
    let ran = run_well(&nodes(inputs, sorters), seed);
    let wanted = naive(inputs);
    assert!(result(&ran, sorters) == wanted, "{sorters} sorters, seed {seed}: other records");
    assert_eq!(String::from_utf8_lossy(ran["judge"].stdout()), verdict(&wanted));
}

/// Records with keys that `key` fills, and anything behind them.
fn records(count: usize, draws: &mut Draws, key: impl Fn(&mut Draws, &mut [u8])) -> Bytes {
    let mut all = vec![0; count * RECORD];
    for record in all.chunks_mut(RECORD) {
        key(draws, &mut record[..KEY]);
        record[KEY..].fill_with(|| draws.next() as u8);
    }
    all.into()
}

fn uniform(draws: &mut Draws, key: &mut [u8]) {
    key.fill_with(|| draws.next() as u8);
}

/// Most keys begin alike, and some are very common.
fn skewed(draws: &mut Draws, key: &mut [u8]) {
    let level = draws.below(10);
    key.fill(b'a');
    key[9 - level..].fill_with(|| b'a' + draws.below(2) as u8);
}

#[test]
fn records_come_out_in_order_for_uniform_skewed_and_equal_keys() {
    let mut draws = Draws(1);
    let keys: [fn(&mut Draws, &mut [u8]); 3] = [uniform, skewed, |_, key| key.fill(7)];
    for key in keys {
        let inputs = [3_000, 1, 0, 12_000, 700].map(|count| records(count, &mut draws, key));
        for sorters in [1, 3, 12] {
            assert_sorted(&inputs, sorters, 3);
        }
    }
}

#[test]
fn no_records_are_in_order() {
    assert_sorted(&[Bytes::new(), Bytes::new()], 3, 1);
}

#[test]
fn uniform_and_skewed_keys_are_shared_out_evenly() {
    let mut draws = Draws(2);
    for key in [uniform, |draws: &mut Draws, key: &mut [u8]| {
        key.fill(0);
        // Dense at one end, in one byte.
        key[4] = ((draws.below(256) * draws.below(256) * draws.below(256)) >> 16) as u8;
        key[5..].fill_with(|| draws.next() as u8);
    }] {
        // Inputs of very different sizes: each one's sample stands for what it has.
        let inputs = [40_000, 4_000, 400, 40].map(|count| records(count, &mut draws, key));
        let ran = run_well(&nodes(&inputs, 4), 4);
        for name in group("sorter", 4) {
            let share = ran[&name].stdout().len() / RECORD;
            assert!((6_000..17_000).contains(&share), "{name} has {share} of 44,440");
        }
    }
}

#[test]
fn a_large_input_counts_for_more_than_small_ones() {
    let mut draws = Draws(12);
    // Each has keys of its own, those of the large one below the others'.
    let inputs = [(40_000, 0), (400, 1), (400, 2), (400, 3), (400, 4)].map(|(count, first)| {
        records(count, &mut draws, |draws, key| {
            uniform(draws, key);
            key[0] = first;
        })
    });
    let ran = run_well(&nodes(&inputs, 4), 13);
    for name in group("sorter", 4) {
        let share = ran[&name].stdout().len() / RECORD;
        assert!((6_000..16_000).contains(&share), "{name} has {share} of 41,600");
    }
}

/// Verdict of the checking sessions on ranges.
fn judged(ranges: &[Bytes], seed: u64) -> Ran {
    let names = group("checker", ranges.len());
    let mut nodes = vec![Node::new("judge", &MODULE, "judge")];
    for (name, range) in names.iter().zip(ranges) {
        let checker = Node::new(name, &MODULE, "check").reading(range.clone());
        nodes.push(checker.writing_to(["judge"]));
    }
    run(&nodes, seed).remove("judge").unwrap()
}

#[test]
fn the_checker_accepts_ranges_in_order_and_tells_what_is_wrong_with_others() {
    let mut draws = Draws(3);
    let sorted = Bytes::from(naive(&[records(5_000, &mut draws, uniform)]));
    let part = |from: usize, to: usize| sorted.slice(from * RECORD..to * RECORD);
    let good = judged(&[part(0, 2_000), part(2_000, 2_000), part(2_000, 5_000)], 1);
    assert_eq!(good.outcome.end, EndReason::Exited { code: 0 }, "{}", good.stderr());
    assert_eq!(String::from_utf8_lossy(good.stdout()), verdict(&sorted));

    let swapped = Bytes::from([part(1, 2), part(0, 1), part(2, 5_000)].concat());
    for ranges in [vec![swapped], vec![part(0, 2_001), part(1_999, 5_000)]] {
        let bad = judged(&ranges, 2);
        assert_eq!(bad.outcome.end, EndReason::Exited { code: 1 });
        assert!(bad.stderr().contains("not in order"), "{}", bad.stderr());
        assert!(bad.stdout().starts_with(b"records 500"), "{:?}", bad.stdout());
    }
}

#[test]
fn a_single_range_is_judged_by_its_checker() {
    let sorted = naive(&[records(300, &mut Draws(4), skewed)]);
    let checker = Node::new("checker", &MODULE, "check").reading(sorted.clone());
    let ran = run_well(&[checker], 1);
    assert_eq!(String::from_utf8_lossy(ran["checker"].stdout()), verdict(&sorted));
}

#[test]
fn the_judge_notices_a_record_that_is_lost_or_changed() {
    let mut draws = Draws(5);
    let inputs = [records(500, &mut draws, uniform)];
    let sorted = naive(&inputs);
    let mut changed = sorted.clone();
    changed[50 * RECORD + 70] ^= 1;
    for (range, complete) in
        [(&sorted[..], true), (&sorted[RECORD..], false), (&changed[..], false)]
    {
        // What went in is told by a partitioner, what came out by a checker in the sorter's place.
        let mut nodes = nodes(&inputs, 1);
        let checker = Node::new("checker", &MODULE, "check").reading(range.to_vec());
        nodes.retain(|node| node.name != "judge");
        nodes.push(Node::new("judge", &MODULE, "judge"));
        nodes.push(checker.writing_to(["judge"]));
        let sorter = nodes.iter_mut().find(|node| node.name == "sorter-1").unwrap();
        sorter.targets.clear();
        let judge = run(&nodes, 6).remove("judge").unwrap();
        assert_eq!(
            judge.outcome.end == EndReason::Exited { code: 0 },
            complete,
            "{}",
            judge.stderr()
        );
        assert_eq!(judge.stderr().contains("what went in is not there"), !complete);
    }
}

#[test]
fn half_a_record_is_refused() {
    let ran = run(&nodes(&[Bytes::from(vec![1; 250])], 2), 1);
    assert_eq!(ran["partitioner-1"].outcome.end, EndReason::Exited { code: 1 });
    let said = ran["partitioner-1"].stderr();
    assert!(said.contains("in the middle of a record"), "{said}");
    assert_eq!(ran["judge"].outcome.end, EndReason::Exited { code: 1 });
    assert_eq!(ran["judge"].stdout(), b"");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_records_are_sorted_as_naively(
        counts in prop::collection::vec(0_usize..400, 1..5),
        alphabet in 1_usize..256,
        equal in 0_usize..11,
        sorters in 1_usize..6,
        seed in any::<u64>(),
    ) {
        let mut draws = Draws(seed);
        let inputs: Vec<_> = counts.iter().map(|count| records(*count, &mut draws, |draws, key| {
            key[..equal].fill(200);
            key[equal..].fill_with(|| draws.below(alphabet) as u8);
        })).collect();
        assert_sorted(&inputs, sorters, seed);
    }
}

/// Records that are lines of text.
fn lines(count: usize, draws: &mut Draws) -> Bytes {
    let mut all = Vec::new();
    for number in 0..count {
        let key: String = (0..KEY).map(|_| char::from(b' ' + draws.below(95) as u8)).collect();
        all.extend_from_slice(
            format!("{key}  {number:032x}  {:052x}\r\n", draws.next()).as_bytes(),
        );
    }
    all.into()
}

#[test]
#[ignore = "needs coreutils"]
fn records_are_sorted_as_coreutils_sort_them() {
    let mut draws = Draws(8);
    let inputs: Vec<_> = (0..10).map(|_| lines(3_000, &mut draws)).collect();
    let ran = run_well(&nodes(&inputs, 4), 9);
    let wanted = piped(&["env", "LC_ALL=C", "sort"], &inputs.concat());
    assert_eq!(wanted.len(), 30_000 * RECORD);
    assert!(result(&ran, 4) == wanted, "they differ");
}

const PYTHON_VERDICT: &str = "
import sys
data = sys.stdin.buffer.read()
records = [data[at:at + 100] for at in range(0, len(data), 100)]
def hashed(record):
    value = 0
    for at in range(0, 100, 8):
        value = (value ^ int.from_bytes(record[at:at + 8], 'little')) * 0x9e3779b97f4a7c15 % 2**64
        value = (value << 29 | value >> 35) % 2**64
    return value
keys = sorted(record[:10] for record in records)
print('records', len(records))
print('checksum %016x' % (sum(map(hashed, records)) % 2**64))
print('duplicates', len(keys) - len(set(keys)))
print('in order')
";

#[test]
#[ignore = "needs Python 3"]
fn the_judge_says_what_python_says() {
    let mut draws = Draws(10);
    let inputs = [uniform, skewed].map(|key| records(2_000, &mut draws, key));
    let ran = run_well(&nodes(&inputs, 3), 11);
    let wanted = piped(&["python3", "-c", PYTHON_VERDICT], &inputs.concat());
    assert_eq!(String::from_utf8_lossy(ran["judge"].stdout()), String::from_utf8_lossy(&wanted));
}
