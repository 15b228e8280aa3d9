//! A pipe over the network: the writer's host puts its writes to the reader's, as one body of unknown length.
//!
//! Each write is a frame: its length in four bytes, big endian, and its bytes; a length of nothing says that the writer exited, and
//! the greatest that it died. The reader's host answers when it has all, or earlier with 410 when nobody reads any more. Leaves out
//! going on after a connection broke: the job's attempt is over then.

use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use futures_util::future::{Either, select};
use stayput_host::{Host, Purpose};
use stayput_runtime::pipe::{PIECE_BYTES, PIPE_BYTES, WriterEnd};
use stayput_store::http::{
    Body, BodySender, ConnectionPool, IncomingBody, Method, Request, Response, StatusCode, Timeouts,
};

use crate::session::driver::SESSION_TIME_MAX;
use crate::session::pipe::{SessionPipe, Taken};

const LIMITS: Timeouts = Timeouts {
    connect: Duration::from_millis(500),
    // A reader takes its time, but not longer than a session may.
    answer: Duration::from_secs(2 * SESSION_TIME_MAX.as_secs()),
};

const EXITED: u32 = 0;
const DIED: u32 = u32::MAX;
const HEAD_BYTES: usize = 4;

/// Where a host takes what is written into a pipe of a gang's attempt.
#[must_use]
pub(super) fn path_of(gang: &str, attempt: u32, pipe: u32) -> String {
    format!("/pipes/{gang}/{attempt}/{pipe}")
}

/// Whether a request is for a pipe.
pub(super) fn is_path(path: &str) -> bool {
    path.starts_with("/pipes/")
}

/// The room of the pipe that a request is for.
pub(super) fn room(request: &Request) -> usize {
    let room = request.uri().query().and_then(|query| query.strip_prefix("room="));
    room.and_then(|room| room.parse().ok()).unwrap_or(PIPE_BYTES).clamp(1, PIPE_BYTES)
}

/// Carries what a session writes to the host of its reader, until it ends.
///
/// # Errors
/// Says why the reader's host could not be told all; the pipe is broken then.
pub(super) async fn send(
    pool: &ConnectionPool,
    to: SocketAddr,
    path: &str,
    room: usize,
    pipe: &SessionPipe,
) -> Result<(), String> {
    let sent = carry(pool, to, &format!("{path}?room={room}"), pipe).await;
    if let Err(why) = &sent {
        pipe.break_off(why);
    }
    sent
}

async fn carry(
    pool: &ConnectionPool,
    to: SocketAddr,
    path: &str,
    pipe: &SessionPipe,
) -> Result<(), String> {
    // Nothing is opened before there is something to say.
    let first = pipe.take().await;
    let (sender, body) = Body::open();
    let request = hyper::Request::builder().method(Method::PUT).uri(path).body(body);
    let request = request.map_err(|error| error.to_string())?;
    let mut answer = pin!(pool.send(to, request, LIMITS));
    // What feeds it is gone before anything else waits at the pipe, or it would be woken in its place.
    let early = match select(answer.as_mut(), pin!(feed(pipe, first, sender))).await {
        Either::Left((answer, _)) => Some(answer),
        Either::Right((Ok(()), _)) => None,
        Either::Right((Err(why), _)) => return Err(why),
    };
    let answer = match early {
        Some(answer) => answer,
        None => answer.await,
    };
    match answer.map_err(|error| error.to_string())?.status {
        StatusCode::OK => Ok(()),
        StatusCode::GONE => {
            pipe.abandon();
            // What the session still writes is dropped where it is; its end is waited for, as if it had been sent.
            while pipe.take().await.is_ok() {}
            Ok(())
        }
        status => Err(format!("{to} said {status} to a pipe")),
    }
}

async fn feed(
    pipe: &SessionPipe,
    mut next: Result<Bytes, Taken>,
    sender: BodySender,
) -> Result<(), String> {
    loop {
        let frame = match &next {
            Ok(data) => {
                let length = u32::try_from(data.len()).unwrap_or(DIED - 1);
                [&length.to_be_bytes()[..], data].concat()
            }
            Err(Taken::End(WriterEnd::Exited)) => EXITED.to_be_bytes().to_vec(),
            Err(Taken::End(WriterEnd::Died)) => DIED.to_be_bytes().to_vec(),
            Err(Taken::Broken) => return Err("the pipe broke".to_owned()),
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

/// Takes what comes for a pipe, and answers when all has come or nobody reads any more.
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
        Err(why) => {
            pipe.break_off(why);
            StatusCode::BAD_REQUEST
        }
    };
    unfinished.disarm();
    let why = received.err().unwrap_or_default();
    let mut response = Response::new(Body::full(Purpose::Control, why));
    *response.status_mut() = status;
    response
}

/// Breaks a pipe off whose writer's connection ends early.
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

async fn fill(pipe: &SessionPipe, body: &mut IncomingBody) -> Result<Filled, String> {
    let mut come = BytesMut::new();
    loop {
        while let Some(frame) = frame_of(&mut come)? {
            match frame {
                Ok(data) => pipe.write(data).await.map_err(|fault| format!("{fault:?}"))?,
                Err(end) => {
                    pipe.end(end);
                    return Ok(Filled::Whole);
                }
            }
        }
        let chunk = match select(pin!(body.chunk()), pin!(pipe.abandoned())).await {
            Either::Left((chunk, _)) => chunk,
            Either::Right(((), _)) => return Ok(Filled::Abandoned),
        };
        match chunk.map_err(|broken| broken.to_string())? {
            Some(chunk) => come.extend_from_slice(&chunk),
            None => return Err("its writer left without an end".to_owned()),
        }
    }
}

/// The first whole frame of what has come: a write, or how the writer ended.
fn frame_of(come: &mut BytesMut) -> Result<Option<Result<Bytes, WriterEnd>>, String> {
    let Some(head) = come.first_chunk::<HEAD_BYTES>() else { return Ok(None) };
    let length = match u32::from_be_bytes(*head) {
        EXITED => return Ok(Some(Err(WriterEnd::Exited))),
        DIED => return Ok(Some(Err(WriterEnd::Died))),
        length => usize::try_from(length).unwrap_or(usize::MAX),
    };
    if length > PIECE_BYTES {
        return Err(format!("a write of {length} bytes, {PIECE_BYTES} are the most"));
    }
    if come.len() < HEAD_BYTES + length {
        return Ok(None);
    }
    come.advance(HEAD_BYTES);
    Ok(Some(Ok(come.split_to(length).freeze())))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_bytes_are_frames_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let mut come = BytesMut::from(&bytes[..]);
            while let Ok(Some(Ok(_))) = frame_of(&mut come) {}
        }

        #[test]
        fn frames_come_out_however_they_are_cut(
            writes in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..9), 0..9),
            cut in 1_usize..7,
        ) {
            let mut sent = Vec::new();
            for write in &writes {
                sent.extend_from_slice(&(write.len() as u32).to_be_bytes());
                sent.extend_from_slice(write);
            }
            sent.extend_from_slice(&DIED.to_be_bytes());
            let (mut come, mut read, mut end) = (BytesMut::new(), Vec::new(), None);
            for piece in sent.chunks(cut) {
                come.extend_from_slice(piece);
                while let Some(frame) = frame_of(&mut come).unwrap() {
                    match frame {
                        Ok(data) => read.push(data.to_vec()),
                        Err(how) => { end = Some(how); break; }
                    }
                }
            }
            prop_assert_eq!(read, writes);
            prop_assert_eq!(end, Some(WriterEnd::Died));
        }
    }
}
