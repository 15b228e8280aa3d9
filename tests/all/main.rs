//! The integration tests, by kind. Those of the command are in `../cli`.

mod bad_input;
mod contract;
mod differential;
mod house;
mod jobs;
mod model;
mod property;
mod published;
mod python;
mod readme;
mod spans;
mod support;
mod troubled;
mod usage;
