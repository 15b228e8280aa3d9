//! Sorting and comparing, in less code than the standard library's.

use crate::memory;
use crate::scan::word_at;

/// Runs of so many are sorted by insertion before they are merged.
const RUN: usize = 8;

/// Sorts `items`, leaving equal ones in their order, with as many comparisons as a merge sort needs.
pub fn sort<T: Copy + 'static>(items: &mut [T], is_less: impl Fn(&T, &T) -> bool) {
    let len = items.len();
    let mut start = 0;
    while start < len {
        let end = (start + RUN).min(len);
        insertion(&mut items[start..end], &is_less);
        start = end;
    }
    if len > RUN {
        let scratch = memory::array(len, items[0]);
        let mut width = RUN;
        while width < len {
            let mut start = 0;
            while start + width < len {
                let end = (start + 2 * width).min(len);
                merge(&mut items[start..end], width, scratch, &is_less);
                start = end;
            }
            width *= 2;
        }
    }
}

#[inline(always)]
fn insertion<T: Copy>(items: &mut [T], is_less: &impl Fn(&T, &T) -> bool) {
    for next in 1..items.len() {
        let item = items[next];
        let mut at = next;
        while at > 0 && is_less(&item, &items[at - 1]) {
            items[at] = items[at - 1];
            at -= 1;
        }
        items[at] = item;
    }
}

/// Merges what lies before `middle` with what lies from there on.
#[inline(always)]
fn merge<T: Copy>(
    items: &mut [T],
    middle: usize,
    scratch: &mut [T],
    is_less: &impl Fn(&T, &T) -> bool,
) {
    if !is_less(&items[middle], &items[middle - 1]) {
        return;
    }
    let low = &mut scratch[..middle];
    low.copy_from_slice(&items[..middle]);
    let (mut left, mut right, mut at) = (0, middle, 0);
    while left < low.len() {
        if right < items.len() && is_less(&items[right], &low[left]) {
            items[at] = items[right];
            right += 1;
        } else {
            items[at] = low[left];
            left += 1;
        }
        at += 1;
    }
}

/// What comparisons of slices call: the order of the first bytes that differ.
///
/// # Safety
/// Both have `len` bytes.
#[no_mangle]
unsafe extern "C" fn memcmp(a: *const u8, b: *const u8, len: usize) -> i32 {
    let mut at = 0;
    while at + 8 <= len && word_at(a.add(at)) == word_at(b.add(at)) {
        at += 8;
    }
    while at < len {
        let difference = i32::from(*a.add(at)) - i32::from(*b.add(at));
        if difference != 0 {
            return difference;
        }
        at += 1;
    }
    0
}
