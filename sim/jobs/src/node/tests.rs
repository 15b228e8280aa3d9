//! The job service of a storage node with one object: orders that it carries out, those that it
//! refuses, and the status by which a proxy knows why.

use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};
use md5::{Digest, Md5};
use stayput_host::TimedOut;
use stayput_host::config::{ByteRate, DiskConfig, FuelRate, SessionsConfig};
use stayput_host::contract::host_address;
use stayput_runtime::device::{DeviceKind, DeviceMode};
use stayput_store::http::{BodyError, Timeouts};
use stayput_store::node::{NodeConfig, StorageNode};
use stayput_store::swift::{NODE_PORT, Path, Timestamp};

use super::*;
use crate::fixtures::{ServerMain, beside, bytes_of, cat, endless, object, program};
use crate::message::{MessageError, PEER_LOST};
use crate::session::NoSlot;
use crate::session::result::{SESSION_TIME_MAX, SessionRefusal};

const LIMITS: Timeouts =
    Timeouts { connect: Duration::from_secs(1), answer: Duration::from_secs(60) };
const DISK: &str = "d1";
const PARTITION: u32 = 7;
const VERSION: &str = "1704067200.00042";
const CONTENT: &[u8] = b"a banana\n";

fn machine(running: u32, queued: u32) -> MachineConfig {
    let rate = ByteRate::new(1_000_000_000).expect("not zero");
    MachineConfig {
        cores: 2,
        fuel_per_second: FuelRate::new(1_000_000).expect("not zero"),
        nic: rate,
        disk: DiskConfig { read: rate, write: rate, seek: Duration::ZERO, capacity: None },
        sessions: SessionsConfig { running, queued, ..SessionsConfig::default() },
    }
}

/// A storage node with its services, and the job service beside them.
fn node(machine: MachineConfig) -> ServerMain {
    Box::new(move |host: Host| {
        let (own, machine) = (host.clone(), machine.clone());
        host.spawn(async move {
            let name_hash = Rc::new(|path: &Path| Md5::digest(path.encoded()).into());
            let config = NodeConfig::new(vec![DISK.to_owned()], NODE_PORT, name_hash);
            let node = StorageNode::recover(own.clone(), config).await;
            let images = SystemImages::default();
            serve(&own, NODE_PORT, node.objects(), &machine, images, None).expect("it is free");
            node.listen().expect("the ports are free").await;
        });
    })
}

/// Side of a proxy that orders sessions.
#[derive(Clone)]
struct Orderer {
    host: Host,
}

#[derive(Debug)]
struct Reply {
    status: u16,
    body: Bytes,
}

impl Reply {
    fn report(self) -> (SessionReport, Vec<(PartRole, Bytes)>) {
        assert_eq!(self.status, 200, "{}", self.text());
        decode(self.body).expect("it is a report")
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).trim_end().to_owned()
    }
}

impl Orderer {
    async fn ask(
        &self,
        method: Method,
        port: u16,
        path: &str,
        headers: HeaderMap,
        body: Body,
    ) -> Reply {
        let request = hyper::Request::builder().method(method).uri(path).body(body);
        let mut request = request.expect("it is a request");
        request.headers_mut().extend(headers);
        let answer = http::send(&self.host, host_address(0, port), request, LIMITS).await;
        let mut answer = answer.expect("it is answered");
        let body = answer.body.collect(1 << 20).await.expect("it comes whole");
        Reply { status: answer.status.as_u16(), body }
    }

    async fn post(&self, path: &str, body: Body) -> Reply {
        self.ask(Method::POST, job_port(NODE_PORT), path, HeaderMap::new(), body).await
    }

    async fn order(&self, order: &SessionOrder, parts: &[Bytes]) -> Reply {
        let parts = parts.iter().map(|part| (Purpose::JobCode, part.clone())).collect();
        let body = encode(order, parts).expect("it is short");
        self.post(&status_path(&order.id, order.attempt), body).await
    }

    async fn is_running(&self, order: &SessionOrder) -> bool {
        let path = status_path(&order.id, order.attempt);
        let port = job_port(NODE_PORT);
        self.ask(Method::GET, port, &path, HeaderMap::new(), Body::empty()).await.status == 200
    }

