//! Runtime of jobs: descriptions, WebAssembly modules, images, WASI and sessions with fuel and
//! limits.
//!
//! A [`session::Session`] is a `Send` state machine: [`step`](session::Session::step) runs the
//! guest until it needs a read, has a write, wants to sleep, has used its slice of fuel, or has
//! ended. Its driver does the reading, writing and waiting.
//!
//! Every other crate may depend on it; it depends on none of them. It never does I/O, reads a
//! clock, draws the host's randomness, is async, or knows a network or a store.

pub mod device;
pub mod digest;
pub mod engine;
pub mod image;
pub mod job;
pub mod limits;
pub mod local;
pub mod memo;
pub mod outcome;
pub mod pipe;
pub mod session;
mod wasi;
