//! Body on its way in, read in chunks; its connection goes back to the pool at its end.
//!
//! Leaves out trailers.

use std::cell::Cell;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;

use bytes::{Bytes, BytesMut};
use hyper::body::{Body as HyperBody, Incoming};
use hyper::{HeaderMap, StatusCode};

use super::body::BodyError;
use super::pool::Lease;
use super::server_connection::ServerConnection;

/// Response whose body is still on its way.
#[derive(Debug)]
pub struct IncomingResponse {
    /// Status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: IncomingBody,
}

/// Body on its way in. Dropping it before its end closes its connection.
#[derive(Debug)]
pub struct IncomingBody {
    incoming: Incoming,
    /// Connection of a response; a server's connection drives itself.
    lease: Option<Lease>,
    /// Connection of a request, on a server.
    connection: Option<Rc<ServerConnection>>,
    /// Counter of the bytes that are read.
    tally: Option<Rc<Cell<u64>>>,
}

impl Drop for IncomingBody {
    fn drop(&mut self) {
        if let Some(lease) = self.lease.take()
            && self.incoming.is_end_stream()
        {
            lease.give_back();
        }
    }
}

impl IncomingBody {
    /// Body of a response.
    pub(super) const fn of_response(incoming: Incoming, lease: Option<Lease>) -> Self {
        Self { incoming, lease, connection: None, tally: None }
    }

    /// Body of a request on a server's connection.
    pub(super) const fn of_request(connection: Rc<ServerConnection>, incoming: Incoming) -> Self {
        Self { incoming, lease: None, connection: Some(connection), tally: None }
    }

    /// Address of the sender, of a body that a server got.
    #[must_use]
    pub fn peer(&self) -> Option<SocketAddr> {
        self.connection.as_ref().map(|connection| connection.peer())
    }

    /// Counts the bytes that are read from now on in `tally`.
    pub fn add_to(&mut self, tally: &Rc<Cell<u64>>) {
        self.tally = Some(Rc::clone(tally));
    }

    /// Length in bytes, if the sender declared it.
    #[must_use]
    pub fn length(&self) -> Option<u64> {
        self.incoming.size_hint().exact()
    }

    /// Reads the next chunk; `None` at the end.
    ///
    /// # Errors
    /// [`BodyError::BrokeOff`] when the connection failed or ended before the declared length.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, BodyError> {
        loop {
            let frame = poll_fn(|cx| Pin::new(&mut self.incoming).poll_frame(cx)).await;
            match frame {
                None => return Ok(None),
                Some(Err(error)) => return Err(BodyError::BrokeOff { why: error.to_string() }),
                Some(Ok(frame)) => {
                    // Trailers are no part of the body.
                    if let Ok(data) = frame.into_data()
                        && !data.is_empty()
                    {
                        if let Some(tally) = &self.tally {
                            tally.set(tally.get() + data.len() as u64);
                        }
                        return Ok(Some(data));
                    }
                }
            }
        }
    }

    /// Reads the whole body.
    ///
    /// # Errors
    /// As [`IncomingBody::chunk`], and [`BodyError::TooLong`] past `limit_bytes`.
    pub async fn collect(&mut self, limit_bytes: u64) -> Result<Bytes, BodyError> {
        let too_long = BodyError::TooLong { limit_bytes };
        if self.length().is_some_and(|length| length > limit_bytes) {
            return Err(too_long);
        }
        let mut whole = BytesMut::new();
        while let Some(data) = self.chunk().await? {
            if whole.len() as u64 + data.len() as u64 > limit_bytes {
                return Err(too_long);
            }
            whole.extend_from_slice(&data);
        }
        Ok(whole.freeze())
    }

    /// Reads and drops the rest, until the end or past `limit_bytes`.
    pub async fn discard(&mut self, limit_bytes: u64) {
        let mut discarded = 0;
        while discarded <= limit_bytes
            && let Ok(Some(data)) = self.chunk().await
        {
            discarded += data.len() as u64;
        }
    }
}
