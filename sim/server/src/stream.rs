//! A socket as a stream of the seam: counts what is sent, and closes such that what was written
//! arrives.
//!
//! Leaves out what becomes of sent bytes: the system does not say.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use stayput_host::{Label, Stream};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

use super::meters::Meters;

/// The most bytes that are read or written at once.
const CHUNK_MAX: usize = 64 << 10;
/// Bytes that still come for a closed connection and are thrown away, before its sender gets a
/// reset.
const LINGER_BYTES_MAX: usize = 1 << 20;
/// Time that a closed connection waits for its peer to close as well.
const LINGER_MAX: Duration = Duration::from_secs(1);

/// A socket, or what encrypts on one.
pub(super) trait Socket: AsyncRead + AsyncWrite + Unpin + 'static {}

impl<S: AsyncRead + AsyncWrite + Unpin + 'static> Socket for S {}

/// A byte stream of the seam over a socket, with guards that are dropped when nobody holds the
/// connection any more.
pub(super) struct SocketStream<S: Socket, G> {
    /// `None` only while it is dropped.
    stream: Option<S>,
    /// True if the peer has ended its half.
    ended: bool,
    meters: Arc<Meters>,
    _guards: G,
}

impl<S: Socket, G> SocketStream<S, G> {
    /// The stream over `stream`, which counts in `meters`.
    pub(super) fn new(stream: S, meters: Arc<Meters>, guards: G) -> Self {
        Self { stream: Some(stream), ended: false, meters, _guards: guards }
    }

    fn socket(&mut self) -> io::Result<Pin<&mut S>> {
        self.stream.as_mut().map(Pin::new).ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

impl<S: Socket, G: Unpin> Stream for SocketStream<S, G> {
    fn poll_read(&mut self, cx: &mut Context<'_>, max: usize) -> Poll<io::Result<Bytes>> {
        let mut data = vec![0; max.min(CHUNK_MAX)];
        let mut buf = ReadBuf::new(&mut data);
        ready!(self.socket()?.poll_read(cx, &mut buf))?;
        let len = buf.filled().len();
        self.ended = len == 0;
        data.truncate(len);
        // A disk may keep it for long.
        data.shrink_to_fit();
        Poll::Ready(Ok(Bytes::from(data)))
    }

    fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        data: &[u8],
        label: Label,
    ) -> Poll<io::Result<usize>> {
        let data = &data[..data.len().min(CHUNK_MAX)];
        let written = ready!(self.socket()?.poll_write(cx, data))?;
        self.meters.sent(label, written as u64);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket()?.poll_flush(cx)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket()?.poll_shutdown(cx)
    }
}

impl<S: Socket, G> Drop for SocketStream<S, G> {
    fn drop(&mut self) {
        // Once the peer has ended, the system delivers the rest by itself.
        if let (Some(stream), false) = (self.stream.take(), self.ended) {
            // A server that stops waits for it.
            let counted = self.meters.closing_connection();
            let closing = async move {
                linger(stream).await;
                drop(counted);
            };
            #[expect(clippy::disallowed_methods, reason = "it ends with the server")]
            drop(tokio::task::spawn_local(closing));
        }
    }
}

/// Closes the connection such that what was written arrives. Data that comes for a closed socket,
/// or lies there unread, makes the system reset the connection and throw away what it has not sent
/// (RFC 1122, 4.2.2.13); so they are taken off it until the peer ends.
pub(super) async fn linger(mut stream: impl Socket) {
    let discard = async {
        stream.shutdown().await?;
        let mut unread = vec![0; CHUNK_MAX];
        let mut left = LINGER_BYTES_MAX;
        while left > 0 {
            match stream.read(&mut unread).await? {
                0 => break,
                len => left = left.saturating_sub(len),
            }
        }
        Ok::<_, io::Error>(())
    };
    #[expect(clippy::disallowed_methods, reason = "the clock here is tokio's")]
    // However it ended, nobody is left to hear of it.
    let _over = tokio::time::timeout(LINGER_MAX, discard).await;
}
