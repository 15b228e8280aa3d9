//! Wildcards against a store of given names, by a matcher that tries all ways; and access to other
//! accounts, which is asked for before anything is listed there.

use bytes::Bytes;
use futures_util::FutureExt;
use proptest::prelude::*;
use stayput_host::{LocalFuture, Purpose};
use stayput_runtime::job::parse;
use stayput_store::proxy::{JobAccess, ListedObject};

use super::*;
use crate::fixtures::{ACCOUNT, NamedStore, object};
use crate::plan::{PlannedDevice, PlannedPath};
use crate::store_access::StoreAccessError;
use crate::system_images::SystemImages;

fn planned(nodes: &str, store: &NamedStore) -> Result<JobPlan, PlanError> {
    let job = parse(nodes.as_bytes())?;
    let images = SystemImages::default();
    let planning = Planning { account: ACCOUNT, system_images: &images };
    plan(&planning, &job, store).now_or_never().expect("the store keeps nobody waiting")
}

fn node(devices: &str) -> String {
    format!(
        r#"[{{"name": "n", "exec": {{"path": "swift://~/code/m.wasm"}}, "devices": [{devices}]}}]"#
    )
}

fn reading(pattern: &str) -> String {
    node(&format!(r#"{{"name": "stdin", "path": "swift://{pattern}"}}, {{"name": "stdout"}}"#))
}

/// Objects that the first device of each session reads.
fn inputs(plan: &JobPlan) -> Vec<String> {
    let input = |devices: &[PlannedDevice]| match &devices[0].path {
        PlannedPath::Object(path) | PlannedPath::Listing(path) => path.to_string(),
        other => panic!("{other:?} is no object"),
    };
    plan.sessions.iter().map(|session| input(&session.devices)).collect()
}

/// True if the pattern matches, by trying all lengths of each `*`.
fn matches_by_trying(pattern: &[u8], name: &[u8]) -> bool {
    match pattern.split_first() {
        None => name.is_empty(),
        Some((b'*', rest)) => (0..=name.len()).any(|at| matches_by_trying(rest, &name[at..])),
        Some((first, rest)) => name.first() == Some(first) && matches_by_trying(rest, &name[1..]),
    }
}

proptest! {
    #[test]
    fn a_session_runs_for_each_name_that_matches_in_the_order_of_the_listing(
        containers in prop::collection::btree_set("[ab]{1,2}", 1..4),
        objects in prop::collection::btree_set("[ab/]{1,4}", 1..12),
        container in "[ab*]{1,3}",
        pattern in "[ab/]{0,2}\\*[ab*/]{0,2}",
    ) {
        let names: Vec<String> = containers
            .iter()
            .flat_map(|c| objects.iter().map(move |o| format!("AUTH_x/{c}/{o}")))
            .collect();
        let store = NamedStore::of(&names.iter().map(String::as_str).collect::<Vec<_>>());
        let expected: Vec<String> = names
            .iter()
            .filter(|name| {
                let (of, name) = name["AUTH_x/".len()..].split_once('/').expect("it has both");
                matches_by_trying(container.as_bytes(), of.as_bytes())
                    && matches_by_trying(pattern.as_bytes(), name.as_bytes())
            })
            .map(|name| format!("/{name}"))
            .collect();
        match planned(&reading(&format!("~/{container}/{pattern}")), &store) {
            Ok(plan) => {
                prop_assert_eq!(inputs(&plan), expected);
                let names = plan.sessions.iter().map(|it| it.session.clone());
                let numbered = (1..).map(|number| format!("n-{number}"));
                prop_assert!(names.zip(numbered).all(|(name, numbered)| name == numbered));
            }
            Err(error) => {
                prop_assert!(expected.is_empty(), "{:?}: {}", expected, error);
                prop_assert!(error.to_string().contains("matches nothing"), "{}", error);
            }
        }
    }

    #[test]
    fn an_output_is_named_by_what_the_input_matched(
        texts in prop::collection::btree_set("[a-z/]{1,6}", 1..6),
    ) {
        let names: Vec<String> = texts.iter().map(|text| format!("AUTH_x/in/{text}.txt")).collect();
        let store = NamedStore::of(&names.iter().map(String::as_str).collect::<Vec<_>>());
        let devices = r#"{"name": "stdin", "path": "swift://~/in/*.txt"},
                         {"name": "stdout", "path": "swift://~/out/x-*"}"#;
        let plan = planned(&node(devices), &store).expect("it can be planned");
        let written: Vec<String> = plan
            .sessions
            .iter()
            .map(|it| it.devices[1].written_object().expect("it writes").to_string())
            .collect();
        let expected: Vec<String> = texts.iter().map(|it| format!("/AUTH_x/out/x-{it}")).collect();
        prop_assert_eq!(written, expected);
    }
}

#[test]
fn only_names_that_can_match_are_listed() {
    let store = NamedStore::of(&["AUTH_x/log-1/a", "AUTH_x/log-2/a", "AUTH_x/other/a"]);
    let plan = planned(&reading("~/log-*/a*"), &store).expect("two match");
    assert_eq!(inputs(&plan), ["/AUTH_x/log-1/a", "/AUTH_x/log-2/a"]);
    let expected =
        ["list /AUTH_x \"log-\"", "list /AUTH_x/log-1 \"a\"", "list /AUTH_x/log-2 \"a\""];
    assert_eq!(store.calls(), expected);
}

#[test]
fn containers_alone_match_as_listings_and_nothing_is_listed_in_them() {
    let store = NamedStore::of(&["AUTH_x/log-1/a", "AUTH_x/log-2/a", "AUTH_x/other/a"]);
    let plan = planned(&reading("~/log-*"), &store).expect("two match");
    assert_eq!(inputs(&plan), ["/AUTH_x/log-1", "/AUTH_x/log-2"]);
    assert_eq!(plan.listings().len(), 2);
    assert_eq!(store.calls(), ["list /AUTH_x \"log-\""]);
}

#[test]
fn a_job_without_wildcards_lists_nothing_and_asks_for_nothing() {
    let store = NamedStore::default();
    planned(&reading("~/c/o"), &store).expect("it can be planned");
    planned(&reading("AUTH_x/c/o"), &store).expect("its own account by name is its own");
    assert_eq!(store.calls(), Vec::<String>::new());
}

#[test]
fn a_wildcard_of_two_devices_is_listed_once() {
    let store = NamedStore::of(&["AUTH_x/c/a", "AUTH_x/c/b"]);
    let devices = r#"{"name": "stdin", "path": "swift://~/c/*"},
                     {"name": "input", "path": "swift://~/c/*"}, {"name": "stdout"}"#;
    let plan = planned(&node(devices), &store).expect("two match");
    assert_eq!(plan.sessions.len(), 2);
    assert_eq!(store.calls(), ["list /AUTH_x/c \"\""]);
}

/// A store of `count` objects in one container.
struct Many(usize);

impl StoreLookup for Many {
    fn objects<'a>(
        &'a self,
        _container: &'a Path,
        _prefix: &'a str,
    ) -> LocalFuture<'a, Result<Vec<ListedObject>, StoreAccessError>> {
        let row = |number: usize| ListedObject {
            name: format!("{number:06}"),
            hash: String::new(),
            bytes: 0,
            content_type: String::new(),
            last_modified: String::new(),
        };
        let rows = (0..self.0).map(row).collect();
        Box::pin(async move { Ok(rows) })
    }

    fn containers<'a>(
        &'a self,
        _account: &'a Path,
        _prefix: &'a str,
    ) -> LocalFuture<'a, Result<Vec<String>, StoreAccessError>> {
        Box::pin(async { Ok(vec!["c".to_owned(), "d".to_owned()]) })
    }

    fn may<'a>(
        &'a self,
        _path: &'a Path,
        _wanted: JobAccess,
    ) -> LocalFuture<'a, Result<(), StoreAccessError>> {
        Box::pin(async { Ok(()) })
    }

    fn content<'a>(
        &'a self,
        object: &'a Path,
        _purpose: Purpose,
        _bytes_max: u64,
    ) -> LocalFuture<'a, Result<(Bytes, String), StoreAccessError>> {
        let path = object.clone();
        Box::pin(async { Err(StoreAccessError::NoDownload { path }) })
    }
}

