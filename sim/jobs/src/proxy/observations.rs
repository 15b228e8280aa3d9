//! Observations of a proxy on the sessions that it placed: how many are outstanding on which host,
//! the load that nodes reported, the costs of sessions.
//!
//! They die with the proxy. Leaves out what other proxies observe.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use stayput_host::Time;

use crate::placement::{NodeLoad, ObservedDelays, ObservedTotals, ReportedLoad};

/// Limit on the kinds of sessions that are observed.
const KINDS_MAX: usize = 1024;
/// Sessions of a kind whose times are kept: the last ones.
const DELAYS_MAX: usize = 256;

/// Observations of a proxy. Clones are the same observations.
#[derive(Clone, Default)]
pub(super) struct Observations(Rc<RefCell<State>>);

#[derive(Default)]
struct State {
    outstanding: BTreeMap<IpAddr, u32>,
    loads: BTreeMap<IpAddr, (NodeLoad, Time)>,
    kinds: BTreeMap<String, Kind>,
}

#[derive(Default)]
struct Kind {
    learned: ObservedTotals,
    delays: VecDeque<Duration>,
}

/// A session that counts as outstanding until this is dropped.
pub(super) struct Outstanding {
    observations: Observations,
    host: IpAddr,
}

impl Drop for Outstanding {
    fn drop(&mut self) {
        if let Some(count) = self.observations.0.borrow_mut().outstanding.get_mut(&self.host) {
            *count = count.saturating_sub(1);
        }
    }
}

impl Observations {
    /// Records that a session is sent to a host.
    pub(super) fn sent(&self, host: IpAddr) -> Outstanding {
        *self.0.borrow_mut().outstanding.entry(host).or_default() += 1;
        Outstanding { observations: self.clone(), host }
    }

    /// Sessions that are outstanding on a host.
    pub(super) fn outstanding(&self, host: IpAddr) -> u32 {
        self.0.borrow().outstanding.get(&host).copied().unwrap_or(0)
    }

    /// Records the load that a node reported.
    pub(super) fn reported(&self, host: IpAddr, load: NodeLoad, now: Time) {
        self.0.borrow_mut().loads.insert(host, (load, now));
    }

    /// The load that a node reported last.
    pub(super) fn load(&self, host: IpAddr, now: Time) -> Option<ReportedLoad> {
        let (load, at) = self.0.borrow().loads.get(&host).copied()?;
        Some(ReportedLoad { load, age: now.since(at) })
    }

    /// Records the costs of a session.
    pub(super) fn ended(&self, kind: &str, input_bytes: u64, output_bytes: u64, fuel: u64) {
        self.with(kind, |of| {
            let learned = &mut of.learned;
            learned.sessions += 1;
            learned.input_bytes = learned.input_bytes.saturating_add(input_bytes);
            learned.output_bytes = learned.output_bytes.saturating_add(output_bytes);
            learned.fuel = learned.fuel.saturating_add(fuel);
        });
    }

    /// Records the time of a session on a node; of a cancelled one, the time until then, which is
    /// the least that it would have taken.
    pub(super) fn took(&self, kind: &str, time: Duration) {
        self.with(kind, |of| {
            if of.delays.len() == DELAYS_MAX {
                of.delays.pop_front();
            }
            of.delays.push_back(time);
        });
    }

    fn with(&self, kind: &str, note: impl FnOnce(&mut Kind)) {
        let kinds = &mut self.0.borrow_mut().kinds;
        if kinds.len() < KINDS_MAX || kinds.contains_key(kind) {
            note(kinds.entry(kind.to_owned()).or_default());
        }
    }

    /// Costs of such sessions, if any ended.
    pub(super) fn learned(&self, kind: &str) -> Option<ObservedTotals> {
        let state = self.0.borrow();
        state.kinds.get(kind).map(|of| of.learned).filter(|learned| learned.sessions > 0)
    }

