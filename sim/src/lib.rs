//! Stayput's cluster (ring, storage nodes, proxies, workers) and the worlds it runs in.
//!
//! Code goes one way: everything reaches the world through [`host`]; what implements it is in
//! `backend`, and the models that the simulated backends share are in `world`.

pub mod backend;
pub mod client;
pub mod cluster;
pub mod compute;
pub mod config;
pub mod host;
pub mod http;
pub mod jobs;
pub mod logarithm;
pub mod node;
pub mod proxy;
pub mod ring;
pub mod swift;
pub mod world;
