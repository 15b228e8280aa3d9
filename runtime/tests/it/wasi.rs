//! WASI preview 1, call by call: what programs of Rust and C rely on.

use crate::script::Arg::{I, L, Load, Text};
use crate::script::{OUT, Script};
use crate::support::{compile, inputs, spec};
use stayput_runtime::image::{Image, ImageLimits};
use stayput_runtime::local::{self, LocalRun};
use stayput_runtime::outcome::EndReason;
use stayput_runtime::session::{SESSION_EPOCH_UNIX_NS, SessionSpec};
use std::sync::Arc;

pub(crate) const BADF: u32 = 8;
const EXIST: u32 = 20;
pub(crate) const INVAL: u32 = 28;
pub(crate) const ISDIR: u32 = 31;
const LOOP: u32 = 32;
const NOENT: u32 = 44;
const NOSPC: u32 = 51;
pub(crate) const NOTDIR: u32 = 54;
const NOTEMPTY: u32 = 55;
const NOTSOCK: u32 = 57;
const NOTSUP: u32 = 58;
pub(crate) const PERM: u32 = 63;
const ROFS: u32 = 69;
const SPIPE: u32 = 70;
pub(crate) const NOTCAPABLE: u32 = 76;

pub(crate) const CREATE: u32 = 1;
pub(crate) const DIRECTORY: u32 = 2;
const CREATE_NEW: u32 = 5;
const TRUNCATE: u32 = 9;

pub(crate) const ROOT: u32 = 3;
pub(crate) const DEV: u32 = 4;
pub(crate) const FD: u32 = 16;
pub(crate) const BUFFER: u32 = 24;

pub(crate) fn play_with(script: &Script, change: impl FnOnce(&mut SessionSpec)) -> LocalRun {
    let module = compile(&script.build());
    let mut spec = spec(&module, &["guest"]);
    change(&mut spec);
    let run = local::run(spec, inputs("the input"));
    assert_eq!(run.outcome.end, EndReason::Exited { code: 0 }, "the code is the step that failed");
    run
}

pub(crate) fn play(script: &Script) -> LocalRun {
    play_with(script, |_| {})
}

#[test]
fn files_are_written_read_and_sized() {
    let mut script = Script::default();
    script
        .open(ROOT, "a.txt", CREATE, FD, 0)
        .buffer(BUFFER, FD, 4)
        .store(100, u32::from_le_bytes(*b"hell"))
        .buffer(BUFFER, 100, 4)
        .call("fd_write", &[Load(FD), I(BUFFER), I(1), I(OUT)], 0)
        .number(OUT, 4)
        .call("fd_seek", &[Load(FD), L(0), I(0), I(OUT)], 0)
        .buffer(BUFFER, 200, 9)
        .call("fd_read", &[Load(FD), I(BUFFER), I(1), I(OUT)], 0)
        .number(OUT, 4)
        .bytes(200, b"hell\0")
        .call("fd_filestat_set_size", &[Load(FD), L(2)], 0)
        .call("fd_filestat_get", &[Load(FD), I(300)], 0)
        .number(332, 2)
        .number(316, 4)
        .call("fd_pwrite", &[Load(FD), I(BUFFER), I(1), L(8), I(OUT)], 0)
        .call("fd_seek", &[Load(FD), L(0), I(2), I(OUT)], 0)
        .number(OUT, 17)
        .call("fd_allocate", &[Load(FD), L(0), L(20)], 0)
        .call("fd_close", &[Load(FD)], 0)
        .call("fd_close", &[Load(FD)], BADF)
        .open(ROOT, "a.txt", CREATE_NEW, FD, EXIST)
        .open(ROOT, "a.txt", TRUNCATE, FD, 0)
        .call("fd_filestat_get", &[Load(FD), I(300)], 0)
        .number(332, 0)
        .open(ROOT, "none", 0, FD, NOENT);
    play(&script);
}

