//! Bad input to a cluster: clear answers, and it goes on serving afterwards: jobs with a flaw,
//! hostile modules, broken HTTP.
//!
//! Leaves out scenario files, which the command's tests feed it, and ring files, whose tests lie
//! with the ring.

mod descriptions;
mod hostile;
mod http;
mod modules;
pub(crate) mod room;
mod rude;
