//! The simulated machine room, held to its models through the seam.

mod backends;
mod books;
mod core_queue;
mod cores;
mod disk_model;
mod disk_queue;
mod disks;
mod fault_times;
mod faults;
mod faulty_disk;
mod ledger;
mod messages;
mod network;
mod outages;
mod schedules;
mod sharing;
mod slow_start;
mod support;
