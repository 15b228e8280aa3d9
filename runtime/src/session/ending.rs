//! From the interpreter's errors to the ends that are reported.

use crate::outcome::{EndReason, LimitKind};
use crate::wasi::Context;
use wasmi::{Error, Store, TrapCode};

/// Why a module could not be started.
pub(super) fn of_start(store: &Store<Context>, error: &Error) -> EndReason {
    let gate = &store.data().gate;
    match error.as_trap_code() {
        _ if gate.memory_refused => EndReason::OutOfMemory,
        _ if gate.table_refused => EndReason::LimitReached { what: LimitKind::TableElements },
        Some(TrapCode::OutOfFuel) => EndReason::OutOfFuel,
        Some(TrapCode::OutOfSystemMemory) => EndReason::OutOfMemory,
        _ => EndReason::NotStarted { reason: error.to_string().trim_end().to_owned() },
    }
}

/// Why a guest that ran was stopped. Programs abort when they get no memory; only if the last
/// thing that they asked for was refused is that the reason.
pub(super) fn of_trap(store: &Store<Context>, error: &Error) -> EndReason {
    match error.as_trap_code() {
        Some(TrapCode::UnreachableCodeReached) if store.data().gate.memory_refused => {
            EndReason::OutOfMemory
        }
        Some(TrapCode::OutOfSystemMemory) => EndReason::OutOfMemory,
        Some(TrapCode::OutOfFuel) => EndReason::OutOfFuel,
        _ => EndReason::Trapped { reason: error.to_string().trim_end().to_owned() },
    }
}
