//! The cluster and the worlds it runs in.

pub mod ring;