fn of_many(count: usize, pattern: &str) -> Result<JobPlan, PlanError> {
    let job = parse(reading(pattern).as_bytes())?;
    let images = SystemImages::default();
    let planning = Planning { account: ACCOUNT, system_images: &images };
    plan(&planning, &job, &Many(count)).now_or_never().expect("nobody waits")
}

#[test]
fn as_many_matches_are_taken_as_a_job_may_have_sessions_and_no_more() {
    let most = of_many(SESSIONS_MAX, "~/c/*").expect("just as many");
    assert_eq!(most.sessions.len(), SESSIONS_MAX);
    for (count, pattern) in [(SESSIONS_MAX + 1, "~/c/*"), (SESSIONS_MAX / 2 + 1, "~/*/*")] {
        let refused = of_many(count, pattern).expect_err("one too many");
        assert_eq!(refused.status().as_u16(), 400);
        let text = refused.to_string();
        assert!(text.contains("node \"n\", field `count`"), "{text}");
        assert!(text.contains("more than 1000 sessions"), "{text}");
    }
}

#[test]
fn matches_are_gathered_to_one_more_than_a_job_may_have_sessions() {
    let job = parse(reading("~/*/*").as_bytes()).expect("it is a description");
    let images = SystemImages::default();
    let planning = Planning { account: ACCOUNT, system_images: &images };
    let pattern = job.wildcards()[0];
    let found = matches_of(&planning, pattern, &Many(5_000)).now_or_never().expect("nobody waits");
    assert_eq!(found.expect("it can be listed").len(), SESSIONS_MAX + 1);
}

