//! The runtime's integration tests, as one binary.

mod guests;
mod jobs;
mod support;
