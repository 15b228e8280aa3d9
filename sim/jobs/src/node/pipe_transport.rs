//! Transport of a pipe between hosts: the writer's host puts its writes to the reader's, as one
//! body of unknown length.
//!
//! Each write is a frame: its length in four bytes, big endian, and its bytes; a length of nothing
//! says that the writer exited, and the greatest that it died. The reader's host answers when it
//! has all, or earlier with 410 when nobody reads any more. Leaves out going on after a connection
//! broke: the job's attempt is over then.

use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use futures_util::future::{Either, select};
use stayput_host::{Host, Purpose};
use stayput_runtime::device::DeviceFault;
use stayput_runtime::pipe::{PIECE_BYTES, PIPE_BYTES, WriterEnd};
use stayput_store::http::{
    Body, BodyError, BodySender, ConnectionPool, IncomingBody, Method, Request, Response,
    SendError, StatusCode, Timeouts,
};

use crate::session::pipe::{PipeStop, SessionPipe};
use crate::session::result::SESSION_TIME_MAX;

const LIMITS: Timeouts = Timeouts {
    connect: Duration::from_millis(500),
    // A reader takes its time, but not longer than a session may.
    answer: Duration::from_secs(2 * SESSION_TIME_MAX.as_secs()),
};

const EXITED: u32 = 0;
const DIED: u32 = u32::MAX;
const HEAD_BYTES: usize = 4;

/// Failure of a pipe's transport, for which the gang has to begin anew.
#[derive(Debug, thiserror::Error)]
pub(super) enum PipeTransportError {
    /// The pipe broke at the writer's end.
    #[error("the pipe broke")]
    Broken,
    /// The path of the pipe cannot stand in a request.
    #[error(transparent)]
    Request(#[from] hyper::http::Error),
    /// The reader's host gave no answer.
    #[error(transparent)]
    NoAnswer(#[from] SendError),
    /// The reader's host did not take the pipe.
    #[error("{to} said {status} to a pipe")]
    Refused {
        /// Host of the reader.
        to: SocketAddr,
        /// Its answer.
        status: StatusCode,
    },
}

/// Flaw of what came for a pipe.
#[derive(Debug, thiserror::Error)]
enum PipeBodyError {
    /// A write is longer than sessions write.
    #[error("a write of {length} bytes, {PIECE_BYTES} are the most")]
    WriteTooLong {
        /// Its length.
        length: usize,
    },
    /// The pipe cannot be used any more.
    #[error("{0:?}")]
    Fault(DeviceFault),
    /// The connection broke.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// The body ended before its writer did.
    #[error("its writer left without an end")]
    NoEnd,
}

/// A frame of a pipe's body.
#[derive(Debug, PartialEq, Eq)]
enum PipeFrame {
    /// One write.
    Data(Bytes),
    /// End of the writer.
    End(WriterEnd),
}

/// Path at which a host takes the writes of a pipe of a gang's attempt.
#[must_use]
pub(super) fn path_of(gang: &str, attempt: u32, pipe: u32) -> String {
    format!("/pipes/{gang}/{attempt}/{pipe}")
}

/// True for the path of a pipe.
pub(super) fn is_path(path: &str) -> bool {
    path.starts_with("/pipes/")
}

/// Bytes that the pipe of a request has room for.
pub(super) fn room(request: &Request) -> usize {
    let room = request.uri().query().and_then(|query| query.strip_prefix("room="));
    room.and_then(|room| room.parse().ok()).unwrap_or(PIPE_BYTES).clamp(1, PIPE_BYTES)
}

/// Sends a session's writes to the host of their reader, until the session ends.
///
/// # Errors
/// Not all could be sent; the pipe is broken then.
pub(super) async fn send(
    pool: &ConnectionPool,
    to: SocketAddr,
    path: &str,
    room: usize,
    pipe: &SessionPipe,
) -> Result<(), PipeTransportError> {
    let sent = carry(pool, to, &format!("{path}?room={room}"), pipe).await;
    if let Err(error) = &sent {
        pipe.break_off(&error.to_string());
    }
    sent
}

async fn carry(
    pool: &ConnectionPool,
    to: SocketAddr,
    path: &str,
    pipe: &SessionPipe,
) -> Result<(), PipeTransportError> {
    // Nothing is opened before there is something to say.
    let first = pipe.take().await;
    let (sender, body) = Body::open();
    let request = hyper::Request::builder().method(Method::PUT).uri(path).body(body);
    let mut answer = pin!(pool.send(to, request?, LIMITS));
    // What feeds it is gone before anything else waits at the pipe, or it would be woken in its
    // place.
    let early = match select(answer.as_mut(), pin!(feed(pipe, first, sender))).await {
        Either::Left((answer, _)) => Some(answer),
        Either::Right((Ok(()), _)) => None,
        Either::Right((Err(why), _)) => return Err(why),
    };
    let answer = match early {
        Some(answer) => answer,
        None => answer.await,
    };
    match answer?.status {
        StatusCode::OK => Ok(()),
        StatusCode::GONE => {
            pipe.abandon();
            // What the session still writes is dropped where it is; its end is waited for, as if it
            // had been sent.
            while pipe.take().await.is_ok() {}
            Ok(())
        }
        status => Err(PipeTransportError::Refused { to, status }),
    }
}

async fn feed(
    pipe: &SessionPipe,
    mut next: Result<Bytes, PipeStop>,
    sender: BodySender,
) -> Result<(), PipeTransportError> {
    loop {
        let frame = match &next {
            Ok(data) => {
                let length = u32::try_from(data.len()).unwrap_or(DIED - 1);
                [&length.to_be_bytes()[..], data].concat()
            }
            Err(PipeStop::End(WriterEnd::Exited)) => EXITED.to_be_bytes().to_vec(),
            Err(PipeStop::End(WriterEnd::Died)) => DIED.to_be_bytes().to_vec(),
            Err(PipeStop::Broken) => return Err(PipeTransportError::Broken),
        };
        // If nobody takes it any more, the answer says why.
        let taken = sender.send(Purpose::JobToJob, frame.into()).await;
        if next.is_err() || !taken {
            sender.finish().await;
            return Ok(());
        }
        next = pipe.take().await;
    }
}

/// Receives the writes of a pipe, and answers when all have come or nobody reads any more.
pub(super) async fn receive(host: &Host, pipe: &SessionPipe, request: Request) -> Response {
    let mut body = request.into_body();
    let unfinished = BreakOff(Some(pipe));
    let received = fill(pipe, &mut body).await;
    let status = match &received {
        Ok(Filled::Whole) => StatusCode::OK,
        Ok(Filled::Abandoned) => {
            // The sender hears of it only if the connection stays until it has the answer.
            host.spawn(async move { body.discard(u64::MAX).await });
            StatusCode::GONE
        }
        Err(error) => {
            pipe.break_off(&error.to_string());
            StatusCode::BAD_REQUEST
        }
    };
    unfinished.disarm();
    let why = received.err().map(|error| error.to_string()).unwrap_or_default();
    let mut response = Response::new(Body::full(Purpose::Control, why));
    *response.status_mut() = status;
    response
}

/// Breaks a pipe whose writer's connection ends early.
struct BreakOff<'a>(Option<&'a SessionPipe>);

impl BreakOff<'_> {
    fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for BreakOff<'_> {
    fn drop(&mut self) {
        if let Some(pipe) = self.0 {
            pipe.break_off("the connection of its writer broke");
        }
    }
}

