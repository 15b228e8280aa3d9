//! Reading objects while nodes misbehave.

use super::*;

/// Has the nodes hold the object.
fn holding(room: &Room, nodes: &[usize], version: u64, data: &Bytes) {
    for index in nodes {
        room.nodes[*index].hold(at(version), data, data);
    }
}

#[test]
fn a_body_that_breaks_off_or_stalls_goes_on_from_the_next_replica() {
    for how in [Manner::BreaksAfter, Manner::StallsAfter] {
        let mut room = Room::new(&[(0, how(120_000)), (1, how(40_000)), (2, how(0))]);
        let data = pattern(1_000_000);
        holding(&room, &[0, 1, 2, 3], 1, &data);
        for _read in 0..4 {
            let got = room.get(&[]);
            assert_eq!((got.status, got.body.as_ref()), (StatusCode::OK, Some(&data)));
        }
        assert!(!room.nodes[3].told(&Method::GET, "range").is_empty());
    }
}

#[test]
fn a_range_goes_on_where_it_broke_off() {
    let mut room = Room::new(&[(0, Manner::BreaksAfter(70_000)), (1, Manner::BreaksAfter(1))]);
    let data = pattern(1_000_000);
    holding(&room, &[0, 1, 2], 1, &data);
    for _read in 0..4 {
        let got = room.get(&[("range", "bytes=1000-500999")]);
        assert_eq!(got.status, StatusCode::PARTIAL_CONTENT);
        assert_eq!(got.header("content-range"), "bytes 1000-500999/1000000");
        assert_eq!(got.body, Some(data.slice(1000..501_000)));
    }
}

#[test]
fn a_body_is_never_put_together_from_two_versions() {
    let manners: Vec<_> = (0..3).map(|index| (index, Manner::BreaksAfter(150_000))).collect();
    let mut room = Room::new(&manners);
    let (old, new) = (pattern(400_000), Bytes::from(vec![7; 400_000]));
    holding(&room, &[0, 1, 2], 1, &old);
    holding(&room, &[3, 4, 5], 2, &new);
    let mut broken = 0;
    for _read in 0..6 {
        match room.get(&[]).body {
            None => broken += 1,
            Some(body) => assert!(body == old || body == new, "a mixture"),
        }
    }
    assert!(broken > 0, "the old version cannot be completed");
}

#[test]
fn a_copy_of_the_same_version_with_another_etag_does_not_go_on() {
    let breaks = Manner::BreaksAfter(200_000);
    let mut room = Room::new(&[(0, breaks), (1, breaks)]);
    let (one, other) = (pattern(400_000), Bytes::from(vec![7; 400_000]));
    holding(&room, &[0, 1], 1, &one);
    holding(&room, &[2, 3, 4, 5], 1, &other);
    let mut broken = 0;
    for _read in 0..6 {
        // Of a part no MD5 is known that would show the mixture.
        match room.get(&[("range", "bytes=0-399998")]).body {
            None => broken += 1,
            Some(body) => assert_eq!(body, other.slice(..399_999), "a mixture"),
        }
    }
    assert!(broken > 0, "the one cannot be completed");
}

#[test]
fn a_damaged_copy_is_not_completed_by_a_good_one() {
    let mut room = Room::new(&[(0, Manner::BreaksAfter(390_000))]);
    let good = pattern(400_000);
    let mut damaged = good.to_vec();
    damaged[5] ^= 1;
    room.nodes[0].hold(at(1), &damaged.into(), &good);
    holding(&room, &[1, 2], 1, &good);
    let bodies: Vec<_> = (0..6).map(|_| room.get(&[]).body).collect();
    assert!(bodies.iter().flatten().all(|body| *body == good), "damage passed for the whole");
    assert!(bodies.contains(&None) && bodies.contains(&Some(good)));
}

#[test]
fn nothing_is_denied_unless_a_majority_of_the_primaries_denies_it() {
    let get = |down: &[usize]| {
        let manners: Vec<_> = down.iter().map(|index| (*index, Manner::Down)).collect();
        Room::new(&manners).get(&[]).status
    };
    assert_eq!(get(&[]), StatusCode::NOT_FOUND);
    assert_eq!(get(&[1]), StatusCode::NOT_FOUND);
    assert_eq!(get(&[0, 1]), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(get(&[0, 1, 2, 3, 4, 5]), StatusCode::SERVICE_UNAVAILABLE);
}

#[test]
fn a_node_that_says_nothing_is_passed_over() {
    let mut room = Room::new(&[(0, Manner::Silent), (1, Manner::Full)]);
    let data = pattern(1000);
    holding(&room, &[2], 1, &data);
    for _read in 0..3 {
        assert_eq!(room.get(&[]).body, Some(data.clone()));
    }
}

#[test]
fn what_only_a_handoff_holds_is_found() {
    let mut room = Room::new(&[]);
    holding(&room, &[5], 1, &pattern(1000));
    assert_eq!(room.get(&[]).body, Some(pattern(1000)));
}

#[test]
fn the_newest_copy_is_read_when_it_is_asked_for() {
    let mut room = Room::new(&[]);
    let (old, new) = (pattern(1000), pattern(2000));
    holding(&room, &[0, 1], 1, &old);
    holding(&room, &[2], 2, &new);
    for _read in 0..3 {
        assert_eq!(room.get(&[("x-newest", "true")]).body, Some(new.clone()));
    }
    room.nodes[0].bury(at(3));
    room.nodes[1].bury(at(3));
    assert_eq!(room.get(&[("x-newest", "true")]).status, StatusCode::NOT_FOUND);
}

#[test]
fn the_newest_copy_is_read_even_if_only_a_handoff_holds_it() {
    let mut room = Room::new(&[]);
    let (old, new) = (pattern(1000), pattern(2000));
    holding(&room, &[0, 1, 2], 1, &old);
    holding(&room, &[3], 2, &new);
    assert_eq!(room.get(&[("x-newest", "true")]).body, Some(new));
}

#[test]
fn a_copy_older_than_its_tombstone_is_deleted() {
    let mut room = Room::new(&[]);
    room.nodes[0].bury(at(2));
    room.nodes[1].bury(at(2));
    holding(&room, &[3], 1, &pattern(10));
    for _read in 0..3 {
        assert_eq!(room.get(&[]).status, StatusCode::NOT_FOUND);
    }
}

#[test]
fn a_head_says_how_long_an_object_is() {
    let mut room = Room::new(&[]);
    holding(&room, &[0, 1, 2], 1, &pattern(1234));
    let head = room.send(Method::HEAD, "/v1/AUTH_a/c/o", &[], Bytes::new());
    assert_eq!((head.status, head.header("content-length")), (StatusCode::OK, "1234"));
    assert_eq!(head.header("x-backend-data-timestamp"), "", "only backends say that");
}
