//! Ports that carry one chunk after the other (a card's direction, a trunk), and the turns of flows
//! that wait for one.
//!
//! Round robin by chunk comes close to max-min sharing; the tests hold it against an exact solver.
//! Leaves out priorities.

use std::collections::{BTreeMap, VecDeque};

use stayput_host::Time;
use stayput_host::config::ByteRate;

use super::FlightKey;
use super::connection::Flow;
use crate::fault::FaultId;

/// Something with a rate that carries one chunk at a time.
#[derive(Debug)]
pub(super) struct Port {
    /// Unlimited if `None`.
    rate: Option<ByteRate>,
    /// Rate limits by faults.
    limits: Vec<(FaultId, ByteRate)>,
    free_at: Time,
    /// True if an event is scheduled for when it is free.
    pub(super) is_awaited: bool,
}

/// Times at which a chunk's first and last bit come out of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Served {
    pub(super) first_bit: Time,
    pub(super) last_bit: Time,
}

impl Port {
    pub(super) const fn new(rate: Option<ByteRate>) -> Self {
        Self { rate, limits: Vec::new(), free_at: Time::ZERO, is_awaited: false }
    }

    /// Time at which it has sent all that it was given.
    pub(super) const fn free_at(&self) -> Time {
        self.free_at
    }

    /// Its rate now; unlimited if `None`.
    pub(super) fn rate(&self) -> Option<ByteRate> {
        self.limits.iter().map(|(_, rate)| *rate).chain(self.rate).min()
    }

    /// Carries what came in from `first_bit` on and is whole at `now`. The port must be free by
    /// then.
    pub(super) fn serve(&mut self, first_bit: Time, now: Time, wire_bytes: u64) -> Served {
        assert!(
            self.free_at <= now,
            "a port that is busy until {} is asked at {now}",
            self.free_at
        );
        let begun = first_bit.max(self.free_at);
        let takes = self.rate().map_or(0, |rate| rate.nanos_for(wire_bytes));
        let sent = Time::from_nanos(begun.as_nanos().saturating_add(takes));
        // A chunk cannot be out before it is in.
        self.free_at = sent.max(now);
        Served { first_bit: begun, last_bit: self.free_at }
    }

    pub(super) fn limit(&mut self, fault: FaultId, rate: ByteRate) {
        self.limits.push((fault, rate));
    }

    pub(super) fn lift(&mut self, fault: FaultId) {
        self.limits.retain(|(other, _)| *other != fault);
    }

    /// The faults that make it slower than it is.
    pub(super) fn limiting(&self) -> impl Iterator<Item = FaultId> {
        let rate = self.rate;
        let slower = move |limit: &ByteRate| rate.is_none_or(|rate| *limit < rate);
        self.limits.iter().filter(move |(_, limit)| slower(limit)).map(|(fault, _)| *fault)
    }
}

/// Chunks that wait at a port: each flow has its turn, and its own chunks keep their order.
#[derive(Debug, Default)]
pub(super) struct Turns {
    order: VecDeque<Flow>,
    waiting: BTreeMap<Flow, VecDeque<FlightKey>>,
}

impl Turns {
    pub(super) fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    pub(super) fn push(&mut self, flow: Flow, flight: FlightKey) {
        let own = self.waiting.entry(flow).or_default();
        if own.is_empty() {
            self.order.push_back(flow);
        }
        own.push_back(flight);
    }

