//! Name and text of a fault kind, which all classes of faults share.

use std::fmt;

/// Name of a fault kind and the text of its parameters.
pub trait FaultDescription: fmt::Debug + Send + Sync {
    /// Name of the kind: the key of a scenario that makes it.
    fn name(&self) -> &'static str;

    /// Phrase for people, with the target put in as `place`: "20ms more latency of zone:1 from all
    /// others".
    fn phrase(&self, place: &str) -> String;

    /// Exact parameters for the trace, such as "by 20000000 ns"; empty if there are none.
    fn parameters(&self) -> String {
        String::new()
    }
}