#[test]
fn directories_links_and_names_behave_as_in_posix() {
    let mut script = Script::default();
    script
        .call("path_create_directory", &[I(ROOT), Text("d")], 0)
        .call("path_create_directory", &[I(ROOT), Text("d/e")], 0)
        .call("path_create_directory", &[I(ROOT), Text("d")], EXIST)
        .open(ROOT, "d/e/f", CREATE, FD, 0)
        .open(ROOT, "d/e/f/g", CREATE, FD, NOTDIR)
        .open(ROOT, "d", CREATE, FD, ISDIR)
        .call("path_remove_directory", &[I(ROOT), Text("d")], NOTEMPTY)
        .call("path_unlink_file", &[I(ROOT), Text("d")], ISDIR)
        .call("path_rename", &[I(ROOT), Text("d"), I(ROOT), Text("d/e/x")], INVAL)
        .call("path_rename", &[I(ROOT), Text("d/e"), I(ROOT), Text("m")], 0)
        .call("path_link", &[I(ROOT), I(0), Text("m/f"), I(ROOT), Text("hard")], 0)
        .call("path_symlink", &[Text("m/../m/f"), I(ROOT), Text("soft")], 0)
        .call("path_symlink", &[Text("round"), I(ROOT), Text("round")], 0)
        .open(ROOT, "soft", 0, FD, 0)
        .open(ROOT, "round", 0, FD, LOOP)
        .call("path_readlink", &[I(ROOT), Text("soft"), I(400), I(64), I(OUT)], 0)
        .bytes(400, b"m/../m/f")
        .call("path_filestat_get", &[I(ROOT), I(0), Text("hard"), I(300)], 0)
        .number(324, 2)
        .call("path_unlink_file", &[I(ROOT), Text("m/f")], 0)
        .open(ROOT, "soft", 0, FD, NOENT)
        .open(ROOT, "hard", 0, FD, 0)
        .call("path_remove_directory", &[I(ROOT), Text("m")], 0);
    play(&script);
}

#[test]
fn no_path_leads_out_of_where_it_began() {
    let mut script = Script::default();
    script
        .open(ROOT, "../x", 0, FD, NOTCAPABLE)
        .open(ROOT, "/dev/input", 0, FD, NOTCAPABLE)
        .open(DEV, "../a", CREATE, FD, NOTCAPABLE)
        .call("path_create_directory", &[I(ROOT), Text("d")], 0)
        .open(ROOT, "d", DIRECTORY, FD, 0)
        .call("path_symlink", &[Text("../../x"), I(ROOT), Text("d/up")], 0)
        .call("path_symlink", &[Text("/d"), I(ROOT), Text("d/abs")], PERM)
        .open(ROOT, "d/up", 0, OUT, NOTCAPABLE)
        .call("path_unlink_file", &[Load(FD), Text("../d")], NOTCAPABLE)
        .call("path_filestat_get", &[Load(FD), I(1), Text("up"), I(300)], NOTCAPABLE);
    play(&script);
}

#[test]
fn an_images_absolute_link_leads_to_the_root_and_only_from_there() {
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_size(0);
    builder.append_link(&mut header, "d/abs", "/d").unwrap();
    let tar = builder.into_inner().unwrap();
    let image = Arc::new(Image::from_tar(&tar, ImageLimits::default()).unwrap());
    let mut script = Script::default();
    script.open(ROOT, "d/abs", 0, OUT, ISDIR).open(ROOT, "d/abs", DIRECTORY, FD, 0).call(
        "path_filestat_get",
        &[Load(FD), I(1), Text("abs"), I(300)],
        NOTCAPABLE,
    );
    play_with(&script, |spec| spec.images = vec![image]);
}

