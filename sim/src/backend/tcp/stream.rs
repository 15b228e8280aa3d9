//! TCP streams as the seam's. Counts what is sent; what becomes of it the system does not tell.
#![expect(clippy::disallowed_types, reason = "sockets are what the seam stands for here")]

use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;

use super::Shared;
use crate::host::{Label, Stream};
use crate::world::ledger::WayKey;

/// The most bytes that are read or written at once, as the fabric's chunks.
const CHUNK_MAX: usize = 64 << 10;
/// How much of what still comes for a closed connection is thrown away before its sender is told with a reset.
const LINGER_BYTES_MAX: usize = 1 << 20;
/// How long a closed connection waits for its peer to close as well.
const LINGER_MAX: Duration = Duration::from_secs(1);

pub(super) struct SocketStream {
    /// Gone only while it is dropped.
    stream: Option<TcpStream>,
    /// From this end to the other; `None` from a host to itself.
    way: Option<WayKey>,
    /// Whether the peer has said that nothing more comes.
    ended: bool,
    shared: Rc<Shared>,
}

impl SocketStream {
    pub(super) fn new(stream: TcpStream, way: Option<WayKey>, shared: &Rc<Shared>) -> Self {
        Self { stream: Some(stream), way, ended: false, shared: Rc::clone(shared) }
    }

    fn socket(&mut self) -> io::Result<Pin<&mut TcpStream>> {
        self.stream.as_mut().map(Pin::new).ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

impl Stream for SocketStream {
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
        if let Some(way) = self.way {
            self.shared.ledger.borrow_mut().sent(way, label, written as u64);
        }
        Poll::Ready(Ok(written))
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket()?.poll_shutdown(cx)
    }
}

impl Drop for SocketStream {
    fn drop(&mut self) {
        // Once the peer has ended, the system delivers the rest by itself.
        if let (Some(stream), false) = (self.stream.take(), self.ended) {
            self.shared.closing.borrow_mut().push(Box::pin(linger(stream)));
        }
    }
}

/// Closes the connection such that what was written arrives. Data that comes for a closed socket, or lies there
/// unread, makes the system reset the connection and throw away what it has not sent (RFC 1122, 4.2.2.13); so they are
/// taken off it until the peer ends.
async fn linger(mut stream: TcpStream) {
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
    #[expect(clippy::disallowed_methods, reason = "the clock of this world is tokio's")]
    // However it ended, nobody is left to be told.
    let _over = tokio::time::timeout(LINGER_MAX, discard).await;
}
