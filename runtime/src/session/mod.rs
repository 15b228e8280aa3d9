//! Session: one run of a module, in steps.
//!
//! Leaves out all I/O: the driver reads, writes and waits.

mod end_reason;

use crate::device::{DeviceFault, DeviceIndex, DeviceSpec};
use crate::engine::{MEMORY_EXPORT, Module};
use crate::image::Image;
use crate::limits::{SessionLimits, TRANSFER_BYTES_MAX, fuel_for_bytes};
use crate::outcome::{Accounting, EndReason, Outcome};
use crate::wasi::context::Setup;
use crate::wasi::{Context, Direction, Errno, Guest, Interrupt, Sleep, Transfer};
use bytes::Bytes;
use std::sync::Arc;
use wasmi::{
    Error, Func, Memory, ResumableCall, ResumableCallHostTrap, ResumableCallOutOfFuel, Store, Val,
};

/// Fuel that the guest gets before the interpreter is left for a moment, within a step.
/// Instructions that fail to grow memory or a table stay on the host's stack until then; there are
/// at most two thousand of them, see `engine`.
const PIECE_FUEL_MAX: u64 = 500_000;

/// Epoch of sessions: the time at which each session's clock may begin, in nanoseconds since the
/// Unix epoch: 2024-01-01T00:00:00Z. Drivers that begin there and move it only while the guest
/// sleeps give the same outcome everywhere.
pub const SESSION_EPOCH_UNIX_NS: u64 = 1_704_067_200_000_000_000;

/// Module, inputs and limits of a session.
#[derive(Clone, Debug)]
pub struct SessionSpec {
    /// Compiled module.
    pub module: Module,
    /// Command line, its own name first.
    pub args: Vec<String>,
    /// Environment variables.
    pub env: Vec<(String, String)>,
    /// Devices. Those named `stdin`, `stdout` and `stderr` are its standard streams; without
    /// them it reads nothing, and what it writes there is dropped.
    pub devices: Vec<DeviceSpec>,
    /// Images at `/`. Of two files at one place, the earlier image's wins.
    pub images: Vec<Arc<Image>>,
    /// Limits.
    pub limits: SessionLimits,
    /// Seed of its randomness.
    pub entropy: [u8; 32],
}

/// Reason for which a step returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pause {
    /// The slice of fuel is used. Step again.
    SliceUsed,
    /// The guest waits for bytes: answer with [`Session::provide_read`].
    Read {
        /// Device.
        device: DeviceIndex,
        /// Offset of the first byte.
        offset: u64,
        /// Most bytes, never more than [`TRANSFER_BYTES_MAX`].
        len: usize,
    },
    /// The guest hands over bytes: answer with [`Session::accept_write`].
    Write {
        /// Device.
        device: DeviceIndex,
        /// Offset of the first byte.
        offset: u64,
        /// Bytes, never more than [`TRANSFER_BYTES_MAX`].
        data: Bytes,
    },
    /// The guest sleeps. Step again when it is time; earlier steps do nothing.
    Sleep {
        /// End of the sleep.
        until_unix_ns: u64,
    },
    /// The session has ended. Later steps return the same.
    Ended(Outcome),
}

/// Run of a module: a state machine without I/O that can move between threads.
///
/// Its outcome, the fuel included, depends only on its [`SessionSpec`], on the devices' bytes, and
/// on the time if the guest asks for it: not on the slices, nor on the parts in which bytes come.
pub struct Session {
    store: Store<Context>,
    phase: Phase,
    next: Vec<Func>,
    memory: Option<Memory>,
}

/// State of the guest. Calls that hold an interpreter's stack are boxed, being large.
enum Phase {
    /// A function is to be called.
    Call(Func),
    /// A slice ended in the middle.
    OutOfSlice(Box<ResumableCallOutOfFuel>),
    /// A host call waits for the driver.
    Transferring(Box<ResumableCallHostTrap>, Transfer),
    /// A host call waits for time to pass.
    Sleeping(Box<ResumableCallHostTrap>, Sleep),
    /// A host call has its answer.
    Answered(Box<ResumableCallHostTrap>, Errno),
    Ended(Outcome),
    /// Only while a step is under way.
    Stepping,
}

