//! Runs a job: a WebAssembly module over its devices, in steps, with fuel and limits.
//!
//! A [`session::Session`] is a `Send` state machine: [`step`](session::Session::step) runs the
//! guest until it needs a read, has a write, wants to sleep, has used its slice of fuel, or has
//! ended. Whoever drives it does the reading, writing and waiting. What is left out on purpose:
//! no I/O, no clock, no randomness of the host, no async, no network, no store.

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
