//! What stands in for the SDK's `sync`: loom's atomics, of which one can be weakened to see whether that is noticed.

use std::cell::{RefCell, UnsafeCell};
use std::collections::BTreeSet;
use std::panic::Location;

pub(crate) use std::sync::atomic::Ordering;

/// A place in the ring's source where an atomic is used.
pub type Site = &'static Location<'static>;

#[derive(Default)]
struct Sites {
    /// Where an ordering stronger than relaxed was asked for.
    met: BTreeSet<Site>,
    /// Where a relaxed one is taken instead.
    relaxed: Option<Site>,
}

thread_local! {
    // Loom runs the threads of a model on the one that runs it.
    static SITES: RefCell<Sites> = RefCell::default();
}

/// Runs models with a relaxed ordering at one site, and tells where stronger ones were asked for.
pub fn with_relaxed(site: Option<Site>, models: impl FnOnce()) -> BTreeSet<Site> {
    SITES.set(Sites { met: BTreeSet::new(), relaxed: site });
    models();
    SITES.take().met
}

/// The ordering that holds at a site.
fn ordering(asked: Ordering, site: Site) -> Ordering {
    if asked == Ordering::Relaxed {
        return asked;
    }
    SITES.with_borrow_mut(|sites| {
        sites.met.insert(site);
        if sites.relaxed == Some(site) { Ordering::Relaxed } else { asked }
    })
}

macro_rules! atomic {
    ($name:ident, $value:ty) => {
        pub(crate) struct $name(loom::sync::atomic::$name);

        impl $name {
            pub(crate) fn new(value: $value) -> Self {
                Self(loom::sync::atomic::$name::new(value))
            }

            #[track_caller]
            pub(crate) fn load(&self, asked: Ordering) -> $value {
                self.0.load(ordering(asked, Location::caller()))
            }

            #[track_caller]
            pub(crate) fn store(&self, value: $value, asked: Ordering) {
                // A model that found a fault is over; loom takes nothing more from it.
                if !std::thread::panicking() {
                    self.0.store(value, ordering(asked, Location::caller()));
                }
            }
        }
    };
}

atomic!(AtomicBool, bool);
atomic!(AtomicUsize, usize);

/// The bytes of a ring, and for each a cell that loom watches.
pub(crate) struct Bytes {
    memory: Box<[UnsafeCell<u8>]>,
    watched: Box<[loom::cell::UnsafeCell<()>]>,
}

impl FromIterator<UnsafeCell<u8>> for Bytes {
    fn from_iter<I: IntoIterator<Item = UnsafeCell<u8>>>(bytes: I) -> Self {
        let memory: Box<[_]> = bytes.into_iter().collect();
        let watched = memory.iter().map(|_| loom::cell::UnsafeCell::new(())).collect();
        Self { memory, watched }
    }
}

impl Bytes {
    pub(crate) fn as_ptr(&self) -> *const UnsafeCell<u8> {
        self.memory.as_ptr()
    }

    /// A fault of the model unless all that was done to these bytes is known to this thread.
    pub(crate) fn claim(&self, from: *const u8, length: usize) {
        self.cells(from, length).iter().for_each(|cell| cell.with_mut(|_| {}));
    }

    /// A fault of the model unless all that was written to these bytes is known to this thread.
    pub(crate) fn read(&self, from: *const u8, length: usize) {
        self.cells(from, length).iter().for_each(|cell| cell.with(|_| {}));
    }

    /// # Panics
    /// If some are not of the ring.
    fn cells(&self, from: *const u8, length: usize) -> &[loom::cell::UnsafeCell<()>] {
        let at = (from as usize).wrapping_sub(self.memory.as_ptr() as usize);
        &self.watched[at..][..length]
    }
}

macro_rules! claims {
    ($bytes:expr, $from:expr, $length:expr) => {
        $bytes.claim($from, $length)
    };
}

macro_rules! reads {
    ($bytes:expr, $from:expr, $length:expr) => {
        $bytes.read($from, $length)
    };
}

pub(crate) use {claims, reads};