    /// Stores the node's only object.
    async fn put(&self) {
        let path = format!("/{DISK}/{PARTITION}{}", object("o").encoded());
        let headers = [("x-timestamp", VERSION), ("content-type", "text/plain")];
        let headers = headers
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        let body = Body::full(Purpose::ObjectData, CONTENT);
        let stored = self.ask(Method::PUT, NODE_PORT, &path, headers.into_iter().collect(), body);
        assert_eq!(stored.await.status, 201);
    }
}

/// Value of `script` beside a node of that machine.
fn with_node<T: 'static, F: Future<Output = T> + 'static>(
    machine: MachineConfig,
    script: impl Fn(Orderer) -> F + 'static,
) -> T {
    beside(vec![node(machine)], move |host| {
        let running = script(Orderer { host: host.clone() });
        async move {
            // Time for the node to recover.
            host.sleep(Duration::from_secs(1)).await;
            running.await
        }
    })
}

fn part(role: PartRole, bytes: &[u8]) -> PartHead {
    PartHead { role, bytes: bytes.len() as u64 }
}

fn device(name: &str, kind: DeviceKind, source: OrderedSource) -> OrderedDevice {
    OrderedDevice { name: name.to_owned(), kind, mode: DeviceMode::File, source }
}

/// Order of a session that runs `module`, which is pushed, and writes its standard output.
fn order(module: &[u8]) -> SessionOrder {
    SessionOrder {
        id: "job-0-0".to_owned(),
        attempt: 1,
        session: "s".to_owned(),
        args: vec!["s".to_owned()],
        env: Vec::new(),
        module: OrderedModule::Pushed,
        system_images: Vec::new(),
        devices: vec![device("stdout", DeviceKind::SequentialWrite, OrderedSource::Written)],
        gang: String::new(),
        pipe_room: 9,
        local: None,
        parts: vec![part(PartRole::Module, module)],
        wants_load: false,
    }
}

/// The same with a standard input.
fn reading(module: &[u8], source: OrderedSource) -> SessionOrder {
    let mut order = order(module);
    order.devices.insert(0, device("stdin", DeviceKind::SequentialRead, source));
    order
}

/// The node's own object in that version, for the standard input.
fn local(version: &str) -> SessionOrder {
    let version: Timestamp = version.parse().expect("it is a timestamp");
    let (disk, path) = (DISK.to_owned(), object("o"));
    let local = LocalObject { disk, partition: PARTITION, path, version };
    SessionOrder { local: Some(local), ..reading(&cat(), OrderedSource::Local) }
}

fn ok() -> SessionEnd {
    SessionEnd::Guest(EndReason::Exited { code: 0 })
}

#[test]
fn a_session_reads_the_nodes_own_replica_and_reports_its_output_and_costs() {
    let (report, parts) = with_node(machine(1, 0), |orderer| async move {
        orderer.put().await;
        orderer.order(&local(VERSION), &[cat().into()]).await.report()
    });
    assert_eq!((report.id.as_str(), report.attempt, &report.end), ("job-0-0", 1, &ok()));
    let output = (PartRole::Device("stdout".to_owned()), Bytes::from_static(CONTENT));
    assert_eq!(parts, [output]);
    let total = report.accounting.total();
    assert_eq!((total.read_bytes, total.written_bytes), (9, 9));
    assert!(report.fuel > 0 && report.core_us == report.fuel, "{report:?}");
    assert!(report.took_us >= report.core_us, "{report:?}");
    assert_eq!(report.load, None, "it was not asked for");
}

#[test]
fn a_replica_that_is_not_what_the_order_names_is_refused_and_another_one_may_do() {
    let replies = with_node(machine(1, 0), |orderer| async move {
        orderer.put().await;
        let mut replies = Vec::new();
        let at = |change: fn(&mut LocalObject)| {
            let mut order = local(VERSION);
            order.local.as_mut().into_iter().for_each(change);
            order
        };
        for order in [
            local("1704067200.00041"),
            local("1704067200.00043"),
            at(|object| object.path = crate::fixtures::object("other")),
            at(|object| object.partition += 1),
            at(|object| object.disk = "d9".to_owned()),
        ] {
            replies.push(orderer.order(&order, &[cat().into()]).await);
        }
        replies
    });
    let statuses: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
    assert_eq!(statuses, [409, 409, 404, 404, 507], "{replies:?}");
}

