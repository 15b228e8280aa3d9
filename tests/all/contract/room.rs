//! What the suite asks of a backend: to start hosts, on other threads perhaps, and to say what they sent and spent.

use std::future::Future;
use std::rc::Rc;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use stayput_host::{Host, LocalFuture, Purpose};
use stayput_world::{RunEnd, World};

use stayput_testkit::world::{LIMIT, spec};

/// What a host does; made on the thread that runs it.
pub(crate) type Main = Box<dyn Fn(Host) -> LocalFuture<'static, ()> + Send>;

/// A backend with hosts.
pub(crate) trait Room {
    fn start(&mut self, index: u8, main: Main);
    /// Runs until something was found.
    fn run(&mut self, found: &dyn Awaited);
    /// Bytes of bodies that were sent for a purpose.
    fn body_bytes(&self, purpose: Purpose) -> u64;
    /// Bytes that were sent, heads included.
    fn payload(&self) -> u64;
    fn fuel_spent(&self) -> u64;
}

impl Room for Box<dyn World> {
    fn start(&mut self, index: u8, main: Main) {
        self.add_host(spec(index), Rc::new(main));
    }

    fn run(&mut self, found: &dyn Awaited) {
        let end = World::run(&mut **self, &mut || found.is_there(), LIMIT);
        assert_eq!(end, RunEnd::Done, "nothing was found");
    }

    fn body_bytes(&self, purpose: Purpose) -> u64 {
        self.ledger().totals().by_purpose.get(&purpose).copied().unwrap_or_default()
    }

    fn payload(&self) -> u64 {
        self.ledger().totals().payload
    }

    fn fuel_spent(&self) -> u64 {
        World::fuel_spent(&**self)
    }
}

/// Adds a host that runs `main`.
pub(crate) fn add<F: Future<Output = ()> + 'static>(
    room: &mut dyn Room,
    index: u8,
    main: impl Fn(Host) -> F + Send + 'static,
) {
    room.start(index, Box::new(move |host| Box::pin(main(host))));
}

/// A place for what a host found out, on whichever thread.
pub(crate) struct Probe<T>(Arc<(Mutex<Option<T>>, Condvar)>);

/// What a run waits for.
pub(crate) trait Awaited {
    fn is_there(&self) -> bool;
    /// Whether it comes while other threads work, within a limit.
    fn comes_within(&self, limit: Duration) -> bool;
}

impl<T> Clone for Probe<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Probe<T> {
    pub(crate) fn new() -> Self {
        Self(Arc::new((Mutex::new(None), Condvar::new())))
    }

    pub(crate) fn set(&self, value: T) {
        let (place, told) = &*self.0;
        *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
        told.notify_all();
    }

    /// Runs `room` until something was found.
    pub(crate) fn wait(&self, room: &mut dyn Room) -> T {
        room.run(self);
        let found = self.0.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        found.expect("the run ended because it was there")
    }
}

impl<T> Awaited for Probe<T> {
    fn is_there(&self) -> bool {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    fn comes_within(&self, limit: Duration) -> bool {
        let (place, told) = &*self.0;
        let place = place.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = told.wait_timeout_while(place, limit, |place| place.is_none());
        let (place, _late) = waited.unwrap_or_else(PoisonError::into_inner);
        place.is_some()
    }
}
