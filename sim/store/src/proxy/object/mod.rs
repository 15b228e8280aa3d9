//! An ordinary object on its replicas: located, read, written, changed and deleted.
//!
//! Leaves out large objects (see `slo`) and the choice of the operation (see `api`).

mod content_type;
pub(super) mod delete;
mod expiry;
mod fetch;
pub(super) mod find;
mod locate;
pub(super) mod multi_range;
pub(super) mod post;
pub(super) mod put;
pub(super) mod relay;
pub(super) mod request;
mod store;
pub(super) mod upload;

pub(super) use content_type::without_swift_bytes;
pub(super) use expiry::ExpiryError;
pub use fetch::{FetchError, FetchEvent};
pub use locate::{LocateError, LocatedObject};
pub use store::{NewObject, StoreError, StoreFailure, StoredObject};
