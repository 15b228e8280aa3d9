//! Jobs: from a description that a client posts to sessions that run, and to what the client gets back.
//!
//! ```text
//! client → proxy: service → posted      a description, an image or a script
//!                         → lookup      what wildcards match
//!                         → plan        what it asks for, in the store's terms
//!                         → placement   where it may run, best first
//!                         → message     an order for each session, with what the node has not
//!          node:  executor → prepare    images and module
//!                          → run        the session, on the node's own copy
//!                          → pipe, wire what sessions tell each other, on one node and over the network
//!          proxy: service → answer      the X-Nexe-* headers and the output
//! ```
//! A worker ([`crate::compute`]) shares all of it but `service`, `message` and `wire`. What a guest did is final; only what the store
//! failed at is tried again, on the next replica. Leaves out chains, deferred jobs and the web service.

pub mod answer;
pub mod memo;
pub mod message;
pub mod node;
pub mod output;
pub mod placement;
pub mod plan;
pub mod posted;
pub mod proxy;
pub mod runner;
pub mod session;
pub mod system_images;
pub mod worker;
