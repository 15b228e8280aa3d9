//! Errors of a cluster's file, and of the directories of its data.
//!
//! Leaves out errors of devices, which are directories of their own.

use std::io;
use std::path::{Path, PathBuf};

use stayput_cluster::ClusterError;

use super::node_address::NodeAddressError;
use super::secret::NoRandomness;

/// More devices than one process serves well.
pub(super) const DEVICES_MAX: u32 = 64;

/// Error of a cluster's file, or of a directory that cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ClusterDataError {
    /// A file cannot be used.
    #[error("{}: cannot {action}: {source} (serve a directory that this user may write to)", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Attempted action.
        action: &'static str,
        /// Error of the system.
        source: io::Error,
    },
    /// Another server has the directory.
    #[error("{} is being served already (stop the other server, or name another directory)", path.display())]
    Served {
        /// The directory.
        path: PathBuf,
    },
    /// The directory holds something, but not what is to be served.
    #[error("{} holds other things and no {what} (name a new directory, or one that was served so before)", path.display())]
    Foreign {
        /// The directory.
        path: PathBuf,
        /// The file that it lacks.
        what: &'static str,
    },
    /// The directory belongs to another node.
    #[error("{} belongs to {there}, not to {asked} (name that one's directory, or a new one)", path.display())]
    Another {
        /// The directory.
        path: PathBuf,
        /// Actual owner.
        there: String,
        /// Expected owner.
        asked: String,
    },
    /// A cluster's file exists, which is not to be lost.
    #[error("{} is there already (name another file; without it nothing that its cluster stores can be found)", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// A node's address is none.
    #[error(transparent)]
    Node(#[from] NodeAddressError),
    /// A file is flawed.
    #[error("{}: {why} (restore it from a copy: without it nothing that is stored can be found)", path.display())]
    Flawed {
        /// The file.
        path: PathBuf,
        /// Flaw.
        why: String,
    },
    /// The cluster has another shape.
    #[error("{} has {there} {what}, not {asked} (leave out --{what}, or name a new directory)", path.display())]
    Shape {
        /// The directory.
        path: PathBuf,
        /// Option that was given.
        what: &'static str,
        /// Actual number.
        there: u32,
        /// Number that was given.
        asked: u32,
    },
    /// The ring cannot be built.
    #[error("{0} (use no more replicas than devices, and 1 to {DEVICES_MAX} devices of a process)")]
    Cluster(#[from] ClusterError),
    /// Too many of something, or none.
    #[error("{count} {what} cannot be served (use 1 to {max})")]
    Count {
        /// Things that are counted.
        what: &'static str,
        /// Number that was given.
        count: u32,
        /// Largest number.
        max: u32,
    },
    /// The system has no randomness.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
}

impl ClusterDataError {
    /// Error of the system at `action` on `path`.
    pub(super) fn file(path: &Path, action: &'static str) -> impl Fn(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { path: path.clone(), action, source }
    }

    /// Flaw of the file at `path`.
    pub(super) fn flawed(path: &Path, why: &str) -> Self {
        Self::Flawed { path: path.to_owned(), why: why.trim_end().to_owned() }
    }

    /// Checks that `count` is 1 to `max`.
    pub(super) fn check_count(what: &'static str, count: u32, max: u32) -> Result<(), Self> {
        if (1..=max).contains(&count) {
            return Ok(());
        }
        Err(Self::Count { what, count, max })
    }
}
