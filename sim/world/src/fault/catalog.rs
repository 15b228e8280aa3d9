//! The fault kinds that a scenario may name.

use super::kinds::BUILT_IN;
use super::spec::FaultSpec;

/// Fault kinds that scenarios may name: the built-in ones, and those that a user adds.
#[derive(Clone, Debug)]
pub struct FaultCatalog(Vec<&'static FaultSpec>);

impl Default for FaultCatalog {
    fn default() -> Self {
        Self(BUILT_IN.to_vec())
    }
}

impl FaultCatalog {
    /// The catalog with another kind.
    ///
    /// # Panics
    /// There is a kind of that name already.
    #[must_use]
    pub fn with(mut self, spec: &'static FaultSpec) -> Self {
        assert!(self.named(spec.key).is_none(), "there are two fault kinds {}", spec.key);
        self.0.push(spec);
        self
    }

    /// All kinds, in the order in which messages list them.
    pub fn specs(&self) -> impl Iterator<Item = &'static FaultSpec> + '_ {
        self.0.iter().copied()
    }

    /// The kind that `key` names.
    #[must_use]
    pub fn named(&self, key: &str) -> Option<&'static FaultSpec> {
        self.specs().find(|spec| spec.key == key)
    }

    /// Names of all kinds that `key` goes with.
    #[must_use]
    pub fn kinds_with(&self, key: &str) -> Vec<&'static str> {
        self.specs().filter(|spec| spec.keys.contains(&key)).map(|spec| spec.key).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_kind_has_a_name_of_its_own_that_is_no_other_kinds_parameter() {
        let catalog = FaultCatalog::default();
        let names: BTreeSet<&str> = catalog.specs().map(|spec| spec.key).collect();
        assert_eq!(names.len(), catalog.specs().count());
        for spec in catalog.specs() {
            assert!(spec.keys.iter().all(|key| !names.contains(key)), "{}", spec.key);
        }
    }

    #[test]
    fn a_parameter_names_the_kinds_that_it_goes_with() {
        let catalog = FaultCatalog::default();
        assert_eq!(catalog.kinds_with("factor"), ["slow_disk"]);
        assert_eq!(catalog.kinds_with("on"), ["latency", "loss", "throttle"]);
        assert!(catalog.kinds_with("moon").is_empty());
    }

    #[test]
    #[should_panic(expected = "two fault kinds crash")]
    fn a_name_is_given_once() {
        let crash = FaultCatalog::default().named("crash").expect("it is built in");
        let _ = FaultCatalog::default().with(crash);
    }
}
