//! `stayput serve` as clients use it: over sockets, with restarts and worse.

mod clients;
mod grants;
mod hostile;
mod kills;
mod server;
mod store;
mod usage;
