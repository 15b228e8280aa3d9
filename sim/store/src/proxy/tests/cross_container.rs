//! Requests that touch more than one path: each is asked for, so that nobody borrows a right from
//! the first.

use super::auth::House;
use super::*;

/// The container `c` is open to `test2:tester2`, who may read and write it; `s` is not. Both hold
/// an object, and `c/big` is made of `s/1`.
fn half_open() -> (House, String) {
    let mut house = House::new();
    let tester = house.token("test:tester");
    let open = [("x-container-read", "test2"), ("x-container-write", "test2")];
    assert_eq!(house.ask(&tester, "POST", "/v1/AUTH_test/c", &open).status.as_u16(), 204);
    assert_eq!(house.put(&tester, "/v1/AUTH_test/s", &[]), 201);
    assert_eq!(house.put(&tester, "/v1/AUTH_test/s/1", &[]), 201);
    let big = manifest(&mut house, &tester, "big");
    assert_eq!(big.status, StatusCode::CREATED);
    let guest = house.token("test2:tester2");
    assert_eq!(house.put(&guest, "/v1/AUTH_test/c/mine", &[]), 201);
    (house, guest)
}

/// Puts a manifest of `s/1` into `c`.
fn manifest(house: &mut House, token: &str, name: &str) -> Got {
    let url = format!("/v1/AUTH_test/c/{name}?multipart-manifest=put");
    house.ask_with(token, "PUT", &url, &[], r#"[{"path": "/s/1"}]"#)
}

#[test]
fn a_copy_needs_the_right_to_read_and_the_right_to_write() {
    let (mut house, guest) = half_open();
    let mut copy = |method: &str, url: &str, header: &str, value: &str, account: &str| {
        let of_account = match header {
            "destination" => "destination-account",
            _ => "x-copy-from-account",
        };
        let headers = [(header, value), (of_account, account), ("content-length", "0")];
        house.ask_with(&guest, method, url, &headers, "").status.as_u16()
    };
    let (own, mine) = ("/v1/AUTH_test/c/mine", "AUTH_test");
    assert_eq!(copy("PUT", "/v1/AUTH_test/c/copy", "x-copy-from", "c/o", mine), 201);
    assert_eq!(copy("PUT", "/v1/AUTH_test/c/copy", "x-copy-from", "s/1", mine), 403);
    assert_eq!(copy("COPY", own, "destination", "c/copy", mine), 201);
    assert_eq!(copy("COPY", own, "destination", "s/copy", mine), 403);
    assert_eq!(copy("COPY", "/v1/AUTH_test/s/1", "destination", "c/copy", mine), 403);
    assert_eq!(copy("COPY", own, "destination", "c/copy", "AUTH_admin"), 403);
    assert_eq!(house.put(&guest, "/v1/AUTH_test2/own", &[]), 201);
    let to = [("destination", "own/copy"), ("destination-account", "AUTH_test2")];
    assert_eq!(house.ask_with(&guest, "COPY", own, &to, "").status, StatusCode::CREATED);
}

#[test]
fn a_large_object_shows_no_segment_that_its_reader_may_not_read() {
    let (mut house, guest) = half_open();
    let tester = house.token("test:tester");
    let big = "/v1/AUTH_test/c/big";
    assert_eq!(house.ask(&tester, "GET", big, &[]).body, Some(Bytes::from("data")));
    assert_eq!(house.status(&guest, "GET", big), 409);
    let copied = [("x-copy-from", "c/big"), ("content-length", "0")];
    let copy = house.ask_with(&guest, "PUT", "/v1/AUTH_test/c/copy", &copied, "");
    assert_eq!(copy.status, StatusCode::CONFLICT);
    let open = [("x-container-read", "test2")];
    assert_eq!(house.ask(&tester, "POST", "/v1/AUTH_test/s", &open).status.as_u16(), 204);
    assert_eq!(house.ask(&guest, "GET", big, &[]).body, Some(Bytes::from("data")));
}

#[test]
fn a_manifest_names_no_segment_that_its_writer_may_not_read() {
    let (mut house, guest) = half_open();
    let put = manifest(&mut house, &guest, "stolen");
    assert_eq!(put.status, StatusCode::BAD_REQUEST);
    let why = String::from_utf8(put.body.unwrap().to_vec()).unwrap();
    assert!(why.contains("s/1") && why.contains("403"), "{why}");
    assert_eq!(house.status(&guest, "GET", "/v1/AUTH_test/c/stolen"), 404);
}

#[test]
fn no_segment_is_deleted_by_who_may_not_write_to_it() {
    let (mut house, guest) = half_open();
    let url = "/v1/AUTH_test/c/big?multipart-manifest=delete";
    assert_eq!(house.status(&guest, "DELETE", url), 200);
    let tester = house.token("test:tester");
    assert_eq!(house.status(&tester, "GET", "/v1/AUTH_test/s/1"), 200, "it is there");
    let got =
        house.ask_with(&guest, "DELETE", "/v1/AUTH_test/s/1?multipart-manifest=delete", &[], "");
    assert_eq!(got.status, StatusCode::FORBIDDEN);
}
