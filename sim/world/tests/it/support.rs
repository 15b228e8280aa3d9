//! Small worlds: hosts that send each other bytes, and a probe for what they find out.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use stayput_host::config::{ByteRate, DiskConfig, FuelRate, NetworkConfig};
use stayput_host::topology::{HostKey, HostPlace, HostSpec};
use stayput_host::{Backend, BoxStream, Host, Label, Purpose, RunEnd, Seed, Time};
use stayput_world::Trace;
use stayput_world::fabric::Fabric;

/// A gigabit per second, in bytes.
pub(crate) const GBIT: u64 = 125_000_000;
/// One way between any two hosts.
pub(crate) const LATENCY: Duration = Duration::from_micros(500);
/// Label of all bodies here.
pub(crate) const LABEL: Label = Label::body(Purpose::ALL[0]);
/// Later than anything that a test waits for.
pub(crate) const LIMIT: Time = Time::from_nanos(3_600_000_000_000);

pub(crate) const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(crate) fn at(millis: u64) -> Time {
    Time::ZERO + ms(millis)
}

pub(crate) fn rate(bytes_per_second: u64) -> ByteRate {
    ByteRate::new(bytes_per_second).expect("not zero")
}

/// Hosts 0 and 1 stand in zone 1, hosts 2 and 3 in zone 2.
pub(crate) fn spec(index: u8) -> HostSpec {
    HostSpec {
        name: format!("node:{}", index + 1),
        ip: Ipv4Addr::new(10, 0, 0, index + 1),
        place: HostPlace::Zone { region: 1, zone: u32::from(index) / 2 + 1 },
        is_worker: false,
        nic: rate(GBIT),
        cores: 2,
        fuel_per_second: FuelRate::new(1_000_000_000).expect("not zero"),
        disks: vec!["d1".to_owned(), "d2".to_owned()],
        disk: disk_config(),
    }
}

/// A millisecond per megabyte read, two per megabyte written, 100 µs per seek.
pub(crate) fn disk_config() -> DiskConfig {
    DiskConfig {
        read: rate(1_000_000_000),
        write: rate(500_000_000),
        seek: Duration::from_micros(100),
        capacity: None,
    }
}

pub(crate) fn address(host: HostKey, port: u16) -> SocketAddr {
    let index = u8::try_from(host.0).expect("few hosts");
    SocketAddr::new(IpAddr::V4(spec(index).ip), port)
}

pub(crate) fn network() -> NetworkConfig {
    NetworkConfig::uniform(LATENCY)
}

pub(crate) fn world(network: NetworkConfig) -> Fabric {
    Fabric::new(Seed(1), network, Trace::keeping_lines())
}

pub(crate) fn add<F: Future<Output = ()> + 'static>(
    world: &mut Fabric,
    spec: HostSpec,
    main: impl Fn(Host) -> F + 'static,
) -> HostKey {
    world.add_local_host(spec, Rc::new(move |host| Box::pin(main(host))))
}

/// Value that a host finds out. Clones share it.
#[derive(Debug)]
pub(crate) struct Probe<T>(Rc<RefCell<Option<T>>>);

impl<T> Clone for Probe<T> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<T> Probe<T> {
    pub(crate) fn new() -> Self {
        Self(Rc::new(RefCell::new(None)))
    }

    pub(crate) fn set(&self, value: T) {
        *self.0.borrow_mut() = Some(value);
    }

    pub(crate) fn is_set(&self) -> bool {
        self.0.borrow().is_some()
    }

    /// Runs the world until the value is set.
    pub(crate) fn wait(&self, world: &mut Fabric) -> T {
        let end = world.run(&mut || self.is_set(), LIMIT);
        assert_eq!(end, RunEnd::Done);
        self.0.borrow_mut().take().expect("it is set")
    }
}

pub(crate) async fn write_all(stream: &mut BoxStream, data: &[u8]) -> io::Result<()> {
    write_labelled(stream, data, LABEL).await
}

pub(crate) async fn write_labelled(
    stream: &mut BoxStream,
    data: &[u8],
    label: Label,
) -> io::Result<()> {
    let mut sent = 0;
    while sent < data.len() {
        sent += poll_fn(|cx| stream.poll_write(cx, &data[sent..], label)).await?;
    }
    Ok(())
}

