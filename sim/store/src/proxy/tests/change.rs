//! Deleting, metadata, containers, accounts and who may ask.

use super::*;

const URL: &str = "/v1/AUTH_a/c/o";

#[test]
fn a_deletion_leaves_a_tombstone_on_each_replica() {
    let mut room = Room::new(&[]);
    room.send(Method::PUT, URL, &[], pattern(10));
    let delete = |room: &mut Room| room.send(Method::DELETE, URL, &[], Bytes::new()).status;
    assert_eq!(delete(&mut room), StatusCode::NO_CONTENT);
    assert!((0..3).all(|index| room.nodes[index].tombstone().is_some()));
    assert_eq!(room.get(&[]).status, StatusCode::NOT_FOUND);
    assert_eq!(delete(&mut room), StatusCode::NOT_FOUND);
}

#[test]
fn handoffs_take_the_tombstones_of_primaries_that_do_not_answer() {
    let mut room = Room::new(&[(0, Manner::Down), (1, Manner::Full)]);
    room.nodes[2].hold(at(1), &pattern(10), &pattern(10));
    let deleted = room.send(Method::DELETE, URL, &[], Bytes::new());
    assert_eq!(deleted.status, StatusCode::NO_CONTENT);
    let buried: Vec<_> = (0..6).filter(|index| room.nodes[*index].tombstone().is_some()).collect();
    assert_eq!(buried, [2, 3, 4]);
}

#[test]
fn a_deletion_wins_over_what_is_newer_than_the_proxys_clock() {
    let mut room = Room::new(&[]);
    let ahead = at(1_000_000_000);
    for index in 0..3 {
        room.nodes[index].hold(ahead, &pattern(10), &pattern(10));
    }
    let deleted = room.send(Method::DELETE, URL, &[], Bytes::new());
    assert_eq!(deleted.status, StatusCode::NO_CONTENT);
    assert!(room.nodes[0].tombstone() > Some(ahead));
}

#[test]
fn metadata_needs_an_object_on_a_majority() {
    let mut room = Room::new(&[]);
    let meta = [("x-object-meta-color", "red")];
    let post = |room: &mut Room| room.send(Method::POST, URL, &meta, Bytes::new()).status;
    assert_eq!(post(&mut room), StatusCode::NOT_FOUND);
    for index in 0..2 {
        room.nodes[index].hold(at(1), &pattern(10), &pattern(10));
    }
    assert_eq!(post(&mut room), StatusCode::ACCEPTED);
    assert_eq!(room.nodes[0].told(&Method::POST, "x-object-meta-color"), ["red"; 2]);
}

#[test]
fn containers_are_made_listed_and_deleted() {
    let mut room = Room::new(&[(0, Manner::Down)]);
    let mut send = |method| room.send(method, "/v1/AUTH_a/c", &[], Bytes::new());
    assert_eq!(send(Method::PUT).status, StatusCode::CREATED);
    let listing = send(Method::GET);
    assert_eq!((listing.status, listing.body), (StatusCode::OK, Some(Bytes::from("o\n"))));
    assert_eq!(send(Method::HEAD).status, StatusCode::NO_CONTENT);
    assert_eq!(send(Method::DELETE).status, StatusCode::NO_CONTENT);
    assert_eq!(send(Method::PATCH).status, StatusCode::METHOD_NOT_ALLOWED);
}

#[test]
fn who_asks_needs_a_token_for_the_account() {
    let mut room = Room::new(&[]);
    let mut status =
        |url, token| room.send(Method::GET, url, &[("x-auth-token", token)], Bytes::new()).status;
    assert_eq!(status(URL, "guess"), StatusCode::UNAUTHORIZED);
    assert_eq!(status("/v1/AUTH_b/c/o", "secret"), StatusCode::FORBIDDEN);
    assert_eq!(status("/v1/AUTH_a/c/%ff", "secret"), StatusCode::PRECONDITION_FAILED);
    assert_eq!(status("/other", "secret"), StatusCode::NOT_FOUND);
}

#[test]
fn each_answer_names_its_transaction() {
    let mut room = Room::new(&[]);
    let ids: Vec<String> = (0..2).map(|_| room.get(&[]).header("x-trans-id").to_owned()).collect();
    assert!(ids[0].starts_with("tx") && ids[0] != ids[1], "{ids:?}");
    assert!(room.nodes[0].told(&Method::GET, "x-trans-id").contains(&ids[0]));
}
