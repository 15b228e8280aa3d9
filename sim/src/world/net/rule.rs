//! What faults impose on the network: rules that hold from when they are imposed until they are lifted.
//!
//! Leaves out when that is, and machines that crash.

use std::time::Duration;

use super::Net;
use crate::config::{ByteRate, Chance};
use crate::world::fault::FaultId;
use crate::world::topology::{HostKey, Place};

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
        between: [Place; 2],
        /// How fast it is.
        rate: ByteRate,
    },
}

impl Net {
    /// Lets `rule` hold from now on, for `fault`.
    pub fn impose(&self, fault: FaultId, rule: Rule) {
        self.state.borrow_mut().rules.push((fault, rule));
    }

    /// Lets no rule of `fault` hold any longer.
    pub fn lift(&self, fault: FaultId) {
        self.state.borrow_mut().rules.retain(|(other, _)| *other != fault);
    }
}