enum Filled {
    Whole,
    Abandoned,
}

async fn fill(pipe: &SessionPipe, body: &mut IncomingBody) -> Result<Filled, PipeBodyError> {
    let mut come = BytesMut::new();
    loop {
        while let Some(frame) = frame_of(&mut come)? {
            match frame {
                PipeFrame::Data(data) => {
                    pipe.write(data).await.map_err(PipeBodyError::Fault)?;
                }
                PipeFrame::End(end) => {
                    pipe.end(end);
                    return Ok(Filled::Whole);
                }
            }
        }
        let chunk = match select(pin!(body.chunk()), pin!(pipe.abandoned())).await {
            Either::Left((chunk, _)) => chunk,
            Either::Right(((), _)) => return Ok(Filled::Abandoned),
        };
        match chunk? {
            Some(chunk) => come.extend_from_slice(&chunk),
            None => return Err(PipeBodyError::NoEnd),
        }
    }
}

/// Takes the first whole frame of what has come.
fn frame_of(come: &mut BytesMut) -> Result<Option<PipeFrame>, PipeBodyError> {
    let Some(head) = come.first_chunk::<HEAD_BYTES>() else { return Ok(None) };
    let length = match u32::from_be_bytes(*head) {
        EXITED => return Ok(Some(PipeFrame::End(WriterEnd::Exited))),
        DIED => return Ok(Some(PipeFrame::End(WriterEnd::Died))),
        length => usize::try_from(length).unwrap_or(usize::MAX),
    };
    if length > PIECE_BYTES {
        return Err(PipeBodyError::WriteTooLong { length });
    }
    if come.len() < HEAD_BYTES + length {
        return Ok(None);
    }
    come.advance(HEAD_BYTES);
    Ok(Some(PipeFrame::Data(come.split_to(length).freeze())))
}

#[cfg(test)]
mod tests;