#[test]
fn devices_have_their_direction_and_cannot_be_removed() {
    let mut script = Script::default();
    script
        .open(ROOT, "dev/input", 0, FD, 0)
        .call("fd_filestat_get", &[Load(FD), I(300)], 0)
        .number(332, 9)
        .number(316, 4)
        .buffer(BUFFER, 200, 5)
        .call("fd_pread", &[Load(FD), I(BUFFER), I(1), L(4), I(OUT)], 0)
        .number(OUT, 5)
        .bytes(200, b"input")
        .call("fd_write", &[Load(FD), I(BUFFER), I(1), I(OUT)], BADF)
        .open(DEV, "output", TRUNCATE, FD, 0)
        .call("fd_pwrite", &[Load(FD), I(BUFFER), I(1), L(2), I(OUT)], 0)
        .call("fd_read", &[Load(FD), I(BUFFER), I(1), I(OUT)], BADF)
        .open(DEV, "output", TRUNCATE, FD, NOTSUP)
        .call("fd_seek", &[I(1), L(0), I(1), I(OUT)], SPIPE)
        .call("path_unlink_file", &[I(DEV), Text("input")], ROFS)
        .open(DEV, "new", CREATE, FD, ROFS)
        .call("path_rename", &[I(ROOT), Text("dev"), I(ROOT), Text("x")], 10)
        .call("fd_fdstat_get", &[I(1), I(300)], 0)
        .bytes(300, &[0]);
    let run = play(&script);
    assert_eq!(&run.outputs["output"][..], b"\0\0input");
    let accounts = &run.outcome.accounting.devices;
    assert_eq!((accounts[3].reads, accounts[3].read_bytes), (1, 5));
    assert_eq!((accounts[4].writes, accounts[4].written_bytes), (1, 5));
}

#[test]
fn asking_only_for_the_direction_that_a_device_lacks_is_refused() {
    let mut script = Script::default();
    let write = 1 << 6;
    let args = [I(DEV), I(0), Text("input"), I(0), L(write), L(0), I(0), I(FD)];
    script.call("path_open", &args, PERM);
    play(&script);
}

#[test]
fn reading_a_directory_survives_removing_what_it_lists() {
    let mut script = Script::default();
    script
        .call("path_create_directory", &[I(ROOT), Text("d")], 0)
        .open(ROOT, "d", DIRECTORY, FD, 0)
        .open(ROOT, "d/a", CREATE, OUT, 0)
        .open(ROOT, "d/b", CREATE, OUT, 0)
        .call("fd_readdir", &[Load(FD), I(500), I(76), L(0), I(OUT)], 0)
        .number(OUT, 76)
        .bytes(524, b".")
        .bytes(549, b"..")
        .bytes(551, &3u64.to_le_bytes())
        .bytes(575, b"a")
        .call("path_unlink_file", &[I(ROOT), Text("d/a")], 0)
        .call("fd_readdir", &[Load(FD), I(500), I(76), L(3), I(OUT)], 0)
        .number(OUT, 25)
        .bytes(524, b"b")
        .call("fd_readdir", &[Load(FD), I(500), I(200), L(0), I(OUT)], 0)
        .number(OUT, 25 + 26 + 25);
    play(&script);
}

#[test]
fn preopens_arguments_and_environment_are_given() {
    let mut script = Script::default();
    script
        .call("fd_prestat_get", &[I(ROOT), I(OUT)], 0)
        .number(OUT + 4, 1)
        .call("fd_prestat_dir_name", &[I(DEV), I(OUT), I(4)], 0)
        .bytes(OUT, b"/dev")
        .call("fd_prestat_get", &[I(5), I(OUT)], BADF)
        .call("args_sizes_get", &[I(OUT), I(OUT + 4)], 0)
        .number(OUT, 1)
        .number(OUT + 4, 6)
        .call("args_get", &[I(OUT), I(100)], 0)
        .bytes(100, b"guest\0")
        .call("environ_get", &[I(OUT), I(100)], 0)
        .bytes(100, b"K=v\0")
        .call("sock_shutdown", &[I(0), I(0)], NOTSOCK)
        .call("sock_shutdown", &[I(9), I(0)], BADF)
        .call("sched_yield", &[], 0)
        .call("args_get", &[I(65_535), I(100)], 21);
    play_with(&script, |spec| spec.env = vec![("K".to_owned(), "v".to_owned())]);
}