#[test]
fn pushed_parts_are_read_by_the_device_of_their_name() {
    let parts = with_node(machine(1, 0), |orderer| async move {
        let mut order = reading(&cat(), OrderedSource::Pushed);
        order.parts.push(part(PartRole::Device("other".to_owned()), b"wrong"));
        order.parts.push(part(PartRole::Device("stdin".to_owned()), b"right"));
        let pushed = [cat().into(), Bytes::from_static(b"wrong"), Bytes::from_static(b"right")];
        orderer.order(&order, &pushed).await.report().1
    });
    assert_eq!(parts[0].1, "right");
}

#[test]
fn an_order_that_lacks_something_is_refused_by_what_it_lacks() {
    let replies = with_node(machine(1, 0), |orderer| async move {
        let no_module = SessionOrder { parts: Vec::new(), ..order(&[]) };
        let no_input = reading(&cat(), OrderedSource::Pushed);
        let no_object = reading(&cat(), OrderedSource::Local);
        [
            orderer.order(&no_module, &[]).await,
            orderer.order(&no_input, &[cat().into()]).await,
            orderer.order(&no_object, &[cat().into()]).await,
        ]
    });
    let texts = ["its module", "stdin", "its local object"];
    for (reply, text) in replies.iter().zip(texts) {
        assert_eq!((reply.status, reply.text()), (400, format!("the order lacks {text}")));
    }
}

#[test]
fn what_is_no_order_or_is_posted_to_the_path_of_another_is_refused() {
    let replies = with_node(machine(1, 0), |orderer| async move {
        let whole = |order: &SessionOrder| {
            encode(order, vec![(Purpose::JobCode, program().into())]).expect("it is short")
        };
        let (mine, other) = (order(&program()), SessionOrder { attempt: 2, ..order(&program()) });
        let cut = bytes_of(whole(&mine)).slice(..100);
        [
            orderer.post("/running/job-0-0/1", Body::full(Purpose::Control, "")).await,
            orderer.post("/running/job-0-0/1", Body::full(Purpose::Control, cut)).await,
            orderer.post("/running/job-0-0/1", whole(&other)).await,
            orderer.post("/running/job-1-0/1", whole(&mine)).await,
            orderer.post("/running/job-0-0/1", whole(&mine)).await,
        ]
    });
    let statuses: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
    assert_eq!(statuses, [400, 400, 400, 400, 200]);
    assert!(replies[0].text().starts_with("the message is malformed"), "{}", replies[0].text());
    let text = "/running/job-1-0/1 is not the path of the order that it brings";
    assert_eq!(replies[3].text(), text);
}

#[test]
fn code_that_cannot_run_is_a_result_and_no_failure_of_the_node() {
    let ends = with_node(machine(1, 0), |orderer| async move {
        let run = async |order: &SessionOrder, parts: &[Bytes]| {
            orderer.order(order, parts).await.report().0.end
        };
        let bad = Bytes::from_static(b"no module");
        let module = run(&order(&bad), std::slice::from_ref(&bad)).await;
        let (good, no_tar) = (Bytes::from(program()), Bytes::from_static(b"no tar"));
        let mut images = order(&good);
        images.parts.push(part(PartRole::Image, &no_tar));
        let image = run(&images, &[good.clone(), no_tar]).await;
        let mut unknown = order(&good);
        unknown.system_images.push("nothing".to_owned());
        [module, image, run(&unknown, &[good]).await]
    });
    let SessionEnd::Refused(SessionRefusal::Module { .. }) = &ends[0] else { panic!("{ends:?}") };
    for end in &ends[1..] {
        assert!(matches!(end, SessionEnd::Refused(SessionRefusal::Image { .. })), "{end:?}");
    }
}

/// Order that runs until the session's time is over.
fn long(id: &str) -> SessionOrder {
    let module = endless();
    SessionOrder { id: id.to_owned(), ..order(&module) }
}

