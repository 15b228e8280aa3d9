//! Transfers and jobs on a cluster whose disks are slow, full or fail: later, elsewhere or not at
//! all, and never wrong.
//!
//! Leaves out the network's faults: see the model's tests for what they do to a transfer.

mod room;

use std::num::NonZeroU32;
use std::time::Duration;

use stayput_host::Time;
use stayput_host::config::Chance;
use stayput_host::topology::HostKey;
use stayput_world::Fault;
use stayput_world::fault::FaultKind;
use stayput_world::fault::kinds::{Crash, FullDisk, Power, ReadErrors, SlowDisk};

use self::room::{COUNTED, LOG_BYTES, READ_BYTES_PER_SECOND, Room, log, run};

/// Loading is over long before this, and the faults begin then.
const FAULTS_AT: Time = Time::from_nanos(30_000_000_000);
const LASTS: Duration = Duration::from_secs(600);

fn on(nodes: &[HostKey], kind: impl Fn(HostKey) -> FaultKind) -> Vec<Fault> {
    nodes.iter().map(|host| Fault::once(FAULTS_AT, LASTS, kind(*host))).collect()
}

fn errors(percent: u32) -> impl Fn(HostKey) -> FaultKind {
    let chance = Chance::per_billion(percent * (Chance::BILLION / 100)).expect("at most all");
    move |host| FaultKind::disk(host, None, ReadErrors { chance })
}

fn full(host: HostKey) -> FaultKind {
    FaultKind::disk(host, Some("d1"), FullDisk)
}

async fn during(room: &Room) {
    room.store.side.host.sleep_until(FAULTS_AT + Duration::from_secs(1)).await;
}

#[test]
fn a_slow_disk_makes_a_job_later_by_its_factor() {
    let slow = |host| {
        let factor = NonZeroU32::new(10).expect("not zero");
        FaultKind::disk(host, None, SlowDisk { factor })
    };
    let (times, effects) = run(
        |nodes| on(nodes, slow),
        |room| async move {
            let (first, _) = room.job_time().await;
            during(&room).await;
            (first, room.job_time().await.0)
        },
    );
    let (sound, slow) = times;
    let reading = Duration::from_nanos(LOG_BYTES * 1_000_000_000 / READ_BYTES_PER_SECOND);
    assert!(sound > reading, "{sound:?} for {reading:?} of reading");
    let later = slow.saturating_sub(sound);
    // The module and what is stored with both are read from the same disks.
    assert!((reading * 9..reading * 21 / 2).contains(&later), "{sound:?}, then {slow:?}");
    assert!(effects.iter().any(|effects| effects.counts().contains_key("delayed_accesses")));
}

#[test]
fn a_job_whose_reads_fail_runs_on_the_next_replica() {
    let ((status, body), effects) = run(
        // Of four nodes, one of three replicas at least is sound.
        |nodes| on(&nodes[..2], errors(100)),
        |room| async move {
            during(&room).await;
            let mut last = None;
            // Every object has replicas on at least one failing node.
            for object in 0..4 {
                let (status, body) = room.job(object).await;
                assert_eq!((status, body.as_str()), (200, COUNTED), "object {object}");
                last = Some((status, body));
            }
            last.expect("there were objects")
        },
    );
    assert_eq!((status, body.as_str()), (200, COUNTED));
    assert!(effects.iter().all(|effects| effects.counts().contains_key("failed_reads")));
}

#[test]
fn a_job_is_never_wrong_when_reads_fail_everywhere() {
    let ((right, failed), effects) = run(
        |nodes| on(nodes, errors(5)),
        |room| async move {
            during(&room).await;
            let (mut right, mut failed) = (0, 0);
            for object in (0..4).cycle().take(40) {
                match room.job(object).await {
                    (200, body) => {
                        assert_eq!(body, COUNTED);
                        right += 1;
                    }
                    (503, _) => failed += 1,
                    other => panic!("neither right nor an honest failure: {other:?}"),
                }
            }
            (right, failed)
        },
    );
    assert!(right > 0, "{failed} failed");
    assert!(effects.iter().all(|effects| effects.counts().contains_key("failed_reads")));
}

#[test]
fn a_body_that_breaks_off_goes_on_from_the_next_replica_or_not_at_all() {
    let ((whole, failed), effects) = run(
        |nodes| on(nodes, errors(5)),
        |room| async move {
            during(&room).await;
            let (mut whole, mut failed) = (0, 0);
            for object in (0..4).cycle().take(40) {
                match room.get(object).await {
                    Some(content) => {
                        assert!(content == log(), "a body of the right length and wrong bytes");
                        whole += 1;
                    }
                    None => failed += 1,
                }
            }
            (whole, failed)
        },
    );
    let breaks: u64 = effects.iter().filter_map(|e| e.counts().get("failed_reads")).sum();
    assert!(whole > 20, "{whole} whole, {failed} failed");
    assert!(breaks > 10, "{breaks} reads failed, so that bodies were put together");
}

#[test]
fn a_handoff_takes_what_full_disks_refuse() {
    let (stored, effects) = run(
        // Two copies of three are a majority: where both full nodes are primaries, one of them is
        // on the handoff.
        |nodes| on(&nodes[..2], full),
        |room| async move {
            during(&room).await;
            let mut stored = 0;
            for number in 10..22 {
                room.put(number).await.expect("two nodes have room");
                stored += usize::from(room.get(number).await == Some(log()));
            }
            stored
        },
    );
    assert_eq!(stored, 12);
    assert!(effects.iter().all(|effects| effects.counts().contains_key("refused_writes")));
}

#[test]
fn nothing_is_acknowledged_that_no_disk_has_room_for() {
    let ((), effects) = run(
        |nodes| on(nodes, full),
        |room| async move {
            during(&room).await;
            room.put(10).await.expect_err("no node has room");
            assert_eq!(room.get(10).await, None);
            assert!(room.get(0).await == Some(log()), "what was stored before is there");
        },
    );
    assert!(effects.iter().any(|effects| effects.counts().contains_key("refused_writes")));
}

#[test]
fn a_job_survives_crashes_and_lost_power_that_come_again() {
    let again = |host: HostKey| Fault {
        at: FAULTS_AT,
        lasts: Duration::from_millis(300),
        repeat: Some(stayput_world::fault::Repeat { every: Duration::from_secs(1), times: 60 }),
        kind: if host.0 == 0 {
            FaultKind::process(host, Crash)
        } else {
            FaultKind::process(host, Power)
        },
    };
    let (right, effects) = run(
        move |nodes| nodes[..2].iter().map(|host| again(*host)).collect(),
        |room| async move {
            room.store.side.host.sleep_until(FAULTS_AT).await;
            let mut right = 0;
            for object in (0..4).cycle().take(40) {
                let (status, body) = room.job(object).await;
                if status == 200 {
                    assert_eq!(body, COUNTED);
                    right += 1;
                }
            }
            right
        },
    );
    assert!(right > 30, "{right} of 40");
    assert!(effects.iter().all(|effects| effects.counts()["killed_tasks"] > 2), "{effects:?}");
}
