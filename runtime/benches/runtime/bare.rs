//! The line counter on wasmi alone: the fewest imports that it runs with, reading from memory.

use bytes::Bytes;
use wasmi::{Caller, Config, Engine, Error, Linker, Memory, Module, Store};

const MODULE: &str = "wasi_snapshot_preview1";
const BADF: u32 = 8;

/// The module, compiled with the engine settings that our runtime uses.
pub(crate) struct Bare {
    engine: Engine,
    module: Module,
    linker: Linker<Guest>,
}

struct Guest {
    memory: Option<Memory>,
    args: Vec<String>,
    input: Bytes,
    position: usize,
    output: Vec<u8>,
}

type Call<'a> = Caller<'a, Guest>;

impl Bare {
    pub(crate) fn new(wasm: &[u8]) -> Self {
        let mut config = Config::default();
        config.consume_fuel(true).compilation_mode(wasmi::CompilationMode::Eager);
        let engine = Engine::new(&config);
        let module = Module::new(&engine, wasm).expect("the guest is valid");
        let linker = linker(&engine).expect("each name is defined once");
        Self { engine, module, linker }
    }

    pub(crate) fn count(&self, args: &[&str], input: &Bytes) -> String {
        let args = args.iter().map(|arg| format!("{arg}\0")).collect();
        let guest =
            Guest { memory: None, args, input: input.clone(), position: 0, output: Vec::new() };
        let mut store = Store::new(&self.engine, guest);
        store.set_fuel(u64::MAX).expect("fuel is on");
        let instance =
            self.linker.instantiate_and_start(&mut store, &self.module).expect("it starts");
        store.data_mut().memory = instance.get_memory(&store, "memory");
        let start = instance.get_func(&store, "_start").expect("it is a command");
        start.call(&mut store, &[], &mut []).expect("it runs to its end");
        String::from_utf8_lossy(&store.data().output).into_owned()
    }
}

fn memory<'a>(caller: &'a mut Call<'_>) -> (&'a mut [u8], &'a mut Guest) {
    let memory = caller.data().memory.expect("it is set before the start");
    memory.data_and_store_mut(caller)
}

fn get(memory: &[u8], at: u32) -> usize {
    let at = at as usize;
    u32::from_le_bytes([memory[at], memory[at + 1], memory[at + 2], memory[at + 3]]) as usize
}

fn put(memory: &mut [u8], at: u32, value: usize) {
    memory[at as usize..at as usize + 4].copy_from_slice(&(value as u32).to_le_bytes());
}

fn fd_read(mut caller: Call<'_>, _fd: u32, segments: u32, _count: u32, out: u32) -> u32 {
    let (memory, guest) = memory(&mut caller);
    let (at, len) = (get(memory, segments), get(memory, segments + 4));
    let len = len.min(guest.input.len() - guest.position);
    memory[at..at + len].copy_from_slice(&guest.input[guest.position..guest.position + len]);
    guest.position += len;
    put(memory, out, len);
    0
}

fn fd_write(mut caller: Call<'_>, _fd: u32, segments: u32, _count: u32, out: u32) -> u32 {
    let (memory, guest) = memory(&mut caller);
    let (at, len) = (get(memory, segments), get(memory, segments + 4));
    guest.output.extend_from_slice(&memory[at..at + len]);
    put(memory, out, len);
    0
}

fn args_get(mut caller: Call<'_>, mut argv: u32, mut buffer: u32) -> u32 {
    let (memory, guest) = memory(&mut caller);
    for arg in &guest.args {
        put(memory, argv, buffer as usize);
        memory[buffer as usize..buffer as usize + arg.len()].copy_from_slice(arg.as_bytes());
        buffer += arg.len() as u32;
        argv += 4;
    }
    0
}

fn linker(engine: &Engine) -> Result<Linker<Guest>, Error> {
    let mut linker = Linker::new(engine);
    linker.func_wrap(MODULE, "fd_read", fd_read)?;
    linker.func_wrap(MODULE, "fd_write", fd_write)?;
    linker.func_wrap(MODULE, "args_get", args_get)?;
    linker.func_wrap(MODULE, "args_sizes_get", |mut caller: Call<'_>, count: u32, size: u32| {
        let (memory, guest) = memory(&mut caller);
        put(memory, count, guest.args.len());
        put(memory, size, guest.args.iter().map(String::len).sum());
        0
    })?;
    linker.func_wrap(MODULE, "fd_prestat_get", |mut caller: Call<'_>, fd: u32, out: u32| {
        let (memory, _) = memory(&mut caller);
        put(memory, out, 0);
        put(memory, out + 4, 4);
        if fd == 3 { 0 } else { BADF }
    })?;
    linker.func_wrap(
        MODULE,
        "fd_prestat_dir_name",
        |mut caller: Call<'_>, _fd: u32, at: u32, _len: u32| {
            memory(&mut caller).0[at as usize..at as usize + 4].copy_from_slice(b"/dev");
            0
        },
    )?;
    linker.func_wrap(
        MODULE,
        "path_open",
        |mut caller: Call<'_>,
         _dir: u32,
         _lookup: u32,
         _path: u32,
         _len: u32,
         _open: u32,
         _rights: u64,
         _inheriting: u64,
         _flags: u32,
         fd: u32| {
            put(memory(&mut caller).0, fd, 5);
            0
        },
    )?;
    linker.func_wrap(MODULE, "proc_exit", |_: Call<'_>, code: u32| -> Result<(), Error> {
        Err(Error::i32_exit(code as i32))
    })?;
    Ok(linker)
}
