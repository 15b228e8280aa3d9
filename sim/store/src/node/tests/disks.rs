//! Answers of a node while its disk is full or fails, and after it is well again.

use std::time::Duration;

use stayput_host::config::Chance;
use stayput_host::topology::HostKey;
use stayput_world::fault::FaultKind;
use stayput_world::fault::kinds::{FullDisk, ReadErrors};

use super::world::{fault, run};
use crate::http::Method;

fn full() -> FaultKind {
    FaultKind::disk(HostKey(0), Some("d1"), FullDisk)
}

fn failing() -> FaultKind {
    let chance = Chance::per_billion(Chance::BILLION).unwrap();
    FaultKind::disk(HostKey(0), None, ReadErrors { chance })
}

#[test]
fn a_full_disk_is_507_keeps_what_it_has_and_takes_more_when_there_is_room_again() {
    run(1, vec![fault(full(), 500, 500)], |cluster| async move {
        let put = |time: &'static str, body: &'static [u8]| {
            let cluster = cluster.clone();
            async move { cluster.object(Method::PUT, &[("x-timestamp", time)], body).await.status }
        };
        assert_eq!(put("1.0", b"before").await, 201);
        cluster.at(600).await;
        assert_eq!(put("2.0", b"during").await, 507);
        assert_eq!(
            cluster.object(Method::DELETE, &[("x-timestamp", "2.5")], b"").await.status,
            507
        );
        assert_eq!(cluster.get().await.text(), "before");
        assert_eq!(cluster.disk(0).list("tmp").await.unwrap().len(), 0, "nothing is left over");
        cluster.at(1_100).await;
        assert_eq!(put("3.0", b"after").await, 201);
        assert_eq!(cluster.get().await.text(), "after");
    });
}

#[test]
fn a_read_that_fails_before_the_first_byte_is_507_and_says_nothing_of_the_object() {
    run(1, vec![fault(failing(), 500, 500)], |cluster| async move {
        cluster.object(Method::PUT, &[("x-timestamp", "1.0")], b"here").await;
        cluster.at(600).await;
        assert_eq!(cluster.get().await.status, 507);
        cluster.at(1_100).await;
        assert_eq!(cluster.get().await.text(), "here");
    });
}

#[test]
fn a_read_that_fails_in_the_middle_breaks_the_body_off() {
    // 15 MB come from the disk in 30 ms.
    run(1, vec![fault(failing(), 1_010, 500)], |cluster| async move {
        cluster.object(Method::PUT, &[("x-timestamp", "1.0")], &vec![7; 15_000_000]).await;
        cluster.at(1_000).await;
        let reply = cluster.get().await;
        assert_eq!((reply.status, reply.body), (200, None));
        cluster.host.sleep(Duration::from_secs(1)).await;
        assert_eq!(cluster.get().await.body.map(|body| body.len()), Some(15_000_000));
    });
}