#[test]
fn sleeping_makes_time_pass() {
    let mut script = Script::default();
    script
        .store(600, 77)
        .store(616, 1)
        .store(624, 5_000_000)
        .call("poll_oneoff", &[I(600), I(700), I(1), I(OUT)], 0)
        .number(OUT, 1)
        .number(700, 77)
        .call("clock_time_get", &[I(0), L(1), I(OUT)], 0)
        .bytes(OUT, &(SESSION_EPOCH_UNIX_NS + 5_000_000).to_le_bytes());
    let run = play(&script);
    assert_eq!(run.outcome.accounting.clock_reads, 2);
}

#[test]
fn randomness_comes_from_the_seed_alone() {
    let mut script = Script::default();
    script.call("random_get", &[I(200), I(8)], 0).buffer(BUFFER, 200, 8).call(
        "fd_write",
        &[I(1), I(BUFFER), I(1), I(OUT)],
        0,
    );
    let (one, again) = (play(&script), play(&script));
    let other = play_with(&script, |spec| spec.entropy = [8; 32]);
    assert_eq!(one, again);
    assert_ne!(one.outputs["stdout"], other.outputs["stdout"]);
}

#[test]
fn the_tree_is_copied_on_write_and_bounded() {
    let tar = crate::images::tar(&[("lib/a", b"first"), ("lib/b", b"second")]);
    let image = Arc::new(Image::from_tar(&tar, ImageLimits::default()).unwrap());
    let mut script = Script::default();
    script
        .buffer(BUFFER, 200, 64)
        .open(ROOT, "lib/a", 0, FD, 0)
        .call("fd_read", &[Load(FD), I(BUFFER), I(1), I(OUT)], 0)
        .bytes(200, b"first")
        .call("fd_pwrite", &[Load(FD), I(BUFFER), I(1), L(0), I(OUT)], 0)
        .call("path_unlink_file", &[I(ROOT), Text("lib/b")], 0)
        .call("fd_allocate", &[Load(FD), L(0), L(1 << 20)], NOSPC)
        .call("fd_pwrite", &[Load(FD), I(BUFFER), I(1), L(u64::MAX >> 1), I(OUT)], NOSPC);
    for _ in 0..2 {
        play_with(&script, |spec| {
            spec.images = vec![image.clone()];
            spec.limits.tree_bytes_max = 10_000;
        });
    }
    assert_eq!(image.file("lib/b").as_deref(), Some(&b"second"[..]));
}

#[test]
fn a_pipe_of_unknown_size_delivers_what_there_is() {
    use stayput_runtime::device::SIZE_UNKNOWN;
    use stayput_runtime::session::{Pause, Session};
    let mut script = Script::default();
    let read = [I(0), I(BUFFER), I(1), I(OUT)];
    script.buffer(BUFFER, 200, 9);
    script.call("fd_read", &read, 0).number(OUT, 2).bytes(200, b"ab");
    script.call("fd_read", &read, 0).number(OUT, 0);
    let mut spec = spec(&compile(&script.build()), &["guest"]);
    spec.devices[0].size = SIZE_UNKNOWN;
    let mut session = Session::new(spec);
    for (at, part) in [(0, &b"ab"[..]), (2, b"")] {
        let Pause::Read { offset, len, .. } = session.step(0, 1_000_000) else {
            panic!("it does not read")
        };
        assert_eq!((offset, len), (at, 9));
        session.provide_read(Ok(part.to_vec().into()));
    }
    let Pause::Ended(outcome) = session.step(0, 1_000_000) else { panic!("it goes on") };
    assert_eq!(outcome.end, EndReason::Exited { code: 0 });
}

#[test]
fn an_outcome_goes_through_json() {
    let mut script = Script::default();
    script.call("sched_yield", &[], 0);
    let outcome = play(&script).outcome;
    let json = serde_json::to_string(&outcome).unwrap();
    assert_eq!(outcome, serde_json::from_str(&json).unwrap());
}
