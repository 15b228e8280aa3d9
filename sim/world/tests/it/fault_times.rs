//! Network faults that overlap, begin and end: the time of each message and each effect's count,
//! against sums over the faults that are in force.
//!
//! Leaves out flows of many chunks, whose rates `tests/all/model` holds.

use std::time::Duration;

use proptest::prelude::*;
use stayput_host::Time;
use stayput_host::config::Chance;
use stayput_world::RunMeters;
use stayput_world::fault::kinds::{Latency, Loss, NetworkPartition, Throttle};
use stayput_world::fault::{Fault, FaultKind};
use stayput_world::wire;

use crate::messages::{
    A, B, FaultTimes, INSTANT, count, one_way, send_under, sending_times, timed,
};
use crate::support::{GBIT, LATENCY, at, ms, rate};

/// Waits after which a chunk that meets a cut way is tried again, from the first time on.
const TRIES_MS: [u64; 6] = [0, 200, 600, 1_400, 3_000, 6_200];

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn latencies_of_all_faults_in_force_add_up_and_each_counts_what_it_delays(
        faults in timed(FaultTimes::any(600, 200), (1_u64..40, any::<bool>())),
    ) {
        let kind = |(added_ms, is_there): &(u64, bool)| {
            FaultKind::ways(one_way(*is_there), Latency { added: ms(*added_ms) })
        };
        let scheduled = faults.iter().map(|(times, added)| times.fault(kind(added))).collect();
        let sent = sending_times(ms(10), 100);
        let seen = send_under(scheduled, &sent, 1);
        let mut last = Time::ZERO;
        for (sent, arrived) in sent.iter().zip(&seen.arrivals) {
            let delays = faults.iter().filter(|(times, (_, there))| *there && times.holds(*sent));
            let delay: Duration = delays.map(|(_, (added, _))| ms(*added)).sum();
            // Nothing overtakes what was sent before it.
            last = last.max(*sent + LATENCY + delay);
            let late = arrived.since(last);
            prop_assert!(*arrived >= last && late < INSTANT, "{arrived}, not {last}");
        }
        prop_assert_eq!(seen.arrivals.len(), sent.len());
        for ((times, (_, is_there)), effects) in faults.iter().zip(&seen.effects) {
            // The way there is the messages', the way back that of their acknowledgements.
            let sendings = if *is_there { &sent } else { &seen.arrivals };
            let delayed = sendings.iter().filter(|time| times.holds(**time)).count();
            prop_assert_eq!(count(effects, "delayed_sendings"), delayed as u64);
        }
    }

    #[test]
    fn a_message_passes_at_its_first_try_that_no_cut_meets_or_its_sender_gives_up(
        cuts in timed(FaultTimes::any(3_000, 3_000), any::<bool>()),
        bytes in 1_usize..=1_448,
    ) {
        let cut = |is_there: &bool| FaultKind::ways(one_way(*is_there), NetworkPartition);
        let scheduled = cuts.iter().map(|(times, there)| times.fault(cut(there))).collect();
        let sent = at(500) + Duration::from_micros(500);
        let seen = send_under(scheduled, &[sent], bytes);
        let tries = TRIES_MS.map(|after| sent + ms(after));
        let is_cut = |time: Time| cuts.iter().any(|(times, there)| *there && times.holds(time));
        let passes = tries.iter().position(|time| !is_cut(*time));
        let card = Duration::from_nanos(wire::data(bytes as u64) * 8 + 1);
        match passes {
            Some(nth) => {
                let due = tries[nth] + LATENCY + card;
                prop_assert_eq!(seen.arrivals.len(), 1);
                prop_assert!(seen.arrivals[0].since(due) < INSTANT && seen.arrivals[0] >= due - INSTANT);
            }
            None => {
                prop_assert_eq!(&seen.arrivals, &[]);
                let (when, _) = seen.reset.expect("it gives up");
                prop_assert_eq!(when, tries[5]);
            }
        }
        let met = |times: &FaultTimes| {
            // The last try finds out that it is in vain before anything is sent.
            let sendings = &tries[..passes.unwrap_or(tries.len() - 1)];
            sendings.iter().filter(|time| times.holds(**time)).count() as u64
        };
        for ((times, is_there), effects) in cuts.iter().zip(&seen.effects) {
            let dropped = if *is_there { met(times) * bytes as u64 } else { 0 };
            prop_assert_eq!(count(effects, "dropped_bytes"), dropped, "{:?}", times);
        }
        let met_any = tries[..passes.unwrap_or(tries.len() - 1)].len() as u64;
        prop_assert_eq!(seen.world.ledger().totals().dropped, met_any * bytes as u64);
    }

    #[test]
    fn the_slowest_limit_in_force_at_each_port_sets_the_pace_and_all_limits_count(
        limits in timed(FaultTimes::any(1_800, 900), (300_000_u64..5_000_000, 0_u8..3)),
    ) {
        let kind = |(bytes_per_second, port): &(u64, u8)| {
            let throttle = Throttle { rate: rate(*bytes_per_second) };
            match port {
                0 => FaultKind::card(A, throttle),
                1 => FaultKind::trunk([A, B], throttle),
                _ => FaultKind::card(B, throttle),
            }
        };
        let scheduled = limits.iter().map(|(times, limit)| times.fault(kind(limit))).collect();
        let (sent, bytes) = (sending_times(ms(200), 10), 20_000);
        let seen = send_under(scheduled, &sent, bytes);
        let wire = wire::data(bytes as u64);
        let mut throttled = vec![0; limits.len()];
        let mut takes = |own: Option<u64>, port: u8, time: Time| {
            let mut slowest = own;
            for (at, (times, (limit, of))) in limits.iter().enumerate() {
                if *of == port && times.holds(time) {
                    throttled[at] += wire;
                    slowest = Some(slowest.map_or(*limit, |rate| rate.min(*limit)));
                }
            }
            slowest.map_or(Duration::ZERO, |limit| Duration::from_nanos(rate(limit).nanos_for(wire)))
        };
        let is_limited = |time: Time| limits.iter().any(|(at, (_, of))| *of == 1 && at.holds(time));
        for (sent, arrived) in sent.iter().zip(&seen.arrivals) {
            // Each port passes bits on as they come: the message takes its time at the slowest.
            let out = takes(Some(GBIT), 0, *sent);
            let there = *sent + out;
            let trunk = if is_limited(*sent) { takes(None, 1, there) } else { Duration::ZERO };
            let so_far = out.max(trunk);
            let enters = *sent + so_far + LATENCY;
            let due = *sent + LATENCY + so_far.max(takes(Some(GBIT), 2, enters));
            let off = arrived.since(due).max(due.since(*arrived));
            prop_assert!(off < INSTANT, "sent at {sent}, there at {arrived}, not {due}");
        }
        prop_assert_eq!(seen.arrivals.len(), sent.len());
        for (effects, throttled) in seen.effects.iter().zip(throttled) {
            prop_assert_eq!(count(effects, "throttled_bytes"), throttled);
        }
    }

    #[test]
    fn each_lost_copy_of_a_message_is_charged_to_one_fault_and_costs_one_timer(
        percents in prop::collection::vec((1_u32..=10, any::<bool>()), 1..4),
    ) {
        let loss = |(percent, is_there): &(u32, bool)| {
            let chance = Chance::per_billion(percent * (Chance::BILLION / 100));
            let kind = Loss { chance: chance.expect("below all") };
            Fault::once(at(5), ms(3_500_000), FaultKind::ways(one_way(*is_there), kind))
        };
        let sent = sending_times(Duration::from_secs(250), 12);
        let seen = send_under(percents.iter().map(loss).collect(), &sent, 1);
        // The timer runs for 200 ms, then twice as long each time, up to a minute.
        let waits = |lost: u32| (0..lost).map(|nth| ms((200 << nth).min(60_000))).sum::<Duration>();
        let mut lost = 0;
        for (sent, arrived) in sent.iter().zip(&seen.arrivals) {
            let late = arrived.since(*sent + LATENCY);
            let copies = (0..20).find(|lost| late.abs_diff(waits(*lost)) < INSTANT);
            prop_assert!(copies.is_some(), "{late:?} is no sum of timers");
            lost += u64::from(copies.unwrap_or_default());
        }
        prop_assert_eq!(seen.arrivals.len(), sent.len());
        let charged = |there: bool| {
            let of = percents.iter().zip(&seen.effects).filter(|((_, is), _)| *is == there);
            of.map(|(_, effects)| count(effects, "lost_segments")).sum::<u64>()
        };
        prop_assert_eq!(charged(true), lost);
        prop_assert_eq!(charged(false), 0, "acknowledgements are not lost");
        prop_assert_eq!(seen.world.ledger().totals().dropped, lost, "a byte for each copy");
    }
}
