//! Hosts that a server is to run, their start, and the errors of a start.
//!
//! Leaves out the start itself, which is the server's.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::sync::{Arc, mpsc};

use stayput_host::{Disk, HostMain, HostStartError};

use super::accept::Door;
use super::clock::UnsetClockError;

/// Error of a server, or an actor of it, that did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The clock.
    #[error(transparent)]
    Clock(#[from] UnsetClockError),
    /// No thread or no reactor.
    #[error("the system has no thread to give: {0}")]
    Thread(io::Error),
    /// The address cannot be had.
    #[error(
        "{at} cannot be listened at: {source} (is another server running there? choose another address)"
    )]
    Address {
        /// The address.
        at: SocketAddr,
        /// Error of the system.
        source: io::Error,
    },
    /// An actor cannot begin.
    #[error("{name} did not start: {source}")]
    Actor {
        /// The actor.
        name: String,
        /// Its error.
        source: HostStartError,
    },
}

/// Opens a disk, on the thread that will use it.
pub type OpenDisk = Box<dyn FnOnce() -> Result<Rc<dyn Disk>, HostStartError> + Send>;

/// A node, a proxy or a worker that is to run.
pub struct Actor {
    /// Name in errors.
    pub name: String,
    /// Its address, which means something within the process.
    pub ip: IpAddr,
    /// Its disks by name.
    pub disks: BTreeMap<String, OpenDisk>,
    /// Ports that are open to clients.
    pub doors: BTreeMap<u16, Arc<Door>>,
    /// Main function.
    pub main: HostMain,
}

/// An actor that begins.
#[derive(Debug)]
pub struct Starting {
    pub(super) name: String,
    pub(super) begun: mpsc::Receiver<Result<(), HostStartError>>,
}

impl Starting {
    /// Waits until it has begun.
    ///
    /// # Errors
    /// It could not.
    pub fn wait(self) -> Result<(), StartError> {
        let begun = self.begun.recv();
        let begun = begun.unwrap_or(Err(HostStartError::Panicked));
        begun.map_err(|source| StartError::Actor { name: self.name, source })
    }
}
