//! Whole jobs on one host: inputs that come in pieces, break off, change or cannot be had; pipes,
//! listings and slots.

use std::cell::Cell;
use std::time::Duration;

use futures_util::future::join;
use hyper::HeaderMap;
use stayput_host::LocalFuture;
use stayput_host::config::{ByteRate, DiskConfig, FuelRate, SessionsConfig};
use stayput_runtime::job::parse;
use stayput_store::http::{HeaderValue, StatusCode};
use stayput_store::proxy::{JobAccess, ListedObject, LocateError};

use super::*;
use crate::fixtures::{ACCOUNT, NamedStore, beside, cat, endless, object};
use crate::plan::Planning;
use crate::session::NoSlot;
use crate::session::result::SessionEnd;
use crate::store_access::StoreLookup;

const VERSION: &str = "1704067200.00042";

/// Delivery of an object.
#[derive(Clone)]
enum Delivery {
    /// All of it, in pieces of so many bytes.
    Whole(Vec<u8>, usize),
    /// Its first half, and then nothing more.
    BreaksOff(Vec<u8>),
    /// Its first half, and then all of another version.
    Changes(Vec<u8>),
    /// Nothing, for this reason.
    Fails(StoreAccessError),
    /// Nothing, for no reason.
    Ends,
}

type Deliveries = Rc<dyn Fn(&str, usize) -> Delivery>;

/// Store that delivers objects of the container `c` as it is told, given the name and how often it
/// was asked for before.
struct Delivering {
    host: Host,
    names: NamedStore,
    deliveries: Deliveries,
    asked: RefCell<Vec<(String, Purpose)>>,
}

fn headers(version: &str) -> HeaderMap {
    let value = HeaderValue::try_from(version).expect("it is a value");
    HeaderMap::from_iter([(X_TIMESTAMP, value)])
}

async fn deliver(
    host: Host,
    delivery: Delivery,
    into: Rc<ObjectDownload>,
) -> Result<(), StoreAccessError> {
    host.sleep(Duration::from_millis(1)).await;
    let begin = |etag: &str, content: &[u8]| {
        into.begin(etag.to_owned(), headers(VERSION), Some(content.len() as u64));
    };
    let result = match &delivery {
        Delivery::Whole(content, piece) => {
            begin("one", content);
            for piece in content.chunks(*piece) {
                host.sleep(Duration::from_millis(1)).await;
                into.add(piece);
            }
            Ok(())
        }
        Delivery::BreaksOff(content) | Delivery::Changes(content) => {
            begin("one", content);
            into.add(&content[..content.len() / 2]);
            host.sleep(Duration::from_millis(1)).await;
            match delivery {
                Delivery::Changes(_) => {
                    begin("other", content);
                    into.add(content);
                    Ok(())
                }
                _ => Err(StoreAccessError::TooLong { bytes_max: 1 }),
            }
        }
        Delivery::Fails(error) => Err(error.clone()),
        Delivery::Ends => {
            into.end(false);
            return Ok(());
        }
    };
    into.end(result.is_ok());
    result
}

impl StoreLookup for Delivering {
    fn objects<'a>(
        &'a self,
        container: &'a Path,
        prefix: &'a str,
    ) -> LocalFuture<'a, Result<Vec<ListedObject>, StoreAccessError>> {
        self.names.objects(container, prefix)
    }

    fn containers<'a>(
        &'a self,
        account: &'a Path,
        prefix: &'a str,
    ) -> LocalFuture<'a, Result<Vec<String>, StoreAccessError>> {
        self.names.containers(account, prefix)
    }

    fn may<'a>(
        &'a self,
        path: &'a Path,
        wanted: JobAccess,
    ) -> LocalFuture<'a, Result<(), StoreAccessError>> {
        self.names.may(path, wanted)
    }

    fn content<'a>(
        &'a self,
        object: &'a Path,
        purpose: Purpose,
        bytes_max: u64,
    ) -> LocalFuture<'a, Result<(Bytes, String), StoreAccessError>> {
        self.names.content(object, purpose, bytes_max)
    }
}

impl JobStore for Delivering {
    fn lookup(&self) -> &dyn StoreLookup {
        self
    }

    fn receive(
        &self,
        path: &Path,
        purpose: Purpose,
        into: Rc<ObjectDownload>,
    ) -> LocalFuture<'static, Result<(), StoreAccessError>> {
        let name = path.object().expect("it is an object").to_owned();
        let before = self.asked.borrow().iter().filter(|(asked, _)| *asked == name).count();
        let delivery = (self.deliveries)(&name, before);
        self.asked.borrow_mut().push((name, purpose));
        Box::pin(deliver(self.host.clone(), delivery, into))
    }
}

