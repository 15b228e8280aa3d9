//! HTTP/1.1 over the host's streams: hyper on both sides, with or without a connection pool.
//!
//! Leaves out HTTP/2 and trailers. hyper's own timers and its `Date` header are off: the callers
//! set time limits by the host's clock.

mod body;
mod client;
mod client_connection;
mod incoming_body;
mod labelled_io;
mod pool;
mod pooled_request;
mod range;
mod server;
mod server_connection;

pub use body::{Body, BodyError, BodyObserver, BodySender};
pub use client::send;
pub use client_connection::{SendError, Timeouts};
pub use hyper::header::{HeaderMap, HeaderName, HeaderValue};
pub use hyper::{Method, StatusCode};
pub use incoming_body::{IncomingBody, IncomingResponse};
pub use pool::ConnectionPool;
pub use range::{ByteRange, RangeSet, content_range_start};
pub use server::serve;

/// Headers of a message, at most: Swift's 90 metadata items, the usual headers, and those that
/// proxies add on the way to nodes.
const HEADERS_MAX: usize = 200;
/// Bytes of the head of a request, at most, as in Swift: bounds the memory that a client can hold.
const HEAD_BYTES_MAX: usize = 64 << 10;

/// Status of a request whose client left: used by nginx and Swift, defined by no standard.
pub const CLIENT_CLOSED_REQUEST: u16 = 499;

/// Status [`CLIENT_CLOSED_REQUEST`].
#[must_use]
pub fn client_closed_request() -> StatusCode {
    StatusCode::from_u16(CLIENT_CLOSED_REQUEST).unwrap_or(StatusCode::BAD_REQUEST)
}

/// Request that a server got.
pub type Request = hyper::Request<IncomingBody>;
/// Response of a server.
pub type Response = hyper::Response<Body>;
