//! Words and their counts: open addressing over one array, the first eight bytes of each word in it.

use base::memory::{self, Buffer};
use base::order::sort;
use base::scan::word_at;

const FIRST_SLOTS: usize = 1 << 12;
/// The first bytes of a word, which its slot holds.
pub const KEY_BYTES: usize = 8;
/// 2^64 divided by the golden ratio.
const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

/// A word with its count; free if the word has no bytes.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Slot {
    /// The word's first eight bytes, the first one lowest; zeros behind a shorter one.
    pub key: u64,
    /// How often it came.
    pub count: u64,
    /// Its hash.
    pub hash: u32,
    /// How many bytes it has.
    pub len: u32,
    /// Where the bytes after the first eight begin.
    rest: u32,
}

fn free_slots(count: usize) -> &'static mut [Slot] {
    // All its bits zero, a slot is free.
    unsafe { memory::zeros(count) }
}

/// What decides where a table's words lie. One that is filled in the order of another's slots needs
/// another order, or its words would come where it is crowded already.
#[derive(Clone, Copy)]
pub struct Order(u32);

/// A mapper's order.
pub const MAPPER: Order = Order(0x9e37_79b1);
/// A reducer's order.
pub const REDUCER: Order = Order(0x85eb_ca6b);

/// The words.
pub struct Table {
    order: Order,
    /// Hashes have so many bits too many to be the place of a slot.
    shift: u32,
    slots: &'static mut [Slot],
    used: usize,
    /// What the slots cannot hold of long words.
    text: Buffer,
}

/// The hash of a word of up to eight bytes, given as its key. Longer ones begin so as well.
#[inline(always)]
pub fn hash_of_key(key: u64) -> u64 {
    key.wrapping_mul(MULTIPLIER)
}

/// Goes on with a hash over the next eight bytes, or fewer with zeros behind them.
#[inline(always)]
pub fn hash_on(hash: u64, piece: u64) -> u64 {
    (hash.rotate_left(23) ^ piece).wrapping_mul(MULTIPLIER)
}

/// The hash that words are shared out by.
#[inline(always)]
pub fn folded(hash: u64) -> u32 {
    (hash >> 32) as u32
}

/// The first bytes of `bytes`, up to eight, as a number, the first one lowest.
#[inline(always)]
fn piece(bytes: &[u8]) -> u64 {
    // Memory may be read beyond the text.
    let word = unsafe { word_at(bytes.as_ptr()) };
    if bytes.len() < KEY_BYTES {
        word & !(u64::MAX << (8 * bytes.len()))
    } else {
        word
    }
}

impl Table {
    /// An empty one.
    pub fn new(order: Order) -> Self {
        Table {
            order,
            shift: u32::BITS - FIRST_SLOTS.trailing_zeros(),
            slots: free_slots(FIRST_SLOTS),
            used: 0,
            text: Buffer::with_room(FIRST_SLOTS),
        }
    }

    /// How many different words it has.
    pub fn len(&self) -> usize {
        self.used
    }

    /// How many bytes it holds outside of its slots.
    pub fn text_bytes(&self) -> usize {
        self.text.len()
    }

    /// Forgets all words.
    pub fn clear(&mut self) {
        unsafe { self.slots.as_mut_ptr().write_bytes(0, self.slots.len()) };
        self.used = 0;
        self.text.truncate(0);
    }

    /// The slots of its words, in no order unless it was sorted.
    pub fn slots(&self) -> impl Iterator<Item = &Slot> {
        self.slots.iter().filter(|slot| slot.len > 0)
    }

    /// What a slot's word has behind its first eight bytes.
    #[inline]
    pub fn rest(&self, slot: &Slot) -> &[u8] {
        let start = slot.rest as usize;
        let len = (slot.len as usize).saturating_sub(KEY_BYTES);
        &self.text.as_slice()[start..start + len]
    }

    /// Where a word of that hash is looked for first.
    #[inline(always)]
    fn place(&self, hash: u32) -> usize {
        (hash.wrapping_mul(self.order.0) >> self.shift) as usize
    }

