//! Example of a crate of your own: a placement policy, kinds of faults and a ring, each with its
//! tests by `stayput-testkit`.
//!
//! Uses only what the crates of Stayput make public.

pub mod faults;
pub mod nearest;
pub mod ring;

use stayput_engine::scenario::ScenarioCatalog;

/// Everything that a scenario can name here: the built-in policies and kinds of faults, and this
/// crate's.
#[must_use]
pub fn catalog() -> ScenarioCatalog {
    let ScenarioCatalog { policies, faults } = ScenarioCatalog::default();
    ScenarioCatalog {
        policies: policies.with(&nearest::Nearest),
        faults: faults.with(&faults::FLAKY_READS).with(&faults::ODD_ONES),
    }
}
