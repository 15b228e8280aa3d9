//! Calls that would keep the host busy, or fill its memory, for next to no fuel.

use crate::support::{compile, inputs, spec};
use stayput_runtime::image::{Image, ImageLimits};
use stayput_runtime::limits::HOST_CALL_FUEL;
use stayput_runtime::local;
use stayput_runtime::outcome::{EndReason, Outcome};
use std::sync::Arc;

const HEAD: &str = r#"
    (import "wasi_snapshot_preview1" "path_open"
        (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "path_create_directory"
        (func $mkdir (param i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "path_symlink"
        (func $symlink (param i32 i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "path_rename"
        (func $rename (param i32 i32 i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "path_filestat_get"
        (func $stat (param i32 i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_readdir"
        (func $readdir (param i32 i32 i32 i64 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_filestat_set_size"
        (func $set_size (param i32 i64) (result i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (memory (export "memory") 2)
    (func $must (param $error i32) (if (local.get $error) (then (call $exit (local.get $error)))))
    (func $open (param $path i32) (param $len i32) (param $flags i32) (result i32)
        (call $must (call $path_open (i32.const 3) (i32.const 1) (local.get $path) (local.get $len)
            (local.get $flags)
            ;; A directory is opened to be listed, a file for all that there is.
            (select (i64.const 0x4000) (i64.const 0x3fffffff) (i32.eq (local.get $flags) (i32.const 2)))
            (i64.const 0) (i32.const 0) (i32.const 0)))
        (i32.load (i32.const 0)))"#;

/// Runs a guest of this body; `more` are its functions and data.
fn run(more: &str, body: &str, images: Vec<Arc<Image>>, fuel_max: u64) -> Outcome {
    let text = format!("(module {HEAD} {more} (func (export \"_start\") (local $i i32) {body}))");
    let mut spec = spec(&compile(&wat::parse_str(text).unwrap()), &["guest"]);
    spec.images = images;
    spec.limits.fuel_max = fuel_max;
    local::run(spec, inputs("")).outcome
}

/// The fuel of a guest of this body, which ends by itself.
fn fuel(more: &str, body: &str, images: Vec<Arc<Image>>) -> u64 {
    let outcome = run(more, body, images, u64::MAX);
    assert_eq!(outcome.end, EndReason::Exited { code: 0 });
    outcome.fuel
}

fn crowd(files: usize) -> Arc<Image> {
    let names: Vec<String> = (0..files).map(|number| format!("d/file-{number:06}")).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b""[..])).collect();
    Arc::new(Image::from_tar(&crate::images::tar(&files), ImageLimits::default()).unwrap())
}

/// Repeats `body` so often.
fn times(count: u32, body: &str) -> String {
    format!(
        "(loop {body} (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if 0 (i32.lt_u (local.get $i) (i32.const {count}))))"
    )
}

#[test]
fn an_ordinary_path_costs_what_a_call_costs() {
    let data = r#"(data (i32.const 64) "dev/input")"#;
    let stat = "(call $must (call $stat (i32.const 3) (i32.const 1) (i32.const 64) (i32.const 9)
        (i32.const 256)))";
    let used = fuel(data, stat, Vec::new());
    assert!((HOST_CALL_FUEL..HOST_CALL_FUEL + 30).contains(&used), "{used}");
}

#[test]
fn a_path_through_thousands_of_names_is_paid_for() {
    let path = "d/../".repeat(800);
    let data = format!(r#"(data (i32.const 64) "{path}") (data (i32.const 60) "d")"#);
    let mkdir = "(call $must (call $mkdir (i32.const 3) (i32.const 60) (i32.const 1)))";
    let stat = format!(
        "(drop (call $stat (i32.const 3) (i32.const 1) (i32.const 64) (i32.const {}) (i32.const 8192)))",
        path.len()
    );
    let used = fuel(&data, &format!("{mkdir} {stat}"), Vec::new());
    assert!(used > 1_600 * 50, "{used}");
}

#[test]
fn links_that_lead_to_long_paths_are_paid_for() {
    // Each link leads through a thousand names to the next one.
    let detour = "d/../".repeat(500);
    let data = format!(
        r#"(data (i32.const 64) "{detour}a") (data (i32.const 4096) "a") (data (i32.const 60) "d")"#
    );
    let make = format!(
        "(call $must (call $mkdir (i32.const 3) (i32.const 60) (i32.const 1)))
         (call $must (call $symlink (i32.const 64) (i32.const {}) (i32.const 3) (i32.const 4096)
            (i32.const 1)))",
        detour.len() + 1
    );
    let stat = "(drop (call $stat (i32.const 3) (i32.const 1) (i32.const 4096) (i32.const 1)
        (i32.const 8192)))";
    let used = fuel(&data, &format!("{make} {stat}"), Vec::new());
    assert!(used > 40 * 1_000 * 50, "{used}");
}

#[test]
fn slashes_without_end_are_looked_at_once() {
    let path = format!("{}{}", "d/../".repeat(400), "/".repeat(2_000));
    let data = format!(r#"(data (i32.const 64) "{path}") (data (i32.const 60) "d")"#);
    let body = format!(
        "(call $must (call $mkdir (i32.const 3) (i32.const 60) (i32.const 1)))
        {}",
        times(
            200,
            &format!(
                "(drop (call $stat (i32.const 3) (i32.const 1) (i32.const 64) (i32.const {})
                    (i32.const 8192)))",
                path.len()
            )
        )
    );
    assert!(fuel(&data, &body, Vec::new()) > 200 * 800 * 50);
}

#[test]
fn moving_a_large_directory_to_and_fro_is_paid_for() {
    let data = r#"(data (i32.const 64) "d") (data (i32.const 65) "e")"#;
    // Reading it takes all its entries out of the image.
    let list = "(call $must (call $readdir (call $open (i32.const 64) (i32.const 1) (i32.const 2))
        (i32.const 1024) (i32.const 64) (i64.const 0) (i32.const 8)))";
    let to_and_fro =
        "(call $must (call $rename (i32.const 3) (i32.const 64) (i32.const 1) (i32.const 3)
            (i32.const 65) (i32.const 1)))
        (call $must (call $rename (i32.const 3) (i32.const 65) (i32.const 1) (i32.const 3)
            (i32.const 64) (i32.const 1)))";
    let files = 20_000;
    let body = |moves: &str| format!("{list} {moves}");
    let (listed, moved) = (
        fuel(data, &body(""), vec![crowd(files)]),
        fuel(data, &body(to_and_fro), vec![crowd(files)]),
    );
    assert!(listed > files as u64 * 50, "{listed}");
    assert!(moved - listed > 2 * 19_900 * 50, "{moved}");
    let endless = format!("{list} (loop {to_and_fro} (br 0))");
    assert_eq!(run(data, &endless, vec![crowd(files)], 100_000_000).end, EndReason::OutOfFuel);
}

#[test]
fn a_list_of_names_is_paid_for_each_time_that_it_is_made() {
    let data = r#"(data (i32.const 64) "d")"#;
    let list =
        "(call $must (call $readdir (local.get $i) (i32.const 1024) (i32.const 64) (i64.const 0)
        (i32.const 8)))";
    let open = "(local.set $i (call $open (i32.const 64) (i32.const 1) (i32.const 2)))";
    let body = |lists: usize| format!("{open} {}", list.repeat(lists));
    let used = |lists| fuel(data, &body(lists), vec![crowd(20_000)]);
    assert!(used(3) - used(1) > 2 * 19_900 * 50);
}

#[test]
fn lists_of_names_in_a_thousand_readers_hands_are_bounded() {
    const NOMEM: u32 = 48;
    let data = r#"(data (i32.const 64) "d")"#;
    let open_and_list = times(
        1_000,
        "(call $must (call $readdir (call $open (i32.const 64) (i32.const 1) (i32.const 2))
            (i32.const 1024) (i32.const 64) (i64.const 0) (i32.const 8)))",
    );
    let outcome = run(data, &open_and_list, vec![crowd(50_000)], u64::MAX);
    assert_eq!(outcome.end, EndReason::Exited { code: NOMEM });
}

#[test]
fn files_that_grow_and_shrink_are_paid_for() {
    let data = r#"(data (i32.const 64) "f")"#;
    let open = "(local.set $i (call $open (i32.const 64) (i32.const 1) (i32.const 1)))";
    let resize =
        |bytes: u32| format!("(call $must (call $set_size (local.get $i) (i64.const {bytes})))");
    let grow = format!("{} {}", resize(60_000_000), resize(0));
    let used = fuel(data, &format!("{open} {grow}"), Vec::new());
    assert!(used > 60_000_000 / 64, "{used}");
    let endless = format!("{open} (loop {grow} (br 0))");
    assert_eq!(run(data, &endless, Vec::new(), 20_000_000).end, EndReason::OutOfFuel);
}
