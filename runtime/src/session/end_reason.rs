//! End reasons of the interpreter's errors.
//!
//! Leaves out ends that are no errors.

use crate::outcome::{EndReason, LimitKind};
use crate::wasi::Context;
use wasmi::{Error, Store, TrapCode};

/// End reason of a module that could not be started.
pub(super) fn of_start(store: &Store<Context>, error: &Error) -> EndReason {
    let growth = &store.data().growth;
    match error.as_trap_code() {
        _ if growth.memory_refused => EndReason::OutOfMemory,
        _ if growth.table_refused => EndReason::LimitReached { what: LimitKind::TableElements },
        Some(TrapCode::OutOfFuel) => EndReason::OutOfFuel,
        Some(TrapCode::OutOfSystemMemory) => EndReason::OutOfMemory,
        _ => EndReason::NotStarted { reason: error.to_string().trim_end().to_owned() },
    }
}

/// End reason of a guest that was stopped. Programs abort when they get no memory; that is the
/// reason only if their last request for memory was refused.
pub(super) fn of_trap(store: &Store<Context>, error: &Error) -> EndReason {
    match error.as_trap_code() {
        Some(TrapCode::UnreachableCodeReached) if store.data().growth.memory_refused => {
            EndReason::OutOfMemory
        }
        Some(TrapCode::OutOfSystemMemory) => EndReason::OutOfMemory,
        Some(TrapCode::OutOfFuel) => EndReason::OutOfFuel,
        _ => EndReason::Trapped { reason: error.to_string().trim_end().to_owned() },
    }
}
