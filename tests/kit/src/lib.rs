//! A test kit: strategies, oracles, checkers and small clusters, for tests of a placement policy, a
//! ring or a fault of your own.
//!
//! ```text
//! world      a small network, hosts, and a probe for what a host finds out
//! cluster    a small cluster with a client that runs a script
//! scenario   a small scenario to change, plan and run
//! random     random clusters, clients and faults; histories, and the checker that judges them
//! ring       random device topologies, and the rules that every ring keeps to
//! max_min    the exact max-min solver that judges a network's sharing
//! ```
//!
//! A campaign over 200 random clusters under random faults, with jobs placed by your policy:
//!
//! ```no_run
//! # use stayput_jobs::placement::{PlacementConfig, PlacementPolicy};
//! # let my_policy: &'static dyn PlacementPolicy = PlacementConfig::default().policy;
//! stayput_testkit::random::assert_holds(my_policy, 200).assert_worth();
//! ```
//!
//! Everything here panics where a test would fail: it is made for tests. Nothing that ships depends
//! on it.

pub mod cluster;
pub mod max_min;
pub mod random;
pub mod ring;
pub mod scenario;
pub mod world;
