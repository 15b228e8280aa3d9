//! Handshakes of connections: listening, connecting, refusing.

use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use stayput_host::config::Jitter;
use stayput_host::topology::HostKey;
use stayput_host::{BoxStream, Listener, LocalFuture, Time};

use super::connection::{Congestion, Connection, End, Flow, Phase};
use super::draw::{Purpose, jitter_ns};
use super::stream::NetStream;
use super::{
    BACKLOG_MAX, ConnectionKey, FabricNetwork, LOOPBACK_LATENCY_NS, ListenerState, NetworkSignal,
    Power, State,
};
use crate::clock::Clock;
use crate::wire;

/// First timeout of a handshake (RFC 6298); twice as long each time.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(1);
/// Retries of a handshake, as many as Linux makes.
const HANDSHAKES_AGAIN_MAX: u32 = 6;

impl FabricNetwork {
    /// Listens on a port, as [`stayput_host::Host::listen`] promises.
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

    /// Connects, as [`stayput_host::Host::connect`] promises.
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
            let stream = NetStream::new(&net, Flow { connection: key, end: 0 });
            net.send_syn(key, to.port(), 0);
            poll_fn(|cx| net.poll_connected(key, cx)).await?;
            Ok(Box::new(stream) as BoxStream)
        })
    }

    fn open(&self, from: HostKey, to: HostKey) -> ConnectionKey {
        let state = &mut *self.state.borrow_mut();
        let is_loopback = from == to;
        let (latency_ns, jitter) = if is_loopback {
            (LOOPBACK_LATENCY_NS, Jitter::None)
        } else {
            let link = self.link(state, from, to);
            (stayput_host::time::nanos(link.latency), link.jitter)
        };
        let nth = state.host(from).opened.entry(to).or_default();
        *nth += 1;
        let identity = self.draws.identity(from, to, *nth);
        let number = state.connections_made;
        state.connections_made += 1;
        let ends = [self.end(state, from, to, true), self.end(state, to, from, false)];
        let window = Self::window(state, from, to, latency_ns);
        let phase = Phase::Connecting;
        state.connections.insert(Connection {
            number,
            identity,
            phase,
            latency_ns,
            jitter,
            window,
            is_loopback,
            ends,
        })
    }

    fn end(&self, state: &mut State, from: HostKey, to: HostKey, attached: bool) -> End {
        let place = |host: HostKey| state.hosts[host.0 as usize].spec.place;
        let (here, there) = (place(from), place(to));
        let trunk = state.trunk(&self.config, here, there);
        let way = (from != to).then(|| {
            let way = state.way(from, to);
            state.ledger.way(way)
        });
        let mut end = End::new(from, way, trunk, attached);
        if self.config.slow_start && from != to {
            end.window.congestion = Some(Congestion::new());
        }
        end
    }

    /// Begins the handshake, or begins again what was not answered, unless that was tried too often
    /// or nobody waits any more.
    pub(super) fn send_syn(&self, key: ConnectionKey, port: u16, tries: u32) {
        let state = &mut *self.state.borrow_mut();
        let flow = Flow { connection: key, end: 0 };
        let Some(connection) = state.connections.get_mut(key) else { return };
        let end = connection.end(flow);
        let waits = !end.gone && !end.reset;
        if connection.phase != Phase::Connecting || !waits {
            return;
        }
        if tries > HANDSHAKES_AGAIN_MAX {
            // The other end, if it has heard of it, has tried to answer as often.
            self.reset_in(state, flow.back());
            self.reset_in(state, flow);
            return;
        }
        match self.control(state, flow, tries) {
            Some(at) => {
                self.signal_at(at, NetworkSignal::SynArrives { connection: key, port, tries })
            }
            None => self.handshake_again(key, port, tries),
        }
    }

    /// Lets a handshake that is not answered begin again, or fail after the last time.
    fn handshake_again(&self, key: ConnectionKey, port: u16, tries: u32) {
        let at = self.executor.now() + HANDSHAKE_TIMEOUT * 2_u32.pow(tries);
        self.signal_at(at, NetworkSignal::Syn { connection: key, port, tries: tries + 1 });
    }

    /// Sends a segment of a handshake: when it arrives, or `None` if it is lost to a cut. What the
    /// link loses is sent again.
    fn control(&self, state: &mut State, flow: Flow, tries: u32) -> Option<Time> {
        let connection = state.connections.get(flow.connection)?;
        let (from, to) = super::send::ends(connection, flow);
        let (identity, latency_ns) = (connection.identity, connection.latency_ns);
        let (jitter, way) = (connection.jitter, connection.ends[flow.index()].way);
        let mut wire_bytes = wire::SYN;
        let cuts = state.cuts(from, to);
        for fault in &cuts {
            state.effects.entry(*fault).or_default().add("lost_connects", 1);
        }
        let mut delay_ns = latency_ns + if cuts.is_empty() { state.delay_ns(from, to) } else { 0 };
        let losing = self.losing(state, from, to);
        if !losing.never() || jitter != Jitter::None {
            let nth = u64::from(tries);
            let mut stream = self.draws.stream(Purpose::HandshakeLoss, identity, flow.end, nth);
            delay_ns += jitter_ns(jitter, &mut stream);
            let lost = losing.lose_handshake(&mut stream, HANDSHAKES_AGAIN_MAX);
            for (fault, count) in &lost.by_fault {
                state.effects.entry(*fault).or_default().add("lost_segments", *count);
            }
            wire_bytes += wire::SYN * u64::from(lost.times);
            let wait = HANDSHAKE_TIMEOUT * (2_u32.pow(lost.times) - 1);
            delay_ns += stayput_host::time::nanos(wait);
        }
        if let Some(way) = way {
            state.ledger.on_wire(way, wire_bytes);
        }
        let at = Time::from_nanos(self.executor.now().as_nanos().saturating_add(delay_ns));
        cuts.is_empty().then_some(at)
    }

    pub(super) fn receive_syn(&self, key: ConnectionKey, port: u16, tries: u32) {
        let state = &mut *self.state.borrow_mut();
        let Some(connection) = state.connections.get_mut(key) else { return };
        let to = connection.ends[1].host;
        let host = &mut state.hosts[to.0 as usize];
        if host.power == Power::Off {
            state.charge_down(to, "unanswered_connects", 1);
            self.handshake_again(key, port, tries);
            return;
        }
        let taken = match host.listeners.get_mut(&port) {
            // Known already: its answer was lost.
            Some(_) if connection.ends[1].attached => true,
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
        if !taken {
            state.charge_down(to, "refused_connects", 1);
        }
        match self.control(state, Flow { connection: key, end: 1 }, tries) {
            Some(at) => self.signal_at(at, NetworkSignal::Answer { connection: key, taken }),
            None => self.handshake_again(key, port, tries),
        }
    }

    pub(super) fn receive_answer(&self, key: ConnectionKey, taken: bool) {
        let state = &mut *self.state.borrow_mut();
        let Some(connection) = state.connections.get_mut(key) else { return };
        if connection.phase != Phase::Connecting {
            return;
        }
        connection.phase = if taken { Phase::Established } else { Phase::Refused };
        connection.ends[0].wake();
        if let Some(way) = connection.ends[0].way {
            state.ledger.on_wire(way, wire::SEGMENT_HEADER);
        }
    }

    fn poll_connected(&self, key: ConnectionKey, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let state = &mut *self.state.borrow_mut();
        let Some(connection) = state.connections.get_mut(key) else {
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
    net: Rc<FabricNetwork>,
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
            let peer = state.connections.get(key).map_or(self.host, |c| c.ends[0].host);
            let ip = IpAddr::V4(state.hosts[peer.0 as usize].spec.ip);
            let stream = NetStream::new(&self.net, Flow { connection: key, end: 1 });
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
            self.net.close(Flow { connection: key, end: 1 });
        }
    }
}
