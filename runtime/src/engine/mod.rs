//! Interpreter and compiled modules: wasmi with one pinned configuration, since fuel is the clock
//! of compute and another configuration is another clock.
//!
//! Compilation is eager, so that no call pays for it later. Left out: relaxed SIMD (not
//! deterministic), memory of 64 bits, several memories.

mod bounds;
mod start_section;

use crate::digest::Digest;
use crate::wasi::{self, Calls, Context};
use std::sync::Arc;
use thiserror::Error;
use wasmi::{Config, ExternType, Linker, OperatorCost};

/// Limit of a module, in bytes. CPython with its standard library has 26 MB.
pub const MODULE_BYTES_MAX: usize = 64 << 20;

const RECURSION_DEPTH_MAX: usize = 20_000;
const STACK_BYTES_MAX: usize = 8 << 20;
const CACHED_STACKS_MAX: usize = 2;

/// Compiles modules and links them to our WASI. Clones share everything.
#[derive(Clone)]
pub struct Engine {
    inner: wasmi::Engine,
    calls: Arc<Calls>,
}

impl Engine {
    /// Engine with the pinned configuration.
    pub fn new() -> Self {
        let mut config = Config::default();
        config
            .consume_fuel(true)
            .compilation_mode(wasmi::CompilationMode::Eager)
            .ignore_custom_sections(true)
            .wasm_bulk_memory(true)
            .wasm_simd(true)
            .wasm_relaxed_simd(false)
            .wasm_multi_memory(false)
            .wasm_custom_page_sizes(false)
            .wasm_wide_arithmetic(false)
            .operator_cost(operator_cost())
            .set_max_recursion_depth(RECURSION_DEPTH_MAX)
            .set_max_stack_height(STACK_BYTES_MAX)
            .set_max_cached_stacks(CACHED_STACKS_MAX);
        let inner = wasmi::Engine::new(&config);
        let calls = Arc::new(wasi::calls(&inner));
        Self { inner, calls }
    }

    /// Compiles `wasm`, which may come from anybody.
    ///
    /// # Errors
    /// It is too large, declares too much, is no valid module, imports what WASI preview 1 does not
    /// have, or lacks the exports `_start` and `memory`.
    pub fn compile(&self, wasm: &[u8]) -> Result<Module, ModuleError> {
        if wasm.len() > MODULE_BYTES_MAX {
            return Err(ModuleError::TooLarge { bytes: wasm.len() });
        }
        let invalid = |error: wasmi::Error| ModuleError::Invalid { why: error.to_string() };
        if wasm.starts_with(b"\0asm") && wasm.get(4..8) != Some(&[1, 0, 0, 0]) {
            return Err(ModuleError::Invalid { why: "it is not a module of version 1".to_owned() });
        }
        bounds::check(wasm)?;
        let rewritten = start_section::into_export(wasm);
        let bytes = rewritten.as_deref().unwrap_or(wasm);
        let inner = wasmi::Module::new(&self.inner, bytes).map_err(invalid)?;
        self.check_imports(&inner)?;
        let is_plain = |name: &str| {
            matches!(inner.get_export(name), Some(ExternType::Func(ty))
                if ty.params().is_empty() && ty.results().is_empty())
        };
        if !is_plain(START_EXPORT) {
            return Err(ModuleError::MissingExport { name: START_EXPORT });
        }
        if !matches!(inner.get_export(MEMORY_EXPORT), Some(ExternType::Memory(_))) {
            return Err(ModuleError::MissingExport { name: MEMORY_EXPORT });
        }
        let has_start_section = rewritten.is_some();
        if has_start_section && !is_plain(start_section::EXPORT) {
            return Err(ModuleError::Invalid { why: "its start function takes values".to_owned() });
        }
        let digest = Digest::of(wasm);
        let parts = ModuleParts { inner, calls: self.calls.clone(), digest, has_start_section };
        Ok(Module(Arc::new(parts)))
    }

    fn check_imports(&self, module: &wasmi::Module) -> Result<(), ModuleError> {
        for import in module.imports() {
            let name = || (import.module().to_owned(), import.name().to_owned());
            let Some(ours) = self.calls.type_of(import.module(), import.name()) else {
                let (module, name) = name();
                return Err(ModuleError::UnknownImport { module, name });
            };
            if !matches!(import.ty(), ExternType::Func(theirs) if theirs == ours) {
                let (module, name) = name();
                return Err(ModuleError::WrongImport { module, name });
            }
        }
        Ok(())
    }
}

/// Growing costs what a call of the host costs, and more: the interpreter's two instructions for it
/// are the only ones that leave a frame on the host's stack until the guest is next interrupted,
/// namely when they fail. Together with the session's pieces of fuel this bounds how many frames
/// there are.
fn operator_cost() -> OperatorCost {
    OperatorCost { memory_grow: u8::MAX, table_grow: u8::MAX, ..OperatorCost::default() }
}

impl Default for Engine {
    fn default() -> Self {
        Self::new()
    }
}

/// Exported function of a command.
pub(crate) const START_EXPORT: &str = "_start";
/// Exported memory that WASI works on.
pub(crate) const MEMORY_EXPORT: &str = "memory";

/// Compiled module. Clones share it, so that a cache costs nothing to read.
#[derive(Clone)]
pub struct Module(Arc<ModuleParts>);

struct ModuleParts {
    inner: wasmi::Module,
    calls: Arc<Calls>,
    digest: Digest,
    has_start_section: bool,
}

impl Module {
    /// Digest of the compiled bytes.
    pub fn digest(&self) -> Digest {
        self.0.digest
    }

    pub(crate) fn inner(&self) -> &wasmi::Module {
        &self.0.inner
    }

    pub(crate) fn linker(&self) -> &Linker<Context> {
        &self.0.calls.linker
    }

    /// Functions to call in turn: the start section's, if there is one, then `_start`.
    pub(crate) fn entry_points(&self) -> &'static [&'static str] {
        if self.0.has_start_section {
            &[start_section::EXPORT, START_EXPORT]
        } else {
            &[START_EXPORT]
        }
    }
}

impl std::fmt::Debug for Module {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Module({})", self.digest())
    }
}

/// Refusal of bytes as a module.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ModuleError {
    /// Larger than [`MODULE_BYTES_MAX`].
    #[error("the module has {bytes} bytes, the most are {MODULE_BYTES_MAX}")]
    TooLarge {
        /// Size.
        bytes: usize,
    },
    /// It declares more of something than any compiler does.
    #[error("the module has {found} {what}, the most are {most}")]
    TooMany {
        /// Kind of declaration.
        what: &'static str,
        /// Number found.
        found: u64,
        /// Limit.
        most: u64,
    },
    /// Not WebAssembly, or a kind of it that is not supported.
    #[error("no valid WebAssembly module: {why}")]
    Invalid {
        /// Message of the compiler.
        why: String,
    },
    /// It imports something that our WASI does not have.
    #[error("the module imports {module}::{name}, which does not exist: only WASI preview 1 does")]
    UnknownImport {
        /// Module of the import.
        module: String,
        /// Name of the import.
        name: String,
    },
    /// It imports a WASI function with another signature.
    #[error("the module imports {module}::{name} with a type that is not WASI preview 1's")]
    WrongImport {
        /// Module of the import.
        module: String,
        /// Name of the import.
        name: String,
    },
    /// An export that every job needs is missing or of another kind.
    #[error("the module lacks the export `{name}`: build it as a WASI command (a program)")]
    MissingExport {
        /// Name of the export.
        name: &'static str,
    },
}
