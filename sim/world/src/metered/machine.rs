//! A host's machine with meters: forwards to the machine, and counts what its connections and cores
//! do.

use std::any::Any;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use stayput_host::{
    BoxStream, ComputeWork, Disk, HostMetric, KnownContents, Label, Listener, LocalFuture, Machine,
    Recorder, Seed, Span, SpanKind, SpentFuel, Stream, Time,
};

use super::disk::MeteredDisk;
use super::{HostMeter, SharedClock, lock};
use crate::clock::Clock;
use crate::ledger::LedgerWayKey;

pub(super) struct MeteredMachine {
    machine: Rc<dyn Machine>,
    meter: Arc<HostMeter>,
    recorder: Rc<dyn Recorder>,
}

impl MeteredMachine {
    pub(super) fn new(machine: Rc<dyn Machine>, meter: Arc<HostMeter>) -> Self {
        let clock: Rc<dyn Clock> = Rc::new(MachineClock(Rc::clone(&machine)));
        let recorder = meter.world.timeline.of_host(meter.key, clock);
        Self { machine, meter, recorder }
    }
}

struct MachineClock(Rc<dyn Machine>);

impl Clock for MachineClock {
    fn now(&self) -> Time {
        self.0.now()
    }

    fn sleep_until(&self, at: Time) -> LocalFuture<'static, ()> {
        self.0.sleep_until(at)
    }
}

impl Machine for MeteredMachine {
    fn now(&self) -> Time {
        self.machine.now()
    }

    fn sleep_until(&self, at: Time) -> LocalFuture<'static, ()> {
        self.machine.sleep_until(at)
    }

    fn spawn(&self, task: LocalFuture<'static, ()>) {
        self.machine.spawn(task);
    }

    fn listen(&self, port: u16) -> io::Result<Box<dyn Listener>> {
        let (listener, meter) = (self.machine.listen(port)?, Arc::clone(&self.meter));
        Ok(Box::new(MeteredListener { listener, meter }))
    }

    fn connect(&self, to: SocketAddr) -> LocalFuture<'static, io::Result<BoxStream>> {
        let (connecting, meter) = (self.machine.connect(to), Arc::clone(&self.meter));
        Box::pin(async move { Ok(metered(connecting.await?, to, &meter)) })
    }

    fn disk(&self, device: &str) -> Option<Rc<dyn Disk>> {
        let disk = self.machine.disk(device)?;
        Some(Rc::new(MeteredDisk::new(disk, device, Rc::clone(&self.recorder))))
    }

    fn compute(&self, work: Box<dyn ComputeWork>) -> LocalFuture<'static, Box<dyn ComputeWork>> {
        let (meter, recorder) = (Arc::clone(&self.meter), Rc::clone(&self.recorder));
        let (asked, job) = (recorder.now(), recorder.job());
        let computing = self.machine.compute(Box::new(MeteredWork { work, meter, ran: None }));
        Box::pin(async move {
            let Ok(done) = computing.await.into_any().downcast::<MeteredWork>() else {
                unreachable!("a backend returned other work than it was given")
            };
            if let Some(Slice { begin, end, spent }) = done.ran {
                let of = |kind, name, begin: Time, end: Time| {
                    Span::new(kind, name, begin, end.max(begin)).of_job(job)
                };
                recorder.add(of(SpanKind::Queue, "core", asked, begin));
                let slice = of(SpanKind::Compute, "slice", begin, end);
                recorder.add(slice.figure("fuel", spent.0));
            }
            done.work
        })
    }

    fn seed(&self) -> Seed {
        self.machine.seed()
    }

    fn contents(&self) -> KnownContents {
        self.machine.contents()
    }

    fn recorder(&self) -> Option<Rc<dyn Recorder>> {
        Some(Rc::clone(&self.recorder))
    }

    fn count(&self, metric: HostMetric, change: i64) {
        self.machine.count(metric, change);
    }
}

struct MeteredListener {
    listener: Box<dyn Listener>,
    meter: Arc<HostMeter>,
}

impl Listener for MeteredListener {
    fn connections_max(&self) -> usize {
        self.listener.connections_max()
    }

    fn accept(&mut self) -> LocalFuture<'_, io::Result<(BoxStream, SocketAddr)>> {
        Box::pin(async move {
            let (stream, peer) = self.listener.accept().await?;
            Ok((metered(stream, peer, &self.meter), peer))
        })
    }
}

/// `stream` to `peer` with a meter; a host's connection to itself needs none.
fn metered(stream: BoxStream, peer: SocketAddr, meter: &Arc<HostMeter>) -> BoxStream {
    match meter.way_to(peer.ip()) {
        Some(way) => Box::new(MeteredStream { stream, way, meter: Arc::clone(meter) }),
        None => stream,
    }
}

struct MeteredStream {
    stream: BoxStream,
    /// From this end to the other.
    way: LedgerWayKey,
    meter: Arc<HostMeter>,
}

impl Stream for MeteredStream {
    fn poll_read(&mut self, cx: &mut Context<'_>, max: usize) -> Poll<io::Result<Bytes>> {
        self.stream.poll_read(cx, max)
    }

    fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        data: &[u8],
        label: Label,
    ) -> Poll<io::Result<usize>> {
        // Held over the write: bytes that have arrived somewhere are in the ledger that anybody
        // reads after that.
        let mut sent = lock(&self.meter.sent);
        let written = ready!(self.stream.poll_write(cx, data, label))?;
        sent.sent(self.way, label, written as u64);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.poll_flush(cx)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.poll_close(cx)
    }
}

/// Work that notes when it ran, on whichever thread, and counts its fuel.
struct MeteredWork {
    work: Box<dyn ComputeWork>,
    meter: Arc<HostMeter>,
    ran: Option<Slice>,
}

struct Slice {
    begin: Time,
    end: Time,
    spent: SpentFuel,
}

impl ComputeWork for MeteredWork {
    fn run(&mut self) -> SpentFuel {
        let clock: &SharedClock = &self.meter.world.clock;
        let begin = clock();
        let spent = self.work.run();
        self.ran = Some(Slice { begin, end: clock(), spent });
        self.meter.add_fuel(spent);
        spent
    }

    fn overhead(&mut self) -> Duration {
        self.work.overhead()
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}
