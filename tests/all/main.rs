//! The integration tests, by kind.

mod contract;
mod property;
mod support;
