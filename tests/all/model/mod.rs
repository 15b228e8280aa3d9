//! The truth of the fabric's model: bandwidth, sharing, latency, loss and headers, held against
//! what can be computed exactly.

mod bandwidth;
mod fairness;
mod handshake;
mod latency;
mod loss;
mod random;
mod trouble;
mod wire;

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use stayput_host::config::{ByteRate, NetworkConfig};
use stayput_host::topology::{HostPlace, HostSpec};
use stayput_host::{Backend, BoxStream, Host, Label, Purpose, RunEnd, Seed, Time};
use stayput_world::Trace;
use stayput_world::fabric::Fabric;

use stayput_testkit::world::spec;

pub(crate) const LABEL: Label = Label::body(Purpose::ObjectData);
/// A chunk, as the network cuts them.
pub(crate) const CHUNK: u64 = 65_536;
/// Bytes of a chunk on the wire: 46 segments with 66 bytes of headers each.
pub(crate) const CHUNK_WIRE: u64 = CHUNK + 46 * 66;

/// A host in a zone of region 1 with a card of so many bytes per second.
pub(crate) fn machine(index: u8, zone: u32, nic: u64) -> HostSpec {
    let nic = ByteRate::new(nic).expect("not zero");
    HostSpec { nic, place: HostPlace::Zone { region: 1, zone }, ..spec(index) }
}

pub(crate) fn world(network: NetworkConfig) -> Box<Fabric> {
    Box::new(Fabric::new(Seed(3), network, Trace::default()))
}

/// Flows between hosts that send for ever, and how many bytes each has brought over so far.
pub(crate) struct Flows(Vec<Rc<Cell<u64>>>);

impl Flows {
    /// Adds `hosts` to the world, and a flow for each pair of them.
    pub(crate) fn begin(
        world: &mut dyn Backend,
        hosts: &[HostSpec],
        flows: &[(usize, usize)],
    ) -> Self {
        let brought: Vec<Rc<Cell<u64>>> = flows.iter().map(|_| Rc::default()).collect();
        for (index, spec) in hosts.iter().enumerate() {
            let of = |wanted: &dyn Fn(&(usize, usize)) -> bool| -> Vec<usize> {
                (0..flows.len()).filter(|flow| wanted(&flows[*flow])).collect()
            };
            let incoming: Vec<(u16, Rc<Cell<u64>>)> = of(&|(_, to)| *to == index)
                .into_iter()
                .map(|flow| (port(flow), Rc::clone(&brought[flow])))
                .collect();
            let outgoing: Vec<SocketAddr> = of(&|(from, _)| *from == index)
                .into_iter()
                .map(|flow| SocketAddr::new(IpAddr::V4(hosts[flows[flow].1].ip), port(flow)))
                .collect();
            world.add_local_host(
                spec.clone(),
                Rc::new(move |host| {
                    for (port, brought) in &incoming {
                        host.spawn(receive(host.clone(), *port, Rc::clone(brought)));
                    }
                    for to in &outgoing {
                        host.spawn(send(host.clone(), *to));
                    }
                    Box::pin(async {})
                }),
            );
        }
        Self(brought)
    }

    /// Runs until `at`; says how many bytes each flow has brought over by then.
    pub(crate) fn at(&self, world: &mut dyn Backend, at: Duration) -> Vec<u64> {
        assert_eq!(world.run(&mut || false, Time::ZERO + at), RunEnd::TimeLimit);
        self.0.iter().map(|brought| brought.get()).collect()
    }

    /// Bytes per second that each flow brings over between two times.
    pub(crate) fn rates(&self, world: &mut dyn Backend, from: Duration, to: Duration) -> Vec<f64> {
        let before = self.at(world, from);
        let after = self.at(world, to);
        let seconds = (to - from).as_secs_f64();
        before.iter().zip(after).map(|(before, after)| (after - before) as f64 / seconds).collect()
    }
}

fn port(flow: usize) -> u16 {
    1_000 + u16::try_from(flow).expect("few flows")
}

