//! COPY, and PUT with X-Copy-From.

use super::node::md5;
use super::real::stored;
use super::*;

const SOURCE: [(&str, &str); 3] =
    [("content-type", "text/x-song"), ("x-object-meta-color", "red"), ("content-encoding", "gzip")];

#[test]
fn a_copy_has_the_sources_data_and_its_metadata_with_what_is_said_on_top() {
    let mut room = stored();
    let words = "words ".repeat(50_000);
    room.ask("PUT", "c/a%20b", &SOURCE, &words);
    let size = [("x-object-meta-size", "xl")];
    let said = [size[0], ("destination", "/c/copy/of")];
    let copied = room.ask("COPY", "c/a%20b", &said, "");
    assert_eq!(
        (copied.status, copied.header("etag")),
        (StatusCode::CREATED, &*md5(words.as_bytes()))
    );
    assert_eq!(copied.header("x-copied-from"), "c/a%20b");
    assert_eq!(copied.header("x-copied-from-account"), "AUTH_a");
    assert!(!copied.header("x-copied-from-last-modified").is_empty());
    assert_eq!(copied.header("x-object-meta-color"), "red");
    let put = room.ask("PUT", "c/other", &[size[0], ("x-copy-from", "c/a%20b")], "");
    assert_eq!(put.status, StatusCode::CREATED);
    for copy in ["c/copy/of", "c/other"] {
        let got = room.ask("GET", copy, &[], "");
        assert_eq!(got.text(), words, "{copy}");
        assert_eq!(got.header("x-object-meta-color"), "red");
        assert_eq!(got.header("x-object-meta-size"), "xl");
        assert_eq!(got.header("content-type"), "text/x-song");
        assert_eq!(got.header("content-encoding"), "gzip");
    }
}

#[test]
fn a_copy_with_fresh_metadata_leaves_the_sources_behind() {
    let mut room = stored();
    room.ask("PUT", "c/a", &SOURCE, "words");
    let said = [("destination", "c/b"), ("x-fresh-metadata", "true"), ("x-object-meta-size", "xl")];
    assert_eq!(room.ask("COPY", "c/a", &said, "").status, StatusCode::CREATED);
    let got = room.ask("HEAD", "c/b", &[], "");
    assert_eq!((got.header("x-object-meta-color"), got.header("x-object-meta-size")), ("", "xl"));
    assert_eq!(got.header("content-encoding"), "");
    assert_eq!(got.header("content-type"), "text/x-song", "it goes with the data");
}

#[test]
fn an_object_is_copied_onto_itself_and_in_part() {
    let mut room = stored();
    room.ask("PUT", "c/a", &SOURCE, "0123456789");
    let said = [("destination", "c/a"), ("content-type", "text/x-tune")];
    assert_eq!(room.ask("COPY", "c/a", &said, "").status, StatusCode::CREATED);
    let got = room.ask("GET", "c/a", &[], "");
    assert_eq!((got.text(), got.header("content-type")), ("0123456789", "text/x-tune"));
    let part = room.ask("PUT", "c/b", &[("x-copy-from", "/c/a"), ("range", "bytes=2-4")], "");
    assert_eq!((part.status, part.header("etag")), (StatusCode::CREATED, &*md5(b"234")));
    assert_eq!(room.ask("GET", "c/b", &[], "").text(), "234");
}

#[test]
fn what_cannot_be_copied_is_refused_and_nothing_is_stored() {
    let mut room = stored();
    room.ask("PUT", "c/a", &[], "words");
    let mut status = |method: &str, path: &str, headers: &[(&str, &str)], body: &str| {
        room.ask(method, path, headers, body).status.as_u16()
    };
    for senseless in ["", "c", "/c", "c/", "/", "%ff/x", "c/%ff", "c/%00", "é/x", "c%2Fo%2F%ff"] {
        assert_eq!(status("COPY", "c/a", &[("destination", senseless)], ""), 412, "{senseless:?}");
        assert_eq!(status("PUT", "c/b", &[("x-copy-from", senseless)], ""), 412, "{senseless:?}");
    }
    assert_eq!(status("COPY", "c/a", &[], ""), 412, "no destination");
    assert_eq!(status("PUT", "c/b", &[("x-copy-from", "c/missing")], ""), 404);
    assert_eq!(status("PUT", "c/b", &[("x-copy-from", "c/a")], "a body"), 400);
    assert_eq!(status("COPY", "c/a", &[("destination", "missing/b")], ""), 404);
    let unmet = [("x-copy-from", "c/a"), ("if-match", "other")];
    assert_eq!(status("PUT", "c/b", &unmet, ""), 412);
    let foreign = [("destination", "c/b"), ("destination-account", "AUTH_b")];
    assert_eq!(status("COPY", "c/a", &foreign, ""), 403);
    let foreign = [("x-copy-from", "c/a"), ("x-copy-from-account", "AUTH_b")];
    assert_eq!(status("PUT", "c/b", &foreign, ""), 403);
    let tricky = [("x-copy-from", "c/a"), ("x-copy-from-account", "AUTH_a/../AUTH_b")];
    assert_eq!(status("PUT", "c/b", &tricky, ""), 412);
    assert_eq!(status("GET", "c/b", &[], ""), 404);
}

#[test]
fn a_source_that_breaks_off_is_no_copy() {
    let manners: Vec<_> = (0..6).map(|index| (index, Manner::BreaksAfter(150_000))).collect();
    let mut room = Room::new(&manners);
    let data = pattern(400_000);
    room.nodes[0].hold(at(1), &data, &data);
    let copied = room.ask("PUT", "c/copy", &[("x-copy-from", "c/o")], "");
    assert_eq!(copied.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(room.holding(), [0], "nothing was stored");
}
