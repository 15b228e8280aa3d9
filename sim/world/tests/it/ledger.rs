//! The ledger's balance on the fabric: sent = delivered + dropped + in flight, at any time.

use std::time::Duration;

use stayput_host::config::Chance;
use stayput_host::topology::HostKey;
use stayput_host::{Backend, MessagePart, Time};
use stayput_world::fault::kinds::{Crash, Loss};
use stayput_world::fault::{Fault, FaultKind, Sides};
use stayput_world::{FaultInjection, Ledger, RunMeters, WireMeters};

use crate::support::{LIMIT, at, ms, network, transfers, world};

fn balance(ledger: &Ledger, in_flight: u64) {
    let totals = ledger.totals();
    assert_eq!(totals.payload, totals.delivered + totals.dropped + in_flight);
}

#[test]
fn it_balances_in_the_middle_of_transfers_and_at_their_end() {
    let mut world = world(network());
    let _begun = transfers(&mut world, Duration::ZERO, &[(0, 2, 4_000_000), (3, 1, 3_000_000)]);
    for millis in (1..60).step_by(3) {
        world.run(&mut || false, at(millis));
        balance(&world.ledger(), world.in_flight());
    }
    world.run(&mut || false, LIMIT);
    let totals = world.ledger().totals();
    assert_eq!((totals.dropped, totals.delivered), (0, 7_000_000));
}

#[test]
fn it_balances_under_loss_and_a_crash() {
    let mut world = world(network());
    let _begun = transfers(&mut world, Duration::ZERO, &[(0, 2, 9_000_000), (1, 3, 9_000_000)]);
    let chance = Chance::per_billion(Chance::BILLION / 20).expect("below all");
    let sides = Sides { from: vec![HostKey(0)], to: None, one_way: false };
    for kind in [FaultKind::ways(sides, Loss { chance }), FaultKind::process(HostKey(3), Crash)] {
        world.schedule(Fault::once(at(10), ms(500), kind)).expect("the hosts exist");
    }
    for millis in (1..900).step_by(13) {
        world.run(&mut || false, at(millis));
        balance(&world.ledger(), world.in_flight());
    }
    assert!(world.ledger().totals().dropped > 0);
}

#[test]
fn rows_are_ways_with_labels_and_a_later_state_less_an_earlier_is_what_came_between() {
    let mut world = world(network());
    let begun = transfers(&mut world, ms(10), &[(0, 2, 1_000), (0, 1, 500)]);
    let before = world.ledger();
    for transfer in &begun {
        transfer.sent.wait(&mut world).expect("no fault");
    }
    let after = world.ledger();
    let between = after.since(&before);
    let mut rows: Vec<_> = between
        .rows()
        .map(|(way, label, bytes)| {
            (way.from.0, way.to.0, way.crosses_zones, label.part, bytes.sent)
        })
        .collect();
    rows.sort_unstable_by_key(|row| (row.0, row.1));
    assert_eq!(
        rows,
        [(0, 1, false, MessagePart::Body, 500), (0, 2, true, MessagePart::Body, 1_000)]
    );
    assert_eq!(between.totals().cross_zone, 1_000);
    assert_eq!(after.since(&after).totals().payload, 0);
    assert!(world.now() > Time::ZERO + ms(10));
}
