//! The node's services over the fabric: what clients see, what is on the disks, and what survives.

mod crash_points;
mod damage;
mod disks;
mod expiry;
mod listings;
mod objects;
mod replicas;
mod replication;
mod survival;
mod updates;
mod world;

pub(crate) use world::run_on_a_disk;
