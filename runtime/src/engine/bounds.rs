//! Limits of a module's declarations, checked before it is compiled: each costs the host more time
//! or memory than its bytes suggest.
//!
//! Compilers stay far below: CPython has 11,448 functions of at most 187 locals and 18 parameters.
//! Left out: everything that the compiler bounds itself, and whether the module is valid.

use super::ModuleError;
use super::start_section::{read_u32, sections};

/// Functions of a module: an empty one has 4 bytes and costs the host over 100. Types likewise.
const FUNCTIONS_MAX: u32 = 100_000;
const TYPES_MAX: u32 = 100_000;
/// Locals of a function: each call clears them, at the cost of a call without any.
const LOCALS_MAX: u64 = 2_000;
/// Parameters of a function or block, and results: each block of a few bytes takes time to compile
/// for all of its values.
const TYPE_VALUES_MAX: u32 = 64;

const TYPE_SECTION: u8 = 1;
const FUNCTION_SECTION: u8 = 3;
const CODE_SECTION: u8 = 10;
const FUNCTION_TYPE: u8 = 0x60;

/// Refuses a module that declares too much. A malformed one passes: the compiler's message is
/// better.
pub(super) fn check(wasm: &[u8]) -> Result<(), ModuleError> {
    for section in sections(wasm).unwrap_or_default() {
        let mut reader = Reader(section.body);
        match section.id {
            TYPE_SECTION => check_types(&mut reader)?,
            FUNCTION_SECTION => {
                let functions = reader.number().unwrap_or(0);
                within("functions", functions.into(), FUNCTIONS_MAX.into())?;
            }
            CODE_SECTION => check_bodies(&mut reader)?,
            _ => {}
        }
    }
    Ok(())
}

fn within(what: &'static str, found: u64, most: u64) -> Result<(), ModuleError> {
    if found > most { Err(ModuleError::TooMany { what, found, most }) } else { Ok(()) }
}

fn check_types(reader: &mut Reader<'_>) -> Result<(), ModuleError> {
    let types = reader.number().unwrap_or(0);
    within("types", types.into(), TYPES_MAX.into())?;
    for _ in 0..types {
        if reader.take(1) != Some(&[FUNCTION_TYPE]) {
            return Ok(());
        }
        for what in ["parameters in a type", "results in a type"] {
            let Some(values) = reader.number() else { return Ok(()) };
            within(what, values.into(), TYPE_VALUES_MAX.into())?;
            if reader.take(values as usize).is_none() {
                return Ok(());
            }
        }
    }
    Ok(())
}

fn check_bodies(reader: &mut Reader<'_>) -> Result<(), ModuleError> {
    for _ in 0..reader.number().unwrap_or(0) {
        let size = reader.number().unwrap_or(0);
        let Some(body) = reader.take(size as usize) else { return Ok(()) };
        let mut body = Reader(body);
        let mut locals = 0;
        for _ in 0..body.number().unwrap_or(0) {
            let Some(more) = body.number().filter(|_| body.take(1).is_some()) else { break };
            locals += u64::from(more);
        }
        within("locals in a function", locals, LOCALS_MAX)?;
    }
    Ok(())
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn number(&mut self) -> Option<u32> {
        let (value, used) = read_u32(self.0)?;
        self.0 = &self.0[used..];
        Some(value)
    }

    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }
}
