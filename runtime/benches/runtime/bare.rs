//! The same guests on wasmi alone: the plainest host calls that they run with, reading from memory.

use bytes::Bytes;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use stayput_runtime::session::SESSION_EPOCH_UNIX_NS;
use wasmi::{Caller, Config, Engine, Error, ExternType, Linker, Memory, Module, Store, Val};

const MODULE: &str = "wasi_snapshot_preview1";
const PREOPENS: [&[u8]; 2] = [b"/", b"/dev"];
const INPUT: u32 = 5;

const BADF: u32 = 8;
const INVAL: u32 = 28;
const NOENT: u32 = 44;
const NOSYS: i32 = 52;
const SPIPE: u32 = 70;

/// A module, compiled with the engine settings that our runtime uses.
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
    random: ChaCha20Rng,
}

type Call<'a> = Caller<'a, Guest>;

impl Bare {
    pub(crate) fn new(wasm: &[u8]) -> Self {
        let mut config = Config::default();
        config.consume_fuel(true).compilation_mode(wasmi::CompilationMode::Eager);
        let engine = Engine::new(&config);
        let module = Module::new(&engine, wasm).expect("the guest is valid");
        let mut linker = Linker::new(&engine);
        define_streams(&mut linker).expect("each name is defined once");
        define_files(&mut linker).expect("each name is defined once");
        define_environment(&mut linker).expect("each name is defined once");
        define_rest(&mut linker, &module);
        Self { engine, module, linker }
    }

    /// Runs the guest to its end, and gives what it wrote.
    pub(crate) fn run(&self, args: &[&str], input: &Bytes) -> String {
        let guest = Guest {
            memory: None,
            args: args.iter().map(|arg| format!("{arg}\0")).collect(),
            input: input.clone(),
            position: 0,
            output: Vec::new(),
            random: ChaCha20Rng::from_seed([0; 32]),
        };
        let mut store = Store::new(&self.engine, guest);
        store.set_fuel(u64::MAX).expect("fuel is on");
        let instance =
            self.linker.instantiate_and_start(&mut store, &self.module).expect("it starts");
        store.data_mut().memory = instance.get_memory(&store, "memory");
        let start = instance.get_func(&store, "_start").expect("it is a command");
        match start.call(&mut store, &[], &mut []) {
            Err(error) if error.i32_exit_status() != Some(0) => panic!("it fails: {error}"),
            _ => {}
        }
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

fn put(memory: &mut [u8], at: u32, bytes: &[u8]) {
    memory[at as usize..at as usize + bytes.len()].copy_from_slice(bytes);
}

fn put_u32(memory: &mut [u8], at: u32, value: usize) {
    put(memory, at, &(value as u32).to_le_bytes());
}

fn fd_read(mut caller: Call<'_>, _fd: u32, segments: u32, _count: u32, out: u32) -> u32 {
    let (memory, guest) = memory(&mut caller);
    let (at, len) = (get(memory, segments), get(memory, segments + 4));
    let len = len.min(guest.input.len() - guest.position);
    memory[at..at + len].copy_from_slice(&guest.input[guest.position..guest.position + len]);
    guest.position += len;
    put_u32(memory, out, len);
    0
}

fn fd_write(mut caller: Call<'_>, _fd: u32, segments: u32, count: u32, out: u32) -> u32 {
    let (memory, guest) = memory(&mut caller);
    let mut total = 0;
    for segment in (0..count).map(|i| segments + 8 * i) {
        let (at, len) = (get(memory, segment), get(memory, segment + 4));
        guest.output.extend_from_slice(&memory[at..at + len]);
        total += len;
    }
    put_u32(memory, out, total);
    0
}

fn define_streams(linker: &mut Linker<Guest>) -> Result<(), Error> {
    linker.func_wrap(MODULE, "fd_read", fd_read)?;
    linker.func_wrap(MODULE, "fd_write", fd_write)?;
    linker.func_wrap(MODULE, "fd_seek", |_: Call<'_>, _: u32, _: i64, _: u32, _: u32| SPIPE)?;
    linker.func_wrap(MODULE, "fd_fdstat_get", |mut caller: Call<'_>, fd: u32, out: u32| {
        const TYPE_DIRECTORY: u8 = 3;
        let mut stat = [0xff; 24];
        stat[..8].fill(0);
        stat[0] = if (3..INPUT).contains(&fd) { TYPE_DIRECTORY } else { 0 };
        put(memory(&mut caller).0, out, &stat);
        0
    })?;
    linker.func_wrap(MODULE, "fd_filestat_get", |mut caller: Call<'_>, fd: u32, out: u32| {
        let mut stat = [0; 64];
        (stat[0], stat[8], stat[24]) = (2, fd as u8 + 1, 1);
        put(memory(&mut caller).0, out, &stat);
        0
    })?;
    Ok(())
}

fn define_files(linker: &mut Linker<Guest>) -> Result<(), Error> {
    linker.func_wrap(MODULE, "fd_prestat_get", |mut caller: Call<'_>, fd: u32, out: u32| {
        let Some(name) = PREOPENS.get(fd as usize - 3) else { return BADF };
        let (memory, _) = memory(&mut caller);
        put_u32(memory, out, 0);
        put_u32(memory, out + 4, name.len());
        0
    })?;
    let prestat_name = |mut caller: Call<'_>, fd: u32, at: u32, _len: u32| {
        put(memory(&mut caller).0, at, PREOPENS[fd as usize - 3]);
        0
    };
    linker.func_wrap(MODULE, "fd_prestat_dir_name", prestat_name)?;
    linker.func_wrap(
        MODULE,
        "path_open",
        |mut caller: Call<'_>,
         _dir: u32,
         _lookup: u32,
         path: u32,
         len: u32,
         _open: u32,
         _rights: u64,
         _inheriting: u64,
         _flags: u32,
         fd: u32| {
            let (memory, guest) = memory(&mut caller);
            guest.position = 0;
            let path = &memory[path as usize..(path + len) as usize];
            if !path.ends_with(b"input") {
                return NOENT;
            }
            put_u32(memory, fd, INPUT as usize);
            0
        },
    )?;
    let path_filestat = |_: Call<'_>, _: u32, _: u32, _: u32, _: u32, _: u32| NOENT;
    linker.func_wrap(MODULE, "path_filestat_get", path_filestat)?;
    let path_readlink = |_: Call<'_>, _: u32, _: u32, _: u32, _: u32, _: u32, _: u32| INVAL;
    linker.func_wrap(MODULE, "path_readlink", path_readlink)?;
    Ok(())
}