fn machine(running: u32) -> MachineConfig {
    let rate = ByteRate::new(1_000_000_000).expect("not zero");
    MachineConfig {
        cores: 2,
        fuel_per_second: FuelRate::new(1_000_000).expect("not zero"),
        nic: rate,
        disk: DiskConfig { read: rate, write: rate, seek: Duration::ZERO, capacity: None },
        sessions: SessionsConfig { running, queued: 0, ..SessionsConfig::default() },
    }
}

/// Plan of a job and its posted form, whose devices without a path read `body`.
fn planned(nodes: &str, body: Option<&'static str>) -> (JobPlan, PostedJob) {
    let job = parse(format!("[{nodes}]").as_bytes()).expect("it is a description");
    let images = SystemImages::default();
    let planning = Planning { account: ACCOUNT, system_images: &images };
    let plan = planning.plan(&job, &Default::default()).expect("it can be planned");
    (plan, PostedJob { job, image: None, body: body.map(Bytes::from) })
}

/// Node that runs the object `m` with this input.
fn node(name: &str, devices: &str, more: &str) -> String {
    format!(
        r#"{{"name": "{name}", "exec": {{"path": "swift://~/c/m"}}, "devices": [{devices}]{more}}}"#
    )
}

const CAT: &str = r#"{"name": "stdin", "path": "swift://~/c/in"}, {"name": "stdout"}"#;

/// End and standard output of a session.
type Ended = (SessionEnd, Bytes);
type Versions = Vec<(Path, Timestamp)>;

/// Outcome of a job: of each session its end and output, the versions, and what was asked for.
#[derive(Debug)]
struct Ran {
    result: Result<(Vec<Ended>, Versions), JobError>,
    asked: Vec<(String, Purpose)>,
}

impl Ran {
    fn output(&self) -> &[u8] {
        let (sessions, _) = self.result.as_ref().expect("it ran");
        &sessions[0].1
    }
}

