//! Jobs: from a description that a client posts to sessions that run, and to what the client gets back.
//!
//! ```text
//! client → proxy: service → plan        what the description asks for, in the store's terms
//!                         → placement   where it may run, best first
//!                         → message     the order, with what the node has not
//!          node:  executor → run        the session, on the node's own copy
//!          proxy: service → answer      the X-Nexe-* headers and the output
//! ```
//! A worker ([`crate::compute`]) shares `plan`, `run` and `answer`. What a guest did is final; only what the store failed
//! at is tried again, on the next replica. Leaves out jobs of several sessions: their fields are refused by name.

pub mod answer;
pub mod executor;
pub mod lookup;
pub mod message;
pub mod modules;
pub mod pipe;
mod pipes;
pub mod placement;
pub mod plan;
pub mod posted;
pub mod prepare;
pub mod run;
mod script;
pub mod service;
pub mod slots;
pub mod system_images;
mod verified;
mod watch;
mod wire;
