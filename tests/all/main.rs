//! The integration tests, by kind. Those of the command are in `../cli`.

mod contract;
mod differential;
mod support;
