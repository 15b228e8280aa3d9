//! The policies that can be compared, by name.

use std::fmt;

/// Where a job runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Policy {
    /// On a storage node that holds a replica of its input.
    OnStorage,
    /// On a worker outside the store, which downloads the input.
    Download,
}

impl Policy {
    /// All policies, as the documents order them.
    pub const ALL: [Self; 2] = [Self::OnStorage, Self::Download];

    /// The name that files and commands use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OnStorage => "on-storage",
            Self::Download => "download",
        }
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is no policy's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a policy (the policies are on-storage and download)")]
pub struct UnknownPolicy(pub String);

impl std::str::FromStr for Policy {
    type Err = UnknownPolicy;

    fn from_str(name: &str) -> Result<Self, UnknownPolicy> {
        let known = Self::ALL.into_iter().find(|policy| policy.name() == name);
        known.ok_or_else(|| UnknownPolicy(name.to_owned()))
    }
}
