//! A test kit: strategies, oracles, checkers and small clusters, for tests of a placement policy, a
//! ring or a kind of fault in a crate of your own. `tests/kit/example` is such a crate.
//!
//! | strategy | values | checked by |
//! |---|---|---|
//! | [`placement::views`] | facts of a decision | [`placement::assert_keeps_the_laws`] |
//! | [`ring::topologies`] | devices of a ring | [`ring::assert_keeps_to_the_rules`] |
//! | [`random::clusters`] | small clusters | whole cases, below |
//! | [`random::workloads`] | steps of clients | [`random::violations`] of a history |
//! | [`random::faults`] | faults of a catalog's kinds | [`random::Coverage::assert_complete`] |
//! | [`random::cases`] | all of these together | [`random::Campaign::assert_holds`] |
//! | [`jobs::jobs`] | map-reduces of many sessions | [`jobs::WordCount::answer`] |
//!
//! Beside them: [`world`] has small networks and a probe for what a host finds out, [`cluster`] a
//! small cluster with a client that runs a script, [`scenario`] a small scenario to change, plan
//! and run, and [`max_min`] an exact solver that judges how flows share a network.
//!
//! # A policy
//!
//! Its decisions over random views keep the laws of all policies; jobs that it places in random
//! clusters under random faults are answered rightly or honestly, in time, and the same in two
//! runs of one seed.
//!
//! ```no_run
//! use stayput_jobs::placement::OnStorage; // or your own
//! use stayput_testkit::placement::assert_keeps_the_laws;
//! use stayput_testkit::random::Campaign;
//!
//! assert_keeps_the_laws(&OnStorage);
//! Campaign { policy: &OnStorage, ..Campaign::default() }.assert_holds(200);
//! ```
//!
//! # A kind of fault
//!
//! A kind that is in the catalog is drawn with all others: its keys are read from a section of
//! drawn values. The campaign then shows that the store keeps its promises under it, and that it
//! has an effect.
//!
//! ```no_run
//! use stayput_testkit::random::Campaign;
//! use stayput_world::fault::FaultCatalog;
//!
//! let faults = FaultCatalog::default(); // .with(&YOUR_KIND)
//! Campaign { faults, ..Campaign::default() }.assert_holds(200).assert_complete();
//! ```
//!
//! # A ring
//!
//! ```
//! use stayput_ring::RingBuilder;
//! use stayput_testkit::ring::assert_keeps_to_the_rules;
//!
//! assert_keeps_to_the_rules(|wanted| {
//!     let mut builder = RingBuilder::new(wanted.part_power, wanted.replicas, 0).unwrap();
//!     for device in &wanted.devices {
//!         builder.add_device(device.clone()).unwrap();
//!     }
//!     for hour in 0..40 {
//!         builder.rebalance(hour, wanted.seed).unwrap();
//!     }
//!     builder.ring().unwrap()
//! });
//! ```
//!
//! Everything here panics where a test would fail: it is made for tests. Nothing that ships depends
//! on it.

pub mod cluster;
pub mod jobs;
pub mod max_min;
pub mod placement;
pub mod random;
pub mod ring;
pub mod scenario;
pub mod world;