fn run(
    (nodes, body): (&str, Option<&'static str>),
    deliveries: impl Fn(&str, usize) -> Delivery + 'static,
) -> Ran {
    let (nodes, deliveries) = (nodes.to_owned(), Rc::new(deliveries) as Deliveries);
    beside(Vec::new(), move |host| {
        let (plan, posted) = planned(&nodes, body);
        let names = NamedStore::default().with("AUTH_x/c/in", "abc", "text/plain");
        let deliveries = Rc::clone(&deliveries);
        let asked = RefCell::default();
        let store = Delivering { host: host.clone(), names, deliveries, asked };
        async move {
            let runner = JobRunner::new(&host, &machine(1), &SystemImages::default(), None);
            let result = runner.run(&plan, &posted, &store).await.map(|done| {
                let of = |it: SessionResult| (it.end.clone(), it.output("stdout"));
                (done.sessions.into_iter().map(of).collect(), done.inputs)
            });
            Ran { result, asked: store.asked.take() }
        }
    })
}

/// Delivers the module `m` as [`cat`], and the input as given.
fn with_input(input: impl Fn(usize) -> Delivery) -> impl Fn(&str, usize) -> Delivery {
    move |name, before| match name {
        "m" => Delivery::Whole(cat(), 100),
        _ => input(before),
    }
}

fn banana() -> Vec<u8> {
    b"banana ".repeat(30)
}

#[test]
fn a_job_computes_on_what_comes_in_pieces_and_names_the_versions() {
    let ran = run((&node("n", CAT, ""), None), with_input(|_| Delivery::Whole(banana(), 7)));
    assert_eq!(ran.output(), banana());
    let version: Timestamp = VERSION.parse().expect("it is a timestamp");
    let (_, versions) = ran.result.expect("it ran");
    assert_eq!(versions, [(object("m"), version), (object("in"), version)]);
    let asked = [("m".to_owned(), Purpose::JobCode), ("in".to_owned(), Purpose::ObjectData)];
    assert_eq!(ran.asked, asked);
}

#[test]
fn an_input_that_breaks_off_or_changes_is_fetched_anew_and_the_answer_is_of_one_version() {
    for flawed in [Delivery::BreaksOff(banana()), Delivery::Changes(banana())] {
        let ran = run((&node("n", CAT, ""), None), {
            let flawed = flawed.clone();
            with_input(move |before| match before {
                0 | 1 => flawed.clone(),
                _ => Delivery::Whole(banana(), 100),
            })
        });
        assert_eq!(ran.output(), banana());
        assert_eq!(ran.asked.len(), 6, "each attempt fetches all: {:?}", ran.asked);
        let ran = run((&node("n", CAT, ""), None), with_input(move |_| flawed.clone()));
        assert!(matches!(ran.result, Err(JobError::InputsChanged)), "{:?}", ran.result);
        assert_eq!(ran.asked.len(), 6, "so often and no more: {:?}", ran.asked);
    }
}

#[test]
fn an_input_that_cannot_be_had_ends_the_job_with_the_stores_own_words() {
    let missing = LocateError::NotFound { path: object("in") };
    for (delivery, status) in [
        (Delivery::Fails(StoreAccessError::Locate(missing)), StatusCode::NOT_FOUND),
        (
            Delivery::Fails(StoreAccessError::TooLong { bytes_max: 1 }),
            StatusCode::PAYLOAD_TOO_LARGE,
        ),
        (Delivery::Ends, StatusCode::SERVICE_UNAVAILABLE),
    ] {
        let ran = run((&node("n", CAT, ""), None), with_input(move |_| delivery.clone()));
        let error = ran.result.expect_err("it cannot be had");
        assert_eq!(error.status(), status, "{error}");
        assert_eq!(ran.asked.len(), 2, "it was tried once");
    }
}

#[test]
fn a_module_that_is_data_as_well_is_fetched_once_as_data() {
    let devices = r#"{"name": "stdin", "path": "swift://~/c/m"}, {"name": "stdout"}"#;
    let ran = run((&node("n", devices, ""), None), with_input(|_| Delivery::Ends));
    assert_eq!(ran.output(), cat());
    assert_eq!(ran.asked, [("m".to_owned(), Purpose::ObjectData)]);
}

#[test]
fn devices_without_an_object_read_the_body_or_a_listing() {
    let body = r#"{"name": "stdin"}, {"name": "stdout"}"#;
    let ran = run((&node("n", body, ""), Some("posted")), with_input(|_| Delivery::Ends));
    assert_eq!(ran.output(), b"posted");
    let listing = r#"{"name": "stdin", "path": "swift://~/c"}, {"name": "stdout"}"#;
    let ran = run((&node("n", listing, ""), None), with_input(|_| Delivery::Ends));
    let row: serde_json::Value =
        serde_json::from_slice(ran.output()).expect("it is a line of JSON");
    assert_eq!((row["name"].as_str(), row["bytes"].as_u64()), (Some("in"), Some(3)));
}

#[test]
fn sessions_that_talk_stream_to_each_other_on_one_host() {
    let first = node(
        "first",
        r#"{"name": "stdin", "path": "swift://~/c/in"},
                                 {"name": "stdout", "path": "zvm://last:/dev/stdin"}"#,
        "",
    );
    let last = node("last", r#"{"name": "stdin"}, {"name": "stdout"}"#, "");
    let ran =
        run((&format!("{first}, {last}"), None), with_input(|_| Delivery::Whole(banana(), 9)));
    let (sessions, _) = ran.result.expect("it ran");
    assert_eq!(sessions[0].1, "", "its output is the pipe's");
    assert_eq!(sessions[1].1, banana());
}

#[test]
fn a_module_that_is_none_refuses_each_session_and_is_no_failure_of_the_host() {
    let ran = run((&node("n", CAT, ""), None), |_, _| Delivery::Whole(b"no module".to_vec(), 9));
    let (sessions, _) = ran.result.expect("it is a result");
    assert!(matches!(sessions[0].0, SessionEnd::Refused(_)), "{sessions:?}");
}

#[test]
fn a_job_without_a_slot_is_refused_and_has_one_when_the_first_is_done_with() {
    let (first, second, third) = beside(Vec::new(), |host| {
        let (plan, posted) = planned(&node("n", r#"{"name": "stdout"}"#, ""), None);
        let deliveries = Rc::new(|_: &str, _| Delivery::Whole(endless(), 100)) as Deliveries;
        let names = NamedStore::default();
        let store = Delivering { host: host.clone(), names, deliveries, asked: RefCell::default() };
        async move {
            let runner = JobRunner::new(&host, &machine(1), &SystemImages::default(), None);
            let refusal = Cell::new(None);
            let second = async {
                host.sleep(Duration::from_secs(1)).await;
                refusal.set(runner.run(&plan, &posted, &store).await.err());
            };
            let (first, ()) = join(runner.run(&plan, &posted, &store), second).await;
            let first = first.expect("it has the slot");
            let end = first.sessions[0].end.clone();
            let held = runner.driver.slots().take_now().is_err();
            drop(first);
            (end, refusal.take(), held && runner.driver.slots().take_now().is_ok())
        }
    });
    assert_eq!(first, SessionEnd::OutOfTime);
    let Some(JobError::NoSlot(NoSlot::QueueFull { running: 1, waiting: 0 })) = second else {
        panic!("{second:?}")
    };
    assert!(third, "the slot was held with the result, and no longer");
}
