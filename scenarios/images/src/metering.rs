//! Rewriting of a module so that it pays fuel for the code that it executes.
//!
//! wasmi charges the operators of a loop, a branch of an `if` or a function on entering it: all
//! that lies in them as a straight line or in blocks, also when a branch jumps over most of it. The
//! loop of a bytecode interpreter is such a loop: each turn pays for the code of every opcode, a
//! thousand times of what it runs. Here what follows a block that is jumped out of is put into a
//! loop of its own, which nobody jumps back to, and so is paid for when it is reached. Custom
//! sections (names, debugging information) are left out: no session reads them.

use std::borrow::Cow;

use wasm_encoder::{CodeSection, Encode, Instruction, Module, RawSection};
use wasmparser::{
    BinaryReaderError, BlockType, FuncValidator, FunctionBody, Operator, Parser, Payload,
    ValidPayload, Validator, ValidatorResources, WasmModuleResources,
};

/// Same module, with fair fuel and without custom sections.
///
/// # Errors
/// The module is not valid.
pub(super) fn meter_fairly(wasm: &[u8]) -> Result<Vec<u8>, BinaryReaderError> {
    let mut validator = Validator::new();
    let mut module = Module::new();
    let mut code = CodeSection::new();
    let mut bodies_left = 0;
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload?;
        match validator.payload(&payload)? {
            ValidPayload::Func(func, body) => {
                let func = func.into_validator(Default::default());
                code.raw(&rewrite(func, &body)?);
                bodies_left -= 1;
                if bodies_left == 0 {
                    module.section(&code);
                }
                continue;
            }
            ValidPayload::Ok | ValidPayload::Parser(_) | ValidPayload::End(_) => {}
        }
        match &payload {
            Payload::CodeSectionStart { count, .. } => bodies_left = *count,
            Payload::CustomSection(_) => {}
            _ => {
                if let Some((id, range)) = payload.as_section() {
                    let data = &wasm[range.start as usize..range.end as usize];
                    module.section(&RawSection { id, data });
                }
            }
        }
    }
    Ok(module.finish())
}

/// Open construct of the rewritten function.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    /// Construct of the function itself.
    Own,
    /// Loop that was added around the code behind a block.
    Added,
}

/// Body of a function, without its length.
fn rewrite(
    mut func: FuncValidator<ValidatorResources>,
    body: &FunctionBody<'_>,
) -> Result<Vec<u8>, BinaryReaderError> {
    let jumped_out_of = jumped_out_of(body)?;
    let mut blocks = jumped_out_of.into_iter();
    func.read_locals(&mut body.get_binary_reader())?;
    let mut operators = body.get_operators_reader()?;
    let at = |position: u64| (position - body.range().start) as usize;
    let mut out = body.as_bytes()[..at(operators.original_position())].to_vec();
    let mut open = vec![Open::Own];
    // True for each of the function's own open constructs that is a block with a branch to its end.
    let mut own = vec![false];
    while !operators.eof() {
        let start = operators.original_position();
        let operator = operators.read()?;
        func.op(start, &operator)?;
        let bytes = &body.as_bytes()[at(start)..at(operators.original_position())];
        let added = |depth: u32| depth + added_within(&open, depth);
        match operator {
            Operator::Block { .. } => {
                own.push(blocks.next().unwrap_or(false));
                open.push(Open::Own);
                out.extend_from_slice(bytes);
            }
            Operator::Loop { .. } | Operator::If { .. } => {
                own.push(false);
                open.push(Open::Own);
                out.extend_from_slice(bytes);
            }
            Operator::Else => {
                close_added(&mut open, &mut out);
                out.extend_from_slice(bytes);
            }
            Operator::End => {
                close_added(&mut open, &mut out);
                open.pop();
                out.extend_from_slice(bytes);
                if own.pop() == Some(true)
                    && let Some(ty) = type_of_rest(&func)
                {
                    Instruction::Loop(ty).encode(&mut out);
                    open.push(Open::Added);
                }
            }
            Operator::Br { relative_depth } => {
                Instruction::Br(added(relative_depth)).encode(&mut out)
            }
            Operator::BrIf { relative_depth } => {
                Instruction::BrIf(added(relative_depth)).encode(&mut out);
            }
            Operator::BrTable { targets } => {
                let depths = targets.targets().map(|depth| depth.map(added));
                let depths: Vec<u32> = depths.collect::<Result<_, _>>()?;
                let default = added(targets.default());
                Instruction::BrTable(Cow::Owned(depths), default).encode(&mut out);
            }
            _ => out.extend_from_slice(bytes),
        }
    }
    Ok(out)
}

