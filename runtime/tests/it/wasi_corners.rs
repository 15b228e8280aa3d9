//! Corners of WASI preview 1 that the community's tests look into: rights, preopens, times, flags.
//!
//! Each holds what once was wrong here, so that it is seen without that suite.

use crate::script::Arg::{I, L, Load, Text};
use crate::script::{OUT, Script};
use crate::support::{compile, spec};
use crate::wasi::{
    BADF, BUFFER, CREATE, DEV, DIRECTORY, FD, INVAL, ISDIR, NOTCAPABLE, NOTDIR, PERM, ROOT, play,
    play_with,
};
use stayput_runtime::device::DeviceIndex;
use stayput_runtime::outcome::EndReason;
use stayput_runtime::session::{Pause, SESSION_EPOCH_UNIX_NS, Session};

/// Rights as preview 1 numbers them.
const RIGHTS_OF_DIRECTORIES: u32 = 0x0fbf_fe99;
const RIGHTS_OF_FILES: u32 = 0x08e0_01ff;
const READ: u32 = 1 << 1;
const WRITE: u32 = 1 << 6;
const PATH_FILESTAT_SET_SIZE: u32 = 1 << 19;
const TRUNCATE: u32 = 8;
const ALL: u64 = (1 << 30) - 1;

/// Where the base rights lie in what `fd_fdstat_get` puts at 300.
const BASE: u32 = 308;
const INHERITING: u32 = 316;

#[test]
fn directories_and_files_have_only_rights_that_mean_something_there() {
    let mut script = Script::default();
    script
        .call("fd_fdstat_get", &[I(ROOT), I(300)], 0)
        .number(BASE, RIGHTS_OF_DIRECTORIES)
        .number(INHERITING, ALL as u32)
        .open(ROOT, "a", CREATE, FD, 0)
        .call("fd_fdstat_get", &[Load(FD), I(300)], 0)
        .number(BASE, RIGHTS_OF_FILES)
        .number(INHERITING, 0)
        .call("fd_fdstat_get", &[I(0), I(300)], 0)
        .number(BASE, RIGHTS_OF_FILES & !WRITE)
        .call("fd_fdstat_get", &[I(1), I(300)], 0)
        .number(BASE, RIGHTS_OF_FILES & !READ);
    play(&script);
    play_with(&script, |spec| spec.devices.clear());
}

#[test]
fn a_directory_is_neither_read_nor_written_nor_sized() {
    let mut script = Script::default();
    let seek = [Load(FD), L(0), I(1), I(OUT)];
    script
        .open(ROOT, ".", DIRECTORY, FD, 0)
        .buffer(BUFFER, 200, 9)
        .call("fd_read", &[Load(FD), I(BUFFER), I(1), I(OUT)], ISDIR)
        .call("fd_write", &[Load(FD), I(BUFFER), I(1), I(OUT)], BADF)
        .call("fd_seek", &seek, ISDIR)
        .call("fd_allocate", &[Load(FD), L(0), L(1)], BADF)
        .call("fd_filestat_set_size", &[Load(FD), L(0)], BADF);
    let write = [I(ROOT), I(0), Text("."), I(DIRECTORY), L(ALL), L(ALL), I(0), I(OUT)];
    script.call("path_open", &write, ISDIR);
    play(&script);
}

#[test]
fn truncating_by_path_needs_the_directorys_right() {
    let open = |flags| [I(ROOT), I(0), Text("a"), I(flags), L(0), L(0), I(0), I(FD)];
    let mut script = Script::default();
    script
        .open(ROOT, "a", CREATE, FD, 0)
        .call("path_open", &open(TRUNCATE), 0)
        .call(
            "fd_fdstat_set_rights",
            &[I(ROOT), L(u64::from(RIGHTS_OF_DIRECTORIES & !PATH_FILESTAT_SET_SIZE)), L(ALL)],
            0,
        )
        .call("path_open", &open(TRUNCATE), NOTCAPABLE)
        .call("path_open", &open(0), 0);
    play(&script);
}

#[test]
fn flags_that_do_not_exist_are_refused() {
    let open = |open, flags| [I(ROOT), I(0), Text("."), I(open), L(0), L(0), I(flags), I(FD)];
    let mut script = Script::default();
    script.call("path_open", &open(16, 0), INVAL).call("path_open", &open(0, 32), INVAL).call(
        "path_open",
        &open(0, 0),
        0,
    );
    play(&script);
}

#[test]
fn a_preopens_name_goes_where_it_is_renumbered_and_ends_when_it_is_closed() {
    let mut script = Script::default();
    script
        .open(ROOT, ".", DIRECTORY, FD, 0)
        .call("fd_renumber", &[I(DEV), Load(FD)], 0)
        .call("fd_prestat_get", &[I(DEV), I(OUT)], BADF)
        .call("fd_prestat_get", &[Load(FD), I(OUT)], 0)
        .number(OUT + 4, 4)
        .open(ROOT, "a", CREATE, FD, 0)
        .number(FD, DEV)
        .call("fd_prestat_get", &[I(DEV), I(OUT)], BADF)
        .call("fd_close", &[I(ROOT)], 0)
        .call("fd_prestat_dir_name", &[I(ROOT), I(OUT), I(1)], BADF);
    play(&script);
}

