//! Requests over the connections of a pool.
//!
//! An idle connection may be dead without a sign: its other end lost power, or died behind a cut
//! link. So only requests that may be repeated (GET and HEAD, with a body in memory) use one, and
//! are sent again over a new one if it breaks before a response. All others open a connection of
//! their own: they are never sent twice, and the buffers that grew with their bodies are freed.
//!
//! Leaves out pipelining, and repeating changes: a node would answer that something newer is there.

use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use hyper::{Method, Request};
use stayput_host::TimedOut;

use super::body::Body;
use super::client_connection::{ClientConnection, SendError, Timeouts};
use super::incoming_body::{IncomingBody, IncomingResponse};
use super::pool::{ConnectionPool, Lease};

impl ConnectionPool {
    /// Sends `request` to `to` and waits for the head of the response. If an idle connection stays
    /// silent for half of `limits.connect`, a new one is opened to check that the server is alive.
    ///
    /// # Errors
    /// See [`SendError`].
    pub async fn send(
        &self,
        to: SocketAddr,
        request: Request<Body>,
        limits: Timeouts,
    ) -> Result<IncomingResponse, SendError> {
        let Some(second) = copy(&request) else {
            let (_, connection) = Box::pin(self.open(to, limits.connect)).await?;
            return self.exchange(None, connection, request, limits.answer).await;
        };
        let mut request = request;
        if let Some((id, connection)) = self.take(to) {
            match self.send_over_idle(id, connection, request, limits).await {
                // Other idle connections are as old.
                Err(SendError::Broken { .. }) => self.close_idle(to),
                answer => return answer,
            }
            request = second;
        }
        // Boxed, like the check for life: most requests use an idle connection and need neither.
        let (id, connection) = Box::pin(self.open(to, limits.connect)).await?;
        self.exchange(Some(id), connection, request, limits.answer).await
    }

    async fn send_over_idle(
        &self,
        id: u64,
        connection: ClientConnection,
        request: Request<Body>,
        limits: Timeouts,
    ) -> Result<IncomingResponse, SendError> {
        let to = connection.to();
        let exchange = pin!(self.exchange(Some(id), connection, request, limits.answer));
        let exchange = match select(exchange, self.host().sleep(limits.connect / 2)).await {
            Either::Left((answer, _)) => return answer,
            Either::Right(((), exchange)) => exchange,
        };
        // Slow, or dead: a new connection decides.
        match select(exchange, Box::pin(self.open(to, limits.connect))).await {
            Either::Left((answer, _)) => answer,
            Either::Right((Ok((id, fresh)), exchange)) => {
                self.put(id, fresh);
                exchange.await
            }
            Either::Right((Err(_), _)) => {
                self.close_idle(to);
                let limit = limits.connect / 2 + limits.connect;
                Err(SendError::TimedOut { to, source: TimedOut { limit } })
            }
        }
    }

    /// Sends a request; its connection returns as `id` afterwards, if it has one.
    async fn exchange(
        &self,
        id: Option<u64>,
        connection: ClientConnection,
        request: Request<Body>,
        limit: Duration,
    ) -> Result<IncomingResponse, SendError> {
        let (answer, connection) = connection.exchange(self.host(), request, limit).await?;
        let lease = match id {
            Some(id) => Lease::pooled(connection, self.clone(), id),
            None => Lease::single(connection),
        };
        let (head, incoming) = answer.into_parts();
        let body = IncomingBody::of_response(incoming, Some(lease));
        Ok(IncomingResponse { status: head.status, headers: head.headers, body })
    }
}

/// Copy of a request that may be repeated and whose body is in memory.
fn copy(request: &Request<Body>) -> Option<Request<Body>> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return None;
    }
    let mut copy = Request::new(request.body().copy()?);
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.headers_mut() = request.headers().clone();
    Some(copy)
}
