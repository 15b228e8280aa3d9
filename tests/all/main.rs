//! The integration tests, by kind.

mod contract;
mod support;
