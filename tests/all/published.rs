//! The example that ZeroCloud published, with the request as its client sends it, compared with a
//! count that no guest made.
//!
//! Leaves out everything else about images and scripts.

use std::future::poll_fn;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use stayput_cluster::{ACCOUNT, ClientSide, Cluster, ClusterPlan, ClusterSpec, TOKEN};
use stayput_engine::plan::{Net, RunPlan};
use stayput_engine::scenario::Scenario;
use stayput_host::{Host, Label, LocalFuture};
use stayput_jobs::placement::PlacementConfig;
use stayput_store::client::Client;
use stayput_store::swift::Path;

use stayput_testkit::world::{Probe, fabric};

/// The job, byte for byte.
const JOB: &str = r#"[{
    "name": "zerovmdemo",
    "exec": { "path": "file://python2.7:python", "args": "demo.py" },
    "devices": [
        {"name": "python2.7"},
        {"name": "stdout"},
        {"name": "input", "path": "swift://~/demo/logile.txt"},
        {"name": "image", "path": "swift://~/demo/demo.tar"}
    ]
}]
"#;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../scenarios")
}

fn scenario() -> Scenario {
    Scenario::load(&folder().join("published.toml")).expect("the scenario is good")
}

/// Puts the scenario's objects into the store.
async fn load(store: &Client, plan: &RunPlan) {
    let container = Path::account_only(ACCOUNT).and_then(|path| path.with_container("demo"));
    store.put_container(&container.expect("a good name")).await.expect("it is made");
    for object in &plan.objects {
        let path = Path::object_of(ACCOUNT, &object.container, &object.object).expect("a name");
        let stored = store.put_object(&path, object.content.clone(), &object.content_type);
        stored.await.expect("it is stored");
    }
}

/// Sends the published request to a proxy or a worker; gives the whole answer.
async fn ask(host: &Host, server: &Client) -> String {
    let request = format!(
        "POST /v1/{ACCOUNT} HTTP/1.1\r\nHost: store\r\nConnection: close\r\nX-Auth-Token: {TOKEN}\r\n\
         X-Zerovm-Execute: 1.0\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{JOB}",
        JOB.len()
    );
    let mut stream = host.connect(server.proxies[0]).await.expect("it listens");
    let mut rest = request.as_bytes();
    while !rest.is_empty() {
        let sent = poll_fn(|cx| stream.poll_write(cx, rest, Label::HEAD)).await.expect("it hears");
        rest = &rest[sent..];
    }
    let mut heard = Vec::new();
    loop {
        let bytes = poll_fn(|cx| stream.poll_read(cx, 1 << 16)).await.expect("it speaks");
        if bytes.is_empty() {
            return String::from_utf8(heard).expect("the answer is text");
        }
        heard.extend_from_slice(&bytes);
    }
}

#[test]
fn the_scenarios_job_and_script_are_the_published_ones() {
    let scenario = scenario();
    assert_eq!(scenario.work[0].jobs[0].text, JOB);
    let script = std::fs::read_to_string(folder().join("jobs/demo.py")).expect("it is committed");
    assert!(script.contains("print count\n"), "{script}");
}

#[test]
#[ignore = "needs the Python images: stayput image python"]
fn the_published_request_is_answered_with_the_count() {
    let plan = RunPlan::build(scenario(), 1, Net::Fabric, false);
    let plan = Rc::new(plan.unwrap_or_else(|error| panic!("{error}")));
    let log = &plan.objects[0].content;
    let lines = log.split(|byte| *byte == b'\n');
    let counted = lines.filter(|line| line.windows(6).any(|word| word == b"banana")).count();
    assert!(counted > 100, "the log has something to count: {counted}");
    let spec = ClusterSpec {
        counts: plan.scenario.cluster.clone(),
        node: plan.scenario.node.clone(),
        worker: plan.scenario.worker.clone(),
        images: plan.images.clone(),
        placement: PlacementConfig::default(),
        seed: plan.seed,
    };
    let mut world = fabric();
    let found = Probe::new();
    let (finding, loading) = (found.clone(), Rc::clone(&plan));
    let main = move |_, side: ClientSide| -> LocalFuture<'static, ()> {
        let (finding, plan) = (finding.clone(), Rc::clone(&loading));
        Box::pin(async move {
            load(&side.proxies, &plan).await;
            side.host.sleep(Duration::from_secs(1)).await;
            let near = ask(&side.host, &side.proxies).await;
            let far = ask(&side.host, &side.workers).await;
            finding.set([near, far]);
        })
    };
    let plan = ClusterPlan::simulated(&spec).expect("the ring can be built");
    let _cluster = Cluster::assemble(&mut *world, plan, &(Rc::new(main) as _));
    for answer in found.wait(&mut *world) {
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        assert!(head.starts_with("HTTP/1.1 200 "), "{answer}");
        assert_eq!(body, format!("{counted}\n"), "{answer}");
        assert!(head.to_lowercase().contains("x-nexe-retcode: 0\r\n"), "{head}");
    }
}