async fn receive(host: Host, port: u16, brought: Rc<Cell<u64>>) {
    let mut listener = host.listen(port).expect("the port is free");
    let (mut stream, _) = listener.accept().await.expect("somebody connects");
    while let Ok(data) = poll_fn(|cx| stream.poll_read(cx, 1 << 20)).await {
        brought.set(brought.get() + data.len() as u64);
    }
}

async fn send(host: Host, to: SocketAddr) {
    host.sleep(Duration::from_millis(1)).await;
    let mut stream = host.connect(to).await.expect("it listens");
    let data = vec![7; 65_536];
    while poll_fn(|cx| stream.poll_write(cx, &data, LABEL)).await.is_ok() {}
}

/// Observation of one transfer.
#[derive(Clone, Debug)]
pub(crate) struct Transfer {
    /// From before the first byte was written until the last was read; how the reader saw it end.
    pub(crate) took: Duration,
    pub(crate) brought: u64,
}

/// A transfer that has been set up, in a world that may yet be troubled.
pub(crate) struct Begun {
    seen: Rc<RefCell<Seen>>,
    bytes: u64,
}

#[derive(Clone, Copy, Default)]
struct Seen {
    connected: Option<Time>,
    last_read: Option<Time>,
    brought: u64,
}

/// Host 0 connects to host 1 at `begin`, sends `bytes` and closes; the time counts from when it is
/// connected.
pub(crate) fn transfer(
    world: &mut dyn Backend,
    hosts: [HostSpec; 2],
    begin: Duration,
    bytes: u64,
) -> Transfer {
    begin_transfer(world, hosts, begin, bytes).end(world)
}

/// Sets up what [`transfer`] does.
pub(crate) fn begin_transfer(
    world: &mut dyn Backend,
    hosts: [HostSpec; 2],
    begin: Duration,
    bytes: u64,
) -> Begun {
    let seen: Rc<RefCell<Seen>> = Rc::default();
    let to = SocketAddr::new(IpAddr::V4(hosts[1].ip), 80);
    let [sender, receiver] = hosts;
    let sending = Rc::clone(&seen);
    let send = move |host: Host| {
        let seen = Rc::clone(&sending);
        async move {
            host.sleep(begin).await;
            let mut stream = host.connect(to).await.expect("it listens");
            seen.borrow_mut().connected = Some(host.now());
            write(&mut stream, bytes).await;
        }
    };
    world.add_local_host(sender, Rc::new(move |host| Box::pin(send(host))));
    let receiving = Rc::clone(&seen);
    let receive = move |host: Host| {
        let seen = Rc::clone(&receiving);
        async move {
            let mut listener = host.listen(80).expect("the port is free");
            let (mut stream, _) = listener.accept().await.expect("somebody connects");
            while let Ok(data) = poll_fn(|cx| stream.poll_read(cx, 1 << 20)).await {
                if data.is_empty() {
                    break;
                }
                let mut seen = seen.borrow_mut();
                seen.last_read = Some(host.now());
                seen.brought += data.len() as u64;
            }
        }
    };
    world.add_local_host(receiver, Rc::new(move |host| Box::pin(receive(host))));
    Begun { seen, bytes }
}

impl Begun {
    /// Runs until all is there, or nothing more can come.
    pub(crate) fn end(self, world: &mut dyn Backend) -> Transfer {
        let limit = Time::ZERO + Duration::from_secs(600);
        let end = world.run(&mut || self.seen.borrow().brought >= self.bytes, limit);
        assert!(matches!(end, RunEnd::Done | RunEnd::Stuck), "{end:?}");
        let Seen { connected, last_read, brought } = *self.seen.borrow();
        let took = last_read.unwrap_or(limit).since(connected.expect("it is connected"));
        Transfer { took, brought }
    }
}

async fn write(stream: &mut BoxStream, bytes: u64) {
    let data = vec![7; 65_536];
    let mut left = usize::try_from(bytes).expect("small");
    while left > 0 {
        let piece = &data[..left.min(data.len())];
        match poll_fn(|cx| stream.poll_write(cx, piece, LABEL)).await {
            Ok(written) => left -= written,
            Err(_) => return,
        }
    }
}
