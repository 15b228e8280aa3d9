//! Requests on connections of their own.
//!
//! Leaves out keeping connections: see `pool`.

use std::net::SocketAddr;

use hyper::Request;
use hyper::header::{CONNECTION, HeaderValue};
use stayput_host::Host;

use super::body::Body;
use super::client_connection::{ClientConnection, SendError, Timeouts};
use super::incoming_body::{IncomingBody, IncomingResponse};
use super::pool::Lease;

/// Sends `request` to `to` on a connection of its own and waits for the head of the response.
///
/// # Errors
/// See [`SendError`].
pub async fn send(
    host: &Host,
    to: SocketAddr,
    mut request: Request<Body>,
    limits: Timeouts,
) -> Result<IncomingResponse, SendError> {
    let connection = ClientConnection::open(host, to, limits.connect, || {}).await?;
    request.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    let (answer, connection) = connection.exchange(host, request, limits.answer).await?;
    let (head, incoming) = answer.into_parts();
    let body = IncomingBody::of_response(incoming, Some(Lease::single(connection)));
    Ok(IncomingResponse { status: head.status, headers: head.headers, body })
}
