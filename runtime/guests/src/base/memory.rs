//! Memory that is taken and never given back, zeroed, and buffers in it that grow.

use core::arch::wasm32::{memory_grow, memory_size};
use core::mem::{align_of, size_of};
use core::slice;

const PAGE_BYTES: usize = 65_536;
/// Everything is aligned so, which is enough for all that is kept here.
const ALIGNMENT: usize = 16;
/// So many bytes behind everything may be read as well, which lets searches read whole words.
const MARGIN_BYTES: usize = 16;

/// The free bytes at the end of memory: from where, up to where.
static mut FREE: (usize, usize) = (0, 0);

/// So many zero bytes.
pub fn bytes(len: usize) -> &'static mut [u8] {
    unsafe {
        let start = take(len);
        slice::from_raw_parts_mut(start as *mut u8, len)
    }
}

/// So many values of which all bits are zero.
///
/// # Safety
/// That is a value of the type.
pub unsafe fn zeros<T: Copy>(len: usize) -> &'static mut [T] {
    assert!(align_of::<T>() <= ALIGNMENT);
    match len.checked_mul(size_of::<T>()) {
        // New memory is zero, and none is used twice.
        Some(size) => slice::from_raw_parts_mut(take(size) as *mut T, len),
        None => out_of_memory(),
    }
}

/// So many times the same value.
pub fn array<T: Copy>(len: usize, value: T) -> &'static mut [T] {
    collect(len, |_| value)
}

/// What `make` gives for each place.
pub fn collect<T>(len: usize, mut make: impl FnMut(usize) -> T) -> &'static mut [T] {
    assert!(align_of::<T>() <= ALIGNMENT);
    let size = match len.checked_mul(size_of::<T>()) {
        Some(size) => size,
        None => out_of_memory(),
    };
    unsafe {
        let start = take(size) as *mut T;
        let mut at = 0;
        while at < len {
            start.add(at).write(make(at));
            at += 1;
        }
        slice::from_raw_parts_mut(start, len)
    }
}

unsafe fn take(len: usize) -> usize {
    let memory_end = memory_size(0) * PAGE_BYTES;
    if FREE.1 != memory_end {
        FREE = (memory_end, memory_end);
    }
    let start = FREE.0;
    let wanted = start.checked_add(len).and_then(|end| end.checked_add(ALIGNMENT - 1));
    let end = match wanted {
        Some(end) => end & !(ALIGNMENT - 1),
        None => out_of_memory(),
    };
    if end + MARGIN_BYTES > FREE.1 {
        let pages = (end + MARGIN_BYTES - FREE.1 + PAGE_BYTES - 1) / PAGE_BYTES;
        if memory_grow(0, pages) == usize::MAX {
            out_of_memory();
        }
        FREE.1 += pages * PAGE_BYTES;
    }
    FREE.0 = end;
    start
}

#[cold]
fn out_of_memory() -> ! {
    crate::fail(&[b"out of memory"])
}

/// Bytes that grow at their end. The one that was made or grown last grows without being copied.
pub struct Buffer {
    data: &'static mut [u8],
    len: usize,
}

impl Buffer {
    /// An empty one with room for so many bytes.
    pub fn with_room(room: usize) -> Self {
        Buffer { data: bytes(room), len: 0 }
    }

    /// The bytes that are in it.
    pub fn as_slice(&self) -> &[u8] {
        &self.data[..self.len]
    }

    /// The bytes that are in it, to be changed.
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut self.data[..self.len]
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// How many it can hold before it grows.
    pub fn room(&self) -> usize {
        self.data.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Forgets the bytes from `len` on.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// Forgets the first bytes, moving the others to the front.
    pub fn drop_front(&mut self, count: usize) {
        self.data.copy_within(count..self.len, 0);
        self.len -= count;
    }

    /// The place behind its bytes, at least `more` long.
    pub fn spare(&mut self, more: usize) -> &mut [u8] {
        match self.len.checked_add(more) {
            Some(wanted) if wanted > self.data.len() => self.grow(wanted),
            Some(_) => {}
            None => out_of_memory(),
        }
        &mut self.data[self.len..]
    }

    /// Says that so many bytes were put into the spare place.
    pub fn added(&mut self, count: usize) {
        assert!(count <= self.data.len() - self.len);
        self.len += count;
    }

    /// Puts bytes behind the others.
    pub fn push(&mut self, more: &[u8]) {
        self.spare(more.len())[..more.len()].copy_from_slice(more);
        self.len += more.len();
    }

    /// [`Buffer::push`] for what is known to fit.
    #[inline(always)]
    pub fn push_within_room(&mut self, more: &[u8]) {
        let end = self.len + more.len();
        self.data[self.len..end].copy_from_slice(more);
        self.len = end;
    }

    #[inline(never)]
    fn grow(&mut self, wanted: usize) {
        let room = wanted.max(self.data.len().saturating_mul(2));
        unsafe {
            let start = self.data.as_mut_ptr() as usize;
            let end = (start + self.data.len() + ALIGNMENT - 1) & !(ALIGNMENT - 1);
            if end == FREE.0 {
                // A step that is as small as it can be, because it costs no copy.
                let room = wanted.max(self.data.len() + PAGE_BYTES);
                take(room - (end - start));
                self.data = slice::from_raw_parts_mut(start as *mut u8, room);
                return;
            }
        }
        let larger = bytes(room);
        larger[..self.len].copy_from_slice(&self.data[..self.len]);
        self.data = larger;
    }
}
