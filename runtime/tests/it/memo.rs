//! Memo of sessions: it gives what the session would have done, whatever its driver does.

use crate::support::{LINECOUNT, SORT, WORDCOUNT, compile, spec};
use bytes::Bytes;
use proptest::prelude::*;
use stayput_runtime::device::DeviceFault;
use stayput_runtime::engine::Module;
use stayput_runtime::memo::{Memo, MemoResult, MemoSession};
use stayput_runtime::outcome::Accounting;
use stayput_runtime::session::{Pause, SESSION_EPOCH_UNIX_NS, SessionSpec};
use std::sync::LazyLock;

static MODULES: LazyLock<[(Module, &[&str]); 3]> = LazyLock::new(|| {
    [
        (compile(LINECOUNT), &["linecount", "a"]),
        (compile(WORDCOUNT), &["wordcount"]),
        (compile(SORT), &["sort"]),
    ]
});

const ROOM: usize = 64 << 20;

/// Treatment of a session by its driver.
#[derive(Clone, Debug)]
struct Manner {
    slice: u64,
    part_bytes: usize,
    /// The transfer that fails, and how.
    fault: Option<(usize, DeviceFault)>,
    /// The read whose first byte is damaged.
    damage: Option<usize>,
    /// The step after which the session is given up.
    give_up: Option<usize>,
}

fn manner() -> impl Strategy<Value = Manner> {
    let fault = prop_oneof![
        Just(DeviceFault::Quota),
        Just(DeviceFault::PeerDied),
        Just(DeviceFault::Failed { reason: "it is gone".to_owned() }),
    ];
    let slice = prop_oneof![Just(2_000_u64), Just(100_000)];
    let part_bytes = prop_oneof![Just(1_000_usize), Just(7_000), Just(1 << 20)];
    let fault = prop::option::weighted(0.3, (0_usize..6, fault));
    let damage = prop::option::weighted(0.3, 0_usize..4);
    let give_up = prop::option::weighted(0.2, 0_usize..30);
    (slice, part_bytes, fault, damage, give_up).prop_map(
        |(slice, part_bytes, fault, damage, give_up)| Manner {
            slice,
            part_bytes,
            fault,
            damage,
            give_up,
        },
    )
}

/// All that a driver sees: each pause with the fuel up to there, and the bill.
type Seen = (Vec<(Pause, u64)>, Option<(u64, Accounting)>);

fn sized(module: &Module, args: &[&str], input: &Bytes) -> SessionSpec {
    let mut spec = spec(module, args);
    spec.devices[3].size = input.len() as u64;
    spec
}

fn drive(
    spec: SessionSpec,
    input: &Bytes,
    how: &Manner,
    memo: Option<&Memo>,
) -> (Seen, MemoResult) {
    let mut session = MemoSession::new(spec, memo);
    let (mut seen, mut reads, mut transfers) = (Vec::new(), 0, 0);
    loop {
        let pause = session.step(SESSION_EPOCH_UNIX_NS, how.slice);
        seen.push((pause.clone(), session.fuel_used()));
        let fails = |number: usize| match &how.fault {
            Some((at, fault)) if *at == number => Err(fault.clone()),
            _ => Ok(()),
        };
        match pause {
            Pause::SliceUsed | Pause::Sleep { .. } => {}
            Pause::Read { device, offset, len } => {
                let from = if device.index() == 3 { input.clone() } else { Bytes::new() };
                let start = usize::try_from(offset).unwrap().min(from.len());
                let end = (start + len.min(how.part_bytes)).min(from.len());
                let mut part = from[start..end].to_vec();
                if how.damage == Some(reads)
                    && let Some(byte) = part.first_mut()
                {
                    *byte ^= 1;
                }
                session.provide_read(fails(transfers).map(|()| Bytes::from(part)));
                (reads, transfers) = (reads + 1, transfers + 1);
            }
            Pause::Write { .. } => {
                session.accept_write(fails(transfers));
                transfers += 1;
            }
            Pause::Ended(_) => return ((seen, None), session.memo_result()),
        }
        if how.give_up == Some(seen.len()) {
            let bill = session.give_up();
            return ((seen, Some(bill)), session.memo_result());
        }
    }
}

