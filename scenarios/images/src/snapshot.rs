//! Snapshot of a running interpreter: the image of its memory, and a module that resumes from it.
//!
//! Binaryen's asyncify lets the functions on the stack at that moment unwind and rewind. Built to
//! take the image, the module unwinds at one certain read and writes its memory to `/dev/output`;
//! built to start, it has that memory from the beginning, rewinds, and answers the read with its
//! command line and environment. All of that is plain WASI, so that every runtime can do it. Leaves
//! out host state: no file may be open but the standard streams and the preopened directories.

use std::collections::BTreeMap;

use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, DataSection, Encode, ExportKind, ExportSection, Function,
    FunctionSection, GlobalSection, GlobalType, Instruction as I, MemArg, MemArgTarget,
    MemorySection, MemoryType, Module, RawSection, ValType,
};
use wasmparser::{BinaryReaderError, ExternalKind, FunctionBody, Operator, Parser, Payload};

/// Length of the read at which the image is taken, as in `warm.py`.
const ROOM: i32 = 262_147;
const PAGE: usize = 65_536;
/// Granularity, in bytes, at which memory of zeros is left out.
const PIECE: usize = 4_096;
/// Room for the stack that asyncify saves, in pages.
const SAVED_PAGES: i32 = 2;
/// Bytes before it: asyncify's two pointers, the stack pointer, and the arguments of `fd_write`.
const HEAD_BYTES: i32 = 64;
/// Number of globals: the stack pointer, and asyncify's state and data pointer.
const GLOBALS: u32 = 3;

/// Asyncified module with the indexes of its functions and types.
pub(super) struct Asyncified<'a> {
    wasm: &'a [u8],
    /// Indexes of imported functions, by name.
    imports: BTreeMap<&'a str, u32>,
    /// Indexes of exported functions, by name.
    exports: BTreeMap<&'a str, u32>,
    /// Number of functions.
    functions: u32,
    /// Type of a function without parameters and results.
    plain: u32,
    /// Type of `fd_read`.
    read: u32,
}

/// Variant of the module to build.
enum Built<'a> {
    ToTake,
    ToStart { memory: &'a [u8], head: i32, stack_pointer: i32 },
}

/// Flaw of an asyncified module or of its image.
#[derive(Debug, thiserror::Error)]
pub(super) enum SnapshotError {
    /// The module cannot be parsed.
    #[error(transparent)]
    Module(#[from] BinaryReaderError),
    /// The module lacks the type of a function that is added.
    #[error("it lacks the type of a function with {params} parameters and {results} results")]
    NoType {
        /// Parameters, all `i32`.
        params: usize,
        /// Results, all `i32`.
        results: usize,
    },
    /// The module lacks an import.
    #[error("it does not import {name}")]
    NoImport {
        /// Name of the import.
        name: &'static str,
    },
    /// The module lacks an export.
    #[error("it does not export {name}")]
    NoExport {
        /// Name of the export.
        name: &'static str,
    },
    /// The module has other globals than the stack pointer and asyncify's two.
    #[error("it has {found} globals, not {GLOBALS}")]
    Globals {
        /// Number of globals.
        found: u32,
    },
    /// The image is no memory with room for a saved stack.
    #[error("the image has {bytes} bytes, which are no memory")]
    NoMemory {
        /// Length of the image.
        bytes: usize,
    },
}

type Result<T> = std::result::Result<T, SnapshotError>;

/// Number of functions of a module, imports included.
pub(super) fn functions(wasm: &[u8]) -> Result<u32> {
    let mut functions = 0;
    for payload in Parser::new(0).parse_all(wasm) {
        match payload? {
            Payload::ImportSection(reader) => functions += reader.into_imports().count() as u32,
            Payload::FunctionSection(reader) => functions += reader.count(),
            _ => {}
        }
    }
    Ok(functions)
}

impl<'a> Asyncified<'a> {
    pub(super) fn new(wasm: &'a [u8]) -> Result<Self> {
        let (mut imports, mut exports) = (BTreeMap::new(), BTreeMap::new());
        let (mut types, mut functions) = (Vec::new(), 0);
        for payload in Parser::new(0).parse_all(wasm) {
            match payload? {
                Payload::TypeSection(reader) => {
                    for ty in reader.into_iter_err_on_gc_types() {
                        types.push(ty?);
                    }
                }
                Payload::ImportSection(reader) => {
                    for import in reader.into_imports() {
                        imports.insert(import?.name, functions);
                        functions += 1;
                    }
                }
                Payload::FunctionSection(reader) => functions += reader.count(),
                Payload::ExportSection(reader) => {
                    for export in reader {
                        let export = export?;
                        if export.kind == ExternalKind::Func {
                            exports.insert(export.name, export.index);
                        }
                    }
                }
                _ => {}
            }
        }
        let of = |params: usize, results: usize| {
            let found = types.iter().position(|ty| {
                let all = ty.params().iter().chain(ty.results());
                (ty.params().len(), ty.results().len()) == (params, results)
                    && all.into_iter().all(|ty| *ty == wasmparser::ValType::I32)
            });
            found.map(|index| index as u32).ok_or(SnapshotError::NoType { params, results })
        };
        let (plain, read) = (of(0, 0)?, of(4, 1)?);
        Ok(Self { wasm, imports, exports, functions, plain, read })
    }

