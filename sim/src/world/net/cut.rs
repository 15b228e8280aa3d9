//! Links that are cut, and hosts that crash or lose power.

use std::rc::Rc;
use std::time::Duration;

use super::rule::Rule;
use super::{ConnectionKey, Net, Power, State};
use crate::world::clock::Clock;
use crate::world::fault::FaultId;
use crate::world::topology::HostKey;

impl Net {
    /// Whether what leaves `from` for `to` now is lost; if so, that is the doing of the faults that cut the way.
    pub(super) fn is_lost(
        &self,
        from: HostKey,
        to: HostKey,
        what: &'static str,
        count: u64,
    ) -> bool {
        let state = &mut *self.state.borrow_mut();
        let faults = state.cuts(from, to);
        for fault in &faults {
            // The end of a stream has no bytes, and is missed all the same.
            state.effects.entry(*fault).or_default().add(what, count.max(1));
        }
        !faults.is_empty()
    }

    /// The host's process is gone, its kernel closes what it had: peers see resets. Says how many connections that were.
    pub fn crash(self: &Rc<Self>, fault: FaultId, host: HostKey) -> u64 {
        self.state.borrow_mut().down.entry(host).or_default().push(fault);
        // A machine without power has no process that could crash, and stays dark.
        if self.state.borrow_mut().host(host).power == Power::Off {
            return 0;
        }
        self.take_down(host, Power::On)
    }

    /// The host is without power: peers see nothing. Says how many connections it had.
    pub fn power_off(self: &Rc<Self>, fault: FaultId, host: HostKey) -> u64 {
        self.state.borrow_mut().down.entry(host).or_default().push(fault);
        self.take_down(host, Power::Off)
    }

    /// `fault` keeps the host down no longer. Says whether it may start: no other fault does, and there is power again.
    pub fn bring_up(&self, fault: FaultId, host: HostKey) -> bool {
        let state = &mut *self.state.borrow_mut();
        if let Some(faults) = state.down.get_mut(&host) {
            faults.retain(|other| *other != fault);
            if !faults.is_empty() {
                return false;
            }
        }
        state.down.remove(&host);
        state.host(host).power = Power::On;
        true
    }

    fn take_down(self: &Rc<Self>, host: HostKey, power: Power) -> u64 {
        let state = &mut *self.state.borrow_mut();
        state.host(host).power = power;
        // Listeners go with their tasks; what waits at them must not be accepted by anybody.
        state.host(host).listeners.clear();
        let ends: Vec<(ConnectionKey, usize)> = state
            .connections
            .iter()
            .flat_map(|(key, connection)| (0..2).map(move |end| (*key, end, connection)))
            .filter(|(_, end, connection)| {
                connection.ends[*end].host == host && !connection.ends[*end].gone
            })
            .map(|(key, end, _)| (key, end))
            .collect();
        for (key, end) in &ends {
            if let Some(connection) = state.connections.get_mut(key) {
                let gone = &mut connection.ends[*end];
                gone.gone = true;
                gone.frozen = true;
                gone.buffer.clear();
                gone.inbox.clear();
            }
            if power == Power::On {
                self.reset_after_latency(state, *key, 1 - end);
            }
            Self::reap(state, *key);
        }
        ends.len() as u64
    }

    /// Tells `end` that its peer is gone, unless the way to it is cut when the message leaves.
    pub(super) fn reset_after_latency(
        self: &Rc<Self>,
        state: &mut State,
        key: ConnectionKey,
        end: usize,
    ) {
        let Some(connection) = state.connections.get(&key) else { return };
        let way = (connection.ends[1 - end].host, connection.ends[end].host);
        let faults = state.cuts(way.0, way.1);
        for fault in &faults {
            state.effects.entry(*fault).or_default().add("dropped_resets", 1);
        }
        if !faults.is_empty() {
            return;
        }
        let at = self.executor.now() + Duration::from_nanos(connection.latency_ns);
        let net = Rc::clone(self);
        self.executor.at(at, move || net.reset(key, end));
    }
}

impl State {
    /// The faults that cut the way.
    fn cuts(&self, from: HostKey, to: HostKey) -> Vec<FaultId> {
        let cuts = |(fault, rule): &(FaultId, Rule)| match rule {
            Rule::Cut { from: senders, to: receivers } => {
                (from != to && senders.contains(&from) && receivers.contains(&to)).then_some(*fault)
            }
            _ => None,
        };
        self.rules.iter().filter_map(cuts).collect()
    }
}
