//! The `stayput` command, and what only it does: serving real clients, and tools for authors of
//! jobs.
//!
//! [`commands`] is the command line, [`serve`] the directory, the secrets, the log and the metrics
//! of a served cluster, [`job`] checks descriptions and makes starters. Scenarios and results
//! belong to `stayput-engine` and `stayput-results`.

pub mod commands;
pub mod job;
pub mod serve;
