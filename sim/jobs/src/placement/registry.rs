//! The placement policies that can be named: the built-in ones, and those of other crates.
//!
//! Leaves out policies that nobody names: [`AsAsked`](super::AsAsked) follows the client.

use super::at_proxy::AtProxy;
use super::cost::Cost;
use super::hedged::Hedged;
use super::random::Random;
use super::two_choices::TwoChoices;
use super::{Download, OnStorage, PlacementPolicy};

/// Placement policies by name. The default is [`PolicyRegistry::built_in`].
#[derive(Clone, Debug)]
pub struct PolicyRegistry(Vec<&'static dyn PlacementPolicy>);

impl PolicyRegistry {
    /// The policies of this crate, in the order of the documentation.
    #[must_use]
    pub fn built_in() -> Self {
        Self(vec![&OnStorage, &Download, &AtProxy, &Random, &TwoChoices, &Hedged, &Cost])
    }

    /// Adds a policy, in the place of one of the same name if there is one.
    #[must_use]
    pub fn with(mut self, policy: &'static dyn PlacementPolicy) -> Self {
        match self.0.iter_mut().find(|known| known.name() == policy.name()) {
            Some(known) => *known = policy,
            None => self.0.push(policy),
        }
        self
    }

    /// The policy of that name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&'static dyn PlacementPolicy> {
        self.iter().find(|policy| policy.name() == name)
    }

    /// All policies, in their order.
    pub fn iter(&self) -> impl Iterator<Item = &'static dyn PlacementPolicy> {
        self.0.iter().copied()
    }
}

impl Default for PolicyRegistry {
    fn default() -> Self {
        Self::built_in()
    }
}
