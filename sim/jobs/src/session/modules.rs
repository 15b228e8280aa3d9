//! Compiled modules of a host, by the digest of their bytes.
//!
//! Whoever asks brings the bytes along, so that only who may read a module can run it. Leaves out
//! keeping them over a restart.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};

use stayput_runtime::digest::Digest;
use stayput_runtime::engine::{Engine, Module, ModuleError};

/// Modules that are kept; the one that came first goes first.
const MODULES_MAX: usize = 64;
/// Bytes that the kept modules had before they were compiled; compiled they take a few times as
/// much.
const KEPT_BYTES_MAX: usize = 256 << 20;

/// Compiles modules, each of them once, and each by an engine of its own: an engine keeps the types
/// of all modules that it ever compiled, so that guests with ever new ones would fill the host.
#[derive(Default)]
pub struct ModuleCache {
    kept: RefCell<Kept>,
}

#[derive(Default)]
struct Kept {
    by_digest: BTreeMap<Digest, Module>,
    order: VecDeque<(Digest, usize)>,
    bytes: usize,
}

impl Kept {
    /// True if there is room for a module of `bytes`.
    fn has_room(&self, bytes: usize) -> bool {
        self.order.len() < MODULES_MAX && self.bytes + bytes <= KEPT_BYTES_MAX
    }
}

impl ModuleCache {
    /// The module of these bytes, and how many of them had to be compiled for that: none if it is
    /// kept.
    ///
    /// # Errors
    /// They are no module that can be run.
    pub fn compile(&self, wasm: &[u8]) -> Result<(Module, u64), ModuleError> {
        let digest = Digest::of(wasm);
        if let Some(module) = self.kept.borrow().by_digest.get(&digest) {
            return Ok((module.clone(), 0));
        }
        let module = Engine::new().compile(wasm)?;
        let kept = &mut *self.kept.borrow_mut();
        while !kept.has_room(wasm.len())
            && let Some((oldest, bytes)) = kept.order.pop_front()
        {
            kept.by_digest.remove(&oldest);
            kept.bytes -= bytes;
        }
        kept.order.push_back((digest, wasm.len()));
        kept.bytes += wasm.len();
        kept.by_digest.insert(digest, module.clone());
        Ok((module, wasm.len() as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::program;

    /// A program like no other of another number: with a section of its own that nobody reads.
    fn numbered(number: u8) -> Vec<u8> {
        let section = [0, 3, 1, b'n', number];
        [&program()[..], &section].concat()
    }

    fn compiled(cache: &ModuleCache, wasm: &[u8]) -> u64 {
        cache.compile(wasm).map(|(_, bytes)| bytes).expect("it is a module")
    }

    #[test]
    fn a_module_that_is_kept_costs_nothing_and_another_its_length() {
        let cache = ModuleCache::default();
        let (one, other) = (numbered(1), numbered(2));
        assert_eq!(compiled(&cache, &one), one.len() as u64);
        assert_eq!(compiled(&cache, &one), 0);
        assert_eq!(compiled(&cache, &other), other.len() as u64, "a byte differs");
        assert_eq!((compiled(&cache, &one), compiled(&cache, &other)), (0, 0));
    }

    #[test]
    fn the_module_that_came_first_goes_first_however_often_it_was_asked_for() {
        let cache = ModuleCache::default();
        let most = u8::try_from(MODULES_MAX).expect("it fits");
        for number in 0..most {
            compiled(&cache, &numbered(number));
        }
        assert_eq!(compiled(&cache, &numbered(0)), 0, "there was room for all");
        compiled(&cache, &numbered(most));
        assert!(compiled(&cache, &numbered(0)) > 0, "it went");
        assert_eq!(compiled(&cache, &numbered(2)), 0, "the third did not");
        assert!(compiled(&cache, &numbered(1)) > 0, "the second went for the first");
    }

    #[test]
    fn what_is_no_module_is_refused_each_time_and_takes_no_room() {
        let cache = ModuleCache::default();
        for _time in 0..2 {
            assert!(cache.compile(b"no module").is_err());
        }
        let kept = cache.kept.borrow();
        assert_eq!((kept.order.len(), kept.bytes), (0, 0));
    }

    #[test]
    fn there_is_room_up_to_the_bounds_and_no_further() {
        let full = Kept { bytes: KEPT_BYTES_MAX - 9, ..Kept::default() };
        assert!(full.has_room(9) && !full.has_room(10));
    }
}
