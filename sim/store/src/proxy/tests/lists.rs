//! Grants of containers' access lists, and their cost.

use super::auth::{House, temp_auth};
use super::*;

const CONTAINER: &str = "/v1/AUTH_test/c";
const OBJECT: &str = "/v1/AUTH_test/c/o";

/// Sets access lists as the owner.
fn set(house: &mut House, lists: &[(&str, &str)]) {
    let tester = house.token("test:tester");
    let set = house.ask(&tester, "POST", CONTAINER, lists);
    assert_eq!(set.status, StatusCode::NO_CONTENT, "{lists:?}");
}

fn statuses(house: &mut House, token: &str, asked: &[(&str, &str)]) -> Vec<u16> {
    asked.iter().map(|(method, url)| house.status(token, method, url)).collect()
}

#[test]
fn a_list_that_names_an_account_or_a_user_lets_them_in_and_nobody_else() {
    let mut house = House::new();
    let users = ["test:tester3", "test2:tester2", "test2:tester4"];
    let tokens = users.map(|user| house.token(user));
    for (list, may) in [
        ("test:tester3", [true, false, false]),
        ("test2", [false, true, true]),
        ("test2:tester4, test", [true, false, true]),
        ("AUTH_test2", [false, true, false]),
        ("test2:*", [false, false, false]),
        ("tester3", [false, false, false]),
    ] {
        for (header, asked, done) in [
            ("x-container-read", [("GET", OBJECT), ("GET", CONTAINER)], [200, 200]),
            ("x-container-write", [("PUT", OBJECT), ("POST", OBJECT)], [201, 202]),
        ] {
            set(&mut house, &[("x-container-read", ""), ("x-container-write", "")]);
            set(&mut house, &[(header, list)]);
            for (token, may) in tokens.iter().zip(may) {
                let expected = if may { done } else { [403, 403] };
                assert_eq!(statuses(&mut house, token, &asked), expected, "{header}: {list}");
            }
        }
    }
}

#[test]
fn who_may_read_may_not_write_and_the_other_way_round() {
    let mut house = House::new();
    let guest = house.token("test2:tester2");
    let all = [
        ("GET", OBJECT),
        ("HEAD", OBJECT),
        ("GET", CONTAINER),
        ("POST", OBJECT),
        ("DELETE", OBJECT),
        ("PUT", OBJECT),
        ("PUT", CONTAINER),
        ("POST", CONTAINER),
        ("DELETE", CONTAINER),
        ("GET", "/v1/AUTH_test"),
        ("GET", "/v1/AUTH_test/c2/o"),
    ];
    set(&mut house, &[("x-container-read", "test2")]);
    let may_read = statuses(&mut house, &guest, &all);
    assert_eq!(may_read, [200, 200, 200, 403, 403, 403, 403, 403, 403, 403, 403]);
    set(&mut house, &[("x-container-read", ""), ("x-container-write", "test2")]);
    let may_write = statuses(&mut house, &guest, &all);
    assert_eq!(may_write, [403, 403, 403, 202, 204, 201, 403, 403, 403, 403, 403]);
}

#[test]
fn what_all_may_read_needs_no_token_and_is_listed_only_if_that_is_said_too() {
    let mut house = House::new();
    set(&mut house, &[("x-container-read", ".r:*")]);
    let guest = house.token("test2:tester2");
    for (token, refused) in [("", 401), (&*guest, 403)] {
        let asked = [("GET", OBJECT), ("HEAD", OBJECT), ("GET", CONTAINER), ("PUT", OBJECT)];
        assert_eq!(statuses(&mut house, token, &asked), [200, 200, refused, refused]);
    }
    assert_eq!(house.status("guess", "GET", OBJECT), 401, "a bad token is heard of");
    set(&mut house, &[("x-container-read", ".r:*,.rlistings")]);
    let asked = [("GET", OBJECT), ("GET", CONTAINER), ("GET", "/v1/AUTH_test")];
    assert_eq!(statuses(&mut house, "", &asked), [200, 200, 401]);
    set(&mut house, &[("x-container-read", ".rlistings")]);
    assert_eq!(statuses(&mut house, "", &asked), [401, 401, 401], "listing is not reading");
}