    /// Module that writes its memory to `/dev/output` when it comes to the read.
    pub(super) fn to_take(&self) -> Result<Vec<u8>> {
        self.build(&Built::ToTake)
    }

    /// Module that resumes from an image that the other one has written.
    pub(super) fn to_start(&self, image: &[u8]) -> Result<Vec<u8>> {
        let bytes = image.len();
        let head =
            bytes.checked_sub(SAVED_PAGES as usize * PAGE).filter(|at| at.is_multiple_of(PAGE));
        let head = head.ok_or(SnapshotError::NoMemory { bytes })?;
        let stack_pointer = image[head + 8..].first_chunk().copied().map(i32::from_le_bytes);
        let stack_pointer = stack_pointer.ok_or(SnapshotError::NoMemory { bytes })?;
        self.build(&Built::ToStart { memory: image, head: head as i32, stack_pointer })
    }

    fn import(&self, name: &'static str) -> Result<u32> {
        self.imports.get(name).copied().ok_or(SnapshotError::NoImport { name })
    }

    fn export(&self, name: &'static str) -> Result<u32> {
        self.exports.get(name).copied().ok_or(SnapshotError::NoExport { name })
    }

    fn build(&self, built: &Built<'_>) -> Result<Vec<u8>> {
        let (start, read) = (self.functions, self.functions + 1);
        let mut module = Module::new();
        let (mut code, mut bodies_left) = (CodeSection::new(), 0);
        for payload in Parser::new(0).parse_all(self.wasm) {
            let payload = payload?;
            match &payload {
                Payload::FunctionSection(reader) => {
                    let mut section = FunctionSection::new();
                    for ty in reader.clone() {
                        section.function(ty?);
                    }
                    section.function(self.plain).function(self.read);
                    module.section(&section);
                }
                Payload::MemorySection(_) if let Built::ToStart { memory, .. } = built => {
                    module.section(&memory_of(memory.len()));
                }
                Payload::GlobalSection(reader) if reader.count() != GLOBALS => {
                    return Err(SnapshotError::Globals { found: reader.count() });
                }
                Payload::GlobalSection(_) if let Built::ToStart { stack_pointer, .. } = built => {
                    module.section(&globals(*stack_pointer));
                }
                Payload::ExportSection(_) => {
                    let mut section = ExportSection::new();
                    section.export("memory", ExportKind::Memory, 0);
                    section.export("_start", ExportKind::Func, start);
                    module.section(&section);
                }
                Payload::CodeSectionStart { count, .. } => bodies_left = *count,
                Payload::CodeSectionEntry(body) => {
                    code.raw(&redirected(body, self.import("fd_read")?, read)?);
                    bodies_left -= 1;
                    if bodies_left == 0 {
                        code.function(&self.start(built)?).function(&self.read(built)?);
                        module.section(&code);
                    }
                }
                Payload::DataSection(_) if let Built::ToStart { memory, .. } = built => {
                    module.section(&data(memory));
                }
                Payload::CustomSection(_) | Payload::DataCountSection { .. } => {}
                _ => {
                    if let Some((id, range)) = payload.as_section() {
                        let data = &self.wasm[range.start as usize..range.end as usize];
                        module.section(&RawSection { id, data });
                    }
                }
            }
        }
        Ok(module.finish())
    }