#[test]
fn access_to_another_account_is_asked_for_before_anything_is_listed_there() {
    let store = NamedStore::of(&["AUTH_y/c/a1", "AUTH_y/c/a2"]);
    let devices = r#"{"name": "stdin", "path": "swift://AUTH_y/c/a*"},
                     {"name": "stdout", "path": "swift://AUTH_y/out/*"}"#;
    let plan = planned(&node(devices), &store).expect("it is granted");
    assert_eq!(inputs(&plan), ["/AUTH_y/c/a1", "/AUTH_y/c/a2"]);
    let expected = ["may Read /AUTH_y/c", "may Write /AUTH_y/out/*", "list /AUTH_y/c \"a\""];
    assert_eq!(store.calls(), expected);
}

#[test]
fn each_use_of_another_account_asks_for_what_it_does() {
    let asked = |exec: &str, devices: &str| {
        let store = NamedStore::of(&["AUTH_y/c/o"]);
        let nodes =
            format!(r#"[{{"name": "n", "exec": {{"path": "{exec}"}}, "devices": [{devices}]}}]"#);
        let _either = planned(&nodes, &store);
        let calls = store.calls().into_iter();
        calls.filter(|call| call.starts_with("may")).collect::<Vec<_>>()
    };
    let own = "swift://~/c/m";
    assert_eq!(asked("swift://AUTH_y/c/m", ""), ["may Read /AUTH_y/c/m"]);
    for (device, expected) in [
        (r#"{"name": "stdin", "path": "swift://AUTH_y/c/o"}"#, "may Read /AUTH_y/c/o"),
        (r#"{"name": "stdin", "path": "swift://AUTH_y/c"}"#, "may Read /AUTH_y/c"),
        (r#"{"name": "stdin", "path": "swift://AUTH_y/c/*"}"#, "may Read /AUTH_y/c"),
        (r#"{"name": "stdin", "path": "swift://AUTH_y/c*/o"}"#, "may Read /AUTH_y"),
        (r#"{"name": "image", "path": "swift://AUTH_y/c/tar"}"#, "may Read /AUTH_y/c/tar"),
        (r#"{"name": "stdout", "path": "swift://AUTH_y/c/o"}"#, "may Write /AUTH_y/c/o"),
        (r#"{"name": "output", "path": "swift://AUTH_y/c/o"}"#, "may Write /AUTH_y/c/o"),
    ] {
        assert_eq!(asked(own, device), [expected], "{device}");
    }
    assert_eq!(asked(own, r#"{"name": "stdin", "path": "swift://~/c/o"}"#), Vec::<String>::new());
}

#[test]
fn a_denial_names_node_and_field_and_nothing_is_listed() {
    for status in [401, 403, 503] {
        let store = NamedStore::of(&["AUTH_y/c/o"]).denying(status);
        let refused = planned(&reading("AUTH_y/c/*"), &store).expect_err("it is denied");
        assert_eq!(refused.status().as_u16(), status);
        assert_eq!(refused.to_string(), "node \"n\", field `devices.stdin.path`: denied");
        assert_eq!(store.calls(), ["may Read /AUTH_y/c"]);
    }
}

#[test]
fn names_that_swift_does_not_take_are_flaws_of_their_field() {
    let long = "x".repeat(257);
    let refused = planned(&reading(&format!("~/{long}/o")), &NamedStore::default());
    let refused = refused.expect_err("the name is too long");
    assert_eq!(refused.status().as_u16(), 400);
    assert!(refused.to_string().contains("devices[0].path"), "{refused}");
}

#[test]
fn what_is_read_is_what_was_matched_and_the_module_once() {
    let store = NamedStore::of(&["AUTH_x/c/a", "AUTH_x/c/b"]);
    let plan = planned(&reading("~/c/*"), &store).expect("two match");
    let module = Path::object_of(ACCOUNT, "code", "m.wasm").expect("it is a path");
    assert_eq!(plan.reads(), [module, object("a"), object("b")]);
}
