//! What the guests without `std` share: WASI calls, devices, peers, memory that only grows.
//!
//! `std` costs tens of kilobytes of panic and formatting code, and a guest's size is part of what a
//! job moves to each of its sessions. Left out: freeing memory, for a session is gone when its work
//! is done, and everything that these jobs do not need.

#![no_std]

pub mod device;
pub mod memory;
pub mod number;
pub mod order;
pub mod peer;
pub mod scan;
mod wasi;

pub use wasi::{arguments, exit, print, write_all};

use core::panic::PanicInfo;

#[panic_handler]
fn panic(_: &PanicInfo) -> ! {
    core::arch::wasm32::unreachable()
}

/// Ends the program with exit code 1, with the parts of a message on standard error.
#[cold]
pub fn fail(message: &[&[u8]]) -> ! {
    for part in message {
        write_all(2, part);
    }
    exit(1, b"\n")
}
