//! Small guests, in WebAssembly's text form.

/// Calls, memory, and copying the descriptor `$in` to the descriptor `$out` until the end; exits
/// with the error number of what fails.
const COPYING: &str = r#"
    (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "path_open" (func $path_open
        (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (memory (export "memory") 32)
    (func $must (param $error i32)
        (if (local.get $error) (then (call $exit (local.get $error)))))
    (func $open (param $at i32) (param $len i32) (param $rights i64) (result i32)
        (call $must (call $path_open (i32.const 3) (i32.const 1) (local.get $at) (local.get $len)
            (i32.const 0) (local.get $rights) (i64.const 0) (i32.const 0) (i32.const 16)))
        (i32.load (i32.const 16)))
    (func $copy (param $in i32) (param $out i32)
        (loop $again
            (i32.store (i32.const 0) (i32.const 4096))
            (i32.store (i32.const 4) (i32.const 65536))
            (call $must (call $read (local.get $in) (i32.const 0) (i32.const 1) (i32.const 8)))
            (if (i32.eqz (i32.load (i32.const 8))) (then (return)))
            (i32.store (i32.const 4) (i32.load (i32.const 8)))
            (call $must (call $write (local.get $out) (i32.const 0) (i32.const 1) (i32.const 12)))
            (br $again)))
"#;

fn module(start: &str, data: &str) -> Vec<u8> {
    let text = format!("(module {COPYING} {data} (func (export \"_start\") {start}))");
    wat::parse_str(text).expect("the guest is good")
}

/// Copies its standard input to its standard output.
pub(super) fn cat() -> Vec<u8> {
    module("(call $copy (i32.const 0) (i32.const 1))", "")
}

/// Copies the files of these paths, which lie under `/`, to its standard output.
pub(super) fn cat_files(paths: &[&str]) -> Vec<u8> {
    copies(&paths.iter().map(|path| (Some(*path), None)).collect::<Vec<_>>())
}

/// Copies files to files, one after the other; `None` is the standard input or output.
pub(super) fn copies(pairs: &[(Option<&str>, Option<&str>)]) -> Vec<u8> {
    let (mut start, mut data, mut at) = (String::new(), String::new(), 1024);
    let mut open = |path: Option<&str>, standard: u32, rights: u32| match path {
        None => format!("(i32.const {standard})"),
        Some(path) => {
            data.push_str(&format!("(data (i32.const {at}) \"{path}\")"));
            let opened = format!(
                "(call $open (i32.const {at}) (i32.const {}) (i64.const {rights}))",
                path.len()
            );
            at += path.len();
            opened
        }
    };
    for (from, to) in pairs {
        let (from, to) = (open(*from, 0, 2), open(*to, 1, 64));
        start.push_str(&format!("(call $copy {from} {to})"));
    }
    module(&start, &data)
}

/// Writes to the file of that path and traps.
pub(super) fn dies_writing(path: &str) -> Vec<u8> {
    let start = format!(
        "(i32.store (i32.const 0) (i32.const 1024)) (i32.store (i32.const 4) (i32.const 4))
         (call $must (call $write (call $open (i32.const 1024) (i32.const {}) (i64.const 64))
             (i32.const 0) (i32.const 1) (i32.const 8)))
         unreachable",
        path.len()
    );
    module(&start, &format!("(data (i32.const 1024) \"{path}\")"))
}

/// Ends at once.
pub(super) fn leaves() -> Vec<u8> {
    module("", "")
}
