//! A small cluster with a log and a line counter in it, and one client that runs a script.

use std::future::Future;
use std::rc::Rc;

use stayput_store::client::JobAnswer;
use stayput_testkit::cluster::{self, LINECOUNT, Store, count_lines};

pub(crate) use stayput_testkit::cluster::{object, post};

/// The log that good jobs count in, and their answer.
const LOG: &str = "a banana\nan apple\nbananabanana\n";
const COUNTED: &str = "2\n";

/// Runs `script` on the client of a cluster, and returns its value.
pub(crate) fn run<T: 'static, F: Future<Output = T> + 'static>(
    script: impl Fn(Store) -> F + 'static,
) -> T {
    let script = Rc::new(script);
    cluster::run(&cluster::spec(cluster::counts(), cluster::machine()), move |store| {
        let script = Rc::clone(&script);
        async move {
            store.put("linecount.wasm", LINECOUNT).await;
            store.put("log.txt", LOG).await;
            script(store).await
        }
    })
}

/// Fails unless a good job gets its answer.
pub(crate) async fn assert_serves(store: &Store, after: &str) {
    for asked in [&store.side.proxies, &store.side.workers] {
        let answer = post(asked, &good_job()).await;
        assert_eq!(
            (answer.status.as_u16(), answer.body.as_ref()),
            (200, COUNTED.as_bytes()),
            "{after}"
        );
    }
}

/// Job that a good client posts.
pub(crate) fn good_job() -> String {
    job_of("linecount.wasm")
}

/// That job with another executable.
pub(crate) fn job_of(module: &str) -> String {
    count_lines(module, "log.txt")
}

/// Header of an answer as text.
pub(crate) fn header<'a>(answer: &'a JobAnswer, name: &str) -> &'a str {
    answer.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
}

/// Body of an answer as text.
pub(crate) fn text(answer: &JobAnswer) -> String {
    String::from_utf8_lossy(&answer.body).into_owned()
}
