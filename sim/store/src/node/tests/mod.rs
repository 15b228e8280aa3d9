//! The node's services over the fabric: what clients see, what is on the disks, and what survives.

mod crash_points;
mod damage;
mod disks;
mod expiry;
mod listing_model;
mod listings;
mod object_model;
mod objects;
mod replicas;
mod replication;
mod survival;
mod updates;
mod world;

pub(crate) use world::run_on_a_disk;