#[test]
fn a_link_is_made_neither_to_an_absolute_path_nor_at_a_file_with_a_slash() {
    let mut script = Script::default();
    script
        .open(ROOT, "a", CREATE, FD, 0)
        .call("path_symlink", &[Text("/a"), I(ROOT), Text("b")], PERM)
        .call("path_symlink", &[Text("b"), I(ROOT), Text("a/")], NOTDIR);
    play(&script);
}

#[test]
fn what_changes_a_file_shows_in_its_change_time() {
    const NAP: u64 = 5_000_000;
    let mut script = Script::default();
    script.store(600, 77).store(616, 1).store(624, NAP as u32);
    let sleep = [I(600), I(700), I(1), I(OUT)];
    let changed = |naps: u64| (SESSION_EPOCH_UNIX_NS + naps * NAP).to_le_bytes();
    script
        .open(ROOT, "a", CREATE, FD, 0)
        .call("poll_oneoff", &sleep, 0)
        .call("fd_filestat_set_times", &[Load(FD), L(1), L(2), I(5)], 0)
        .call("fd_filestat_get", &[Load(FD), I(300)], 0)
        .bytes(340, &1u64.to_le_bytes())
        .bytes(348, &2u64.to_le_bytes())
        .bytes(356, &changed(1))
        .call("poll_oneoff", &sleep, 0)
        .call("path_link", &[I(ROOT), I(0), Text("a"), I(ROOT), Text("b")], 0)
        .call("fd_filestat_get", &[Load(FD), I(300)], 0)
        .bytes(356, &changed(2))
        .call("poll_oneoff", &sleep, 0)
        .call("path_unlink_file", &[I(ROOT), Text("a")], 0)
        .call("fd_filestat_get", &[Load(FD), I(300)], 0)
        .bytes(356, &changed(3))
        .call("fd_filestat_get", &[I(ROOT), I(300)], 0)
        .bytes(348, &changed(3));
    play(&script);
}

#[test]
fn a_directory_lists_a_device_under_its_own_number() {
    let mut script = Script::default();
    script
        .call("fd_readdir", &[I(DEV), I(500), I(200), L(0), I(OUT)], 0)
        .bytes(575, b"input")
        .call("path_filestat_get", &[I(DEV), I(0), Text("input"), I(300)], 0)
        .number(308, 4)
        .number(559, 4);
    play(&script);
}

#[test]
fn bytes_beyond_what_was_asked_answer_the_next_reads_without_a_pause() {
    let mut script = Script::default();
    let read = [Load(FD), I(BUFFER), I(1), I(OUT)];
    script.open(DEV, "input", 0, FD, 0).buffer(BUFFER, 200, 4);
    script.call("fd_read", &read, 0).bytes(200, b"the ");
    script.call("fd_read", &read, 0).bytes(200, b"inpu");
    script.call("fd_pread", &[Load(FD), I(BUFFER), I(1), L(1), I(OUT)], 0).bytes(200, b"he i");
    script.call("fd_read", &read, 0).number(OUT, 1).bytes(200, b"t");
    let mut spec = spec(&compile(&script.build()), &["guest"]);
    spec.devices[3].size = 9;
    let mut session = Session::new(spec);
    for (asked_at, asked, given) in [(0, 4, &b"the inpu"[..]), (8, 1, b"t")] {
        let pause = session.step(0, 1_000_000);
        assert_eq!(pause, Pause::Read { device: DeviceIndex(3), offset: asked_at, len: asked });
        session.provide_read(Ok(given.into()));
    }
    let Pause::Ended(outcome) = session.step(0, 1_000_000) else { panic!("it pauses again") };
    assert_eq!(outcome.end, EndReason::Exited { code: 0 });
    let account = &outcome.accounting.devices[3];
    assert_eq!((account.reads, account.read_bytes), (4, 13));
}

#[test]
fn what_is_removed_gives_its_room_back() {
    let name = "n".repeat(100);
    let mut script = Script::default();
    for _ in 0..20 {
        script
            .open(ROOT, &name, CREATE, FD, 0)
            .call("fd_allocate", &[Load(FD), L(0), L(1_000)], 0)
            .call("path_rename", &[I(ROOT), Text(&name), I(ROOT), Text("b")], 0)
            .call("path_link", &[I(ROOT), I(0), Text("b"), I(ROOT), Text("c")], 0)
            .call("path_unlink_file", &[I(ROOT), Text("b")], 0)
            .call("path_unlink_file", &[I(ROOT), Text("c")], 0)
            .call("fd_close", &[Load(FD)], 0);
    }
    play_with(&script, |spec| spec.limits.tree_bytes_max = 2_000);
}
