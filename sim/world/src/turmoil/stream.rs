//! turmoil's TCP streams as the seam's. Counts what is sent; what becomes of it turmoil does not
//! show.

use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use stayput_host::{Label, Stream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::Shared;
use crate::ledger::LedgerWay;

/// The most bytes of a segment, as the fabric's chunks.
const SEGMENT_MAX: usize = 64 << 10;

pub(super) struct TurmoilStream {
    stream: turmoil::net::TcpStream,
    /// From this end to the other; `None` from a host to itself.
    way: Option<LedgerWay>,
    shared: Rc<Shared>,
}

impl TurmoilStream {
    pub(super) fn new(
        stream: turmoil::net::TcpStream,
        way: Option<LedgerWay>,
        shared: &Rc<Shared>,
    ) -> Self {
        Self { stream, way, shared: Rc::clone(shared) }
    }
}

impl Stream for TurmoilStream {
    fn poll_read(&mut self, cx: &mut Context<'_>, max: usize) -> Poll<io::Result<Bytes>> {
        let mut data = vec![0; max.min(SEGMENT_MAX)];
        let mut buf = ReadBuf::new(&mut data);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buf))?;
        let len = buf.filled().len();
        data.truncate(len);
        Poll::Ready(Ok(Bytes::from(data)))
    }

    fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        data: &[u8],
        label: Label,
    ) -> Poll<io::Result<usize>> {
        let data = &data[..data.len().min(SEGMENT_MAX)];
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, data))?;
        if let Some(way) = self.way {
            let ledger = &mut *self.shared.ledger.borrow_mut();
            let way = ledger.way(way);
            ledger.sent(way, label, written as u64);
        }
        Poll::Ready(Ok(written))
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
