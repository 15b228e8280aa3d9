//! The runtime's integration tests, as one binary.

#![expect(clippy::unwrap_used, reason = "a test stops where something is not as it should be")]

mod c_program;
mod csv_filter;
mod driver;
mod example_jobs;
mod fuel;
mod graph;
mod guests;
mod hostile;
mod images;
mod jobs;
mod limits;
mod map_reduce;
mod memo;
mod pipes;
mod properties;
mod rust_program;
mod script;
mod sorting;
mod support;
mod wasi;
mod wasi_corners;
mod wasi_testsuite;
