//! The house's style, as far as a machine can see it.
//!
//! Leaves out what rustfmt and clippy hold already.

mod imports;
mod names;
mod prose;
mod source;

use self::source::texts;

/// Lines of the longest file.
const LINES_MAX: usize = 500;
/// Characters of the longest comment line; rustfmt breaks code there.
const COMMENT_CHARS_MAX: usize = 100;
/// Characters of the longest other line: rustfmt cannot break texts and macros' arguments.
const LINE_CHARS_MAX: usize = 140;

/// Rust's own name for a macro that says that something is missing, without being one here.
fn unfinished() -> [String; 3] {
    ["todo", "unimplemented", "dbg"].map(|name| format!("{name}!("))
}

/// Names that clippy refuses where they are used; where they are not even imported, nobody has to
/// look.
const BANNED_IMPORTS: [&str; 5] = [
    "collections::HashMap",
    "collections::HashSet",
    "time::Instant",
    "time::SystemTime",
    "thread::spawn",
];

/// Fails with every place that has the flaw.
fn assert_none(flaw: &str, places: &[String]) {
    assert!(places.is_empty(), "{flaw}:\n{}", places.join("\n"));
}

#[test]
fn no_file_is_too_long() {
    let long = texts().into_iter().filter(|(_, text)| text.lines().count() > LINES_MAX);
    let long: Vec<String> =
        long.map(|(path, text)| format!("{path}: {} lines", text.lines().count())).collect();
    assert_none("files of more than 500 lines: split them into rooms", &long);
}

#[test]
fn every_file_says_first_what_it_is() {
    let silent = texts().into_iter().filter(|(_, text)| !text.starts_with("//! "));
    let silent: Vec<String> = silent.map(|(path, _)| path).collect();
    assert_none("files that do not begin with `//! `", &silent);
}

/// Each line of each file of which `is_flawed` says so, given the file and the line.
fn lines(is_flawed: impl Fn(&str, &str) -> bool) -> Vec<String> {
    let mut flawed = Vec::new();
    for (path, text) in texts() {
        for (number, line) in text.lines().enumerate() {
            if is_flawed(&path, line) {
                flawed.push(format!("{path}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    flawed
}

#[test]
fn nothing_is_left_to_be_done() {
    let marks: Vec<String> =
        ["TODO", "FIXME", "XXX"].iter().map(|mark| format!("// {mark}")).collect();
    let unfinished = unfinished();
    let found = lines(|path, line| {
        !path.starts_with("tests/all/house/")
            && (unfinished.iter().any(|call| line.contains(call))
                || marks.iter().any(|mark| line.contains(mark)))
    });
    assert_none("unfinished code", &found);
}

#[test]
fn what_is_banned_is_not_imported() {
    let found = lines(|path, line| {
        let line = line.trim_start();
        let imports = line.starts_with("use ") || line.starts_with("pub use ");
        let grouped = |name: &str| {
            let (module, item) = name.split_once("::").unwrap_or((name, ""));
            line.contains(&format!("{module}::{{"))
                && line.split(['{', '}', ',']).any(|part| part.trim() == item)
        };
        // The files behind the seam and benchmarks tell clippy why they may.
        let bench = path.contains("/benches/");
        imports && !bench && BANNED_IMPORTS.iter().any(|name| line.contains(name) || grouped(name))
    });
    assert_none("imports of what clippy.toml bans", &found);
}

#[test]
fn dead_code_is_not_allowed_to_stay() {
    let allowance = ["allow(dead", "_code)"].concat();
    let found = lines(|_, line| line.contains(&allowance));
    assert_none("dead code", &found);
}

#[test]
fn tests_are_named_as_claims() {
    let found = lines(|_, line| {
        let line = line.trim_start();
        line.starts_with("fn test_") || line.starts_with("async fn test_")
    });
    assert_none("tests that say that they are tests, and not what they claim", &found);
}

#[test]
fn no_line_is_wider_than_a_reader_can_see() {
    let found = lines(|path, line| {
        // The guests' modules, and so all fuel figures, depend on the lines of their sources.
        let guest = path.starts_with("runtime/guests/");
        let comment = line.trim_start().starts_with("//");
        let max = if comment && !guest { COMMENT_CHARS_MAX } else { LINE_CHARS_MAX };
        line.chars().count() > max
    });
    assert_none("lines of more than 140 characters, comments of more than 100", &found);
}