/// True for each block of a function, in the order of their begins, to whose end a branch leads.
fn jumped_out_of(body: &FunctionBody<'_>) -> Result<Vec<bool>, BinaryReaderError> {
    let mut blocks = Vec::new();
    // The function itself is the outermost; what is no block has no number.
    let mut open: Vec<Option<usize>> = vec![None];
    for operator in body.get_operators_reader()? {
        let mut jump = |depth: u32| {
            let target = open.len().checked_sub(1 + depth as usize).and_then(|at| open[at]);
            if let Some(block) = target {
                blocks[block] = true;
            }
        };
        match operator? {
            Operator::Block { .. } => {
                open.push(Some(blocks.len()));
                blocks.push(false);
            }
            Operator::Loop { .. } | Operator::If { .. } => open.push(None),
            Operator::End => {
                open.pop();
            }
            Operator::Br { relative_depth } | Operator::BrIf { relative_depth } => {
                jump(relative_depth);
            }
            Operator::BrTable { targets } => {
                for depth in targets.targets() {
                    jump(depth?);
                }
                jump(targets.default());
            }
            _ => {}
        }
    }
    Ok(blocks)
}

/// Number of loops added between here and the `depth`th of the function's own constructs.
fn added_within(open: &[Open], depth: u32) -> u32 {
    let (mut own, mut added) = (0, 0);
    for it in open.iter().rev() {
        match it {
            Open::Added => added += 1,
            Open::Own if own == depth => break,
            Open::Own => own += 1,
        }
    }
    added
}

fn close_added(open: &mut Vec<Open>, out: &mut Vec<u8>) {
    while open.last() == Some(&Open::Added) {
        open.pop();
        Instruction::End.encode(out);
    }
}