    /// Entry function: resumes from the image, or runs until it is taken and writes it.
    fn start(&self, built: &Built<'_>) -> Result<Function> {
        let main = self.export("_start")?;
        let mut function = Function::new([]);
        if let Built::ToStart { head, .. } = built {
            push(
                &mut function,
                &[
                    I::I32Const(*head),
                    I::Call(self.export("asyncify_start_rewind")?),
                    I::Call(main),
                    I::End,
                ],
            );
            return Ok(function);
        }
        let head =
            || [I::MemorySize(0), I::I32Const(SAVED_PAGES), I::I32Sub, I::I32Const(16), I::I32Shl];
        push(&mut function, &[I::Call(main), I::Call(self.export("asyncify_stop_unwind")?)]);
        // The stack pointer is kept in the image.
        push(&mut function, &head());
        push(&mut function, &[I::GlobalGet(0), I::I32Store(at(8))]);
        // path_open(/dev, "output", to write) → head + 12, then fd_write of all memory.
        push(&mut function, &head());
        push(
            &mut function,
            &[I::I64Const(i64::from_le_bytes(*b"output\0\0")), I::I64Store(at(16))],
        );
        push(&mut function, &[I::I32Const(4), I::I32Const(0)]);
        push(&mut function, &head());
        push(&mut function, &[I::I32Const(16), I::I32Add, I::I32Const(6), I::I32Const(0)]);
        push(&mut function, &[I::I64Const(64), I::I64Const(0), I::I32Const(0)]);
        push(&mut function, &head());
        push(&mut function, &[I::I32Const(12), I::I32Add]);
        push(&mut function, &[I::Call(self.import("path_open")?)]);
        push(&mut function, &[I::If(BlockType::Empty), I::Unreachable, I::End]);
        push(&mut function, &head());
        push(&mut function, &[I::I32Const(0), I::I32Store(at(24))]);
        push(&mut function, &head());
        push(&mut function, &[I::MemorySize(0), I::I32Const(16), I::I32Shl, I::I32Store(at(28))]);
        push(&mut function, &head());
        push(&mut function, &[I::I32Load(at(12))]);
        push(&mut function, &head());
        push(&mut function, &[I::I32Const(24), I::I32Add, I::I32Const(1)]);
        push(&mut function, &head());
        push(&mut function, &[I::I32Const(32), I::I32Add]);
        push(&mut function, &[I::Call(self.import("fd_write")?)]);
        push(&mut function, &[I::If(BlockType::Empty), I::Unreachable, I::End, I::End]);
        Ok(function)
    }

    /// Function in the place of `fd_read(descriptor, buffers, count, read)`.
    fn read(&self, built: &Built<'_>) -> Result<Function> {
        let mut function = Function::new([(2, ValType::I32)]);
        let (buffer, end) = (4, 5);
        match built {
            Built::ToTake => self.leave(&mut function, buffer)?,
            Built::ToStart { .. } => self.come_back(&mut function, (buffer, end))?,
        }
        push(
            &mut function,
            &[
                I::LocalGet(0),
                I::LocalGet(1),
                I::LocalGet(2),
                I::LocalGet(3),
                I::Call(self.import("fd_read")?),
                I::End,
            ],
        );
        Ok(function)
    }

    /// Unwinds into new pages at the end of memory, if the first buffer has the length of the read.
    fn leave(&self, function: &mut Function, buffer: u32) -> Result<()> {
        push(
            function,
            &[
                I::LocalGet(1),
                I::I32Load(at(4)),
                I::I32Const(ROOM),
                I::I32Eq,
                I::If(BlockType::Empty),
                I::I32Const(SAVED_PAGES),
                I::MemoryGrow(0),
                I::I32Const(16),
                I::I32Shl,
                I::LocalTee(buffer),
                I::LocalGet(buffer),
                I::I32Const(HEAD_BYTES),
                I::I32Add,
                I::I32Store(at(0)),
                I::LocalGet(buffer),
                I::LocalGet(buffer),
                I::I32Const(SAVED_PAGES * PAGE as i32),
                I::I32Add,
                I::I32Store(at(4)),
                I::LocalGet(buffer),
                I::Call(self.export("asyncify_start_unwind")?),
                I::I32Const(0),
                I::Return,
                I::End,
            ],
        );
        Ok(())
    }

