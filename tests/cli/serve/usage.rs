//! Errors of the command when it cannot serve.

use super::server::Serving;
use crate::support::{path_text, stayput};

#[test]
fn a_directory_that_is_served_is_refused_to_a_second_server() {
    let dir = tempfile::tempdir().expect("a folder");
    let _serving = Serving::start(dir.path(), &[]);
    let said = stayput(&["serve", "--listen", "127.0.0.1:0", "--data", &path_text(dir.path())]);
    assert_eq!(said.code, 2);
    assert!(said.stderr.contains("being served already"), "{said:?}");
}

#[test]
fn an_address_that_is_taken_is_named() {
    let (dir, other) =
        (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("another"));
    let serving = Serving::start(dir.path(), &[]);
    let at = serving.url.strip_prefix("http://").expect("it is plain");
    let said = stayput(&["serve", "--listen", at, "--data", &path_text(other.path())]);
    assert_eq!(said.code, 2);
    assert!(said.stderr.contains(at) && said.stderr.contains("choose another"), "{said:?}");
}

#[test]
fn the_known_user_is_refused_where_others_can_come() {
    let dir = tempfile::tempdir().expect("a folder");
    let said = stayput(&["serve", "--listen", "0.0.0.0:0", "--data", &path_text(dir.path())]);
    assert_eq!(said.code, 2);
    assert!(said.stderr.contains("--users FILE"), "{said:?}");
}