#[test]
fn an_attempt_is_known_from_its_order_to_its_report_and_cannot_run_twice() {
    let (before, during, twice, end, after) = with_node(machine(2, 0), |orderer| async move {
        let order = long("job-0-0");
        let before = orderer.is_running(&order).await;
        let (other, ordered) = (orderer.clone(), order.clone());
        let (done, report) = tokio::sync::oneshot::channel();
        orderer.host.spawn(async move {
            let report = other.order(&ordered, &[endless().into()]).await.report().0;
            let _heard = done.send(report.end);
        });
        orderer.host.sleep(Duration::from_secs(1)).await;
        let during = orderer.is_running(&order).await;
        let twice = orderer.order(&order, &[endless().into()]).await;
        let end = report.await.expect("it is reported");
        (before, during, twice, end, orderer.is_running(&order).await)
    });
    assert_eq!((before, during, after), (false, true, false));
    assert_eq!((twice.status, twice.text().as_str()), (400, "/running/job-0-0/1 runs already"));
    assert_eq!(end, SessionEnd::OutOfTime);
}

#[test]
fn who_finds_no_slot_is_sent_on_and_who_leaves_makes_room() {
    let (waits, full, gang, next, load) = with_node(machine(1, 1), |orderer| async move {
        let first = long("first");
        let (one, two) = (long("one"), long("two"));
        let ask = |order: SessionOrder, limit: u64| {
            let (orderer, host) = (orderer.clone(), orderer.host.clone());
            async move {
                let asked = async { orderer.order(&order, &[endless().into()]).await };
                host.timeout(Duration::from_millis(limit), asked).await
            }
        };
        let leaves = ask(first, 3_000);
        let waits = ask(one, 2_000);
        let meanwhile = async {
            orderer.host.sleep(Duration::from_millis(500)).await;
            let full = ask(two, 1_000).await;
            let gang = SessionOrder { gang: "g".to_owned(), ..long("gang") };
            (full, ask(gang, 1_000).await)
        };
        let (_left, (waited, (full, gang))) = join(leaves, join(waits, meanwhile)).await;
        let wants_load = SessionOrder { wants_load: true, ..order(&program()) };
        orderer.host.sleep(Duration::from_millis(50)).await;
        let next = orderer.order(&wants_load, &[program().into()]).await;
        let load = (next.status == 200).then(|| next.report().0.load);
        (waited.map(|_| ()), full, gang, load.is_some(), load.flatten())
    });
    assert!(waits.is_err(), "it was in the queue until it left");
    let (full, gang) = (full.expect("it is answered"), gang.expect("it is answered"));
    assert_eq!((full.status, gang.status), (503, 503));
    assert_eq!(full.text(), "1 sessions run here and 1 wait: ask another host");
    assert_eq!(gang.text(), "1 sessions run here: ask another host");
    assert!(next, "the first one left");
    assert_eq!(load, Some(NodeLoad { running: 0, waiting: 0 }), "without the one that asks");
}

#[test]
fn a_reader_whose_writer_never_comes_is_out_of_time_and_its_writer_finds_nobody() {
    let (end, took, late) = with_node(machine(2, 0), |orderer| async move {
        let pipe = OrderedSource::Pipe { number: 0, reader: None };
        let reader = SessionOrder { gang: "g".to_owned(), ..reading(&cat(), pipe) };
        let begun = orderer.host.now();
        let report = orderer.order(&reader, &[cat().into()]).await.report().0;
        let took = orderer.host.now().since(begun);
        let body = Body::full(Purpose::JobToJob, b"\0\0\0\x01x\0\0\0\0".to_vec());
        let put =
            orderer.ask(Method::PUT, job_port(NODE_PORT), "/pipes/g/1/0", HeaderMap::new(), body);
        (report.end, took, put.await.status)
    });
    assert_eq!(end, SessionEnd::OutOfTime);
    assert!(took >= SESSION_TIME_MAX && took < 2 * SESSION_TIME_MAX, "{took:?}");
    assert!([200, 410].contains(&late), "{late}");
}

#[test]
fn a_pipe_may_be_written_before_its_reader_is_there() {
    let parts = with_node(machine(2, 0), |orderer| async move {
        let body = Body::full(Purpose::JobToJob, b"\0\0\0\x03ban\0\0\0\x03ana\0\0\0\0".to_vec());
        let early = orderer.clone();
        orderer.host.spawn(async move {
            let path = "/pipes/g/1/0?room=100";
            early.ask(Method::PUT, job_port(NODE_PORT), path, HeaderMap::new(), body).await;
        });
        orderer.host.sleep(Duration::from_millis(100)).await;
        let pipe = OrderedSource::Pipe { number: 0, reader: None };
        let reader = SessionOrder { gang: "g".to_owned(), ..reading(&cat(), pipe) };
        orderer.order(&reader, &[cat().into()]).await.report().1
    });
    assert_eq!(parts[0].1, "banana");
}

