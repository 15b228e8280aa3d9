//! The integration tests, by kind. Those of the command are in `../cli`.

mod bad_input;
mod contract;
mod differential;
mod documents;
mod house;
mod jobs;
mod memo;
mod model;
mod policies;
mod property;
mod published;
mod python;
mod retries;
mod spans;
mod troubled;
mod usage;
