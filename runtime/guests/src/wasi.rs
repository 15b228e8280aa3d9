//! The few WASI calls that the small guests make, without `std`.
//!
//! `std` costs tens of kilobytes of panic and formatting code, and a guest's size is part of what a
//! job moves. Left out: everything that a filter over one device does not need.

use core::panic::PanicInfo;

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
    fn fd_prestat_dir_name(fd: u32, name: *mut u8, len: usize) -> u16;
    fn fd_prestat_get(fd: u32, prestat: *mut [u32; 2]) -> u16;
    fn fd_read(fd: u32, segments: *const Segment, count: usize, done: *mut usize) -> u16;
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

#[panic_handler]
fn panic(_: &PanicInfo) -> ! {
    core::arch::wasm32::unreachable()
}

/// The most bytes and the most words that the argument list may have.
const ARGS_BYTES_MAX: usize = 65_536;
const ARGS_MAX: usize = 64;
const FIRST_PREOPEN: u32 = 3;
const RIGHT_READ: u64 = 1 << 1;

static mut ARGS: [u8; ARGS_BYTES_MAX] = [0; ARGS_BYTES_MAX];

/// The first argument after the program's name.
pub fn first_argument() -> Option<&'static [u8]> {
    let (mut count, mut size) = (0, 0);
    let mut argv = [core::ptr::null(); ARGS_MAX];
    unsafe {
        if args_sizes_get(&mut count, &mut size) != 0 || size > ARGS_BYTES_MAX || count > ARGS_MAX {
            exit(2, b"too many arguments\n");
        }
        if args_get(argv.as_mut_ptr(), ARGS.as_mut_ptr()) != 0 || count < 2 {
            return None;
        }
        let mut len = 0;
        while *argv[1].add(len) != 0 {
            len += 1;
        }
        Some(core::slice::from_raw_parts(argv[1], len))
    }
}

/// Opens `/dev/<name>` for reading.
pub fn open_device(name: &[u8]) -> u32 {
    for dir in FIRST_PREOPEN..FIRST_PREOPEN + 8 {
        let (mut prestat, mut dir_name, mut fd) = ([0; 2], [0; 4], 0);
        unsafe {
            if fd_prestat_get(dir, &mut prestat) != 0 {
                break;
            }
            if prestat[1] != 4
                || fd_prestat_dir_name(dir, dir_name.as_mut_ptr(), 4) != 0
                || dir_name != *b"/dev"
            {
                continue;
            }
            if path_open(dir, 0, name.as_ptr(), name.len(), 0, RIGHT_READ, 0, 0, &mut fd) == 0 {
                return fd;
            }
        }
    }
    exit(1, b"cannot open /dev/input: the job has no such device\n")
}

/// Fills `buffer` from its start as far as the device has bytes; 0 at the end.
pub fn read(fd: u32, buffer: &mut [u8]) -> usize {
    let segment = Segment { start: buffer.as_ptr(), len: buffer.len() };
    let mut done = 0;
    if unsafe { fd_read(fd, &segment, 1, &mut done) } != 0 {
        exit(1, b"cannot read /dev/input\n");
    }
    done
}

/// Writes all of `text`; false if the other side refuses.
fn write_all(fd: u32, mut text: &[u8]) -> bool {
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

/// Prints `number` and a newline.
pub fn print_number(mut number: u64) {
    let mut text = [b'\n'; 21];
    let mut start = text.len() - 1;
    loop {
        start -= 1;
        text[start] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    if !write_all(1, &text[start..]) {
        exit(1, b"cannot write the answer\n");
    }
}

/// Ends the program, with a last word on standard error.
pub fn exit(code: u32, message: &[u8]) -> ! {
    write_all(2, message);
    unsafe { proc_exit(code) }
}