#[test]
fn a_broken_pipe_is_the_loss_of_a_peer_and_no_result() {
    let reply = with_node(machine(2, 0), |orderer| async move {
        let body = Body::full(Purpose::JobToJob, b"\0\0\0\x03ban".to_vec());
        let early = orderer.clone();
        orderer.host.spawn(async move {
            let port = job_port(NODE_PORT);
            early.ask(Method::PUT, port, "/pipes/g/1/0", HeaderMap::new(), body).await;
        });
        orderer.host.sleep(Duration::from_millis(100)).await;
        let pipe = OrderedSource::Pipe { number: 0, reader: None };
        let reader = SessionOrder { gang: "g".to_owned(), ..reading(&cat(), pipe) };
        orderer.order(&reader, &[cat().into()]).await
    });
    assert_eq!(reply.status, PEER_LOST.as_u16(), "{}", reply.text());
    assert!(reply.text().contains("device stdin failed"), "{}", reply.text());
}

#[test]
fn a_writer_whose_reader_has_no_host_is_told_of_its_loss() {
    let reply = with_node(machine(2, 0), |orderer| async move {
        let reader = Some(host_address(50, 6_204));
        let pipe = OrderedSource::Pipe { number: 0, reader };
        let mut writer = reading(&cat(), OrderedSource::Pushed);
        writer.parts.push(part(PartRole::Device("stdin".to_owned()), CONTENT));
        writer.devices[1].source = pipe;
        writer.gang = "g".to_owned();
        orderer.order(&writer, &[cat().into(), Bytes::from_static(CONTENT)]).await
    });
    assert_eq!(reply.status, PEER_LOST.as_u16(), "{}", reply.text());
}

#[test]
fn every_failure_of_a_session_has_the_status_that_proxies_know_it_by() {
    let end = || EndReason::DeviceFailed { device: "stdin".to_owned(), reason: "why".to_owned() };
    let path = || "/running/j/1".to_owned();
    let disk = NodeError::NoDevice { path: path(), device: "d9".to_owned() };
    let late = PipeTransportError::NoAnswer(http::SendError::TimedOut {
        to: host_address(0, 1),
        source: TimedOut { limit: Duration::from_secs(1) },
    });
    let kind = |error: &SessionError| match error {
        SessionError::Order(_) => 0,
        SessionError::NoSlot(_) => 1,
        SessionError::Replica(_) => 2,
        SessionError::PeerUnreachable(_) => 3,
        SessionError::PeerLost { .. } => 4,
        SessionError::DeviceFailed { .. } => 5,
        SessionError::Report(_) => 6,
    };
    let mut kinds = Vec::new();
    for (error, status) in [
        (OrderError::Running { path: path() }.into(), 400),
        (OrderError::Body(BodyError::TooLong { limit_bytes: 1 }).into(), 400),
        (OrderError::Message(MessageError::Rest).into(), 400),
        (OrderError::OtherPath { path: path() }.into(), 400),
        (OrderError::Missing { what: "its module".to_owned() }.into(), 400),
        (SessionError::NoSlot(NoSlot::AllTaken { running: 1 }), 503),
        (SessionError::Replica(NodeError::NotFound { path: path(), deleted: None }), 404),
        (SessionError::Replica(disk), 507),
        (SessionError::PeerUnreachable(late), 424),
        (SessionError::PeerUnreachable(PipeTransportError::Broken), 424),
        (SessionError::PeerLost { end: end() }, 424),
        (SessionError::DeviceFailed { end: end() }, 507),
        (SessionError::Report(MessageError::NoHead), 500),
    ] {
        let text = error.to_string();
        kinds.push(kind(&error));
        let response = error.into_response();
        assert_eq!(response.status().as_u16(), status, "{text}");
        assert_eq!(bytes_of(response.into_body()), format!("{text}\n"));
    }
    kinds.dedup();
    assert_eq!(kinds, [0, 1, 2, 3, 4, 5, 6], "each kind is a case");
}
