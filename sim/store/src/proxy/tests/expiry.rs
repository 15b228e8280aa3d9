//! Objects that are to be gone at some time.

use super::real::stored;
use super::*;

fn listed(room: &mut Room) -> (String, String) {
    let got = room.ask("GET", "c", &[], "");
    (got.text().to_owned(), got.header("x-container-object-count").to_owned())
}

#[test]
fn an_object_is_gone_when_it_expires_and_leaves_its_container_soon_after() {
    let mut room = stored();
    let put = room.ask("PUT", "c/o", &[("x-delete-after", "20")], "words");
    assert_eq!(put.status, StatusCode::CREATED);
    room.ask("PUT", "c/stays", &[], "words");
    let got = room.get(&[]);
    assert_eq!((got.status, got.header("x-delete-after")), (StatusCode::OK, ""));
    let at: u64 = got.header("x-delete-at").parse().unwrap();
    assert!((1_704_067_220..1_704_067_225).contains(&at), "{at}");
    room.wait(21);
    for method in ["GET", "HEAD", "POST"] {
        assert_eq!(room.ask(method, "c/o", &[], "").status, StatusCode::NOT_FOUND, "{method}");
    }
    room.wait(70);
    assert_eq!(listed(&mut room), ("stays\n".to_owned(), "1".to_owned()));
    let newest = room.get(&[("x-newest", "true")]);
    assert_eq!(newest.status, StatusCode::NOT_FOUND);
}

#[test]
fn an_expiry_is_put_off_and_set_by_a_post() {
    let mut room = stored();
    room.ask("PUT", "c/off", &[("x-delete-after", "20")], "words");
    room.ask("PUT", "c/set", &[], "words");
    room.ask("POST", "c/off", &[], "");
    room.ask("POST", "c/set", &[("x-delete-after", "30")], "");
    room.wait(140);
    assert_eq!(room.ask("GET", "c/off", &[], "").text(), "words");
    assert_eq!(room.ask("GET", "c/set", &[], "").status, StatusCode::NOT_FOUND);
    assert_eq!(listed(&mut room), ("off\n".to_owned(), "1".to_owned()));
}

#[test]
fn what_replaced_an_object_before_it_expired_stays() {
    let mut room = stored();
    room.ask("PUT", "c/o", &[("x-delete-after", "20")], "old");
    room.wait(10);
    room.ask("PUT", "c/o", &[], "new");
    room.wait(140);
    assert_eq!(room.get(&[]).text(), "new");
    assert_eq!(listed(&mut room).0, "o\n");
    room.ask("PUT", "c/again", &[("x-delete-after", "20")], "old");
    room.wait(140);
    let put = room.ask("PUT", "c/again", &[("if-none-match", "*")], "new");
    assert_eq!(put.status, StatusCode::CREATED, "nothing is there");
    assert_eq!(room.ask("GET", "c/again", &[], "").text(), "new");
}

#[test]
fn an_expiry_that_makes_no_sense_is_refused() {
    let mut room = stored();
    for (name, value) in [("x-delete-at", "never"), ("x-delete-at", "1"), ("x-delete-after", "-1")]
    {
        for method in ["PUT", "POST"] {
            let answer = room.ask(method, "c/o", &[(name, value)], "");
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{method} {name}: {value}");
        }
    }
    assert_eq!(room.get(&[]).status, StatusCode::NOT_FOUND);
}
