//! Headers that all answers have, and requests that need no token.

use super::real::stored;
use super::*;

#[test]
fn every_answer_says_when_it_was_given_and_which_transaction_it_is() {
    let mut room = stored();
    let answers = [
        room.ask("GET", "c", &[], ""),
        room.ask("GET", "c/missing", &[], ""),
        room.ask("BREW", "c/o", &[], ""),
        room.send(Method::GET, "/healthcheck", &[], Bytes::new()),
        room.send(Method::GET, "/nowhere", &[], Bytes::new()),
    ];
    let mut ids: Vec<&str> = answers.iter().map(|answer| answer.header("x-trans-id")).collect();
    for answer in &answers {
        let id = answer.header("x-trans-id");
        let (chance, time) = id.strip_prefix("tx").unwrap().split_once('-').unwrap();
        assert_eq!((chance.len(), time.len()), (21, 10), "{id}");
        assert!((chance.to_owned() + time).bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
        assert_eq!(answer.header("x-openstack-request-id"), id);
        assert!(answer.header("date").starts_with("Mon, 01 Jan 2024 00:00:0"), "{id}");
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), answers.len(), "no two transactions have one id");
}

#[test]
fn health_and_abilities_are_told_without_a_token() {
    let mut room = stored();
    let mut ask = |method, path: &'static str| {
        room.client(move |host| async move {
            let mut request = request(method, path, &[], Body::empty());
            request.headers_mut().remove("x-auth-token");
            send(&host, request).await
        })
    };
    let health = ask(Method::GET, "/healthcheck");
    assert_eq!((health.status, health.text()), (StatusCode::OK, "OK"));
    let info = ask(Method::GET, "/info");
    assert!(info.header("content-type").starts_with("application/json"));
    let info: serde_json::Value = serde_json::from_str(info.text()).unwrap();
    assert_eq!(info["swift"]["max_meta_count"], 90);
    assert_eq!(info["swift"]["container_listing_limit"], 10_000);
    assert_eq!(info["slo"]["max_manifest_segments"], 1000);
    assert_eq!(ask(Method::HEAD, "/info").status, StatusCode::OK);
    let put = ask(Method::PUT, "/info");
    assert_eq!(put.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(ask(Method::GET, "/v1/AUTH_a").status, StatusCode::UNAUTHORIZED);
}

#[test]
fn a_method_that_does_not_go_is_told_which_do() {
    let mut room = stored();
    let object = room.ask("BREW", "c/o", &[], "");
    assert_eq!(object.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(object.header("allow"), "GET, HEAD, PUT, POST, DELETE, COPY");
    assert_eq!(room.ask("COPY", "c", &[], "").header("allow"), "GET, HEAD, PUT, POST, DELETE");
}

#[test]
fn what_would_look_done_and_is_not_is_refused() {
    let mut room = stored();
    let dynamic = [("x-object-manifest", "c/segments")];
    assert_eq!(room.ask("PUT", "c/o", &dynamic, "").status, StatusCode::NOT_IMPLEMENTED);
    let link = [("x-symlink-target", "c/other")];
    assert_eq!(room.ask("PUT", "c/o", &link, "").status, StatusCode::NOT_IMPLEMENTED);
    assert_eq!(room.ask("POST", "?bulk-delete", &[], "/c/o").status, StatusCode::NOT_IMPLEMENTED);
    let archive = room.ask("PUT", "c?extract-archive=tar", &[], "");
    assert_eq!(archive.status, StatusCode::NOT_IMPLEMENTED);
    assert_eq!(room.ask("GET", "c/o", &[], "").status, StatusCode::NOT_FOUND);
}

#[test]
fn names_that_cannot_be_are_refused_as_swift_refuses_them() {
    let mut room = stored();
    let mut status = |path: &str| room.send(Method::PUT, path, &[], Bytes::new()).status.as_u16();
    assert_eq!(status("/v1/AUTH_a/c/%ff"), 412);
    assert_eq!(status("/v1/AUTH_a/c/%00"), 412);
    assert_eq!(status(&format!("/v1/AUTH_a/{}", "c".repeat(257))), 400);
    assert_eq!(status(&format!("/v1/AUTH_a/c/{}", "o".repeat(1025))), 400);
    assert_eq!(status("/v1//c/o"), 404);
    assert_eq!(status("/v2/AUTH_a/c"), 404);
    assert_eq!(status("/v1.0/AUTH_a/d"), 201, "the other name of the one version");
    for odd in ["..", "../../etc/passwd", "a//b", "/", "%2F", ".%2F..%2F", "%E2%98%83"] {
        let path = format!("/v1/AUTH_a/c/{odd}");
        assert_eq!(status(&path), 201, "{odd}");
    }
    let listing = room.ask("GET", "c", &[], "");
    assert_eq!(listing.text(), "..\n../../etc/passwd\n./../\n/\na//b\n\u{2603}\n");
}
