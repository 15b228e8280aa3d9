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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::placement::{PlacementDecision, PlacementReason, PlacementView};

    /// A policy of that name with no place for anything.
    #[derive(Debug)]
    struct Named(&'static str);

    impl PlacementPolicy for Named {
        fn name(&self) -> &'static str {
            self.0
        }

        fn decide(&self, _view: &PlacementView<'_>) -> PlacementDecision {
            PlacementDecision::new(Vec::new(), self.reasons()[0])
        }

        fn reasons(&self) -> &'static [PlacementReason] {
            const NOWHERE: PlacementReason = PlacementReason::new("nowhere");
            &[NOWHERE]
        }
    }

    fn names(policies: &PolicyRegistry) -> Vec<&'static str> {
        policies.iter().map(|policy| policy.name()).collect()
    }

    #[test]
    fn the_built_in_ones_are_in_the_order_of_the_documentation() {
        let documented =
            ["on-storage", "download", "proxy", "random", "two-choices", "hedged", "cost"];
        assert_eq!(names(&PolicyRegistry::built_in()), documented);
        assert_eq!(names(&PolicyRegistry::default()), documented);
    }

    #[test]
    fn a_policy_of_a_new_name_is_added_and_one_of_a_known_name_takes_its_place() {
        let added = PolicyRegistry::built_in().with(&Named("mine"));
        assert_eq!((names(&added).len(), names(&added)[7]), (8, "mine"));
        let replaced = added.with(&Named("download"));
        assert_eq!((names(&replaced).len(), names(&replaced)[1]), (8, "download"));
        let reasons = replaced.named("download").expect("it is known").reasons();
        assert_eq!(reasons.iter().map(|reason| reason.name()).collect::<Vec<_>>(), ["nowhere"]);
        assert!(replaced.named("Download").is_none() && replaced.named("").is_none());
    }
}
