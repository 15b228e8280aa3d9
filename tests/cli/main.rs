//! The `stayput` command as its users run it: arguments, files, exit codes, and what goes where.
//!
//! Leaves out what the figures mean, which the tests of the engine and of the report hold.

mod browser;
mod examples;
mod exits;
mod images;
mod job;
mod job_run;
mod manual;
mod output;
mod repeat;
mod report;
mod scenarios;
mod serve;
mod support;
mod sweep;
mod timeline;
mod workload;
