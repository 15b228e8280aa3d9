//! Hosts that crash or lose power, and connections that are reset.

use std::time::Duration;

use stayput_host::topology::HostKey;

use super::connection::Flow;
use super::send::ends;
use super::{FabricNetwork, NetworkSignal, Power, State};
use crate::clock::Clock;
use crate::fault::FaultId;

impl FabricNetwork {
    /// Takes down a host's process: its kernel resets its connections. Returns their number.
    pub fn crash(&self, fault: FaultId, host: HostKey) -> u64 {
        self.state.borrow_mut().down.entry(host).or_default().push(fault);
        // A machine without power has no process that could crash, and stays dark.
        if self.state.borrow_mut().host(host).power == Power::Off {
            return 0;
        }
        self.take_down(host, Power::On)
    }

    /// Takes down a host's power: peers see nothing. Returns the number of its connections.
    pub fn power_off(&self, fault: FaultId, host: HostKey) -> u64 {
        self.state.borrow_mut().down.entry(host).or_default().push(fault);
        self.take_down(host, Power::Off)
    }

    /// Ends a host's outage by `fault`. Returns true if no other fault keeps it down.
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

    fn take_down(&self, host: HostKey, power: Power) -> u64 {
        let state = &mut *self.state.borrow_mut();
        state.host(host).power = power;
        // Listeners go with their tasks; what waits at them must not be accepted by anybody.
        state.host(host).listeners.clear();
        let flows: Vec<Flow> = state
            .connections
            .iter()
            .flat_map(|(key, connection)| (0..2).map(move |end| (key, end, connection)))
            .filter(|(_, end, connection)| {
                let end = &connection.ends[usize::from(*end)];
                // What is not attached is a handshake that has not come here yet: whoever is there
                // then answers it.
                end.host == host && end.attached && !end.gone
            })
            .map(|(connection, end, _)| Flow { connection, end })
            .collect();
        for flow in &flows {
            if let Some(connection) = state.connections.get_mut(flow.connection) {
                let gone = connection.end(*flow);
                gone.gone = true;
                gone.frozen = true;
                gone.buffer.clear();
                gone.inbox.clear();
                gone.stall = None;
            }
            if power == Power::Off || !self.reset_after_latency(state, flow.back()) {
                self.give_up_waiting(state, flow.back());
            }
            Self::reap(state, flow.connection);
        }
        flows.len() as u64
    }

    /// Ends a sender's wait for its window: it probes its peer, and gives up without an answer.
    fn give_up_waiting(&self, state: &mut State, flow: Flow) {
        let Some(connection) = state.connections.get_mut(flow.connection) else { return };
        if connection.end(flow).writer.is_some() {
            self.freeze(state, flow);
        }
    }

    /// Sends a reset to the sender of `flow`; returns false if the way to it is cut.
    pub(super) fn reset_after_latency(&self, state: &mut State, flow: Flow) -> bool {
        let Some(connection) = state.connections.get(flow.connection) else { return false };
        let (to, from) = ends(connection, flow);
        let latency = Duration::from_nanos(connection.latency_ns);
        let cuts = state.cuts(from, to);
        for fault in &cuts {
            state.effects.entry(*fault).or_default().add("dropped_resets", 1);
        }
        if cuts.is_empty() {
            self.signal_at(self.executor.now() + latency, NetworkSignal::Reset(flow));
        }
        cuts.is_empty()
    }

    pub(super) fn reset(&self, flow: Flow) {
        self.reset_in(&mut self.state.borrow_mut(), flow);
    }

    /// Resets the sender's end of `flow`.
    pub(super) fn reset_in(&self, state: &mut State, flow: Flow) {
        if let Some(connection) = state.connections.get_mut(flow.connection) {
            let end = connection.end(flow);
            end.reset = true;
            end.inbox.clear();
            end.buffer.clear();
            end.stall = None;
            end.wake();
        }
        Self::reap(state, flow.connection);
    }
}
