//! HTTP/1.1 on the seam's streams: hyper on both sides, a new connection for each request or kept ones.
//!
//! Leaves out HTTP/2 and trailers. hyper's own timers and its `Date` header are off: limits are
//! set by the callers with the seam's clock.

mod body;
mod client;
mod io;
mod pool;
mod range;
mod server;
mod talk;

pub use body::{Body, BodyError, BodyObserver, BodySender, IncomingBody};
pub use client::{IncomingResponse, SendError, Timeouts, send};
pub use hyper::header::{HeaderMap, HeaderName, HeaderValue};
pub use hyper::{Method, StatusCode};
pub use pool::ConnectionPool;
pub use range::{ByteRange, RangeSet, content_range_start};
pub use server::serve;

/// Headers that a message may have: Swift's 90 metadata items, what goes along with them, and what proxies add on the way to nodes.
const HEADERS_MAX: usize = 200;
/// Bytes of the head of a request: whoever sends one without an end holds no more of a server's memory. As many as with Swift.
const HEAD_BYTES_MAX: usize = 64 << 10;

/// A request that a server got.
pub type Request = hyper::Request<IncomingBody>;
/// What a server answers.
pub type Response = hyper::Response<Body>;
