//! Calls of WASI: the bytes are calls with arguments from a few that matter, made one after another
//! by a guest that does not mind errors. The host never panics, and steps of any size come to the
//! same end.
#![no_main]

use std::fmt::Write;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use stayput_fuzz::run;
use stayput_runtime::engine::Engine;

static ENGINE: LazyLock<Engine> = LazyLock::new(Engine::new);

/// Each call with its parameters: `p` a pointer, `t` a text's address and length, `f` a descriptor,
/// `n` a small number, `q` a number of 64 bits.
const CALLS: &[(&str, &str)] = &[
    ("args_get", "pp"),
    ("environ_get", "pp"),
    ("clock_time_get", "nqp"),
    ("random_get", "pn"),
    ("poll_oneoff", "ppnp"),
    ("fd_read", "fpnp"),
    ("fd_pread", "fpnqp"),
    ("fd_write", "fpnp"),
    ("fd_pwrite", "fpnqp"),
    ("fd_seek", "fqnp"),
    ("fd_tell", "fp"),
    ("fd_close", "f"),
    ("fd_renumber", "ff"),
    ("fd_sync", "f"),
    ("fd_advise", "fqqn"),
    ("fd_allocate", "fqq"),
    ("fd_fdstat_get", "fp"),
    ("fd_fdstat_set_flags", "fn"),
    ("fd_fdstat_set_rights", "fqq"),
    ("fd_filestat_get", "fp"),
    ("fd_filestat_set_size", "fq"),
    ("fd_filestat_set_times", "fqqn"),
    ("fd_prestat_get", "fp"),
    ("fd_prestat_dir_name", "fpn"),
    ("fd_readdir", "fpnqp"),
    ("path_open", "fntnqqnp"),
    ("path_filestat_get", "fntp"),
    ("path_filestat_set_times", "fntqqn"),
    ("path_create_directory", "ft"),
    ("path_remove_directory", "ft"),
    ("path_unlink_file", "ft"),
    ("path_rename", "ftft"),
    ("path_link", "fntft"),
    ("path_symlink", "tft"),
    ("path_readlink", "ftpnp"),
];
const TEXTS: &[&str] = &[
    "a",
    "b",
    "a/b",
    "a/../b",
    "dev",
    "dev/input",
    "dev/output",
    "dev/in/peer",
    "..",
    "/a",
    "a/",
    ".",
    "",
    "b/a/b",
    "../dev/stdin",
    "dev/stdout",
];
const WIDE: &[u64] = &[
    0,
    1,
    2,
    3,
    9,
    64,
    4096,
    100_000,
    1 << 20,
    1 << 32,
    u64::MAX >> 1,
    u64::MAX,
    0x3fff_ffff,
    1 << 62,
];
const POINTERS: &[u32] = &[0, 8, 64, 256, 1024, 4096, 65_000, 65_535, u32::MAX];

/// The value of a parameter, chosen by `byte`.
fn value(parameter: char, byte: u8) -> String {
    let pick = |len: usize| usize::from(byte) % len;
    match parameter {
        'p' => format!("(i32.const {})", POINTERS[pick(POINTERS.len())] as i32),
        't' => {
            let text = pick(TEXTS.len());
            format!("(i32.const {}) (i32.const {})", 2048 + 32 * text, TEXTS[text].len())
        }
        'q' => format!("(i64.const {})", WIDE[pick(WIDE.len())] as i64),
        'f' => format!("(i32.const {})", byte % 12),
        _ => format!("(i32.const {byte})"),
    }
}

fn module(bytes: &[u8]) -> String {
    let mut text = "(module".to_owned();
    let mut bodies = String::new();
    let mut bytes = bytes.iter().copied();
    while let Some(byte) = bytes.next() {
        let (name, parameters) = CALLS[usize::from(byte) % CALLS.len()];
        let _ = write!(bodies, "(drop (call ${name}");
        for parameter in parameters.chars() {
            let _ = write!(bodies, " {}", value(parameter, bytes.next().unwrap_or(0)));
        }
        bodies.push_str("))\n");
    }
    for (name, parameters) in CALLS {
        let types = parameters.chars().map(|parameter| match parameter {
            'q' => "i64 ",
            't' => "i32 i32 ",
            _ => "i32 ",
        });
        let types: String = types.collect();
        let _ = write!(
            text,
            "(import \"wasi_snapshot_preview1\" \"{name}\" (func ${name} (param {types}) (result i32)))"
        );
    }
    text.push_str("(memory (export \"memory\") 1)");
    for (index, path) in TEXTS.iter().enumerate() {
        let _ = write!(text, "(data (i32.const {}) \"{path}\")", 2048 + 32 * index);
    }
    // Buffers of some bytes, of none, and of more than there are, at the first pointers.
    text.push_str(r#"(data (i32.const 0) "\00\10\00\00\40\00\00\00\00\20\00\00\00\00\00\00\ff\ff\00\00\ff\00\00\00")"#);
    let _ = write!(text, "(func (export \"_start\") {bodies}))");
    text
}

fuzz_target!(|bytes: &[u8]| {
    let wasm = wat::parse_str(module(bytes)).expect("the target's own module is well-formed");
    let module = ENGINE.compile(&wasm).expect("the target's own module compiles");
    run(&module, &[]);
});
