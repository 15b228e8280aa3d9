//! Jobs: from a description that a client posts, to sessions that run, to the answer.
//!
//! ```text
//! client → proxy: proxy → posted         a description, an image or a script
//!                       → plan           its sessions, in the store's terms
//!                       → placement      candidates for each session, best first
//!                       → message        an order for each session, with what its node lacks
//!          node:  node  → session        code, sources of devices, a slot, the run
//!                       → pipe_transport pipes to sessions on other nodes
//!          proxy: proxy → answer         the X-Nexe-* headers and the output
//! ```
//! A worker ([`worker`]) and a proxy that runs a job itself share `runner`: it fetches what a job
//! reads and runs all its sessions on one host. Whoever runs sessions does so by `session::driver`;
//! they differ in who supplies the bytes. A guest's end is final; only failures of the store and
//! its hosts are tried again, on the next replica ([`JobError`]).
//!
//! Crates that assemble clusters may depend on it, and those that plan or run jobs without one. It
//! never reaches round the seam of `stayput-host`. Leaves out chains, deferred jobs and the web
//! service.

pub mod answer;
mod error;
#[cfg(test)]
mod fixtures;
pub mod memo;
pub mod message;
pub mod node;
pub mod output;
pub mod placement;
pub mod plan;
pub mod posted;
pub mod proxy;
mod runner;
pub mod session;
pub mod store_access;
pub mod system_images;
pub mod worker;

pub use self::error::{AdmissionError, JobError, NodeAnswer, WorkerError};
