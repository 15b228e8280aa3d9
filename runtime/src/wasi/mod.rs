//! WASI preview 1 over a session's devices, its tree, and the clock and seed it was given.
//!
//! Calls that need the outside leave an [`Interrupt`] and suspend the guest; all others finish at
//! once. The manual, `scenarios/manual/src/reference/wasi.md`, has the table of calls: support,
//! refusals and their reasons. Leaves out sockets (`ENOTSOCK`), rights as a sandbox (there is
//! nothing to escape to; they separate reading from writing and little more), and times of files
//! that come from images.

pub(crate) mod context;
mod directories;
mod environment;
mod errno;
mod fds;
mod files;
mod guest;
mod path;
mod paths;
mod poll;
mod read_ahead;
mod read_write;
mod sleep;
mod stat;
mod transfer;
mod tree;

pub(crate) use context::{Context, Interrupt};
pub(crate) use errno::Errno;
pub(crate) use guest::Guest;
pub(crate) use sleep::Sleep;
pub(crate) use transfer::{Direction, Transfer};

use crate::limits::HOST_CALL_FUEL;
use read_ahead::ReadAheadHit;
use std::collections::BTreeMap;
use std::fmt;
use wasmi::{Caller, Engine, Error, FuncType, Linker, ValType};

const MODULE: &str = "wasi_snapshot_preview1";

/// Result of a call other than success.
pub(crate) enum Stop {
    Errno(Errno),
    Interrupt(Interrupt),
}

impl From<Errno> for Stop {
    fn from(errno: Errno) -> Self {
        Self::Errno(errno)
    }
}

/// Error by which wasmi suspends the guest in a call; the context has the details.
#[derive(Debug)]
struct Interrupted;

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("interrupted by a host call")
    }
}

impl std::error::Error for Interrupted {}
impl wasmi::errors::HostError for Interrupted {}

/// Runs one call and charges its fuel.
fn enter(
    mut caller: Caller<'_, Context>,
    call: impl FnOnce(&mut Guest<'_>, &mut Context) -> Result<(), Stop>,
) -> Result<i32, Error> {
    let memory = caller.data().memory().ok_or_else(|| Error::new("the module has no memory"))?;
    let (bytes, context) = memory.data_and_store_mut(&mut caller);
    let result = call(&mut Guest(bytes), context);
    let fuel = HOST_CALL_FUEL + context.take_charge() + context.tree.take_cost();
    pay(&mut caller, fuel)?;
    match result {
        Ok(()) => Ok(Errno::Success.code()),
        Err(Stop::Errno(errno)) => Ok(errno.code()),
        Err(Stop::Interrupt(interrupt)) => {
            caller.data_mut().interrupt = Some(interrupt);
            Err(Error::host(Interrupted))
        }
    }
}

/// `fd_read`: plain reads of devices by the fast path, all others like any call.
fn fd_read(
    mut caller: Caller<'_, Context>,
    fd: u32,
    segments: u32,
    count: u32,
    result_at: u32,
) -> Result<i32, Error> {
    if count == 1
        && let Some(memory) = caller.data().memory()
    {
        let (bytes, context) = memory.data_and_store_mut(&mut caller);
        if let Some(read) = ReadAheadHit::find(bytes, context, fd, segments, result_at) {
            read.account(context, fd);
            pay(&mut caller, read.fuel())?;
            let (bytes, context) = memory.data_and_store_mut(&mut caller);
            read.copy(bytes, context);
            return Ok(Errno::Success.code());
        }
    }
    enter(caller, |guest, context| files::fd_read(guest, context, fd, segments, count, result_at))
}

/// Charges a call, or ends the session.
fn pay(caller: &mut Caller<'_, Context>, fuel: u64) -> Result<(), Error> {
    if spend(caller, fuel)? {
        return Ok(());
    }
    caller.data_mut().interrupt = Some(Interrupt::OutOfFuel);
    Err(Error::host(Interrupted))
}

/// Spends fuel of the slice, then of the rest of the budget; false if both have too little. So the
/// end of a slice never changes the cost or the effect of a call.
fn spend(caller: &mut Caller<'_, Context>, fuel: u64) -> Result<bool, Error> {
    let slice = caller.get_fuel()?;
    let from_slice = slice.min(fuel);
    caller.set_fuel(slice - from_slice)?;
    Ok(from_slice == fuel || caller.data_mut().spend_reserve(fuel - from_slice))
}

/// Type of a call's parameter.
trait Parameter {
    const TYPE: ValType;
}

impl Parameter for u32 {
    const TYPE: ValType = ValType::I32;
}

impl Parameter for u64 {
    const TYPE: ValType = ValType::I64;
}

impl Parameter for i64 {
    const TYPE: ValType = ValType::I64;
}

/// All calls of preview 1: their code, and their types, which the linker does not expose.
pub(crate) struct Calls {
    pub(crate) linker: Linker<Context>,
    types: BTreeMap<&'static str, FuncType>,
}

impl Calls {
    /// Type of the call that a module imports, if there is one.
    pub(crate) fn type_of(&self, module: &str, name: &str) -> Option<&FuncType> {
        self.types.get(name).filter(|_| module == MODULE)
    }
}

macro_rules! calls {
    ($linker:ident, $types:ident; $($name:literal => $call:path, ($($arg:ident: $ty:ty),*);)*) => {$(
        $linker
            .func_wrap(MODULE, $name, |caller: Caller<'_, Context>, $($arg: $ty),*| {
                enter(caller, |guest, context| $call(guest, context, $($arg),*))
            })
            .expect("each name is defined once");
        let parameters: &[ValType] = &[$(<$ty as Parameter>::TYPE),*];
        $types.insert($name, FuncType::new(parameters.iter().copied(), [ValType::I32]));
    )*};
}