pub(crate) async fn close(stream: &mut BoxStream) -> io::Result<()> {
    poll_fn(|cx| stream.poll_close(cx)).await
}

pub(crate) async fn read_some(stream: &mut BoxStream, max: usize) -> io::Result<Bytes> {
    poll_fn(|cx| stream.poll_read(cx, max)).await
}

/// All bytes up to the end of the stream.
pub(crate) async fn read_to_end(stream: &mut BoxStream) -> io::Result<Vec<u8>> {
    let mut all = Vec::new();
    loop {
        let data = read_some(stream, 1 << 20).await?;
        if data.is_empty() {
            return Ok(all);
        }
        all.extend_from_slice(&data);
    }
}

/// Bytes that depend on their position, so that a swap is seen.
pub(crate) fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at.wrapping_mul(31) ^ (at >> 8)).to_le_bytes()[0]).collect()
}

/// Result of a transfer: the receiver's end of it, and when that was.
pub(crate) type Received = (io::Result<Vec<u8>>, Time);

/// A transfer under way.
pub(crate) struct Transfer {
    pub(crate) sent: Probe<io::Result<()>>,
    pub(crate) received: Probe<Received>,
}

/// A transfer to be made: when it begins, the two hosts, and its bytes.
pub(crate) type Sending = (Duration, u8, u8, usize);

/// Adds hosts 0 to 3; from `begin` on, each pair's first host sends its second so many bytes.
pub(crate) fn transfers(
    world: &mut Fabric,
    begin: Duration,
    pairs: &[(u8, u8, usize)],
) -> Vec<Transfer> {
    let sendings: Vec<Sending> =
        pairs.iter().map(|(from, to, bytes)| (begin, *from, *to, *bytes)).collect();
    transfers_at(world, &sendings)
}

/// Adds hosts 0 to 3, which make each transfer at its own time.
pub(crate) fn transfers_at(world: &mut Fabric, sendings: &[Sending]) -> Vec<Transfer> {
    let begun: Vec<(u16, Sending, Transfer)> = (1_000..)
        .zip(sendings)
        .map(|(port, pair)| (port, *pair, Transfer { sent: Probe::new(), received: Probe::new() }))
        .collect();
    for index in 0..4 {
        let mine: Vec<_> = begun
            .iter()
            .map(|(port, pair, t)| (*port, *pair, t.sent.clone(), t.received.clone()))
            .collect();
        add(world, spec(index), move |host| {
            for (port, (begin, from, to, bytes), sent, received) in mine.clone() {
                if to == index {
                    host.spawn(receive(host.clone(), port, received.clone()));
                }
                if from == index && !sent.is_set() {
                    let to = address(HostKey(u32::from(to)), port);
                    let task = send(host.clone(), Time::ZERO + begin, to, bytes);
                    host.spawn(async move { sent.set(task.await) });
                }
            }
            async {}
        });
    }
    begun.into_iter().map(|(_, _, transfer)| transfer).collect()
}

/// Runs the next event, and what it makes ready; false if none was left.
pub(crate) fn step(world: &mut Fabric) -> bool {
    let mut asked = 0;
    let mut after_one = || {
        asked += 1;
        asked > 1
    };
    world.run(&mut after_one, LIMIT) == RunEnd::Done
}

async fn send(host: Host, begin: Time, to: SocketAddr, bytes: usize) -> io::Result<()> {
    host.sleep_until(begin).await;
    let mut stream = host.connect(to).await?;
    write_all(&mut stream, &pattern(bytes)).await?;
    close(&mut stream).await?;
    // The receiver closes when it has all.
    read_some(&mut stream, 1).await.map(drop)
}

async fn receive(host: Host, port: u16, received: Probe<Received>) {
    let mut listener = host.listen(port).expect("the port is free");
    let (mut stream, _) = listener.accept().await.expect("it listens");
    let data = read_to_end(&mut stream).await;
    received.set((data, host.now()));
}

/// One transfer from host 0 to host 2; the time at which it was whole.
pub(crate) fn transfer_time(network: NetworkConfig, bytes: usize) -> Time {
    let mut world = world(network);
    let transfers = transfers(&mut world, Duration::ZERO, &[(0, 2, bytes)]);
    let (data, when) = transfers[0].received.wait(&mut world);
    assert_eq!(data.expect("nothing is in the way"), pattern(bytes));
    when
}
