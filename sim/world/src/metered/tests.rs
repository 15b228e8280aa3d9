//! The decorator's meters beside the fabric's own.

use std::any::Any;
use std::cell::Cell;
use std::future::poll_fn;
use std::rc::Rc;
use std::time::Duration;

use stayput_host::config::NetworkConfig;
use stayput_host::contract::{host_address, host_spec};
use stayput_host::{ComputeWork, JobNumber, Label, Purpose, Seed};

use super::*;
use crate::fabric::Fabric;
use crate::timeline::TimelineDetail;

struct Work;

impl ComputeWork for Work {
    fn run(&mut self) -> SpentFuel {
        SpentFuel(700)
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

async fn serve_one(host: Host) {
    let mut listener = host.listen(80).expect("the port is free");
    let (mut stream, peer) = listener.accept().await.expect("host 1 connects");
    assert_eq!(peer.ip(), host_address(1, 0).ip());
    while !poll_fn(|cx| stream.poll_read(cx, 1000)).await.expect("it arrives").is_empty() {}
    poll_fn(|cx| stream.poll_write(cx, b"answer", Label::HEAD)).await.expect("host 1 reads");
}

async fn ask_and_compute(host: Host) {
    let mut stream = host.connect(host_address(0, 80)).await.expect("host 0 listens");
    let label = Label::body(Purpose::ObjectData);
    poll_fn(|cx| stream.poll_write(cx, &[7; 5_000], label)).await.expect("host 0 reads");
    poll_fn(|cx| stream.poll_close(cx)).await.expect("it is open");
    while !poll_fn(|cx| stream.poll_read(cx, 1000)).await.expect("it arrives").is_empty() {}
    assert!(host.compute(Box::new(Work)).await.into_any().is::<Work>());
    let disk = host.disk("d1").expect("the host has it");
    let file = disk.create("a").await.expect("it is new");
    file.append(vec![1; 300].into()).await.expect("there is room");
    file.sync().await.expect("the disk works");
}

#[test]
fn a_backend_with_its_own_meters_agrees() {
    let network = NetworkConfig::uniform(Duration::from_micros(100));
    let fabric = Fabric::new(Seed(1), network, Trace::default());
    let clock: SharedClock = Arc::new(|| Time::ZERO);
    let mut world = Metered::new(fabric, clock, Trace::default());
    world.timeline().keep(TimelineDetail::Spans);
    let ended = Rc::new(Cell::new(false));
    world.add_local_host(host_spec(0), Rc::new(|host| Box::pin(serve_one(host))));
    let ending = Rc::clone(&ended);
    let main = move |host: Host| {
        let (asking, ending) = (ask_and_compute(host.clone()), Rc::clone(&ending));
        host.in_job(Some(JobNumber(3)), async move {
            asking.await;
            ending.set(true);
        })
    };
    world.add_local_host(host_spec(1), Rc::new(main));
    let limit = Time::ZERO + Duration::from_secs(10);
    assert_eq!(world.run(&mut || ended.get(), limit), RunEnd::Done);
    let by_purpose = |ledger: Ledger| (ledger.totals().by_purpose, ledger.totals().by_class);
    assert_eq!(by_purpose(world.ledger()), by_purpose(world.backend.ledger()));
    assert_eq!(world.ledger().totals().payload, 5_006);
    assert_eq!((world.fuel_spent(), world.backend.fuel_spent()), (700, 700));
    let spans = world.timeline().take_spans();
    let told: Vec<_> = spans
        .iter()
        .map(|(host, span)| (*host, span.kind, &*span.name, span.job, span.figures.clone()))
        .collect();
    let (host, job) = (Some(HostKey(1)), Some(JobNumber(3)));
    assert_eq!(
        told,
        [
            (host, stayput_host::SpanKind::Disk, "append", job, vec![("bytes", 300)]),
            (host, stayput_host::SpanKind::Disk, "sync", job, vec![("bytes", 0)]),
        ],
        "work, opening and creating took no time"
    );
}
