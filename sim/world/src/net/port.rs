//! What sends one chunk after the other: a card's direction, a trunk. And the turns of those that wait for it.
//!
//! Round robin by chunk comes close to max-min sharing; the tests hold it against an exact solver. Leaves out priorities.

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
    /// What faults have brought it down to.
    limits: Vec<(FaultId, ByteRate)>,
    free_at: Time,
    /// Whether an event will tell that it is free.
    pub(super) is_awaited: bool,
}

/// When a chunk's first bit comes out of a port, and its last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Served {
    pub(super) first_bit: Time,
    pub(super) last_bit: Time,
}

impl Port {
    pub(super) const fn new(rate: Option<ByteRate>) -> Self {
        Self { rate, limits: Vec::new(), free_at: Time::ZERO, is_awaited: false }
    }

    /// When it has sent what it was given.
    pub(super) const fn free_at(&self) -> Time {
        self.free_at
    }

    /// Its rate now; unlimited if `None`.
    pub(super) fn rate(&self) -> Option<ByteRate> {
        self.limits.iter().map(|(_, rate)| *rate).chain(self.rate).min()
    }

    /// Carries what came in from `first_bit` on and is whole at `now`. The port must be free by then.
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
