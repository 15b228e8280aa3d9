//! Hosts of a small world, a store of given names, and results of sessions, for this crate's tests.
//!
//! Leaves out real storage nodes: jobs on those are tested with whole clusters.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::Body as _;
use stayput_host::config::{FuelRate, NetworkConfig};
use stayput_host::contract::host_spec;
use stayput_host::topology::HostSpec;
use stayput_host::{Backend, Host, LocalFuture, Purpose, RunEnd, Seed, Time};
use stayput_runtime::image::{Image, ImageLimits};
use stayput_runtime::outcome::{Accounting, EndReason};
use stayput_store::http::{Body, StatusCode};
use stayput_store::proxy::{ErrorResponse, JobAccess, ListedObject};
use stayput_store::swift::Path;
use stayput_world::Trace;
use stayput_world::fabric::Fabric;

use crate::session::result::{Agreement, SessionEnd, SessionResult};
use crate::store_access::{StoreAccessError, StoreLookup};
use crate::system_images::SystemImages;

/// Account of the caller.
pub(crate) const ACCOUNT: &str = "AUTH_x";
/// Simulated time by which every script has ended.
const LIMIT: Time = Time::from_nanos(3_600_000_000_000);
/// Number of the host that runs the script.
const SCRIPT: u8 = 99;

/// The object `c/NAME` of [`ACCOUNT`].
pub(crate) fn object(name: &str) -> Path {
    Path::object_of(ACCOUNT, "c", name).expect("it is a path")
}

/// Host of [`host_spec`] that computes a million units of fuel per second, so that a session that
/// never ends costs the test next to nothing.
fn slow_host(index: u8) -> HostSpec {
    let fuel_per_second = FuelRate::new(1_000_000).expect("not zero");
    HostSpec { fuel_per_second, ..host_spec(index) }
}

/// Main function of a host, which serves from its start on.
pub(crate) type ServerMain = Box<dyn Fn(Host)>;

/// Output of `script`, on a host beside others that run `servers`: the first is the host 0 of
/// [`host_spec`]. All links take a millisecond.
pub(crate) fn beside<T: 'static, F: Future<Output = T> + 'static>(
    servers: Vec<ServerMain>,
    script: impl Fn(Host) -> F + 'static,
) -> T {
    let network = NetworkConfig::uniform(Duration::from_millis(1));
    let mut world = Fabric::new(Seed(1), network, Trace::default());
    for (index, main) in (0..).zip(servers) {
        let main = move |host| {
            main(host);
            Box::pin(async {}) as LocalFuture<'static, ()>
        };
        world.add_local_host(slow_host(index), Rc::new(main));
    }
    let found = Rc::new(RefCell::new(None));
    let (finding, script) = (Rc::clone(&found), Rc::new(script));
    let main = move |host| {
        let (finding, running) = (Rc::clone(&finding), script(host));
        Box::pin(async move {
            let output = running.await;
            *finding.borrow_mut() = Some(output);
        }) as LocalFuture<'static, ()>
    };
    world.add_local_host(slow_host(SCRIPT), Rc::new(main));
    let end = world.run(&mut || found.borrow().is_some(), LIMIT);
    assert_eq!(end, RunEnd::Done, "the script did not come to its end");
    found.take().expect("the run ended because it was there")
}

/// All bytes of a body that waits for nobody.
pub(crate) fn bytes_of(mut body: Body) -> Bytes {
    let mut cx = Context::from_waker(Waker::noop());
    let mut whole = Vec::new();
    while let Poll::Ready(Some(frame)) = Pin::new(&mut body).poll_frame(&mut cx) {
        let data = frame.expect("it is whole").into_data().expect("it has no trailers");
        whole.extend_from_slice(&data);
    }
    whole.into()
}

/// Tar of these files.
pub(crate) fn tar_of(members: &[(&str, &[u8])]) -> Bytes {
    let mut tar = tar::Builder::new(Vec::new());
    for (path, bytes) in members {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, path, *bytes).expect("a tar in memory takes all");
    }
    tar.into_inner().expect("a tar in memory takes all").into()
}

/// Smallest program: it does nothing and ends.
pub(crate) fn program() -> Vec<u8> {
    let types = b"\x01\x04\x01\x60\0\0";
    let functions = b"\x03\x02\x01\0";
    let memories = b"\x05\x03\x01\0\x01";
    let exports = b"\x07\x13\x02\x06_start\0\0\x06memory\x02\0";
    let code = b"\x0a\x04\x01\x02\0\x0b";
    [b"\0asm\x01\0\0\0", &types[..], functions, memories, exports, code].concat()
}