impl Session {
    /// Creates a session. If it cannot start, its first step returns the reason.
    pub fn new(spec: SessionSpec) -> Self {
        let SessionSpec { module, args, env, devices, images, limits, entropy } = spec;
        let setup = Setup { args, env, devices, images: &images, limits, entropy };
        let mut store = Store::new(module.inner().engine(), Context::new(setup));
        store.limiter(|context| &mut context.growth);
        let mut session = Self { store, phase: Phase::Stepping, next: Vec::new(), memory: None };
        session.fill_tank(u64::MAX);
        let started = session.instantiate(&module);
        session.drain_tank();
        session.phase = match started {
            Ok(first) => Phase::Call(first),
            Err(error) => {
                Phase::Ended(session.outcome(end_reason::of_start(&session.store, &error)))
            }
        };
        session
    }

    fn instantiate(&mut self, module: &Module) -> Result<Func, Error> {
        let instance = module.linker().instantiate_and_start(&mut self.store, module.inner())?;
        let memory = instance.get_memory(&self.store, MEMORY_EXPORT);
        let memory = memory.expect("compiling made sure that the memory is exported");
        self.memory = Some(memory);
        self.store.data_mut().set_memory(memory);
        let entry = |name| instance.get_func(&self.store, name);
        self.next = module.entry_points().iter().rev().filter_map(|name| entry(name)).collect();
        Ok(self.next.pop().expect("compiling made sure that there is an entry point"))
    }

    /// Runs the guest for at most about `fuel_slice`, until it needs something or ends.
    ///
    /// `now_unix_ns` is the time that it will see; its clock never goes back. A bulk instruction
    /// that costs more than the slice still runs as a whole.
    pub fn step(&mut self, now_unix_ns: u64, fuel_slice: u64) -> Pause {
        let mut left = fuel_slice;
        loop {
            let before = self.fuel_used();
            let pause = self.piece(now_unix_ns, left.min(PIECE_FUEL_MAX));
            left = left.saturating_sub(self.fuel_used() - before);
            if left == 0 || !matches!(pause, Pause::SliceUsed) {
                return pause;
            }
        }
    }

    fn piece(&mut self, now_unix_ns: u64, fuel_slice: u64) -> Pause {
        let context = self.store.data_mut();
        context.now = context.now.max(now_unix_ns);
        let now = context.now;
        context.started.get_or_insert(now);
        match std::mem::replace(&mut self.phase, Phase::Stepping) {
            Phase::Call(func) => {
                self.run(fuel_slice, |store| func.call_resumable(store, &[], &mut []))
            }
            Phase::OutOfSlice(call) => {
                let required = call.required_fuel();
                if required > self.store.data().reserve {
                    self.end(EndReason::OutOfFuel)
                } else {
                    self.run(fuel_slice.max(required), |store| call.resume(store, &mut []))
                }
            }
            Phase::Answered(call, errno) => {
                self.run(fuel_slice, |store| call.resume(store, &[Val::I32(errno.code())], &mut []))
            }
            Phase::Sleeping(call, sleep) if sleep.until > now => self.sleep(call, sleep),
            Phase::Sleeping(call, sleep) => {
                let (mut guest, context) = self.guest();
                sleep.wake(&mut guest, context.now);
                self.phase = Phase::Answered(call, Errno::Success);
                self.piece(now_unix_ns, fuel_slice)
            }
            Phase::Transferring(call, transfer) => self.transfer(call, transfer),
            Phase::Ended(outcome) => self.end_with(outcome),
            Phase::Stepping => panic!("a step panicked before, the session is lost"),
        }
    }

