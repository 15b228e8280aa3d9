//! Static large objects: put, read, listed, copied and deleted.

use serde_json::{Value, json};

use super::node::md5;
use super::real::stored;
use super::*;

/// Segments of 100,000, 50,000 and 200,000 bytes.
fn segments() -> [Bytes; 3] {
    let part = |from: usize, len: usize| pattern(from + len).slice(from..);
    [part(0, 100_000), part(7, 50_000), part(3, 200_000)]
}

/// A large object of the first segment, a part of the second, and the third.
fn manifest() -> Value {
    json!([
        {"path": "/s/1", "etag": md5(&segments()[0]), "size_bytes": 100_000},
        {"path": "s/2", "range": "1000-1999"},
        {"path": "/s/3"},
    ])
}

fn whole() -> Bytes {
    let [one, two, three] = segments();
    [&one[..], &two[1000..2000], &three[..]].concat().into()
}

fn large_etag() -> String {
    let [one, two, three] = segments();
    md5(format!("{}{}:1000-1999;{}", md5(&one), md5(&two), md5(&three)).as_bytes())
}

fn put(room: &mut Room, path: &str, headers: &[(&str, &str)], manifest: &Value) -> Got {
    room.ask("PUT", &format!("{path}?multipart-manifest=put"), headers, &manifest.to_string())
}

/// A room with the segments and the large object.
fn large() -> Room {
    let mut room = stored();
    room.ask("PUT", "s", &[], "");
    for (number, segment) in segments().into_iter().enumerate() {
        let path = format!("/v1/AUTH_a/s/{}", number + 1);
        room.send(Method::PUT, &path, &[], segment);
    }
    let said = [("content-type", "text/x-big"), ("x-object-meta-color", "red")];
    let put = put(&mut room, "c/big", &said, &manifest());
    assert_eq!(put.status, StatusCode::CREATED, "{:?}", put.body);
    assert_eq!(put.header("etag"), format!("\"{}\"", large_etag()));
    room
}

#[test]
fn a_large_object_reads_as_its_segments_joined() {
    let mut room = large();
    for method in ["GET", "HEAD"] {
        let got = room.ask(method, "c/big", &[], "");
        assert_eq!(got.status, StatusCode::OK);
        assert_eq!(got.header("content-length"), "301000");
        assert_eq!(got.header("etag"), format!("\"{}\"", large_etag()));
        assert_eq!(got.header("x-static-large-object"), "True");
        assert_eq!(got.header("content-type"), "text/x-big");
        assert_eq!(got.header("x-object-meta-color"), "red");
        assert!(!got.headers.keys().any(|name| name.as_str().contains("sysmeta")));
        assert_eq!(got.header("x-manifest-etag").len(), 32);
    }
    assert_eq!(room.ask("GET", "c/big", &[], "").body, Some(whole()));
    let matched = [("if-none-match", &*large_etag())];
    assert_eq!(room.ask("GET", "c/big", &matched, "").status, StatusCode::NOT_MODIFIED);
    let other = [("if-match", "other")];
    assert_eq!(room.ask("HEAD", "c/big", &other, "").status, StatusCode::PRECONDITION_FAILED);
}

