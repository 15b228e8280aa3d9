//! The policies that can be compared, by name.
//!
//! Leaves out what they decide: each is a file of the simulator's `jobs/placement`, whose list this goes by.

use std::fmt;

use stayput_jobs::placement::{ALL, AS_ASKED, EntryPoint, PlacementPolicy, named};

/// Where a job runs: the name of a policy that there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Policy(&'static str);

#[expect(non_upper_case_globals, reason = "they read as what they are: two of the kinds")]
impl Policy {
    /// On a storage node that holds a replica of its input.
    pub const OnStorage: Self = Self("on-storage");
    /// On a worker outside the store, which downloads the input.
    pub const Download: Self = Self("download");
    /// For each job the best of all places, found by replaying the run: no rule, but the bound that rules are measured against.
    pub const BestFound: Self = Self("best-found");
}

impl Policy {
    /// Those that are compared if nobody says otherwise.
    pub const DEFAULT: [Self; 2] = [Self::OnStorage, Self::Download];

    /// All policies, as the documents order them.
    pub fn all() -> impl Iterator<Item = Self> {
        let rules = ALL.into_iter().map(|policy| Self(policy.name()));
        rules.chain([Self::BestFound])
    }

    /// The names of all, for people.
    #[must_use]
    pub fn names() -> String {
        Self::all().map(Self::name).collect::<Vec<_>>().join(", ")
    }

    /// The name that files and commands use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.0
    }

    /// What it decides; that of [`Policy::BestFound`] is to go where it is asked to.
    ///
    /// # Panics
    /// Never: only names of the list become policies.
    #[must_use]
    pub fn placing(self) -> &'static dyn PlacementPolicy {
        if self == Self::BestFound {
            return AS_ASKED;
        }
        named(self.0).expect("only names of the list become policies")
    }

    /// Whether clients post jobs to the workers.
    #[must_use]
    pub fn is_posted_to_workers(self) -> bool {
        self.placing().door() == EntryPoint::Workers
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is no policy's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a policy (the policies are {names})", names = Policy::names())]
pub struct UnknownPolicy(pub String);

impl std::str::FromStr for Policy {
    type Err = UnknownPolicy;

    fn from_str(name: &str) -> Result<Self, UnknownPolicy> {
        Self::all()
            .find(|policy| policy.name() == name)
            .ok_or_else(|| UnknownPolicy(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_of_the_list_is_a_policy_and_the_default_ones_are_on_it() {
        for policy in Policy::all() {
            assert_eq!(policy.name().parse(), Ok(policy));
            let is_rule = policy != Policy::BestFound;
            assert_eq!(policy.placing().name() == policy.name(), is_rule, "{policy}");
        }
        assert!(Policy::DEFAULT.into_iter().all(|policy| Policy::all().any(|it| it == policy)));
    }
}
