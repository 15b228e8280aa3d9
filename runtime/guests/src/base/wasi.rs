//! The few WASI calls that the guests make.

use crate::memory;
use core::slice;

/// A buffer that `fd_read` fills or `fd_write` sends.
#[repr(C)]
struct Segment {
    start: *const u8,
    len: usize,
}

#[link(wasm_import_module = "wasi_snapshot_preview1")]
extern "C" {
    fn args_sizes_get(count: *mut usize, size: *mut usize) -> u16;
    fn args_get(argv: *mut *const u8, buffer: *mut u8) -> u16;
    fn fd_filestat_get(fd: u32, stat: *mut [u64; 8]) -> u16;
    fn fd_prestat_dir_name(fd: u32, name: *mut u8, len: usize) -> u16;
    fn fd_prestat_get(fd: u32, prestat: *mut [u32; 2]) -> u16;
    fn fd_pread(fd: u32, segments: *const Segment, count: usize, at: u64, done: *mut usize) -> u16;
    fn fd_read(fd: u32, segments: *const Segment, count: usize, done: *mut usize) -> u16;
    fn fd_readdir(fd: u32, buffer: *mut u8, len: usize, cookie: u64, done: *mut usize) -> u16;
    fn fd_write(fd: u32, segments: *const Segment, count: usize, done: *mut usize) -> u16;
    fn path_open(
        dir: u32,
        lookup: u32,
        path: *const u8,
        len: usize,
        open: u32,
        rights: u64,
        inheriting: u64,
        flags: u32,
        fd: *mut u32,
    ) -> u16;
    fn proc_exit(code: u32) -> !;
}

const FIRST_PREOPEN: u32 = 3;
const PREOPENS_MAX: u32 = 8;
const RIGHT_READ: u64 = 1 << 1;
const RIGHT_WRITE: u64 = 1 << 6;
const RIGHT_READDIR: u64 = 1 << 14;
const RIGHT_FILESTAT: u64 = 1 << 21;
const OPEN_DIRECTORY: u32 = 2;

/// What a file is opened for.
#[derive(Clone, Copy)]
pub(crate) enum Access {
    Read,
    Write,
    List,
}

/// The words of the command line, the program's name first.
pub fn arguments() -> &'static [&'static [u8]] {
    let (mut count, mut size) = (0, 0);
    unsafe {
        if args_sizes_get(&mut count, &mut size) != 0 {
            exit(2, b"cannot read the arguments\n");
        }
        let starts = memory::array(count, core::ptr::null());
        let text = memory::bytes(size);
        if args_get(starts.as_mut_ptr(), text.as_mut_ptr()) != 0 {
            exit(2, b"cannot read the arguments\n");
        }
        let words = memory::array(count, &[] as &[u8]);
        let mut at = 0;
        while at < count {
            let mut len = 0;
            while *starts[at].add(len) != 0 {
                len += 1;
            }
            words[at] = slice::from_raw_parts(starts[at], len);
            at += 1;
        }
        words
    }
}

/// The descriptor of the directory `/dev`.
fn devices() -> Option<u32> {
    for dir in FIRST_PREOPEN..FIRST_PREOPEN + PREOPENS_MAX {
        let (mut prestat, mut name) = ([0; 2], [0; 4]);
        unsafe {
            if fd_prestat_get(dir, &mut prestat) != 0 {
                return None;
            }
            if prestat[1] == 4
                && fd_prestat_dir_name(dir, name.as_mut_ptr(), 4) == 0
                && name == *b"/dev"
            {
                return Some(dir);
            }
        }
    }
    None
}

/// Opens `/dev/<name>`; none if the job has no such device.
pub(crate) fn open(name: &[u8], access: Access) -> Option<u32> {
    let (rights, flags) = match access {
        Access::Read => (RIGHT_READ | RIGHT_FILESTAT, 0),
        Access::Write => (RIGHT_WRITE, 0),
        Access::List => (RIGHT_READDIR, OPEN_DIRECTORY),
    };
    let (dir, mut fd) = (devices()?, 0);
    let error =
        unsafe { path_open(dir, 0, name.as_ptr(), name.len(), flags, rights, 0, 0, &mut fd) };
    if error == 0 {
        Some(fd)
    } else {
        None
    }
}

/// The size that `stat` tells.
pub(crate) fn size(fd: u32) -> Option<u64> {
    let mut stat = [0; 8];
    if unsafe { fd_filestat_get(fd, &mut stat) } == 0 {
        Some(stat[4])
    } else {
        None
    }
}

/// Reads on, or from a place; none if the host says that it cannot.
pub(crate) fn read(fd: u32, buffer: &mut [u8], at: Option<u64>) -> Option<usize> {
    let segment = Segment { start: buffer.as_ptr(), len: buffer.len() };
    let mut done = 0;
    let error = unsafe {
        match at {
            Some(at) => fd_pread(fd, &segment, 1, at, &mut done),
            None => fd_read(fd, &segment, 1, &mut done),
        }
    };
    if error == 0 {
        Some(done)
    } else {
        None
    }
}

/// Directory entries from a cookie on, as many as fit.
pub(crate) fn list(fd: u32, buffer: &mut [u8], cookie: u64) -> Option<usize> {
    let mut done = 0;
    let error = unsafe { fd_readdir(fd, buffer.as_mut_ptr(), buffer.len(), cookie, &mut done) };
    if error == 0 {
        Some(done)
    } else {
        None
    }
}

/// Writes all of `text`; false if the other side refuses.
pub fn write_all(fd: u32, mut text: &[u8]) -> bool {
    while !text.is_empty() {
        let segment = Segment { start: text.as_ptr(), len: text.len() };
        let mut done = 0;
        if unsafe { fd_write(fd, &segment, 1, &mut done) } != 0 || done == 0 {
            return false;
        }
        text = &text[done.min(text.len())..];
    }
    true
}

/// Writes to standard output.
pub fn print(text: &[u8]) {
    if !write_all(1, text) {
        exit(1, b"cannot write to stdout\n");
    }
}

/// Ends the program, with a last word on standard error.
#[cold]
pub fn exit(code: u32, message: &[u8]) -> ! {
    write_all(2, message);
    unsafe { proc_exit(code) }
}