/// Defines all calls.
pub(crate) fn calls(engine: &Engine) -> Calls {
    let (mut linker, mut types) = (Linker::new(engine), BTreeMap::new());
    calls! { linker, types;
        "args_get" => environment::args_get, (argv: u32, buffer: u32);
        "args_sizes_get" => environment::args_sizes_get, (count: u32, size: u32);
        "environ_get" => environment::environ_get, (environ: u32, buffer: u32);
        "environ_sizes_get" => environment::environ_sizes_get, (count: u32, size: u32);
        "clock_res_get" => environment::clock_res_get, (clock: u32, out: u32);
        "clock_time_get" => environment::clock_time_get, (clock: u32, precision: u64, out: u32);
        "random_get" => environment::random_get, (buffer: u32, len: u32);
        "sched_yield" => environment::sched_yield, ();
        "proc_raise" => environment::proc_raise, (signal: u32);
        "poll_oneoff" => poll::poll_oneoff, (subs: u32, events: u32, count: u32, out: u32);
        "fd_pread" => files::fd_pread, (fd: u32, segments: u32, count: u32, at: u64, out: u32);
        "fd_write" => files::fd_write, (fd: u32, segments: u32, count: u32, out: u32);
        "fd_pwrite" => files::fd_pwrite, (fd: u32, segments: u32, count: u32, at: u64, out: u32);
        "fd_seek" => files::fd_seek, (fd: u32, offset: i64, whence: u32, out: u32);
        "fd_tell" => files::fd_tell, (fd: u32, out: u32);
        "fd_close" => files::fd_close, (fd: u32);
        "fd_renumber" => files::fd_renumber, (from: u32, to: u32);
        "fd_sync" => files::fd_sync, (fd: u32);
        "fd_datasync" => files::fd_sync, (fd: u32);
        "fd_advise" => files::fd_advise, (fd: u32, at: u64, len: u64, advice: u32);
        "fd_allocate" => files::fd_allocate, (fd: u32, at: u64, len: u64);
        "fd_fdstat_get" => stat::fd_fdstat_get, (fd: u32, out: u32);
        "fd_fdstat_set_flags" => stat::fd_fdstat_set_flags, (fd: u32, flags: u32);
        "fd_fdstat_set_rights" => stat::fd_fdstat_set_rights, (fd: u32, base: u64, inherit: u64);
        "fd_filestat_get" => stat::fd_filestat_get, (fd: u32, out: u32);
        "fd_filestat_set_size" => stat::fd_filestat_set_size, (fd: u32, size: u64);
        "fd_filestat_set_times" => stat::fd_filestat_set_times,
            (fd: u32, atim: u64, mtim: u64, flags: u32);
        "fd_prestat_get" => directories::fd_prestat_get, (fd: u32, out: u32);
        "fd_prestat_dir_name" => directories::fd_prestat_dir_name, (fd: u32, out: u32, len: u32);
        "fd_readdir" => directories::fd_readdir,
            (fd: u32, buffer: u32, len: u32, cookie: u64, out: u32);
        "path_open" => paths::path_open,
            (fd: u32, lookup: u32, path: u32, len: u32, open: u32, rights: u64, inherit: u64,
             flags: u32, out: u32);
        "path_filestat_get" => stat::path_filestat_get,
            (fd: u32, lookup: u32, path: u32, len: u32, out: u32);
        "path_filestat_set_times" => stat::path_filestat_set_times,
            (fd: u32, lookup: u32, path: u32, len: u32, atim: u64, mtim: u64, flags: u32);
        "path_create_directory" => paths::path_create_directory, (fd: u32, path: u32, len: u32);
        "path_remove_directory" => paths::path_remove_directory, (fd: u32, path: u32, len: u32);
        "path_unlink_file" => paths::path_unlink_file, (fd: u32, path: u32, len: u32);
        "path_rename" => paths::path_rename,
            (fd: u32, path: u32, len: u32, to_fd: u32, to: u32, to_len: u32);
        "path_link" => paths::path_link,
            (fd: u32, lookup: u32, path: u32, len: u32, to_fd: u32, to: u32, to_len: u32);
        "path_symlink" => paths::path_symlink,
            (target: u32, target_len: u32, fd: u32, path: u32, len: u32);
        "path_readlink" => paths::path_readlink,
            (fd: u32, path: u32, len: u32, buffer: u32, buffer_len: u32, out: u32);
        "sock_accept" => environment::sock_accept, (fd: u32, flags: u32, out: u32);
        "sock_recv" => environment::sock_recv,
            (fd: u32, segments: u32, count: u32, flags: u32, out: u32, out_flags: u32);
        "sock_send" => environment::sock_send,
            (fd: u32, segments: u32, count: u32, flags: u32, out: u32);
        "sock_shutdown" => environment::sock_shutdown, (fd: u32, how: u32);
    }
    linker
        .func_wrap(MODULE, "proc_exit", |caller: Caller<'_, Context>, code: u32| {
            enter(caller, |_, _| Err(Stop::Interrupt(Interrupt::Exit(code)))).map(|_| ())
        })
        .expect("each name is defined once");
    types.insert("proc_exit", FuncType::new([ValType::I32], []));
    linker.func_wrap(MODULE, "fd_read", fd_read).expect("each name is defined once");
    types.insert("fd_read", FuncType::new([ValType::I32; 4], [ValType::I32]));
    Calls { linker, types }
}

#[cfg(test)]
mod tests {
    use super::calls;
    use std::collections::BTreeSet;

    /// Names in the first column of the table.
    fn documented() -> Vec<&'static str> {
        let rows = include_str!("../../../scenarios/manual/src/reference/wasi.md")
            .lines()
            .filter(|line| line.starts_with("| `"));
        let first = rows.filter_map(|row| row.split('|').nth(1));
        first.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect()
    }

    #[test]
    fn the_documents_table_names_exactly_the_functions_that_there_are() {
        let calls = calls(&wasmi::Engine::default());
        let defined: BTreeSet<&str> = calls.types.keys().copied().collect();
        let documented = documented();
        assert_eq!(documented.iter().copied().collect::<BTreeSet<_>>(), defined);
        assert_eq!(documented.len(), defined.len(), "each is named once");
        let text = include_str!("../../../scenarios/manual/src/reference/wasi.md");
        assert!(text.contains(&format!("these {} functions", defined.len())));
    }
}