#[test]
fn a_referrer_is_let_in_by_where_it_comes_from() {
    let mut house = House::new();
    set(&mut house, &[("x-container-read", ".r:.example.com,.r:-bad.example.com")]);
    for (referer, status) in [
        ("http://www.example.com/page", 200),
        ("http://bad.example.com/page", 401),
        ("http://example.org/?http://www.example.com", 401),
    ] {
        let got = house.ask("", "GET", OBJECT, &[("referer", referer)]);
        assert_eq!(got.status.as_u16(), status, "{referer}");
    }
    assert_eq!(house.status("", "GET", OBJECT), 401);
}

#[test]
fn lists_are_kept_in_order_and_shown_to_owners_alone() {
    let mut house = House::new();
    let (tester, guest) = (house.token("test:tester"), house.token("test2:tester2"));
    let lists = [("x-container-read", ".referrer : *, ,test2"), ("x-container-write", "a , b:c")];
    assert_eq!(house.put(&tester, "/v1/AUTH_test/c", &lists), 202);
    let own = house.ask(&tester, "HEAD", CONTAINER, &[]);
    assert_eq!(own.header("x-container-read"), ".r:*,test2");
    assert_eq!(own.header("x-container-write"), "a,b:c");
    for method in ["HEAD", "GET"] {
        let seen = house.ask(&guest, method, CONTAINER, &[]);
        assert!(seen.status.is_success());
        assert_eq!((seen.header("x-container-read"), seen.header("x-container-write")), ("", ""));
    }
    set(&mut house, &[("x-remove-container-read", "x")]);
    let own = house.ask(&tester, "HEAD", CONTAINER, &[]);
    assert_eq!((own.header("x-container-read"), own.header("x-container-write")), ("", "a,b:c"));
}

#[test]
fn a_bad_list_is_refused_with_its_reason_and_changes_nothing() {
    let mut house = House::new();
    let tester = house.token("test:tester");
    set(&mut house, &[("x-container-read", "test2")]);
    for (header, list, part) in [
        ("x-container-read", ".r:", "names no host"),
        ("x-container-read", ".rlisting", ".rlistings"),
        ("x-container-write", ".r:*", "referrer"),
    ] {
        for method in ["PUT", "POST"] {
            let got = house.ask(&tester, method, CONTAINER, &[(header, list)]);
            let why = String::from_utf8(got.body.unwrap().to_vec()).unwrap();
            assert_eq!(got.status, StatusCode::BAD_REQUEST, "{why}");
            assert!(why.to_lowercase().contains(header) && why.contains(part), "{why}");
        }
    }
    let own = house.ask(&tester, "HEAD", CONTAINER, &[]);
    assert_eq!((own.header("x-container-read"), own.header("x-container-write")), ("test2", ""));
}