    pub(super) fn pop(&mut self) -> Option<FlightKey> {
        let flow = self.order.pop_front()?;
        let own = self.waiting.get_mut(&flow)?;
        let flight = own.pop_front();
        if own.is_empty() {
            self.waiting.remove(&flow);
        } else {
            self.order.push_back(flow);
        }
        flight
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use slotmap::SlotMap;

    use super::super::ConnectionKey;
    use super::*;

    fn rate(bytes_per_second: u64) -> ByteRate {
        ByteRate::new(bytes_per_second).expect("not zero")
    }

    fn at(nanos: u64) -> Time {
        Time::from_nanos(nanos)
    }

    /// A byte takes a nanosecond.
    fn port() -> Port {
        Port::new(Some(rate(1_000_000_000)))
    }

    fn served(first_bit: u64, last_bit: u64) -> Served {
        Served { first_bit: at(first_bit), last_bit: at(last_bit) }
    }

    #[test]
    fn a_free_port_passes_a_chunk_on_while_it_comes_in() {
        // It came in from 100 to 150 and takes 30 here: it is out when it is in.
        assert_eq!(port().serve(at(100), at(150), 30), served(100, 150));
        // Slower than it came: it takes its time from its first bit on.
        assert_eq!(port().serve(at(100), at(150), 80), served(100, 180));
    }

    #[test]
    fn a_busy_port_begins_when_it_is_free() {
        let mut port = port();
        port.serve(at(0), at(0), 40);
        assert_eq!(port.free_at(), at(40));
        assert_eq!(port.serve(at(10), at(40), 5), served(40, 45));
    }

    #[test]
    #[should_panic(expected = "a port that is busy until")]
    fn a_port_carries_one_chunk_at_a_time() {
        let mut port = port();
        port.serve(at(0), at(0), 40);
        port.serve(at(1), at(39), 1);
    }

    #[test]
    fn the_lowest_limit_holds_and_each_is_lifted_for_itself() {
        let mut port = port();
        port.limit(FaultId(1), rate(500_000_000));
        port.limit(FaultId(2), rate(100_000_000));
        assert_eq!(port.rate(), Some(rate(100_000_000)));
        assert_eq!(port.serve(at(0), at(0), 10), served(0, 100));
        port.lift(FaultId(2));
        assert_eq!(port.rate(), Some(rate(500_000_000)));
        port.lift(FaultId(1));
        assert_eq!(port.rate(), Some(rate(1_000_000_000)));
    }

    #[test]
    fn a_limit_above_the_ports_own_rate_makes_nothing_slower() {
        let mut port = port();
        port.limit(FaultId(1), rate(2_000_000_000));
        port.limit(FaultId(2), rate(1_000_000_000));
        assert_eq!(port.limiting().count(), 0);
        port.limit(FaultId(3), rate(999_999_999));
        assert_eq!(port.limiting().collect::<Vec<_>>(), [FaultId(3)]);
        let mut unlimited = Port::new(None);
        assert_eq!(unlimited.serve(at(7), at(9), 1_000_000), served(7, 9));
        unlimited.limit(FaultId(4), rate(u64::MAX));
        assert_eq!(unlimited.limiting().count(), 1, "any rate is slower than none");
    }

    #[test]
    fn flows_take_turns_and_keep_the_order_of_their_own_chunks() {
        let mut connections = SlotMap::<ConnectionKey, ()>::default();
        let mut flights = SlotMap::<FlightKey, ()>::default();
        let flows: Vec<Flow> =
            (0..3).map(|_| Flow { connection: connections.insert(()), end: 0 }).collect();
        let chunks: Vec<FlightKey> = (0..7).map(|_| flights.insert(())).collect();
        let mut turns = Turns::default();
        // Flow 0 has four chunks before the others come with two and one.
        for (chunk, flow) in [0, 0, 0, 0, 1, 1, 2].into_iter().enumerate() {
            turns.push(flows[flow], chunks[chunk]);
        }
        let order: Vec<FlightKey> = std::iter::from_fn(|| turns.pop()).collect();
        assert_eq!(order, [0, 4, 6, 1, 5, 2, 3].map(|chunk| chunks[chunk]));
        assert!(turns.is_empty());
    }

    proptest! {
        #[test]
        fn flows_take_turns_as_round_robin_over_queues_does(
            steps in prop::collection::vec(prop::option::weighted(0.6, 0_usize..5), 0..120),
        ) {
            let mut connections = SlotMap::<ConnectionKey, ()>::default();
            let mut flights = SlotMap::<FlightKey, ()>::default();
            let flows: Vec<Flow> =
                (0..5).map(|_| Flow { connection: connections.insert(()), end: 1 }).collect();
            let mut turns = Turns::default();
            // Queues in the order of their turns; the one that is served goes to the end.
            let mut naive: Vec<(usize, Vec<FlightKey>)> = Vec::new();
            for step in steps {
                match step {
                    Some(flow) => {
                        let flight = flights.insert(());
                        turns.push(flows[flow], flight);
                        match naive.iter_mut().find(|(of, _)| *of == flow) {
                            Some((_, queue)) => queue.push(flight),
                            None => naive.push((flow, vec![flight])),
                        }
                    }
                    None if naive.is_empty() => prop_assert_eq!(turns.pop(), None),
                    None => {
                        let (flow, mut queue) = naive.remove(0);
                        prop_assert_eq!(turns.pop(), Some(queue.remove(0)));
                        if !queue.is_empty() {
                            naive.push((flow, queue));
                        }
                    }
                }
                prop_assert_eq!(turns.is_empty(), naive.is_empty());
            }
        }

        #[test]
        fn a_port_is_busy_for_the_time_of_its_bytes_and_serves_nothing_twice_at_a_time(
            chunks in prop::collection::vec((0_u64..2_000, 0_u64..3_000, 1_u64..2_000), 1..40),
        ) {
            let mut port = port();
            let (mut clock, mut last) = (0, at(0));
            for (idle, since, bytes) in chunks {
                // A chunk is served when it is whole and the port is free.
                clock = (clock + idle).max(port.free_at().as_nanos());
                let came_in = clock.saturating_sub(since);
                let Served { first_bit, last_bit } = port.serve(at(came_in), at(clock), bytes);
                let takes = rate(1_000_000_000).nanos_for(bytes);
                prop_assert!(first_bit >= last, "it begins when the one before is out");
                prop_assert!(first_bit >= at(came_in), "nothing goes out before it comes in");
                prop_assert!(last_bit >= at(clock), "nor ends before it is in");
                prop_assert!(last_bit.as_nanos() >= first_bit.as_nanos() + takes, "at its rate");
                let is_late = last_bit.as_nanos() > first_bit.as_nanos() + takes;
                prop_assert!(!is_late || last_bit == at(clock), "and no later than it must");
                prop_assert_eq!(port.free_at(), last_bit);
                last = last_bit;
            }
        }
    }
}
