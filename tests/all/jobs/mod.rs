//! Jobs of many sessions in a small cluster, by storage nodes and by a worker: both must make the
//! same of them.

mod copies;
mod damage;
mod guests;
mod lost;
mod posted;
mod random;
mod sessions;
mod stage;
mod worlds;

use bytes::Bytes;
use stayput_store::client::{Client, JobAnswer};

use crate::bad_input::room::{post, run};
use stayput_testkit::cluster::Store;

/// Both who run jobs, in turn.
pub(super) fn both(room: &Store) -> [Client; 2] {
    [room.side.proxies.clone(), room.side.workers.clone()]
}

pub(super) fn header<'a>(answer: &'a JobAnswer, name: &str) -> &'a str {
    answer.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Asserts what came of a job.
pub(super) fn assert_answer(answer: &JobAnswer, status: u16, body: impl Into<Bytes>) {
    let body = body.into();
    let said = String::from_utf8_lossy(&answer.body);
    let why = format!("{said}\n{:?}", answer.headers);
    assert_eq!((answer.status.as_u16(), &answer.body), (status, &body), "{why}");
}

/// A node of a job whose module is the object `module` of the container `demo`.
pub(super) fn node(name: &str, module: &str, devices: &str, more: &str) -> String {
    format!(
        r#"{{"name": "{name}", "exec": {{"path": "swift://~/demo/{module}"}}, "devices": [{devices}] {more}}}"#
    )
}

/// Posts a job of these nodes.
pub(super) async fn job(to: &Client, nodes: &[String]) -> JobAnswer {
    post(to, &format!("[{}]", nodes.join(", "))).await
}

pub(super) fn in_room<F: Future<Output = ()> + 'static>(script: impl Fn(Store) -> F + 'static) {
    run(script);
}
