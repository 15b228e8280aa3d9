//! What faults impose on the network: rules that hold from when they are imposed until they are lifted.
//!
//! Leaves out when that is, and machines that crash.

use std::time::Duration;

use stayput_host::config::{ByteRate, Chance};
use stayput_host::time::nanos;
use stayput_host::topology::{HostKey, HostPlace};

use super::{Net, State};
use crate::fault::FaultId;

/// Something that a fault does to the network. Ways between hosts are one way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Nothing that `from` sends reaches `to`.
    Cut {
        /// The senders.
        from: Vec<HostKey>,
        /// The receivers.
        to: Vec<HostKey>,
    },
    /// What `from` sends reaches `to` later.
    Delay {
        /// The senders.
        from: Vec<HostKey>,
        /// The receivers.
        to: Vec<HostKey>,
        /// By how much.
        added: Duration,
    },
    /// Of what `from` sends to `to`, segments are lost beside those that the link loses anyway.
    Lose {
        /// The senders.
        from: Vec<HostKey>,
        /// The receivers.
        to: Vec<HostKey>,
        /// How likely each of them is.
        chance: Chance,
    },
    /// A host's card is no faster than this, each way.
    SlowCard {
        /// The host.
        host: HostKey,
        /// How fast it is.
        rate: ByteRate,
    },
    /// The trunk between two places is no faster than this, each way.
    SlowTrunk {
        /// The places; any zone of a region stands for all of them when the other is in another region.
        between: [HostPlace; 2],
        /// How fast it is.
        rate: ByteRate,
    },
}

impl Net {
    /// Lets `rule` hold from now on, for `fault`.
    pub fn impose(&self, fault: FaultId, mut rule: Rule) {
        let state = &mut *self.state.borrow_mut();
        match &mut rule {
            Rule::Cut { from, to } | Rule::Delay { from, to, .. } | Rule::Lose { from, to, .. } => {
                from.sort_unstable();
                to.sort_unstable();
            }
            Rule::SlowCard { host, rate } => {
                let host = state.host(*host);
                host.egress.limit(fault, *rate);
                host.ingress.limit(fault, *rate);
            }
            Rule::SlowTrunk { between: [a, b], rate } => {
                for (from, to) in [(*a, *b), (*b, *a)] {
                    let trunk = state.trunk(&self.config, from, to);
                    state.trunks[trunk as usize].port.limit(fault, *rate);
                }
            }
        }
        state.rules.push((fault, rule));
    }

    /// Lets no rule of `fault` hold any longer.
    pub fn lift(&self, fault: FaultId) {
        let state = &mut *self.state.borrow_mut();
        let (lifted, kept) = state.rules.drain(..).partition(|(other, _)| *other == fault);
        state.rules = kept;
        let lifted: Vec<(FaultId, Rule)> = lifted;
        for (_, rule) in lifted {
            match rule {
                Rule::SlowCard { host, .. } => {
                    let host = state.host(host);
                    host.egress.lift(fault);
                    host.ingress.lift(fault);
                }
                Rule::SlowTrunk { .. } => {
                    state.trunks.iter_mut().for_each(|trunk| trunk.port.lift(fault));
                }
                Rule::Cut { .. } | Rule::Delay { .. } | Rule::Lose { .. } => {}
            }
        }
    }
}

impl State {
    /// The faults that cut the way.
    pub(super) fn cuts(&self, from: HostKey, to: HostKey) -> Vec<FaultId> {
        let cuts = |(fault, rule): &(FaultId, Rule)| match rule {
            Rule::Cut { from: senders, to: receivers } => {
                on_way(senders, receivers, from, to).then_some(*fault)
            }
            _ => None,
        };
        self.rules.iter().filter_map(cuts).collect()
    }

    /// By how much faults delay what leaves `from` for `to` now.
    pub(super) fn delay_ns(&mut self, from: HostKey, to: HostKey) -> u64 {
        let mut delay_ns: u64 = 0;
        for (fault, rule) in &self.rules {
            if let Rule::Delay { from: senders, to: receivers, added } = rule
                && on_way(senders, receivers, from, to)
            {
                delay_ns = delay_ns.saturating_add(nanos(*added));
                self.effects.entry(*fault).or_default().add("delayed_sendings", 1);
            }
        }
        delay_ns
    }

    /// The faults that lose segments on the way, and how likely each does.
    pub(super) fn losses(&self, from: HostKey, to: HostKey) -> Vec<(FaultId, Chance)> {
        let loses = |(fault, rule): &(FaultId, Rule)| match rule {
            Rule::Lose { from: senders, to: receivers, chance } => {
                on_way(senders, receivers, from, to).then_some((*fault, *chance))
            }
            _ => None,
        };
        self.rules.iter().filter_map(loses).collect()
    }
}

/// Whether the way from one host to another is one of those; the hosts are sorted.
fn on_way(senders: &[HostKey], receivers: &[HostKey], from: HostKey, to: HostKey) -> bool {
    from != to && senders.binary_search(&from).is_ok() && receivers.binary_search(&to).is_ok()
}
