//! A Swift-like object store: storage node, proxy, auth and client, speaking HTTP/1.1 over the
//! seam.
//!
//! [`swift`] is the vocabulary (paths, timestamps, headers), [`http`] clients and servers over a
//! host's streams, [`node`] the storage node, [`proxy`] the API that clients see, [`client`] one of
//! its clients. Nothing here names a socket, a file, a clock or a simulation, and nothing knows of
//! jobs but that a service may run them.

pub mod client;
pub mod http;
pub mod node;
pub mod proxy;
pub mod swift;
