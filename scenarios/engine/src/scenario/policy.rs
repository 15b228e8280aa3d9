//! The policies that a scenario compares, by name.
//!
//! Leaves out what they decide: a [`PlacementPolicy`] each, built in or of a crate of its own.

use std::cmp::Ordering;
use std::fmt;

use stayput_jobs::placement::{
    AsAsked, Download, EntryPoint, OnStorage, PlacementPolicy, PolicyRegistry,
};

/// A policy of a comparison. Policies of one name are the same.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    name: &'static str,
    placement: &'static dyn PlacementPolicy,
}

#[expect(non_upper_case_globals, reason = "they read as what they are: three of the kinds")]
impl Policy {
    /// On a storage node that holds a replica of its input.
    pub const OnStorage: Self = Self { name: "on-storage", placement: &OnStorage };
    /// On a worker outside the store, which downloads the input.
    pub const Download: Self = Self { name: "download", placement: &Download };
    /// For each job the best of all places, found by replaying the run: no rule, but the bound that
    /// rules are measured against.
    pub const BestFound: Self = Self { name: "best-found", placement: &AsAsked };
}

impl Policy {
    /// Policies of a scenario that names none.
    pub const DEFAULT: [Self; 2] = [Self::OnStorage, Self::Download];

    /// The built-in policies, in the order of the documentation.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::rules(&PolicyRegistry::built_in())
            .chain([Self::BestFound])
            .collect::<Vec<_>>()
            .into_iter()
    }

    /// The policies of a registry.
    pub fn rules(policies: &PolicyRegistry) -> impl Iterator<Item = Self> {
        policies.iter().map(|placement| Self { name: placement.name(), placement })
    }

    /// The policy of that name, from a registry or [`Policy::BestFound`].
    ///
    /// # Errors
    /// There is none.
    pub fn named(name: &str, policies: &PolicyRegistry) -> Result<Self, UnknownPolicy> {
        let mut known = Self::rules(policies).chain([Self::BestFound]);
        known.find(|policy| policy.name == name).ok_or_else(|| UnknownPolicy {
            name: name.to_owned(),
            known: Self::rules(policies).chain([Self::BestFound]).map(Self::name).collect(),
        })
    }

    /// Name in files and commands.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// The rule by which proxies place its jobs; [`Policy::BestFound`] has them go where they ask
    /// to.
    #[must_use]
    pub fn placement(self) -> &'static dyn PlacementPolicy {
        self.placement
    }

    /// True if clients post jobs to the workers.
    #[must_use]
    pub fn is_posted_to_workers(self) -> bool {
        self.placement.entry_point() == EntryPoint::Workers
    }
}

impl PartialEq for Policy {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Policy {}

impl PartialOrd for Policy {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Policy {
    fn cmp(&self, other: &Self) -> Ordering {
        self.name.cmp(other.name)
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// A name that is no policy's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is not a policy (the policies are {})", .known.join(", "))]
pub struct UnknownPolicy {
    /// The name.
    pub name: String,
    /// The names of the policies that there are.
    pub known: Vec<&'static str>,
}

impl std::str::FromStr for Policy {
    type Err = UnknownPolicy;

    /// A built-in policy.
    fn from_str(name: &str) -> Result<Self, UnknownPolicy> {
        Self::named(name, &PolicyRegistry::built_in())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_built_in_name_is_a_policy_and_the_default_ones_are_among_them() {
        for policy in Policy::all() {
            assert_eq!(policy.name().parse(), Ok(policy));
            let is_rule = policy != Policy::BestFound;
            assert_eq!(policy.placement().name() == policy.name(), is_rule, "{policy}");
        }
        assert!(Policy::DEFAULT.into_iter().all(|policy| Policy::all().any(|it| it == policy)));
        for constant in [Policy::OnStorage, Policy::Download] {
            assert_eq!(constant.placement().name(), constant.name());
        }
    }

    #[test]
    fn an_unknown_name_is_refused_with_those_that_there_are() {
        let unknown = "magic".parse::<Policy>().expect_err("there is none").to_string();
        assert!(
            unknown.starts_with("`magic` is not a policy (the policies are on-storage, download, ")
        );
        assert!(unknown.ends_with("cost, best-found)"), "{unknown}");
    }
}