    /// Times of such sessions.
    pub(super) fn delays(&self, kind: &str) -> ObservedDelays {
        let state = self.0.borrow();
        let Some(of) = state.kinds.get(kind) else { return ObservedDelays::default() };
        let mut sorted: Vec<Duration> = of.delays.iter().copied().collect();
        sorted.sort_unstable();
        let at = |percent: usize| {
            let rank = (sorted.len() * percent).div_ceil(100).max(1);
            sorted.get(rank - 1).copied().unwrap_or_default()
        };
        ObservedDelays { seen: sorted.len(), p50: at(50), p95: at(95) }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_out_is_counted_until_it_is_back() {
        let (observations, host) = (Observations::default(), IpAddr::V4(Ipv4Addr::LOCALHOST));
        let (first, second) = (observations.sent(host), observations.sent(host));
        assert_eq!(observations.outstanding(host), 2);
        drop(first);
        assert_eq!(observations.outstanding(host), 1);
        drop(second);
        assert_eq!(observations.outstanding(host), 0);
    }

    #[test]
    fn percentiles_are_those_of_the_last_sessions() {
        let observations = Observations::default();
        for _ in 0..DELAYS_MAX {
            observations.took("old", Duration::from_secs(9));
        }
        for ms in 1..=DELAYS_MAX {
            observations.took("old", Duration::from_millis(ms as u64));
        }
        let delays = observations.delays("old");
        assert_eq!(delays.seen, DELAYS_MAX);
        assert_eq!(delays.p50, Duration::from_millis(128));
        assert_eq!(delays.p95, Duration::from_millis(244));
        assert_eq!(observations.delays("new"), ObservedDelays::default());
    }

    #[test]
    fn what_sessions_came_to_is_in_proportion_to_what_they_read() {
        let observations = Observations::default();
        assert_eq!(observations.learned("job"), None);
        observations.ended("job", 1_000, 10, 5_000);
        observations.ended("job", 3_000, 30, 15_000);
        let learned = observations.learned("job").expect("two ended");
        assert_eq!((learned.output_for(8_000), learned.fuel_for(8_000)), (80, 40_000));
        observations.ended("idle", 0, 7, 100);
        let learned = observations.learned("idle").expect("one ended");
        assert_eq!((learned.output_for(8_000), learned.fuel_for(8_000)), (7, 100));
    }

    /// Event that a proxy observes.
    #[derive(Clone, Debug)]
    enum Event {
        Ended(u8, [u64; 3]),
        Took(u8, u64),
        Reported(u8, u32),
    }

    fn event() -> impl Strategy<Value = Event> {
        let figure = prop_oneof![0_u64..1_000, Just(u64::MAX), Just(1 << 63)];
        let figures = [figure.clone(), figure.clone(), figure];
        prop_oneof![
            (0_u8..3, figures).prop_map(|(kind, figures)| Event::Ended(kind, figures)),
            (0_u8..3, 0_u64..1_000).prop_map(|(kind, ms)| Event::Took(kind, ms)),
            (0_u8..3, any::<u32>()).prop_map(|(host, running)| Event::Reported(host, running)),
        ]
    }

    fn ip(host: u8) -> IpAddr {
        IpAddr::V4(Ipv4Addr::new(10, 0, 0, host))
    }

    /// The smallest of some times that `percent` of a hundred do not exceed, by counting.
    fn percentile(times: &[u64], percent: usize) -> Duration {
        let enough = |it: &u64| {
            times.iter().filter(|other| *other <= it).count() * 100 >= times.len() * percent
        };
        let least = times.iter().filter(|it| enough(it)).min();
        Duration::from_millis(least.copied().unwrap_or(0))
    }

    proptest! {
        #[test]
        fn what_was_seen_is_what_a_list_of_all_events_says(
            events in prop::collection::vec(event(), 0..60),
        ) {
            let observations = Observations::default();
            let at = |index: usize| Time::ZERO + Duration::from_secs(index as u64);
            for (index, event) in events.iter().enumerate() {
                match event {
                    Event::Ended(kind, [input, output, fuel]) => {
                        observations.ended(&kind.to_string(), *input, *output, *fuel);
                    }
                    Event::Took(kind, ms) => {
                        observations.took(&kind.to_string(), Duration::from_millis(*ms));
                    }
                    Event::Reported(host, running) => {
                        let load = NodeLoad { running: *running, waiting: 1 };
                        observations.reported(ip(*host), load, at(index));
                    }
                }
            }
            for of in 0..3 {
                let ended = events.iter().filter_map(|event| match event {
                    Event::Ended(kind, figures) if *kind == of => Some(*figures),
                    _ => None,
                });
                let ended: Vec<[u64; 3]> = ended.collect();
                let sum = |at: usize| {
                    let sum: u128 = ended.iter().map(|figures| u128::from(figures[at])).sum();
                    u64::try_from(sum).unwrap_or(u64::MAX)
                };
                let learned = (!ended.is_empty()).then(|| ObservedTotals {
                    sessions: ended.len() as u64,
                    input_bytes: sum(0),
                    output_bytes: sum(1),
                    fuel: sum(2),
                });
                prop_assert_eq!(observations.learned(&of.to_string()), learned);
                let took = events.iter().filter_map(|event| match event {
                    Event::Took(kind, ms) if *kind == of => Some(*ms),
                    _ => None,
                });
                let took: Vec<u64> = took.collect();
                let delays = ObservedDelays {
                    seen: took.len(),
                    p50: percentile(&took, 50),
                    p95: percentile(&took, 95),
                };
                prop_assert_eq!(observations.delays(&of.to_string()), delays);
                let last = events.iter().enumerate().rev().find_map(|(index, event)| match event {
                    Event::Reported(host, running) if *host == of => Some((index, *running)),
                    _ => None,
                });
                let load = last.map(|(index, running)| ReportedLoad {
                    load: NodeLoad { running, waiting: 1 },
                    age: at(events.len()).since(at(index)),
                });
                prop_assert_eq!(observations.load(ip(of), at(events.len())), load);
            }
        }
    }

    #[test]
    fn kinds_are_bounded_and_those_that_are_known_go_on() {
        let observations = Observations::default();
        for kind in 0..=KINDS_MAX {
            observations.ended(&kind.to_string(), 1, 1, 1);
            observations.took(&kind.to_string(), Duration::from_millis(1));
        }
        let learned = |kind: usize| observations.learned(&kind.to_string());
        assert_eq!(learned(KINDS_MAX), None, "there is no room for one more");
        assert_eq!(observations.delays(&KINDS_MAX.to_string()).seen, 0);
        observations.ended("0", 1, 1, 1);
        assert_eq!(learned(0).map(|it| it.sessions), Some(2));
    }

    #[test]
    fn a_host_of_which_nothing_is_known_has_nothing() {
        let observations = Observations::default();
        assert_eq!(observations.outstanding(ip(1)), 0);
        assert_eq!(observations.load(ip(1), Time::ZERO), None);
        observations.took("timed only", Duration::from_millis(1));
        assert_eq!(observations.learned("timed only"), None, "none has ended");
    }
}
