//! The integration tests, by kind.

mod contract;
mod differential;
mod property;
mod support;
