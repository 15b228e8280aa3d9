//! Requests to a storage node and its answers, as far as all services share them.
//!
//! Leaves out the requests of each service.

mod device_path;
pub(crate) mod request;
pub(crate) mod response;

pub(crate) use device_path::DevicePath;
pub(crate) use request::ParentServer;