    /// Counts a word of at least a byte.
    #[inline]
    pub fn add(&mut self, word: &[u8], count: u64) {
        if word.len() <= KEY_BYTES {
            self.add_short(piece(word), word.len(), count);
        } else {
            self.hash_and_add_long(word, count);
        }
    }

    #[inline(never)]
    fn hash_and_add_long(&mut self, word: &[u8], count: u64) {
        let key = piece(word);
        let mut hash = hash_of_key(key);
        let mut at = KEY_BYTES;
        while at < word.len() {
            hash = hash_on(hash, piece(&word[at..]));
            at += KEY_BYTES;
        }
        self.add_long(word, key, folded(hash), count);
    }

    /// Counts a word of at most eight bytes, given as its key.
    #[inline(always)]
    pub fn add_short(&mut self, key: u64, len: usize, count: u64) {
        let hash = folded(hash_of_key(key));
        let mask = self.slots.len() - 1;
        let mut at = self.place(hash);
        loop {
            let slot = unsafe { self.slots.get_unchecked_mut(at) };
            if slot.key == key && slot.len as usize == len {
                slot.count += count;
                return;
            }
            if slot.len == 0 {
                return self.insert(at, Slot { key, count, hash, len: len as u32, rest: 0 });
            }
            at = (at + 1) & mask;
        }
    }

    /// Counts a word of more than eight bytes.
    #[inline(never)]
    pub fn add_long(&mut self, word: &[u8], key: u64, hash: u32, count: u64) {
        let mask = self.slots.len() - 1;
        let mut at = self.place(hash);
        loop {
            let slot = self.slots[at];
            if slot.hash == hash
                && slot.key == key
                && slot.len as usize == word.len()
                && *self.rest(&slot) == word[KEY_BYTES..]
            {
                self.slots[at].count += count;
                return;
            }
            if slot.len == 0 {
                let (len, rest) = (word.len() as u32, self.text.len() as u32);
                self.text.push(&word[KEY_BYTES..]);
                return self.insert(at, Slot { key, count, hash, len, rest });
            }
            at = (at + 1) & mask;
        }
    }

    #[inline(never)]
    fn insert(&mut self, at: usize, slot: Slot) {
        self.slots[at] = slot;
        self.used += 1;
        if self.used > self.slots.len() / 4 * 3 {
            self.grow();
        }
    }

    #[inline(never)]
    fn grow(&mut self) {
        let larger = free_slots(self.slots.len() * 2);
        let mask = larger.len() - 1;
        self.shift -= 1;
        for slot in self.slots() {
            let mut at = self.place(slot.hash);
            while larger[at].len > 0 {
                at = (at + 1) & mask;
            }
            larger[at] = *slot;
        }
        self.slots = larger;
    }

    /// Puts the words into the order of their bytes. No word can be added after that.
    pub fn sort(&mut self) {
        let mut used = 0;
        for at in 0..self.slots.len() {
            if self.slots[at].len > 0 {
                self.slots.swap(used, at);
                used += 1;
            }
        }
        // Numbers compare as bytes do when the first byte is the highest.
        let words = &mut self.slots[..used];
        words.iter_mut().for_each(|slot| slot.key = slot.key.swap_bytes());
        let text = self.text.as_slice();
        sort(words, |a, b| a.key < b.key || a.key == b.key && is_less_by_rest(text, a, b));
        words.iter_mut().for_each(|slot| slot.key = slot.key.swap_bytes());
    }
}

/// Compares what is equal in its first eight bytes, with zeros behind shorter words.
#[inline(never)]
fn is_less_by_rest(text: &[u8], a: &Slot, b: &Slot) -> bool {
    if a.len as usize <= KEY_BYTES || b.len as usize <= KEY_BYTES {
        return a.len < b.len;
    }
    let rest = |slot: &Slot| {
        let start = slot.rest as usize;
        &text[start..start + slot.len as usize - KEY_BYTES]
    };
    rest(a) < rest(b)
}