fn plain() -> Manner {
    Manner { slice: 5_000, part_bytes: 4_000, fault: None, damage: None, give_up: None }
}

fn lines() -> (SessionSpec, Bytes) {
    let (module, args) = &MODULES[0];
    // A part begins with a line that counts.
    let input = Bytes::from("a\nb\n".repeat(5_000));
    (sized(module, args, &input), input)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_session_does_the_same_with_a_memo_cold_or_warm_and_without(
        which in 0_usize..3, input in prop::collection::vec(0_u8..128, 0..20_000),
        manners in prop::collection::vec(manner(), 1..5), audited_one_in in 0_u64..2,
    ) {
        let (module, args) = &MODULES[which];
        let input = Bytes::from(input);
        let memo = Memo::new(ROOM, audited_one_in);
        // Each manner twice, with others in between that are the same up to a part, a fault or a
        // slice.
        for how in manners.iter().chain(&manners) {
            let spec = sized(module, args, &input);
            let (alone, _) = drive(spec.clone(), &input, how, None);
            let (with_memo, found) = drive(spec, &input, how, Some(&memo));
            prop_assert_eq!(alone, with_memo);
            let differs = matches!(&found, MemoResult::Diverged { .. });
            prop_assert!(!differs, "{:?}", found);
        }
    }
}

#[test]
fn the_second_session_of_a_kind_is_known() {
    let ((spec, input), memo) = (lines(), Memo::new(ROOM, 0));
    let (first, found) = drive(spec.clone(), &input, &plain(), Some(&memo));
    assert_eq!(found, MemoResult::Computed);
    let (second, found) = drive(spec.clone(), &input, &plain(), Some(&memo));
    assert_eq!((second, found), (first, MemoResult::Replayed));
    assert!(memo.bytes() > 0);
    let other_seed = SessionSpec { entropy: [8; 32], ..spec };
    assert_eq!(drive(other_seed, &input, &plain(), Some(&memo)).1, MemoResult::Computed);
}

#[test]
fn another_way_of_a_known_session_is_computed_and_then_known_too() {
    let ((spec, input), memo) = (lines(), Memo::new(ROOM, 0));
    let damaged = Manner { damage: Some(2), ..plain() };
    let (plainly, _) = drive(spec.clone(), &input, &plain(), Some(&memo));
    let (otherwise, found) = drive(spec.clone(), &input, &damaged, Some(&memo));
    assert_eq!(found, MemoResult::Computed);
    assert!(plainly != otherwise, "the damage makes another answer");
    assert_eq!(
        drive(spec.clone(), &input, &damaged, Some(&memo)),
        (otherwise, MemoResult::Replayed)
    );
    assert_eq!(drive(spec, &input, &plain(), Some(&memo)), (plainly, MemoResult::Replayed));
}

#[test]
fn an_audit_finds_what_was_changed_in_a_memo_and_goes_by_what_the_session_does() {
    let ((spec, input), memo) = (lines(), Memo::new(ROOM, 1));
    let (first, _) = drive(spec.clone(), &input, &plain(), Some(&memo));
    let (again, found) = drive(spec.clone(), &input, &plain(), Some(&memo));
    assert_eq!((again, found), (first.clone(), MemoResult::Audited));
    memo.corrupt();
    let (audited, found) = drive(spec, &input, &plain(), Some(&memo));
    assert_eq!(audited, first, "what was kept is not believed");
    assert!(matches!(&found, MemoResult::Diverged { what } if what.contains("fuel")), "{found:?}");
}

#[test]
fn a_memo_without_room_forgets_and_changes_nothing() {
    let ((spec, input), memo) = (lines(), Memo::new(2_000, 0));
    let (alone, _) = drive(spec.clone(), &input, &plain(), None);
    for _time in 0..2 {
        let (with_memo, found) = drive(spec.clone(), &input, &plain(), Some(&memo));
        assert_eq!((&with_memo, found), (&alone, MemoResult::Computed));
        assert!(memo.bytes() <= 2_000, "{} bytes", memo.bytes());
    }
}
