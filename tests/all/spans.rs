//! Spans: what hosts tell of cores and disks, for which job, and how the job gets from one host to
//! the next.
//!
//! Leaves out what is made of them: see the tests of reports, and of the command's `--trace`.

use std::any::Any;
use std::time::Duration;

use bytes::Bytes;
use stayput_host::topology::HostKey;
use stayput_host::{
    AttemptKind, Backend, ComputeWork, Host, JobNumber, Purpose, SpanKind, SpentFuel, Time,
};
use stayput_store::http;
use stayput_store::http::{Body, Response, Timeouts};
use stayput_world::fault::FaultKind;
use stayput_world::fault::kinds::Crash;
use stayput_world::timeline::{TimeInterval, TimelineDetail};
use stayput_world::{Fault, FaultInjection, RunMeters};

use stayput_testkit::world::{LIMIT, Probe, add, address, fabric, turmoil};

const JOB: JobNumber = JobNumber(7);
const PORT: u16 = 80;
const LIMITS: Timeouts =
    Timeouts { connect: Duration::from_secs(1), answer: Duration::from_secs(1) };

/// Five milliseconds on a core.
struct Busy;

impl ComputeWork for Busy {
    fn run(&mut self) -> SpentFuel {
        SpentFuel(5_000_000)
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

fn ms(from: u64, to: u64) -> TimeInterval {
    let at = |ms| Time::ZERO + Duration::from_millis(ms);
    (at(from), at(to))
}

/// A host that computes three times, one after the other, for [`JOB`].
fn compute_thrice(world: &mut dyn Backend, found: &Probe<()>) -> HostKey {
    let found = found.clone();
    add(world, 0, move |host| {
        let (found, computing) = (found.clone(), host.clone());
        let working = async move {
            for _time in 0..3 {
                drop(computing.compute(Box::new(Busy)).await);
            }
        };
        let working = host.in_job(Some(JOB), working);
        async move {
            working.await;
            found.set(());
        }
    })
}

#[test]
fn a_core_tells_of_each_slice_whom_it_was_for_and_what_it_spent() {
    let (mut world, found) = (fabric(), Probe::new());
    world.timeline().keep(TimelineDetail::Spans);
    let host = compute_thrice(&mut *world, &found);
    found.wait(&mut *world);
    let times = world.timeline().times_of(JOB);
    assert_eq!((times.compute, times.queue), (vec![ms(0, 15)], Vec::new()));
    let spans = world.timeline().take_spans();
    assert_eq!(spans.len(), 3);
    for (on, span) in spans {
        assert_eq!((on, span.kind, span.job), (Some(host), SpanKind::Compute, Some(JOB)));
        assert_eq!(span.figures, [("fuel", 5_000_000)]);
    }
}

#[test]
fn a_slice_begins_when_a_core_is_free_and_the_wait_before_is_queueing() {
    let (mut world, found) = (fabric(), Probe::new());
    world.timeline().keep(TimelineDetail::JobTimes);
    let finding = found.clone();
    add(&mut *world, 0, move |host| {
        let finding = finding.clone();
        async move {
            for job in 0..3 {
                let computing = host.clone();
                let working = async move { drop(computing.compute(Box::new(Busy)).await) };
                host.spawn(host.in_job(Some(JobNumber(job)), working));
            }
            host.sleep(Duration::from_millis(20)).await;
            finding.set(());
        }
    });
    found.wait(&mut *world);
    let times: Vec<_> = (0..3).map(|job| world.timeline().times_of(JobNumber(job))).collect();
    let queued = times.iter().filter(|times| times.queue == [ms(0, 5)]);
    assert_eq!(queued.count(), 1, "two run at once and one waits: {times:?}");
    let late = times.iter().filter(|times| times.compute == [ms(5, 10)]);
    assert_eq!(late.count(), 1, "{times:?}");
    let at_once = times.iter().filter(|times| times.compute == [ms(0, 5)]);
    assert_eq!(at_once.count(), 2, "{times:?}");
}

#[test]
fn a_crash_cuts_a_slice_short() {
    let (mut world, found) = (fabric(), Probe::new());
    world.timeline().keep(TimelineDetail::JobTimes);
    let host = compute_thrice(&mut *world, &found);
    let (at, lasts) = (Time::ZERO + Duration::from_millis(3), Duration::from_secs(7_200));
    world
        .schedule(Fault::once(at, lasts, FaultKind::process(host, Crash)))
        .expect("the host exists");
    world.run(&mut || false, LIMIT);
    assert_eq!(world.timeline().times_of(JOB).compute, [ms(0, 3)]);
}

#[test]
fn what_a_task_of_a_job_spawns_is_for_the_job_and_what_others_do_is_not() {
    let (mut world, found) = (fabric(), Probe::new());
    world.timeline().keep(TimelineDetail::Spans);
    let finding = found.clone();
    add(&mut *world, 0, move |host| {
        let finding = finding.clone();
        async move {
            let write = |host: Host, path: &'static str| async move {
                let disk = host.disk("d1").expect("the host has it");
                let file = disk.create(path).await.expect("there is room");
                file.append(Bytes::from(vec![0; 4_000])).await.expect("there is room");
            };
            let (spawner, within) = (host.clone(), write(host.clone(), "within"));
            host.in_job(Some(JOB), async move { spawner.spawn(within) }).await;
            assert_eq!(host.job(), None, "the job is over, or another one's");
            write(host.clone(), "without").await;
            host.sleep(Duration::from_secs(1)).await;
            finding.set(());
        }
    });
    found.wait(&mut *world);
    // Two writes of 10 us, each after a seek of 100 us; one waits for the other.
    let spans = world.timeline().take_spans();
    let of = |kind| {
        let spans = spans.iter().filter(move |(_, span)| span.kind == kind);
        spans.map(|(_, span)| (span.job, span.end.since(span.begin).as_micros()))
    };
    let mut served: Vec<_> = of(SpanKind::Disk).collect();
    served.sort_unstable();
    assert_eq!(served, [(None, 110), (Some(JOB), 110)]);
    assert_eq!(of(SpanKind::DiskQueue).map(|(_, us)| us).collect::<Vec<_>>(), [110]);
}

#[test]
fn an_attempt_is_told_when_it_has_ended_and_of_one_that_broke_off_what_came_counts() {
    let (mut world, found) = (fabric(), Probe::new());
    world.timeline().keep(TimelineDetail::JobTimes);
    let finding = found.clone();
    add(&mut *world, 0, move |host| {
        let (finding, trying) = (finding.clone(), host.clone());
        let working = async move {
            let wait = || trying.sleep(Duration::from_millis(1));
            let mut failed = trying.attempt(AttemptKind::Session, "session");
            let mut whole = trying.attempt(AttemptKind::Job, "run");
            let given_up = trying.attempt(AttemptKind::Session, "session");
            wait().await;
            failed.failed();
            drop(given_up);
            let mut broken_off = trying.attempt(AttemptKind::Replica, "replica");
            wait().await;
            broken_off.progressed();
            wait().await;
            broken_off.failed();
            let mut outer = trying.attempt(AttemptKind::Request, "request");
            wait().await;
            outer.progressed();
            drop(outer);
            whole.progressed();
            whole.discard_progress();
            whole.failed();
            finding.set(());
        };
        host.in_job(Some(JOB), working)
    });
    found.wait(&mut *world);
    let times = world.timeline().times_of(JOB);
    assert_eq!((times.attempts, times.lost), (vec![ms(1, 2)], vec![ms(0, 4)]));
    assert_eq!((times.lost_sessions, times.lost_requests), (vec![ms(0, 1)], vec![ms(2, 3)]));
}

/// The job that a server works for when it is asked by a client that works for `job`.
fn asked_for(world: &mut dyn Backend, job: Option<JobNumber>) -> Option<JobNumber> {
    add(world, 0, |host| async move {
        let asking = host.clone();
        let handler = move |_| {
            let asking = asking.clone();
            async move {
                let said = asking.job().map_or(String::new(), |job| job.to_string());
                Response::new(Body::full(Purpose::Control, said))
            }
        };
        http::serve(&host, PORT, handler).expect("nothing else listens");
    });
    let found = Probe::new();
    let finding = found.clone();
    add(world, 1, move |host| {
        let (finding, asking) = (finding.clone(), host.clone());
        let asking = async move {
            asking.sleep(Duration::from_millis(10)).await;
            let request = hyper::Request::builder().uri("/").body(Body::empty());
            let request = request.expect("it is a request");
            let sent = http::send(&asking, address(0, PORT), request, LIMITS).await;
            let mut answer = sent.expect("it is answered");
            let said = answer.body.collect(100).await.expect("it is answered whole");
            finding.set(String::from_utf8_lossy(&said).parse().ok());
        };
        host.in_job(job, asking)
    });
    found.wait(world)
}

#[test]
fn a_request_takes_its_job_along_on_every_network_whatever_is_kept() {
    let worlds: [Box<dyn Backend>; 2] = [fabric(), turmoil()];
    for mut world in worlds {
        assert_eq!(asked_for(&mut *world, Some(JOB)), Some(JOB));
    }
    assert_eq!(asked_for(&mut *fabric(), None), None);
    let mut world = fabric();
    world.timeline().keep(TimelineDetail::Spans);
    asked_for(&mut *world, Some(JOB));
    world.run(&mut || false, LIMIT);
    let spans = world.timeline().take_spans();
    let request = spans.iter().find(|(_, span)| span.kind == SpanKind::Request);
    let (on, request) = request.expect("the server tells of it");
    assert_eq!((*on, request.job, &*request.name), (Some(HostKey(0)), Some(JOB), "GET /"));
    assert_eq!(request.figures, [("status", 200)]);
}
