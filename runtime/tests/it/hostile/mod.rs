//! Guests and images that mean harm: each is stopped by a bound, and the outcome names it.
//!
//! The bounds that ordinary programs meet as well have their tests in `limits`.

mod images;
mod modules;
mod tree;
mod wasm;
