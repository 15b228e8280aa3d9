//! Flaws of single arguments, as clap prints them behind the argument's name.
//!
//! Leaves out arguments that do not go together, which are usage errors of a command.

use std::time::Duration;

use stayput_engine::quantity::{QuantityError, duration};
use stayput_engine::scenario::{OBJECT_NAME_FIX, ObjectNameError, SettingError};
use stayput_runtime::job::JobPathError;

/// Flaw of one argument.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum ArgumentError {
    /// There is nothing to set, or to read from a file.
    #[error("there is no `=` ({fix})")]
    NoEqualsSign {
        /// Form of the argument.
        fix: &'static str,
    },
    /// The file's name is empty.
    #[error("no file is named ({fix})")]
    NoFile {
        /// Form of the argument.
        fix: &'static str,
    },
    /// The path is none of an object.
    #[error("the path {source} ({fix})")]
    Path {
        /// Flaw of the path.
        source: JobPathError,
        /// Form of the argument.
        fix: &'static str,
    },
    /// The path stands for several objects.
    #[error("the path has a wildcard ({fix})")]
    Wildcard {
        /// Form of the argument.
        fix: &'static str,
    },
    /// The name is none of an object.
    #[error("{0} ({OBJECT_NAME_FIX}, or container/object)")]
    ObjectName(#[from] ObjectNameError),
    /// The key or one of its values is flawed.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// One value of an axis is named twice.
    #[error("`{value}` is there twice ({fix})")]
    Twice {
        /// The value.
        value: String,
        /// Form of the argument.
        fix: &'static str,
    },
    /// The text is no part of a whole.
    #[error("`{0}` is no shard (write K/N, such as 1/8 to 8/8)")]
    Shard(String),
    /// The text is no length of time.
    #[error(transparent)]
    Quantity(#[from] QuantityError),
    /// The time is shorter than is of use.
    #[error("wants {} at least", duration(*.0))]
    TooShort(Duration),
}