/// The type of a loop around what is left of the innermost construct; none if it works on values
/// that were there before.
fn type_of_rest(func: &FuncValidator<ValidatorResources>) -> Option<wasm_encoder::BlockType> {
    let frame = func.get_control_frame(0)?;
    if func.operand_stack_height() as usize != frame.height {
        return None;
    }
    let result = match frame.block_type {
        BlockType::Empty => return Some(wasm_encoder::BlockType::Empty),
        BlockType::Type(ty) => ty,
        BlockType::FuncType(index) => {
            match func.resources().sub_type_at(index)?.unwrap_func().results() {
                [] => return Some(wasm_encoder::BlockType::Empty),
                [ty] => *ty,
                _ => return None,
            }
        }
    };
    Some(wasm_encoder::BlockType::Result(result.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use bytes::Bytes;
    use stayput_runtime::device::{DeviceKind, DeviceMode, DeviceSpec};
    use stayput_runtime::engine::Engine;
    use stayput_runtime::limits::SessionLimits;
    use stayput_runtime::local::{self, LocalRun};
    use stayput_runtime::session::SessionSpec;

    use super::*;

    fn run(wasm: &[u8]) -> LocalRun {
        let device = |name: &str, kind| DeviceSpec {
            name: name.to_owned(),
            kind,
            mode: DeviceMode::File,
            size: 0,
        };
        let spec = SessionSpec {
            module: Engine::default().compile(wasm).unwrap(),
            args: ["own name", "banana"].map(str::to_owned).to_vec(),
            env: Vec::new(),
            devices: vec![
                device("stdout", DeviceKind::SequentialWrite),
                device("input", DeviceKind::RandomRead),
            ],
            images: Vec::new(),
            limits: SessionLimits::default(),
            entropy: [0; 32],
        };
        let log = Bytes::from("a banana\nan apple\n".repeat(10_000));
        local::run(spec, BTreeMap::from([("input".to_owned(), log)]))
    }

    /// The runs of a module before and after.
    fn both(wasm: &[u8]) -> [LocalRun; 2] {
        let rewritten = meter_fairly(wasm).unwrap();
        [run(wasm), run(&rewritten)]
    }

    /// A program that ends with the exit code that `body` leaves.
    fn program(body: &str) -> Vec<u8> {
        let text = format!(
            r#"(module
                (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
                (memory (export "memory") 1)
                (func $f (param $n i32) (result i32) (local $sum i32) {body})
                (func (export "_start") (call $exit (call $f (i32.const 100)))))"#
        );
        wat::parse_str(text).unwrap()
    }

    #[test]
    fn a_loop_over_opcodes_pays_for_those_that_it_runs() {
        let unused = "(local.set $sum (i32.mul (local.get $sum) (i32.const 3)))".repeat(1_000);
        let wasm = program(&format!(
            r#"(loop $next
                (block $other (block $add
                    (br_table $add $other (i32.eqz (local.get $n))))
                    (local.set $sum (i32.add (local.get $sum) (i32.const 1)))
                    (local.set $n (i32.sub (local.get $n) (i32.const 1)))
                    (br_if $next (local.get $n))
                    (return (local.get $sum)))
                {unused}
                (br $next))
               (unreachable)"#
        ));
        let [before, after] = both(&wasm);
        assert_eq!(after.outcome.end.exit_code(), Some(100));
        assert_eq!(before.outcome.end, after.outcome.end);
        let (before, after) = (before.outcome.fuel, after.outcome.fuel);
        assert!(after * 50 < before, "{after} of {before}");
    }

    #[test]
    fn programs_do_what_they_did() {
        for (body, wanted) in [
            // A block with a value, whose rest works on what was there before.
            (
                "(i32.add (local.get $n) (block $b (result i32) (br_if $b (i32.const 1) (local.get $n)) (drop) (i32.const 2)))",
                101,
            ),
            // Branches from what follows a block, to the function and to a block around it.
            (
                "(block $a (block $b (br_if $b (local.get $n))) (br_if $a (i32.const 0)) (return (i32.const 7))) (i32.const 8)",
                7,
            ),
            (
                "(block $a (block $b (br_if $b (local.get $n))) (br_if $a (i32.const 1)) (return (i32.const 7))) (i32.const 8)",
                8,
            ),
            // A rest that never ends in a construct that has a value.
            (
                "(block $a (result i32) (block $b (br_if $b (local.get $n)) (unreachable)) (br $a (i32.const 9)))",
                9,
            ),
            // An `if` with both branches, each with a block of its own.
            (
                "(if (result i32) (local.get $n) (then (block $b (br $b)) (i32.const 3)) (else (block $b (br $b)) (i32.const 4)))",
                3,
            ),
            // Several blocks one after the other, and a loop around them.
            (
                "(loop $l (block $a (br_if $a (local.get $n))) (block $b (br_if $b (local.get $sum))) \
              (local.set $sum (i32.const 5)) (local.set $n (i32.sub (local.get $n) (i32.const 1))) \
              (br_if $l (local.get $n))) (local.get $sum)",
                5,
            ),
        ] {
            let [before, after] = both(&program(body));
            assert_eq!(before.outcome.end.exit_code(), Some(wanted), "{body}");
            assert_eq!(after.outcome.end, before.outcome.end, "{body}");
        }
    }

    #[test]
    fn the_line_counter_counts_the_same_for_hardly_more() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../runtime/guests/linecount.wasm");
        let [before, after] = both(&std::fs::read(path).unwrap());
        assert_eq!(before.outputs["stdout"], "10000\n");
        assert_eq!(after.outputs, before.outputs);
        assert!(after.outcome.fuel < before.outcome.fuel + before.outcome.fuel / 20);
    }

    #[test]
    fn what_is_no_module_is_an_error() {
        assert!(meter_fairly(b"\0asm\x01\0\0\0\x0a\x03\x01\x01").is_err());
        assert!(meter_fairly(b"no module").is_err());
    }
}