#[test]
fn ranges_go_across_segments() {
    let mut room = large();
    for (first, end) in [(0, 1), (99_990, 101_010), (100_000, 101_000), (100_999, 301_000)] {
        let range = format!("bytes={first}-{}", end - 1);
        let got = room.ask("GET", "c/big", &[("range", &range)], "");
        assert_eq!(got.status, StatusCode::PARTIAL_CONTENT, "{range}");
        assert_eq!(got.header("content-range"), format!("bytes {first}-{}/301000", end - 1));
        assert_eq!(got.body, Some(whole().slice(first..end)), "{range}");
    }
    let last = room.ask("GET", "c/big", &[("range", "bytes=-5")], "");
    assert_eq!(last.body, Some(whole().slice(300_995..)));
    let beyond = room.ask("GET", "c/big", &[("range", "bytes=301000-")], "");
    assert_eq!(beyond.status, StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(beyond.header("content-range"), "bytes */301000");
    let several = room.ask("GET", "c/big", &[("range", "bytes=0-9,99995-100004")], "");
    assert_eq!(several.status, StatusCode::PARTIAL_CONTENT);
    assert!(several.header("content-type").starts_with("multipart/byteranges"));
    let body = several.body.unwrap();
    assert!(body.windows(10).any(|window| window == &whole()[99_995..100_005]));
}

#[test]
fn a_listing_shows_all_bytes_and_the_count_only_the_manifests() {
    let mut room = large();
    let listing = room.ask("GET", "c?format=json", &[], "");
    let rows: Value = serde_json::from_str(listing.text()).unwrap();
    let manifest = room.ask("GET", "c/big?multipart-manifest=get", &[], "");
    assert_eq!(rows[0]["bytes"], 301_000);
    assert_eq!(rows[0]["content_type"], "text/x-big");
    assert_eq!(rows[0]["slo_etag"], format!("\"{}\"", large_etag()));
    assert_eq!(rows[0]["hash"], md5(manifest.text().as_bytes()));
    let counted: usize = listing.header("x-container-bytes-used").parse().unwrap();
    assert_eq!(counted, manifest.text().len());
}

#[test]
fn a_manifest_is_given_as_it_is_stored_or_as_it_was_put() {
    let mut room = large();
    let stored = room.ask("GET", "c/big?multipart-manifest=get", &[], "");
    assert_eq!(stored.header("content-type"), "application/json; charset=utf-8");
    assert_eq!(stored.header("etag"), md5(stored.text().as_bytes()));
    let stored: Value = serde_json::from_str(stored.text()).unwrap();
    assert_eq!((&stored[0]["name"], &stored[0]["bytes"]), (&"/s/1".into(), &100_000.into()));
    assert_eq!((&stored[1]["range"], &stored[1]["name"]), (&"1000-1999".into(), &"/s/2".into()));
    let raw = room.ask("GET", "c/big?multipart-manifest=get&format=raw", &[], "");
    let again: Value = serde_json::from_str(raw.text()).unwrap();
    assert_eq!(again[1]["size_bytes"], 50_000);
    let put = put(&mut room, "c/again", &[], &again);
    assert_eq!(put.header("etag"), format!("\"{}\"", large_etag()));
    assert_eq!(room.ask("GET", "c/again", &[], "").body, Some(whole()));
}

#[test]
fn a_manifest_whose_segments_are_not_what_it_says_is_refused_with_all_reasons() {
    let mut room = large();
    let bad = json!([
        {"path": "/s/missing"},
        {"path": "/s/1", "etag": "0", "size_bytes": 7},
        {"path": "/s/2", "range": "50000-"},
        {"path": "/s/3"},
    ]);
    let text = put(&mut room, "c/bad", &[], &bad);
    assert_eq!(text.status, StatusCode::BAD_REQUEST);
    let expected = "Errors:\n/s/missing, 404 Not Found\n/s/1, Size Mismatch\n\
        /s/1, Etag Mismatch\n/s/2, Unsatisfiable Range\n";
    assert_eq!(text.text(), expected);
    let json = put(&mut room, "c/bad", &[("accept", "application/json")], &bad);
    let errors: Value = serde_json::from_str(json.text()).unwrap();
    assert_eq!(errors["Errors"][1], json!(["/s/1", "Size Mismatch"]));
    assert_eq!(put(&mut room, "c/bad", &[("etag", "0")], &manifest()).status, 422);
    for (body, wanted) in [("nonsense", 400), ("{}", 400), ("[1]", 400), ("[", 400)] {
        let refused = room.ask("PUT", "c/bad?multipart-manifest=put", &[], body);
        assert_eq!(refused.status, wanted, "{body}");
    }
    let long = " ".repeat((8 << 20) + 1);
    assert_eq!(room.ask("PUT", "c/bad?multipart-manifest=put", &[], &long).status, 413);
    let forged = [("x-static-large-object", "true")];
    assert_eq!(room.ask("PUT", "c/bad", &forged, "[]").status, StatusCode::BAD_REQUEST);
    let forged = [("x-object-sysmeta-slo-etag", "0"), ("content-type", "a/b;swift_bytes=9")];
    assert_eq!(room.ask("PUT", "c/forged", &forged, "words").status, StatusCode::CREATED);
    assert_eq!(room.ask("GET", "c/bad", &[], "").status, StatusCode::NOT_FOUND);
    let rows = room.ask("GET", "c?format=json&prefix=forged", &[], "");
    let rows: Value = serde_json::from_str(rows.text()).unwrap();
    assert_eq!((&rows[0]["bytes"], &rows[0]["slo_etag"]), (&5.into(), &Value::Null));
}

#[test]
fn a_post_leaves_a_large_object_large() {
    let mut room = large();
    let posted = room.ask("POST", "c/big", &[("x-object-meta-size", "xl")], "");
    assert_eq!(posted.status, StatusCode::ACCEPTED);
    let got = room.ask("GET", "c/big", &[], "");
    assert_eq!((got.header("x-object-meta-color"), got.header("x-object-meta-size")), ("", "xl"));
    assert_eq!((got.header("x-static-large-object"), got.body.as_ref()), ("True", Some(&whole())));
}

#[test]
fn large_objects_may_lie_in_large_objects() {
    let mut room = large();
    let nested =
        json!([{"path": "/s/2"}, {"path": "/c/big", "range": "99990-101009"}, {"path": "/s/1"}]);
    assert_eq!(put(&mut room, "c/nested", &[], &nested).status, StatusCode::CREATED);
    let [one, two, _] = segments();
    let joined = [&two[..], &whole()[99_990..101_010], &one[..]].concat();
    let got = room.ask("GET", "c/nested", &[], "");
    assert_eq!(got.header("content-length"), joined.len().to_string());
    assert_eq!(got.body.as_deref(), Some(&joined[..]));
    let part = room.ask("GET", "c/nested", &[("range", "bytes=49995-51025")], "");
    assert_eq!(part.body.as_deref(), Some(&joined[49_995..51_026]));
}

#[test]
fn a_segment_that_changed_breaks_its_large_object_and_no_other_bytes_take_its_place() {
    let mut room = large();
    room.send(Method::PUT, "/v1/AUTH_a/s/3", &[], Bytes::from(vec![7; 200_000]));
    let got = room.ask("GET", "c/big", &[], "");
    assert_eq!((got.status, got.body), (StatusCode::OK, None), "it breaks off");
    let part = room.ask("GET", "c/big", &[("range", "bytes=0-100999")], "");
    assert_eq!(part.body, Some(whole().slice(..101_000)), "what is there can be read");
    room.ask("DELETE", "s/1", &[], "");
    assert_eq!(room.ask("GET", "c/big", &[], "").status, StatusCode::CONFLICT);
}

#[test]
fn a_large_object_is_copied_as_one_or_by_its_manifest() {
    let mut room = large();
    let copied = room.ask("COPY", "c/big", &[("destination", "c/flat")], "");
    assert_eq!((copied.status, copied.header("etag")), (StatusCode::CREATED, &*md5(&whole())));
    let flat = room.ask("GET", "c/flat", &[], "");
    assert_eq!((flat.header("x-static-large-object"), flat.body.as_ref()), ("", Some(&whole())));
    let destination = [("destination", "c/shared")];
    let copied = room.ask("COPY", "c/big?multipart-manifest=get", &destination, "");
    assert_eq!(copied.header("etag"), format!("\"{}\"", large_etag()));
    let shared = room.ask("GET", "c/shared", &[], "");
    assert_eq!(
        (shared.header("x-static-large-object"), shared.body.as_ref()),
        ("True", Some(&whole()))
    );
    assert_eq!(room.ask("HEAD", "c/shared", &[], "").header("x-object-meta-color"), "red");
}

#[test]
fn a_large_object_is_deleted_alone_or_with_its_segments() {
    let mut room = large();
    put(&mut room, "c/alone", &[], &manifest());
    assert_eq!(room.ask("DELETE", "c/alone", &[], "").status, StatusCode::NO_CONTENT);
    let nested = json!([{"path": "/c/big"}, {"path": "/s/1"}]);
    put(&mut room, "c/nested", &[], &nested);
    let accept = [("accept", "application/json")];
    let deleted = room.ask("DELETE", "c/nested?multipart-manifest=delete", &accept, "");
    assert_eq!(deleted.status, StatusCode::OK);
    let told: Value = serde_json::from_str(deleted.text()).unwrap();
    let expected = json!({
        "Number Deleted": 5, "Number Not Found": 1, "Response Status": "200 OK",
        "Response Body": "", "Errors": [],
    });
    assert_eq!(told, expected, "the first segment is named twice");
    for gone in ["c/nested", "c/big", "s/1", "s/2", "s/3"] {
        assert_eq!(room.ask("GET", gone, &[], "").status, StatusCode::NOT_FOUND, "{gone}");
    }
    room.ask("PUT", "c/plain", &[], "words");
    let plain = room.ask("DELETE", "c/plain?multipart-manifest=delete", &[], "");
    assert!(plain.text().contains("Errors:\n/c/plain, Not an SLO manifest\n"), "{}", plain.text());
    assert_eq!(room.ask("GET", "c/plain", &[], "").text(), "words");
    let missing = room.ask("DELETE", "c/missing?multipart-manifest=delete", &[], "");
    assert!(missing.text().contains("Response Status: 404 Not Found\n"), "{}", missing.text());
}

#[test]
fn a_large_object_of_nothing_is_nothing() {
    let mut room = stored();
    assert_eq!(put(&mut room, "c/none", &[], &json!([])).status, StatusCode::CREATED);
    let got = room.ask("GET", "c/none", &[], "");
    assert_eq!((got.status, got.body), (StatusCode::OK, Some(Bytes::new())));
}