    /// Writes the command line and the environment into the first buffer, if it rewinds.
    fn come_back(&self, function: &mut Function, (buffer, end): (u32, u32)) -> Result<()> {
        let coming_back = [
            I::Call(self.export("asyncify_get_state")?),
            I::I32Const(2),
            I::I32Eq,
            I::If(BlockType::Empty),
            I::Call(self.export("asyncify_stop_rewind")?),
            I::LocalGet(1),
            I::I32Load(at(0)),
            I::LocalTee(buffer),
            I::LocalGet(buffer),
            I::I32Const(4),
            I::I32Add,
            I::Call(self.import("args_sizes_get")?),
            I::Drop,
            I::LocalGet(buffer),
            I::I32Const(8),
            I::I32Add,
            I::LocalGet(buffer),
            I::I32Const(12),
            I::I32Add,
            I::Call(self.import("environ_sizes_get")?),
            I::Drop,
        ];
        push(function, &coming_back);
        push(function, &[I::LocalGet(buffer), I::I32Const(16), I::I32Add, I::LocalSet(end)]);
        for (get, count) in [("args_get", 0), ("environ_get", 8)] {
            self.list(function, self.import(get)?, count, (buffer, end));
        }
        push(
            function,
            &[
                I::LocalGet(3),
                I::LocalGet(end),
                I::LocalGet(buffer),
                I::I32Sub,
                I::I32Store(at(0)),
                I::I32Const(0),
                I::Return,
                I::End,
            ],
        );
        Ok(())
    }

    /// Writes a list, whose count and size lie at `buffer + count`, at `end`, and moves `end`
    /// behind it. Traps if it does not fit.
    fn list(&self, function: &mut Function, get: u32, count: u64, (buffer, end): (u32, u32)) {
        let after_pointers = [
            I::LocalGet(end),
            I::LocalGet(buffer),
            I::I32Load(at(count)),
            I::I32Const(2),
            I::I32Shl,
            I::I32Add,
        ];
        // Both counts are checked one by one, so that no sum overflows.
        for (field, most) in [(count, ROOM / 16), (count + 4, ROOM / 4)] {
            push(
                function,
                &[I::LocalGet(buffer), I::I32Load(at(field)), I::I32Const(most), I::I32GtU],
            );
            push(function, &[I::If(BlockType::Empty), I::Unreachable, I::End]);
        }
        push(function, &[I::LocalGet(end)]);
        push(function, &after_pointers);
        push(function, &[I::Call(get), I::Drop]);
        push(function, &after_pointers);
        push(
            function,
            &[I::LocalGet(buffer), I::I32Load(at(count + 4)), I::I32Add, I::LocalSet(end)],
        );
    }
}

fn push(function: &mut Function, instructions: &[I<'_>]) {
    for instruction in instructions {
        function.instruction(instruction);
    }
}

fn at(offset: u64) -> MemArg {
    MemArg { offset, align: 2, target: MemArgTarget::Memory(0), ordering: None }
}

fn memory_of(bytes: usize) -> MemorySection {
    let mut section = MemorySection::new();
    section.memory(MemoryType {
        minimum: (bytes / PAGE) as u64,
        maximum: None,
        memory64: false,
        shared: false,
        page_size_log2: None,
    });
    section
}

/// Globals: the stack pointer first, then asyncify's two.
fn globals(stack_pointer: i32) -> GlobalSection {
    let mut section = GlobalSection::new();
    let ty = GlobalType { val_type: ValType::I32, mutable: true, shared: false };
    for value in [stack_pointer, 0, 0] {
        section.global(ty, &ConstExpr::i32_const(value));
    }
    section
}

/// Body of a function, with calls of `from` replaced by calls of `to`.
fn redirected(body: &FunctionBody<'_>, from: u32, to: u32) -> Result<Vec<u8>> {
    let at = |position: u64| (position - body.range().start) as usize;
    let mut operators = body.get_operators_reader()?;
    let mut out = body.as_bytes()[..at(operators.original_position())].to_vec();
    while !operators.eof() {
        let start = operators.original_position();
        match operators.read()? {
            Operator::Call { function_index } if function_index == from => {
                I::Call(to).encode(&mut out);
            }
            _ => out
                .extend_from_slice(&body.as_bytes()[at(start)..at(operators.original_position())]),
        }
    }
    Ok(out)
}

/// Data segments of a memory, without zeros.
fn data(memory: &[u8]) -> DataSection {
    let mut section = DataSection::new();
    let pieces: Vec<&[u8]> = memory.chunks(PIECE).collect();
    let is_zero = |piece: &&[u8]| piece.iter().all(|byte| *byte == 0);
    let mut begin = 0;
    for run in pieces.chunk_by(|a, b| is_zero(a) == is_zero(b)) {
        let length: usize = run.iter().map(|piece| piece.len()).sum();
        if !is_zero(&run[0]) {
            let bytes = memory[begin..begin + length].iter().copied();
            section.active(0, &ConstExpr::i32_const(begin as i32), bytes);
        }
        begin += length;
    }
    section
}
