//! System images that a scenario installs on its machines, and where their tars are.
//!
//! Leaves out reading them (`plan`).

use std::path::PathBuf;

/// A system image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageSource {
    /// Its name, as jobs have it among their devices.
    pub name: String,
    /// Its tar, a path from the current directory.
    pub file: PathBuf,
    /// The key that named it, for messages.
    pub key: String,
    /// The key's line, for messages.
    pub line: Option<usize>,
}

impl ImageSource {
    /// Fix for a tar that cannot be read.
    #[must_use]
    pub fn fix(&self) -> &'static str {
        match self.name.as_str() {
            "python" | "python2.7" => "build it: stayput image python",
            _ => "name a tar that can be read",
        }
    }
}