#[test]
fn an_access_list_of_an_account_is_not_taken_for_one_that_is_kept() {
    let mut house = House::new();
    let tester = house.token("test:tester");
    let list = [("x-account-access-control", r#"{"read-only":["test2"]}"#)];
    let set = house.ask(&tester, "POST", "/v1/AUTH_test", &list);
    assert_eq!(set.status, StatusCode::NOT_IMPLEMENTED);
}

#[test]
fn a_grant_that_is_taken_back_ends_at_once_where_it_is_taken_back() {
    let mut house = House::new();
    let guest = house.token("test2:tester2");
    for _round in 0..2 {
        set(&mut house, &[("x-container-read", "test2")]);
        assert_eq!(house.status(&guest, "GET", OBJECT), 200);
        set(&mut house, &[("x-container-read", "")]);
        assert_eq!(house.status(&guest, "GET", OBJECT), 403);
    }
    set(&mut house, &[("x-container-read", "test2")]);
    assert_eq!(house.status(&guest, "GET", OBJECT), 200);
    let tester = house.token("test:tester");
    assert_eq!(
        statuses(&mut house, &tester, &[("DELETE", OBJECT), ("DELETE", CONTAINER)]),
        [204, 204]
    );
    assert_eq!(house.put(&tester, CONTAINER, &[]), 201);
    assert_eq!(house.status(&guest, "GET", CONTAINER), 403, "the new container is another one");
}

/// Fake nodes that say the object may be read by those in `readers`, before a proxy that knows
/// `secret`.
fn fakes(manners: &[(usize, Manner)], readers: &[(usize, &str)]) -> Room {
    let room = Room::new(manners);
    let data = pattern(10);
    for node in &room.nodes[..3] {
        node.hold(at(1), &data, &data);
    }
    for (index, list) in readers {
        room.nodes[*index].let_read(list);
    }
    room
}

fn anonymous(room: &mut Room) -> u16 {
    room.get(&[("x-auth-token", "")]).status.as_u16()
}

fn heads(room: &Room) -> usize {
    room.nodes.iter().map(|node| node.asked_of_container(&Method::HEAD)).sum()
}

#[test]
fn a_replica_that_missed_a_change_decides_nothing_alone() {
    for stale in 0..3 {
        let readers: Vec<_> = (0..3).filter(|it| *it != stale).map(|it| (it, ".r:*")).collect();
        assert_eq!(anonymous(&mut fakes(&[], &[(stale, ".r:*")])), 401, "it missed that it ended");
        assert_eq!(anonymous(&mut fakes(&[], &readers)), 200, "it missed that it was granted");
    }
    let disagreeing = [(0, ".r:*"), (1, "a"), (2, "b")];
    assert_eq!(anonymous(&mut fakes(&[], &disagreeing)), 503);
    let granted = [(0, ".r:*"), (1, ".r:*"), (2, ".r:*")];
    assert_eq!(anonymous(&mut fakes(&[(1, Manner::Down)], &granted)), 200);
    assert_eq!(anonymous(&mut fakes(&[(1, Manner::Down), (2, Manner::Down)], &granted)), 503);
}

#[test]
fn owners_pay_nothing_and_guests_once_in_a_while() {
    let mut room = fakes(&[], &[(0, ".r:*"), (1, ".r:*"), (2, ".r:*")]);
    assert_eq!(room.get(&[]).status, StatusCode::OK);
    assert_eq!(heads(&room), 0, "the owner");
    for _read in 0..3 {
        assert_eq!(anonymous(&mut room), 200);
        assert_eq!(heads(&room), 3, "a guest, and the next ones");
    }
    room.client(|host| async move { host.sleep(Duration::from_secs(5)).await });
    assert_eq!(anonymous(&mut room), 200);
    assert_eq!(heads(&room), 6, "some seconds later");
    // Who cannot be let in does not cost anything either.
    let put = room.send(Method::PUT, "/v1/AUTH_a/c/o", &[("x-auth-token", "")], Bytes::new());
    let list = room.send(Method::GET, "/v1/AUTH_a", &[("x-auth-token", "")], Bytes::new());
    assert_eq!((put.status.as_u16(), list.status.as_u16(), heads(&room)), (401, 401, 6));
}

#[test]
fn fixed_tokens_honour_lists_too() {
    let two = [("secret", "AUTH_a"), ("other", "AUTH_b")];
    let tokens: FixedTokens = two.map(|(token, account)| (token.into(), account.into())).into();
    let mut room = Room::with_auth(tokens.into(), |index, host| real::run(host, index));
    let list = [("x-container-read", "AUTH_b")];
    room.send(Method::PUT, "/v1/AUTH_a/c", &list, Bytes::new());
    room.send(Method::PUT, "/v1/AUTH_a/c/o", &[], pattern(10));
    let other = [("x-auth-token", "other")];
    assert_eq!(room.get(&other).body, Some(pattern(10)));
    let put = room.send(Method::PUT, "/v1/AUTH_a/c/o", &other, Bytes::new());
    assert_eq!(put.status, StatusCode::FORBIDDEN);
}

#[test]
fn a_second_path_of_a_request_is_asked_for_like_the_first() {
    use crate::proxy::auth::{Access, authorise};
    use crate::proxy::error::ProxyError;
    let mut house = House::new();
    set(&mut house, &[("x-container-read", "test2")]);
    let token = house.token("test2:tester2");
    let statuses = house.beside(move |proxy| async move {
        let mut headers = HeaderMap::new();
        headers.insert("x-auth-token", HeaderValue::try_from(token).unwrap());
        let caller = Authenticator::Temp(temp_auth()).caller(&headers, proxy.host().now()).unwrap();
        let mut statuses = Vec::new();
        for (container, access) in
            [("c", Access::Read), ("c", Access::Write), ("absent", Access::Read)]
        {
            let path = Path::object_of("AUTH_test", container, "o").unwrap();
            let may = authorise(&proxy, &caller, &path, access).await;
            statuses.push(may.map_err(|error| ProxyError::from(error).status()));
        }
        statuses
    });
    let forbidden = Err(StatusCode::FORBIDDEN);
    assert_eq!(statuses, [Ok(()), forbidden, forbidden]);
}
