//! The worlds: each implements the seam, and [`crate::world::World`] round it.

pub mod fabric;
pub mod tcp;
pub mod turmoil;
