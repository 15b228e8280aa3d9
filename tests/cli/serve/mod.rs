//! `stayput serve` as clients use it: over sockets, with restarts and worse.

mod clients;
mod kills;
mod server;
mod store;
mod usage;
