//! Listings of containers and accounts in all formats, and what they count.

use super::real::stored;
use super::*;

fn json(got: &Got) -> serde_json::Value {
    serde_json::from_str(got.text()).unwrap()
}

#[test]
fn a_container_is_listed_in_the_format_that_is_asked_for_or_accepted() {
    let mut room = stored();
    for name in ["a", "d/1", "d/2"] {
        room.ask("PUT", &format!("c/{name}"), &[("content-type", "t/x")], "words");
    }
    assert_eq!(room.ask("GET", "c", &[], "").text(), "a\nd/1\nd/2\n");
    let rows = room.ask("GET", "c?format=json&delimiter=/", &[], "");
    assert_eq!(rows.header("x-container-object-count"), "3");
    assert_eq!(rows.header("x-container-bytes-used"), "15");
    let rows = json(&rows);
    assert_eq!((&rows[0]["name"], &rows[0]["bytes"]), (&"a".into(), &5.into()));
    assert_eq!(rows[0]["hash"], super::node::md5(b"words"));
    assert_eq!((&rows[0]["content_type"], &rows[1]["subdir"]), (&"t/x".into(), &"d/".into()));
    assert!(rows[0]["last_modified"].as_str().unwrap().starts_with("2024-01-01T00:00:"));
    let accepted = room.ask("GET", "c?limit=1", &[("accept", "application/json")], "");
    assert_eq!(json(&accepted).as_array().unwrap().len(), 1);
    let xml = room.ask("GET", "c?prefix=d/&limit=1", &[("accept", "text/xml")], "");
    assert_eq!(xml.header("content-type"), "application/xml; charset=utf-8");
    assert!(
        xml.text().contains("<container name=\"c\"><object><name>d/1</name>"),
        "{}",
        xml.text()
    );
    assert_eq!(room.ask("GET", "c", &[("accept", "image/png")], "").status, 406);
    assert_eq!(room.ask("GET", "c?limit=10001", &[], "").status, 412);
    assert_eq!(room.ask("GET", "c?reverse=true&marker=d/2", &[], "").text(), "d/1\na\n");
    assert_eq!(room.ask("GET", "c?path=d", &[], "").text(), "d/1\nd/2\n");
    assert_eq!(room.ask("GET", "c?prefix=z", &[], "").status, StatusCode::NO_CONTENT);
    assert_eq!(room.ask("DELETE", "c", &[], "").status, StatusCode::CONFLICT);
    assert_eq!(room.ask("PUT", "c", &[], "").status, StatusCode::ACCEPTED);
}

#[test]
fn an_account_is_listed_in_each_format_even_when_nobody_has_used_it() {
    let mut untouched = Room::with(|index, host| super::real::run(host, index));
    let none = untouched.ask("GET", "", &[], "");
    assert_eq!(
        (none.status, none.header("x-account-container-count")),
        (StatusCode::NO_CONTENT, "0")
    );
    assert_eq!(untouched.ask("GET", "?format=json", &[], "").text(), "[]");
    let xml = untouched.ask("GET", "?format=xml", &[], "");
    assert!(xml.text().ends_with("<account name=\"AUTH_a\"></account>"), "{}", xml.text());
    let mut room = stored();
    room.ask("PUT", "d", &[], "");
    room.ask("PUT", "c/o", &[], "words");
    room.wait(10);
    let head = room.ask("HEAD", "", &[], "");
    assert_eq!(head.header("x-account-container-count"), "2");
    assert_eq!(head.header("x-account-object-count"), "1");
    assert_eq!(head.header("x-account-bytes-used"), "5");
    assert_eq!(room.ask("GET", "?reverse=1", &[], "").text(), "d\nc\n");
    let rows = json(&room.ask("GET", "", &[("accept", "application/json")], ""));
    assert_eq!((&rows[0]["name"], &rows[0]["count"]), (&"c".into(), &1.into()));
    let xml = room.ask("GET", "?format=xml&limit=1", &[], "");
    let begins =
        "<account name=\"AUTH_a\"><container><name>c</name><count>1</count><bytes>5</bytes>";
    assert!(xml.text().contains(begins), "{}", xml.text());
}
