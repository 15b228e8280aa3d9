//! An end of a connection, as the code on a host holds it.

use std::io;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::Bytes;
use stayput_host::{Label, Stream};

use super::connection::{Fin, Flow};
use super::{CHUNK_MAX, FabricNetwork};

pub(super) struct NetStream {
    net: Rc<FabricNetwork>,
    flow: Flow,
}

impl NetStream {
    pub(super) fn new(net: &Rc<FabricNetwork>, flow: Flow) -> Self {
        Self { net: Rc::clone(net), flow }
    }
}

fn reset<T>() -> Poll<io::Result<T>> {
    Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()))
}

impl Stream for NetStream {
    fn poll_read(&mut self, cx: &mut Context<'_>, max: usize) -> Poll<io::Result<Bytes>> {
        let state = &mut *self.net.state.borrow_mut();
        let Some(connection) = state.connections.get_mut(self.flow.connection) else {
            return reset();
        };
        let end = connection.end(self.flow);
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
        self.net.read(state, self.flow.back(), data.len() as u64);
        Poll::Ready(Ok(data))
    }

    fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        data: &[u8],
        label: Label,
    ) -> Poll<io::Result<usize>> {
        let state = &mut *self.net.state.borrow_mut();
        let room = self.net.room_to_write(state, self.flow);
        let Some(connection) = state.connections.get_mut(self.flow.connection) else {
            return reset();
        };
        let end = connection.end(self.flow);
        if end.reset {
            return reset();
        }
        if end.fin != Fin::Open {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let written = data.len().min(room).min(CHUNK_MAX);
        if written == 0 {
            end.writer = Some(cx.waker().clone());
            self.net.await_acknowledgement(state, self.flow);
            return Poll::Pending;
        }
        end.buffer.push_back((label, Bytes::copy_from_slice(&data[..written])));
        end.window.unread += written as u64;
        self.net.queue(state, self.flow);
        Poll::Ready(Ok(written))
    }

    fn poll_close(&mut self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let state = &mut *self.net.state.borrow_mut();
        let Some(connection) = state.connections.get_mut(self.flow.connection) else {
            return reset();
        };
        let end = connection.end(self.flow);
        if end.reset {
            return reset();
        }
        if end.fin == Fin::Open {
            end.fin = Fin::Wanted;
        }
        self.net.queue(state, self.flow);
        Poll::Ready(Ok(()))
    }
}

impl Drop for NetStream {
    fn drop(&mut self) {
        self.net.close(self.flow);
    }
}

impl FabricNetwork {
    /// The stream of a flow's sender is dropped: what it has written is still sent, what comes for
    /// it is refused.
    pub(super) fn close(&self, flow: Flow) {
        let state = &mut *self.state.borrow_mut();
        let Some(connection) = state.connections.get_mut(flow.connection) else { return };
        let closing = connection.end(flow);
        if closing.gone {
            return;
        }
        closing.gone = true;
        closing.inbox.clear();
        if closing.fin == Fin::Open {
            closing.fin = Fin::Wanted;
        }
        self.queue(state, flow);
        Self::reap(state, flow.connection);
    }
}