fn args_get(mut caller: Call<'_>, mut argv: u32, mut buffer: u32) -> u32 {
    let (memory, guest) = memory(&mut caller);
    for arg in &guest.args {
        put_u32(memory, argv, buffer as usize);
        put(memory, buffer, arg.as_bytes());
        buffer += arg.len() as u32;
        argv += 4;
    }
    0
}

fn define_environment(linker: &mut Linker<Guest>) -> Result<(), Error> {
    linker.func_wrap(MODULE, "args_get", args_get)?;
    linker.func_wrap(MODULE, "args_sizes_get", |mut caller: Call<'_>, count: u32, size: u32| {
        let (memory, guest) = memory(&mut caller);
        put_u32(memory, count, guest.args.len());
        put_u32(memory, size, guest.args.iter().map(String::len).sum());
        0
    })?;
    linker.func_wrap(
        MODULE,
        "environ_sizes_get",
        |mut caller: Call<'_>, count: u32, size: u32| {
            let (memory, _) = memory(&mut caller);
            put_u32(memory, count, 0);
            put_u32(memory, size, 0);
            0
        },
    )?;
    linker.func_wrap(
        MODULE,
        "clock_time_get",
        |mut caller: Call<'_>, _clock: u32, _precision: u64, out: u32| {
            put(memory(&mut caller).0, out, &SESSION_EPOCH_UNIX_NS.to_le_bytes());
            0
        },
    )?;
    linker.func_wrap(MODULE, "random_get", |mut caller: Call<'_>, at: u32, len: u32| {
        let (memory, guest) = memory(&mut caller);
        guest.random.fill_bytes(&mut memory[at as usize..(at + len) as usize]);
        0
    })?;
    linker.func_wrap(MODULE, "proc_exit", |_: Call<'_>, code: u32| -> Result<(), Error> {
        Err(Error::i32_exit(code as i32))
    })?;
    Ok(())
}

/// Imports of a guest that it does not call, or not for its answer.
fn define_rest(linker: &mut Linker<Guest>, module: &Module) {
    for import in module.imports() {
        let ExternType::Func(ty) = import.ty() else { panic!("a guest imports functions only") };
        // An error says that it is defined above.
        let _ = linker.func_new(MODULE, import.name(), ty.clone(), |_, _, results| {
            results.iter_mut().for_each(|result| *result = Val::I32(NOSYS));
            Ok(())
        });
    }
}
