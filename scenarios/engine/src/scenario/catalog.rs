//! Policies and kinds of faults that a scenario can name.
//!
//! Leaves out keys of other sections, which are the same everywhere.

use stayput_jobs::placement::PolicyRegistry;
use stayput_world::fault::FaultCatalog;

/// Policies and kinds of faults that scenarios can name. The default has the built-in ones; a crate
/// of your own adds to both.
#[derive(Clone, Debug, Default)]
pub struct ScenarioCatalog {
    /// Placement policies.
    pub policies: PolicyRegistry,
    /// Kinds of faults.
    pub faults: FaultCatalog,
}