    /// Answers [`Pause::Read`]. Fewer bytes than asked are welcome, none means the end of the
    /// device, and if its size is known the rest is asked for next. If its size is known, more are
    /// welcome too: they answer the guest's next reads without a pause.
    ///
    /// # Panics
    /// The session does not wait for a read, or `data` is longer than what it asked for and the
    /// device's size is unknown.
    pub fn provide_read(&mut self, data: Result<Bytes, DeviceFault>) {
        let (call, mut transfer) = self.take_transfer(Direction::Read);
        let data = match data {
            Ok(data) => data,
            Err(fault) => return self.fault(call, &transfer, fault),
        };
        let asked = asked_len(&transfer);
        let (mut guest, context) = self.guest();
        let is_sized = context.has_known_size(transfer.device);
        let given = data.len().min(asked);
        assert!(given == data.len() || is_sized, "{} bytes for a read of {asked}", data.len());
        guest.scatter(&transfer.segments, transfer.done, &data[..given]);
        if given < data.len() {
            context.keep_read_ahead(transfer.device, transfer.offset + transfer.done as u64, data);
        }
        transfer.done += given;
        let goes_on = given > 0 && transfer.done < transfer.total && is_sized;
        self.advance(call, transfer, goes_on);
    }

    /// Answers [`Pause::Write`]: all its bytes are taken, or none.
    ///
    /// # Panics
    /// The session does not wait for a write.
    pub fn accept_write(&mut self, result: Result<(), DeviceFault>) {
        let (call, mut transfer) = self.take_transfer(Direction::Write);
        if let Err(fault) = result {
            return self.fault(call, &transfer, fault);
        }
        transfer.done += asked_len(&transfer);
        let goes_on = transfer.done < transfer.total;
        self.advance(call, transfer, goes_on);
    }

    /// Fuel used so far.
    pub fn fuel_used(&self) -> u64 {
        let context = self.store.data();
        context.limits.fuel_max - context.reserve
    }

    /// Lets the guest run with some of the budget in the interpreter's tank.
    fn run(
        &mut self,
        fuel: u64,
        call: impl FnOnce(&mut Store<Context>) -> Result<ResumableCall, Error>,
    ) -> Pause {
        self.fill_tank(fuel.max(1));
        let result = call(&mut self.store);
        self.drain_tank();
        match result {
            Ok(ResumableCall::Finished) => match self.next.pop() {
                Some(func) => {
                    self.phase = Phase::Call(func);
                    Pause::SliceUsed
                }
                None => self.end(EndReason::Exited { code: 0 }),
            },
            Ok(ResumableCall::OutOfFuel(call)) => {
                if call.required_fuel() > self.store.data().reserve {
                    return self.end(EndReason::OutOfFuel);
                }
                self.phase = Phase::OutOfSlice(Box::new(call));
                Pause::SliceUsed
            }
            Ok(ResumableCall::HostTrap(call)) => self.interrupted(Box::new(call)),
            Err(error) => self.end(end_reason::of_trap(&self.store, &error)),
        }
    }

    fn interrupted(&mut self, call: Box<ResumableCallHostTrap>) -> Pause {
        match self.store.data_mut().interrupt.take() {
            Some(Interrupt::Exit(code)) => self.end(EndReason::Exited { code }),
            Some(Interrupt::OutOfFuel) => self.end(EndReason::OutOfFuel),
            Some(Interrupt::Sleep(sleep)) => self.sleep(call, sleep),
            Some(Interrupt::Transfer(transfer)) => self.transfer(call, transfer),
            None => self.end(EndReason::Trapped { reason: call.host_error().to_string() }),
        }
    }

    fn sleep(&mut self, call: Box<ResumableCallHostTrap>, sleep: Sleep) -> Pause {
        let until_unix_ns = sleep.until;
        self.phase = Phase::Sleeping(call, sleep);
        Pause::Sleep { until_unix_ns }
    }

