//! The seam on turmoil: its sockets, its clock and tokio's local tasks, for one host.
#![expect(
    clippy::disallowed_methods,
    reason = "tokio's clock and tasks are turmoil's: here they are what the seam stands for"
)]

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use stayput_host::topology::HostKey;
use stayput_host::{
    BoxStream, ComputeWork, Disk, Listener, LocalFuture, Machine, Recorder, Seed, Time,
};

use super::Shared;
use super::stream::TurmoilStream;
use crate::clock::Clock;
use crate::parts::StartedParts;

/// turmoil's clock.
pub(super) struct TurmoilClock(pub(super) Rc<Shared>);

impl Clock for TurmoilClock {
    fn now(&self) -> Time {
        if let Some(elapsed) = turmoil::sim_elapsed() {
            self.0.now.set(Time::ZERO + elapsed);
        }
        self.0.now.get()
    }

    fn sleep_until(&self, at: Time) -> LocalFuture<'static, ()> {
        let clock = Self(Rc::clone(&self.0));
        Box::pin(async move {
            // turmoil counts in milliseconds, and what it calls one may begin before its time.
            while clock.now() < at {
                tokio::time::sleep(at.since(clock.now())).await;
            }
        })
    }
}

pub(super) struct TurmoilMachine {
    pub(super) key: HostKey,
    pub(super) shared: Rc<Shared>,
    pub(super) parts: StartedParts,
}

impl Machine for TurmoilMachine {
    fn now(&self) -> Time {
        TurmoilClock(Rc::clone(&self.shared)).now()
    }

    fn sleep_until(&self, at: Time) -> LocalFuture<'static, ()> {
        TurmoilClock(Rc::clone(&self.shared)).sleep_until(at)
    }

    fn spawn(&self, task: LocalFuture<'static, ()>) {
        // The handle is not needed: the task belongs to the host's runtime and ends with it.
        drop(tokio::task::spawn_local(task));
    }

    fn listen(&self, port: u16) -> io::Result<Box<dyn Listener>> {
        let any = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port);
        let mut binding = Box::pin(turmoil::net::TcpListener::bind(any));
        // Binding does not wait for anything.
        let mut cx = Context::from_waker(Waker::noop());
        match binding.as_mut().poll(&mut cx) {
            Poll::Ready(listener) => Ok(Box::new(TurmoilListener {
                listener: listener?,
                key: self.key,
                shared: Rc::clone(&self.shared),
            })),
            Poll::Pending => Err(io::Error::other(format!("turmoil did not bind {any} at once"))),
        }
    }

    fn connect(&self, to: SocketAddr) -> LocalFuture<'static, io::Result<BoxStream>> {
        let (shared, from) = (Rc::clone(&self.shared), self.key);
        Box::pin(async move {
            let stream = turmoil::net::TcpStream::connect(to).await?;
            let way = shared.host_at(to.ip()).and_then(|peer| shared.way(from, peer));
            Ok(Box::new(TurmoilStream::new(stream, way, &shared)) as BoxStream)
        })
    }

    fn disk(&self, device: &str) -> Option<Rc<dyn Disk>> {
        self.parts.disk(device)
    }

    fn compute(&self, work: Box<dyn ComputeWork>) -> LocalFuture<'static, Box<dyn ComputeWork>> {
        self.parts.compute(work)
    }

    fn seed(&self) -> Seed {
        self.parts.seed()
    }

    fn recorder(&self) -> Option<Rc<dyn Recorder>> {
        Some(self.parts.recorder())
    }
}

struct TurmoilListener {
    listener: turmoil::net::TcpListener,
    key: HostKey,
    shared: Rc<Shared>,
}

impl Listener for TurmoilListener {
    fn accept(&mut self) -> LocalFuture<'_, io::Result<(BoxStream, SocketAddr)>> {
        Box::pin(async move {
            let (stream, peer) = self.listener.accept().await?;
            let way =
                self.shared.host_at(peer.ip()).and_then(|host| self.shared.way(self.key, host));
            let stream = TurmoilStream::new(stream, way, &self.shared);
            Ok((Box::new(stream) as BoxStream, peer))
        })
    }
}