/// Program that copies its standard input to its standard output.
pub(crate) fn cat() -> Vec<u8> {
    let text = r#"(module
        (import "wasi_snapshot_preview1" "fd_read"
            (func $read (param i32 i32 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "fd_write"
            (func $write (param i32 i32 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
        (memory (export "memory") 2)
        (func $must (param $error i32)
            (if (local.get $error) (then (call $exit (local.get $error)))))
        (func (export "_start")
            (loop $again
                (i32.store (i32.const 0) (i32.const 1024))
                (i32.store (i32.const 4) (i32.const 65536))
                (call $must (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
                (if (i32.eqz (i32.load (i32.const 8))) (then (return)))
                (i32.store (i32.const 4) (i32.load (i32.const 8)))
                (call $must (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 12)))
                (br $again))))"#;
    wat::parse_str(text).expect("the guest is good")
}

/// Program that never ends.
pub(crate) fn endless() -> Vec<u8> {
    let text = r#"(module (memory (export "memory") 1)
        (func (export "_start") (loop $again (br $again))))"#;
    wat::parse_str(text).expect("the guest is good")
}

/// System images of these names, each with the program [`program`] as its file `run`.
pub(crate) fn system_images(names: &[&str]) -> SystemImages {
    let tar = tar_of(&[("run", &program())]);
    let image = Arc::new(Image::from_tar(&tar, ImageLimits::default()).expect("it is a tar"));
    let images = names.iter().map(|name| ((*name).to_owned(), Arc::clone(&image)));
    SystemImages::new(images.collect()).expect("they are names")
}

/// Result of the session `name`, which exited with `code` and wrote `outputs`.
pub(crate) fn exited(name: &str, code: u32, outputs: &[(&str, &str)]) -> SessionResult {
    let output = |(device, content): &(&str, &str)| {
        ((*device).to_owned(), Bytes::from((*content).to_owned()))
    };
    SessionResult {
        name: name.to_owned(),
        end: SessionEnd::Guest(EndReason::Exited { code }),
        fuel: 7,
        took: Duration::from_micros(2_500),
        core: Duration::from_micros(500),
        accounting: Accounting::default(),
        outputs: outputs.iter().map(output).collect(),
        colocated: true,
        copies: Agreement::ALONE,
    }
}

/// Store of given objects, which records each call.
#[derive(Default)]
pub(crate) struct NamedStore {
    /// Contents and content types.
    objects: BTreeMap<Path, (Bytes, String)>,
    /// Status of every denial; access is granted without one.
    denial: Option<StatusCode>,
    calls: RefCell<Vec<String>>,
}

impl NamedStore {
    /// Store of empty objects: `account/container/object` each.
    pub(crate) fn of(names: &[&str]) -> Self {
        names.iter().fold(Self::default(), |store, name| store.with(name, "", ""))
    }

    /// Adds the object `account/container/object`.
    pub(crate) fn with(mut self, name: &str, content: &str, content_type: &str) -> Self {
        let mut parts = name.splitn(3, '/');
        let mut next = || parts.next().expect("a name has three parts");
        let path = Path::object_of(next(), next(), next()).expect("it is a path");
        let content = Bytes::from(content.to_owned());
        self.objects.insert(path, (content, content_type.to_owned()));
        self
    }

    /// Denies all access to other accounts with that status.
    pub(crate) fn denying(mut self, status: u16) -> Self {
        self.denial = Some(StatusCode::from_u16(status).expect("it is a status"));
        self
    }

    /// Calls so far, in their order.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.calls.borrow().clone()
    }

    fn called(&self, call: String) {
        self.calls.borrow_mut().push(call);
    }
}

impl StoreLookup for NamedStore {
    fn objects<'a>(
        &'a self,
        container: &'a Path,
        prefix: &'a str,
    ) -> LocalFuture<'a, Result<Vec<ListedObject>, StoreAccessError>> {
        self.called(format!("list {container} {prefix:?}"));
        let row = |(path, (content, content_type)): (&Path, &(Bytes, String))| {
            let name = path.object().filter(|_| path.to_container().as_ref() == Some(container))?;
            name.starts_with(prefix).then(|| ListedObject {
                name: name.to_owned(),
                hash: "0".repeat(32),
                bytes: content.len() as u64,
                content_type: content_type.clone(),
                last_modified: "1970-01-01T00:00:00.000000".to_owned(),
            })
        };
        let rows = self.objects.iter().filter_map(row).collect();
        Box::pin(async move { Ok(rows) })
    }

    fn containers<'a>(
        &'a self,
        account: &'a Path,
        prefix: &'a str,
    ) -> LocalFuture<'a, Result<Vec<String>, StoreAccessError>> {
        self.called(format!("list {account} {prefix:?}"));
        let of_account = self.objects.keys().filter(|path| path.account() == account.account());
        let names = of_account.filter_map(|path| path.container().map(str::to_owned));
        let mut names: Vec<String> = names.filter(|name| name.starts_with(prefix)).collect();
        names.dedup();
        Box::pin(async move { Ok(names) })
    }

    fn may<'a>(
        &'a self,
        path: &'a Path,
        wanted: JobAccess,
    ) -> LocalFuture<'a, Result<(), StoreAccessError>> {
        self.called(format!("may {wanted:?} {path}"));
        let denied = self.denial.map(|status| ErrorResponse::new(status, "denied"));
        Box::pin(async move { denied.map_or(Ok(()), |why| Err(StoreAccessError::Denied(why))) })
    }

    fn content<'a>(
        &'a self,
        object: &'a Path,
        purpose: Purpose,
        bytes_max: u64,
    ) -> LocalFuture<'a, Result<(Bytes, String), StoreAccessError>> {
        self.called(format!("get {object} for {} up to {bytes_max}", purpose.name()));
        let found = self.objects.get(object).cloned();
        let missing = StoreAccessError::NoDownload { path: object.clone() };
        Box::pin(async move { found.ok_or(missing) })
    }
}
