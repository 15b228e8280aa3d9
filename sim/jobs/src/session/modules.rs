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
