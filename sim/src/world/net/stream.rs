//! An end of a connection, as the code on a host holds it.

use std::io;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::Bytes;

use super::{CHUNK_MAX, Connection, ConnectionKey, End, Fin, Net, State};
use crate::host::{Label, Stream};

pub(super) struct NetStream {
    net: Rc<Net>,
    key: ConnectionKey,
    end: usize,
}

impl NetStream {
    pub(super) fn new(net: &Rc<Net>, key: ConnectionKey, end: usize) -> Self {
        Self { net: Rc::clone(net), key, end }
    }
}

fn reset<T>() -> Poll<io::Result<T>> {
    Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()))
}

impl Stream for NetStream {
    fn poll_read(&mut self, cx: &mut Context<'_>, max: usize) -> Poll<io::Result<Bytes>> {
        let data = {
            let state = &mut *self.net.state.borrow_mut();
            let Some(connection) = state.connections.get_mut(&self.key) else { return reset() };
            let end = &mut connection.ends[self.end];
            if end.reset {
                return reset();
            }
            let Some(mut data) = end.inbox.pop_front() else {
                if end.end_of_stream {
                    return Poll::Ready(Ok(Bytes::new()));
                }
                end.reader = Some(cx.waker().clone());
                return Poll::Pending;
            };
            if data.len() > max {
                end.inbox.push_front(data.split_off(max));
            }
            data
        };
        self.net.acknowledge(self.key, self.end, data.len() as u64);
        Poll::Ready(Ok(data))
    }

    fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        data: &[u8],
        label: Label,
    ) -> Poll<io::Result<usize>> {
        let written = {
            let state = &mut *self.net.state.borrow_mut();
            let Some(connection) = state.connections.get_mut(&self.key) else { return reset() };
            let window = connection.window;
            let end = &mut connection.ends[self.end];
            if end.reset {
                return reset();
            }
            if end.fin != Fin::Open {
                return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
            }
            let room = usize::try_from(window - end.unread_by_peer).unwrap_or(usize::MAX);
            let written = data.len().min(room).min(CHUNK_MAX);
            if written == 0 {
                end.writer = Some(cx.waker().clone());
                return Poll::Pending;
            }
            end.buffer.push_back((label, Bytes::copy_from_slice(&data[..written])));
            end.unread_by_peer += written as u64;
            written
        };
        self.net.transmit(self.key, self.end);
        Poll::Ready(Ok(written))
    }

    fn poll_close(&mut self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        {
            let state = &mut *self.net.state.borrow_mut();
            let Some(connection) = state.connections.get_mut(&self.key) else { return reset() };
            let end = &mut connection.ends[self.end];
            if end.reset {
                return reset();
            }
            if end.fin == Fin::Open {
                end.fin = Fin::Wanted;
            }
        }
        self.net.transmit(self.key, self.end);
        Poll::Ready(Ok(()))
    }
}

impl Drop for NetStream {
    fn drop(&mut self) {
        self.net.close(self.key, self.end);
    }
}

impl Net {
    /// Lets `end`'s peer write as many bytes more.
    fn acknowledge(self: &Rc<Self>, key: ConnectionKey, end: usize, bytes: u64) {
        let hosts = self
            .state
            .borrow()
            .connections
            .get(&key)
            .map(|connection| (connection.ends[end].host, connection.ends[1 - end].host));
        let Some((from, to)) = hosts else { return };
        if self.is_lost(from, to, "dropped_acknowledgements", 1) {
            self.freeze(key, 1 - end);
            return;
        }
        self.after_latency(key, move |net| {
            if let Some(connection) = net.state.borrow_mut().connections.get_mut(&key) {
                let peer = &mut connection.ends[1 - end];
                peer.unread_by_peer -= bytes;
                if let Some(waker) = peer.writer.take() {
                    waker.wake();
                }
            }
        });
    }

    /// The stream of `end` is dropped: what it has written is still sent, what comes for it is refused.
    pub(super) fn close(self: &Rc<Self>, key: ConnectionKey, end: usize) {
        {
            let state = &mut *self.state.borrow_mut();
            let Some(connection) = state.connections.get_mut(&key) else { return };
            let closing = &mut connection.ends[end];
            if closing.gone {
                return;
            }
            closing.gone = true;
            closing.inbox.clear();
            if closing.fin == Fin::Open {
                closing.fin = Fin::Wanted;
            }
        }
        self.transmit(key, end);
    }

    /// `end` hears that the connection is no more.
    pub(super) fn reset(&self, key: ConnectionKey, end: usize) {
        let state = &mut *self.state.borrow_mut();
        if let Some(connection) = state.connections.get_mut(&key) {
            let end = &mut connection.ends[end];
            end.reset = true;
            end.inbox.clear();
            end.buffer.clear();
            end.wake();
        }
        Self::reap(state, key);
    }

    /// Forgets a connection that nobody holds and nothing flies on.
    pub(super) fn reap(state: &mut State, key: ConnectionKey) {
        let is_over = |connection: &Connection| {
            let rests = |end: &End| !end.transmitting && end.flying == 0;
            connection.ends.iter().all(|end| (end.gone || !end.attached) && rests(end))
        };
        if state.connections.get(&key).is_some_and(is_over) {
            state.connections.remove(&key);
        }
    }
}
