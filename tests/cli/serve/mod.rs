//! `stayput serve` as clients use it: over sockets, with restarts and worse.

mod clients;
mod exposition;
mod grants;
mod hostile;
mod kills;
mod roles;
pub(crate) mod server;
mod stops;
mod store;
mod tls;
mod usage;
mod watch;
