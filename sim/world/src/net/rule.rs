//! Network faults in force: rules that hold from when they are imposed until they are lifted.
//!
//! Leaves out when that is, and machines that crash.

use std::sync::Arc;

use stayput_host::config::Chance;
use stayput_host::time::nanos;
use stayput_host::topology::HostKey;

use super::{FabricNetwork, State};
use crate::fault::{FaultId, NetworkRule, NetworkTarget, RuleVerdict};

/// A rule on the ways from some hosts to others; both lists are sorted.
pub(super) struct ImposedRule {
    fault: FaultId,
    senders: Vec<HostKey>,
    receivers: Vec<HostKey>,
    rule: Arc<dyn NetworkRule>,
}

impl FabricNetwork {
    /// Imposes a fault's rule from now on.
    pub fn impose(
        &self,
        fault: FaultId,
        target: &NetworkTarget<HostKey>,
        rule: &Arc<dyn NetworkRule>,
    ) {
        let state = &mut *self.state.borrow_mut();
        match target {
            NetworkTarget::Ways(sides) => {
                let mut senders = sides.from.clone();
                let mut receivers = sides.others(state.host_keys());
                senders.sort_unstable();
                receivers.sort_unstable();
                let rule = Arc::clone(rule);
                let there = ImposedRule { fault, senders, receivers, rule };
                let back = (!sides.one_way).then(|| there.reversed());
                state.rules.push(there);
                state.rules.extend(back);
            }
            NetworkTarget::Card(host) => {
                let host = state.host(*host);
                for port in [&mut host.egress, &mut host.ingress] {
                    rule.rate_max().into_iter().for_each(|rate| port.limit(fault, rate));
                }
            }
            NetworkTarget::Trunk(between) => {
                let [a, b] = between.map(|host| state.hosts[host.0 as usize].spec.place);
                for (from, to) in [(a, b), (b, a)] {
                    let trunk = state.trunk(&self.config, from, to);
                    let port = &mut state.trunks[trunk as usize].port;
                    rule.rate_max().into_iter().for_each(|rate| port.limit(fault, rate));
                }
            }
        }
    }

    /// Lifts all rules of a fault.
    pub fn lift(&self, fault: FaultId) {
        let state = &mut *self.state.borrow_mut();
        state.rules.retain(|imposed| imposed.fault != fault);
        for host in &mut state.hosts {
            host.egress.lift(fault);
            host.ingress.lift(fault);
        }
        state.trunks.iter_mut().for_each(|trunk| trunk.port.lift(fault));
    }
}

impl ImposedRule {
    fn reversed(&self) -> Self {
        Self {
            fault: self.fault,
            senders: self.receivers.clone(),
            receivers: self.senders.clone(),
            rule: Arc::clone(&self.rule),
        }
    }

    /// The rule's decision on what `from` sends to `to`.
    fn verdict(&self, from: HostKey, to: HostKey) -> RuleVerdict {
        let is_on_way = from != to
            && self.senders.binary_search(&from).is_ok()
            && self.receivers.binary_search(&to).is_ok();
        if is_on_way { self.rule.verdict(from, to) } else { RuleVerdict::Pass }
    }
}

impl State {
    /// Faults that cut the way.
    pub(super) fn cuts(&self, from: HostKey, to: HostKey) -> Vec<FaultId> {
        let cuts = |imposed: &&ImposedRule| imposed.verdict(from, to) == RuleVerdict::Drop;
        self.rules.iter().filter(cuts).map(|imposed| imposed.fault).collect()
    }

    /// Delay by faults of what leaves `from` for `to` now.
    pub(super) fn delay_ns(&mut self, from: HostKey, to: HostKey) -> u64 {
        let mut delay_ns: u64 = 0;
        for imposed in &self.rules {
            if let RuleVerdict::Delay(added) = imposed.verdict(from, to) {
                delay_ns = delay_ns.saturating_add(nanos(added));
                self.effects.entry(imposed.fault).or_default().add("delayed_sendings", 1);
            }
        }
        delay_ns
    }

    /// Faults that lose segments on the way, with each one's chance.
    pub(super) fn losses(&self, from: HostKey, to: HostKey) -> Vec<(FaultId, Chance)> {
        let loses = |imposed: &ImposedRule| match imposed.verdict(from, to) {
            RuleVerdict::Lose(chance) => Some((imposed.fault, chance)),
            RuleVerdict::Pass | RuleVerdict::Delay(_) | RuleVerdict::Drop => None,
        };
        self.rules.iter().filter_map(loses).collect()
    }
}