    fn transfer(&mut self, call: Box<ResumableCallHostTrap>, transfer: Transfer) -> Pause {
        let device = transfer.device;
        let offset = transfer.offset + transfer.done as u64;
        let len = asked_len(&transfer);
        let pause = match transfer.direction {
            Direction::Read => Pause::Read { device, offset, len },
            Direction::Write => {
                let (guest, _) = self.guest();
                let data = guest.gather(&transfer.segments, transfer.done, len).into();
                Pause::Write { device, offset, data }
            }
        };
        self.phase = Phase::Transferring(call, transfer);
        pause
    }

    fn take_transfer(&mut self, direction: Direction) -> (Box<ResumableCallHostTrap>, Transfer) {
        match std::mem::replace(&mut self.phase, Phase::Stepping) {
            Phase::Transferring(call, transfer) if transfer.direction == direction => {
                (call, transfer)
            }
            _ => panic!("an answer to a {direction:?} that the session did not ask for"),
        }
    }

    fn advance(&mut self, call: Box<ResumableCallHostTrap>, transfer: Transfer, goes_on: bool) {
        if goes_on {
            self.phase = Phase::Transferring(call, transfer);
            return;
        }
        let (mut guest, context) = self.guest();
        let fuel = context.complete(&mut guest, &transfer);
        if context.spend_reserve(fuel) {
            self.phase = Phase::Answered(call, Errno::Success);
        } else {
            self.end(EndReason::OutOfFuel);
        }
    }

    fn fault(&mut self, call: Box<ResumableCallHostTrap>, transfer: &Transfer, fault: DeviceFault) {
        match fault {
            DeviceFault::Quota => {
                // What was copied for nothing is paid as well, or a guest that does not hear of its
                // quota would keep the host busy for as good as no fuel.
                let tried = transfer.done + asked_len(transfer);
                if self.store.data_mut().spend_reserve(fuel_for_bytes(tried as u64)) {
                    self.phase = Phase::Answered(call, Errno::Dquot);
                } else {
                    self.end(EndReason::OutOfFuel);
                }
            }
            DeviceFault::PeerDied => self.phase = Phase::Answered(call, Errno::Io),
            DeviceFault::Failed { reason } => {
                let device = self.store.data().device_name(transfer.device).to_owned();
                self.end(EndReason::DeviceFailed { device, reason });
            }
        }
    }

    fn guest(&mut self) -> (Guest<'_>, &mut Context) {
        let memory = self.memory.expect("only a guest that was started waits for anything");
        let (bytes, context) = memory.data_and_store_mut(&mut self.store);
        (Guest(bytes), context)
    }

    fn end(&mut self, end: EndReason) -> Pause {
        if end == EndReason::OutOfFuel {
            // What was left could not pay for the next thing: the whole budget counts as used.
            self.store.data_mut().reserve = 0;
        }
        let outcome = self.outcome(end);
        self.end_with(outcome)
    }

    fn end_with(&mut self, outcome: Outcome) -> Pause {
        self.phase = Phase::Ended(outcome.clone());
        Pause::Ended(outcome)
    }

    /// Account of its reads and writes so far.
    pub fn accounting(&self) -> Accounting {
        self.store.data().accounting()
    }

    fn outcome(&self, end: EndReason) -> Outcome {
        Outcome { end, fuel: self.fuel_used(), accounting: self.store.data().accounting() }
    }

    fn fill_tank(&mut self, fuel: u64) {
        let context = self.store.data_mut();
        let fuel = fuel.min(context.reserve);
        context.reserve -= fuel;
        self.store.set_fuel(fuel).expect("the engine meters fuel");
    }

    fn drain_tank(&mut self) {
        let left = self.store.get_fuel().expect("the engine meters fuel");
        self.store.data_mut().reserve += left;
    }
}

fn asked_len(transfer: &Transfer) -> usize {
    (transfer.total - transfer.done).min(TRANSFER_BYTES_MAX)
}
