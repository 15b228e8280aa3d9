//! The simulated machine room, held to its models through the seam.

mod cores;
mod disks;
mod faults;
mod faulty_disk;
mod ledger;
mod network;
mod schedules;
mod support;
