//! How connections come about: listening, connecting, refusing.

use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use super::stream::NetStream;
use super::{BACKLOG_MAX, Connection, ConnectionKey, End, ListenerState, Net, Phase, Power};
use crate::host::{BoxStream, Listener, LocalFuture};
use crate::world::clock::Clock;
use crate::world::topology::HostKey;
use crate::world::wire;

impl Net {
    /// See [`crate::host::Host::listen`].
    ///
    /// # Errors
    /// The port is taken.
    pub fn listen(self: &Rc<Self>, host: HostKey, port: u16) -> io::Result<Box<dyn Listener>> {
        let state = &mut *self.state.borrow_mut();
        let listeners = &mut state.host(host).listeners;
        if listeners.contains_key(&port) {
            let why = format!("port {port} is taken");
            return Err(io::Error::new(io::ErrorKind::AddrInUse, why));
        }
        listeners.insert(port, ListenerState::default());
        Ok(Box::new(NetListener { net: Rc::clone(self), host, port }))
    }

    /// See [`crate::host::Host::connect`].
    pub fn connect(
        self: &Rc<Self>,
        from: HostKey,
        to: SocketAddr,
    ) -> LocalFuture<'static, io::Result<BoxStream>> {
        let net = Rc::clone(self);
        Box::pin(async move {
            let Some(target) = net.state.borrow().by_ip.get(&to.ip()).copied() else {
                return Err(io::ErrorKind::HostUnreachable.into());
            };
            let key = net.open(from, target);
            // From here on, dropping this future drops the stream and so the connection.
            let stream = NetStream::new(&net, key, 0);
            net.send_syn(key, from, target, to.port());
            poll_fn(|cx| net.poll_connected(key, cx)).await?;
            Ok(Box::new(stream) as BoxStream)
        })
    }

    fn open(&self, from: HostKey, to: HostKey) -> ConnectionKey {
        let latency_ns = self.latency_ns(from, to);
        let window = self.window(from, to, latency_ns);
        let state = &mut *self.state.borrow_mut();
        let key = state.connections_made;
        state.connections_made += 1;
        let ways = (from != to).then(|| [state.way(from, to), state.way(to, from)]);
        let ends = [End::new(from, true), End::new(to, false)];
        let connection = Connection { phase: Phase::Connecting, latency_ns, window, ways, ends };
        state.connections.insert(key, connection);
        key
    }

    fn send_syn(self: &Rc<Self>, key: ConnectionKey, from: HostKey, to: HostKey, port: u16) {
        self.count_wire(key, 0, wire::SYN);
        if self.is_lost(from, to, "lost_connects", 1) {
            return;
        }
        self.after_latency(key, move |net| net.receive_syn(key, port));
    }

    fn receive_syn(self: &Rc<Self>, key: ConnectionKey, port: u16) {
        let state = &mut *self.state.borrow_mut();
        let Some(connection) = state.connections.get_mut(&key) else { return };
        let (from, to) = (connection.ends[0].host, connection.ends[1].host);
        let host = &mut state.hosts[to.0 as usize];
        if host.power == Power::Off {
            return;
        }
        let taken = match host.listeners.get_mut(&port) {
            Some(listener) if listener.waiting.len() < BACKLOG_MAX => {
                listener.waiting.push_back(key);
                connection.ends[1].attached = true;
                if let Some(waker) = listener.waker.take() {
                    waker.wake();
                }
                true
            }
            _ => false,
        };
        let net = Rc::clone(self);
        let answer_at = self.executor.now() + Duration::from_nanos(connection.latency_ns);
        // The answer may meet a cut of its own direction.
        self.executor.at(answer_at, move || {
            net.count_wire(key, 1, wire::SYN);
            if !net.is_lost(to, from, "lost_connects", 1) {
                net.receive_answer(key, taken);
            }
        });
    }

    fn receive_answer(&self, key: ConnectionKey, taken: bool) {
        if let Some(connection) = self.state.borrow_mut().connections.get_mut(&key)
            && connection.phase == Phase::Connecting
        {
            connection.phase = if taken { Phase::Established } else { Phase::Refused };
            connection.ends[0].wake();
        }
    }

    fn poll_connected(&self, key: ConnectionKey, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let state = &mut *self.state.borrow_mut();
        let Some(connection) = state.connections.get_mut(&key) else {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        };
        match connection.phase {
            Phase::Established => Poll::Ready(Ok(())),
            Phase::Refused => Poll::Ready(Err(io::ErrorKind::ConnectionRefused.into())),
            Phase::Connecting if connection.ends[0].reset => {
                Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()))
            }
            Phase::Connecting => {
                connection.ends[0].reader = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

struct NetListener {
    net: Rc<Net>,
    host: HostKey,
    port: u16,
}

impl Listener for NetListener {
    fn accept(&mut self) -> LocalFuture<'_, io::Result<(BoxStream, SocketAddr)>> {
        Box::pin(poll_fn(|cx| {
            let state = &mut *self.net.state.borrow_mut();
            let Some(listener) = state.hosts[self.host.0 as usize].listeners.get_mut(&self.port)
            else {
                return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
            };
            let Some(key) = listener.waiting.pop_front() else {
                listener.waker = Some(cx.waker().clone());
                return Poll::Pending;
            };
            let peer = state.connections.get(&key).map_or(self.host, |c| c.ends[0].host);
            let ip = IpAddr::V4(state.hosts[peer.0 as usize].spec.ip);
            let stream = NetStream::new(&self.net, key, 1);
            Poll::Ready(Ok((Box::new(stream) as BoxStream, SocketAddr::new(ip, 0))))
        }))
    }
}

impl Drop for NetListener {
    fn drop(&mut self) {
        let waiting = {
            let state = &mut *self.net.state.borrow_mut();
            state.host(self.host).listeners.remove(&self.port)
        };
        for key in waiting.map(|listener| listener.waiting).into_iter().flatten() {
            self.net.close(key, 1);
        }
    }
}
