//! Promises of the backend of real sockets and disks beside the seam's contract.

use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use stayput_host::{Backend, Host, HostStartError, LocalFuture, RunEnd, Serving, Time};

use stayput_testkit::world::{LIMIT, Probe, add, address, spec, tcp};

#[test]
fn a_host_that_does_not_exist_cannot_be_reached() {
    let (mut world, found) = (tcp(), Probe::new());
    let finding = found.clone();
    add(&mut *world, 0, move |host| {
        let finding = finding.clone();
        async move { finding.set(host.connect(address(7, 80)).await.map(drop)) }
    });
    let error = found.wait(&mut *world).expect_err("there is nobody");
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
}

#[test]
fn equal_ports_of_two_worlds_are_not_the_same() {
    let mut worlds = [tcp(), tcp()];
    let heard = [Probe::new(), Probe::new()];
    for (world, heard) in worlds.iter_mut().zip(&heard) {
        let heard = heard.clone();
        add(&mut **world, 0, move |host| {
            let heard = heard.clone();
            async move {
                let mut listener = host.listen(80).expect("each world has this port");
                let (_stream, peer) = listener.accept().await.expect("somebody connects");
                heard.set(peer);
            }
        });
    }
    add(&mut *worlds[1], 1, |host| async move {
        host.sleep(Duration::from_millis(5)).await;
        let _stream = host.connect(address(0, 80)).await.expect("it listens");
        host.sleep_until(Time::MAX).await;
    });
    assert_eq!(heard[1].wait(&mut *worlds[1]).ip(), address(1, 0).ip());
    let soon = worlds[0].now() + Duration::from_millis(50);
    assert_eq!(worlds[0].run(&mut || false, soon), RunEnd::TimeLimit);
}

#[test]
fn a_world_whose_tasks_have_all_ended_is_stuck() {
    let mut world = tcp();
    add(&mut *world, 0, |host| async move { host.sleep(Duration::from_millis(1)).await });
    assert_eq!(world.run(&mut || false, LIMIT), RunEnd::Stuck);
}

#[test]
#[should_panic(expected = "an invariant is broken")]
fn a_panic_on_a_host_is_not_lost() {
    let mut world = tcp();
    add(&mut *world, 0, |host| async move {
        host.spawn(async { panic!("an invariant is broken") });
        host.sleep_until(Time::MAX).await;
    });
    world.run(&mut || false, LIMIT);
}

/// Adds a host on a thread of its own, which begins with `begin` and then sleeps for a moment and
/// panics.
fn add_on_thread(world: &mut dyn Backend, begin: fn() -> Result<(), HostStartError>) {
    let main = move |host: Host| -> LocalFuture<'static, Result<Serving, HostStartError>> {
        Box::pin(async move {
            begin()?;
            let serving: Serving = Box::pin(async move {
                host.sleep(Duration::from_millis(1)).await;
                panic!("an invariant is broken")
            });
            Ok(serving)
        })
    };
    world.add_host(spec(0), Arc::new(main));
}

#[test]
#[should_panic(expected = "an invariant is broken")]
fn a_panic_on_another_thread_is_not_lost() {
    let mut world = tcp();
    add_on_thread(&mut *world, || Ok(()));
    world.run(&mut || false, LIMIT);
}

#[test]
#[should_panic(expected = "it cannot begin")]
fn a_panic_of_a_host_that_begins_is_not_lost() {
    let mut world = tcp();
    add_on_thread(&mut *world, || panic!("it cannot begin"));
    world.run(&mut || false, LIMIT);
}

#[test]
#[should_panic(expected = "node:1 did not start: port 80 cannot be listened on")]
fn a_host_that_cannot_begin_ends_the_run() {
    let mut world = tcp();
    add_on_thread(&mut *world, || {
        Err(HostStartError::Port { port: 80, source: io::ErrorKind::AddrInUse.into() })
    });
    world.run(&mut || false, LIMIT);
}

#[test]
fn a_world_that_is_dropped_drops_what_its_hosts_were_doing() {
    let (mut world, found, witness) = (tcp(), Probe::new(), Rc::new(()));
    let held = Rc::clone(&witness);
    add(&mut *world, 0, move |host| {
        let held = Rc::clone(&held);
        async move {
            let mut listener = host.listen(80).expect("the port is free");
            let _stream = listener.accept().await.expect("somebody connects");
            let clock = host.clone();
            host.spawn(async move {
                clock.sleep_until(Time::MAX).await;
                drop(held);
            });
            host.sleep_until(Time::MAX).await;
        }
    });
    let finding = found.clone();
    add(&mut *world, 1, move |host| {
        let finding = finding.clone();
        async move {
            host.sleep(Duration::from_millis(5)).await;
            let _stream = host.connect(address(0, 80)).await.expect("it listens");
            // Nobody accepts this one, so the world still waits for its other end to close.
            drop(host.connect(address(0, 80)).await.expect("it listens"));
            host.sleep(Duration::from_millis(5)).await;
            finding.set(());
            host.sleep_until(Time::MAX).await;
        }
    });
    found.wait(&mut *world);
    assert!(Rc::strong_count(&witness) > 1, "the host still runs");
    drop(world);
    assert_eq!(Rc::strong_count(&witness), 1);
}
