//! The state of one agent: what the capturing threads and the sender share.

#[cfg(unix)]
use std::sync::RwLockWriteGuard;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock, Weak};
use std::time::{Duration, Instant};

use crate::probe::ProbeTable;
use crate::record::Exit;
use crate::ring::{Consumer, HEADER_BYTES, Producer, ring};
use crate::settings::Settings;
use crate::site::MAX_AGENTS;
use crate::value::redaction::Redaction;
use crate::value::{MAX_RECORD_BYTES, SLACK};

/// Ends of async calls that may wait outside the rings, where the ring of the thread they ended on was full.
const MAX_OVERFLOWED_EXITS: usize = 16_384;

/// Bytes of a record in a ring.
const LONGEST_RECORD: usize = HEADER_BYTES + MAX_RECORD_BYTES + SLACK;

/// Nobody waits longer; an [`Instant`] cannot be any time away.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 3_600);

/// One agent.
#[derive(Debug)]
pub(crate) struct Agent {
    /// Unique in the life of the process.
    pub(crate) id: u64,
    /// Its bit in the functions' gates.
    pub(crate) bit: u32,
    pub(crate) settings: Settings,
    pub(crate) redaction: Arc<Redaction>,
    pub(crate) drops: Drops,
    table: Mutex<Arc<ProbeTable>>,
    table_version: AtomicU64,
    closed: AtomicBool,
    /// Rings the sender has not taken over yet.
    new_rings: Mutex<Vec<ThreadRing>>,
    ring_bytes: AtomicUsize,
    overflow: Mutex<Vec<Exit>>,
    control: Mutex<Control>,
    changed: Condvar,
}

/// Calls lost, by reason.
#[derive(Debug, Default)]
pub(crate) struct Drops {
    pub(crate) ring_full: AtomicU64,
    pub(crate) buffer_full: AtomicU64,
    pub(crate) no_ring: AtomicU64,
    pub(crate) refused: AtomicU64,
}

/// All agents of the process.
static AGENTS: Mutex<Vec<Weak<Agent>>> = Mutex::new(Vec::new());

/// What the sender is asked to do, and what it did.
#[derive(Debug, Default)]
pub(crate) struct Control {
    /// Everything captured by now is to be with the hub by then.
    flush_until: Option<Instant>,
    flushes_asked: u64,
    flushes_done: u64,
    stop: bool,
    stopped: bool,
    /// A hub has said what it wants captured, at least once.
    told: bool,
}

/// One thread's ring, as the sender holds it.
pub(crate) struct ThreadRing {
    pub(crate) key: u64,
    pub(crate) thread: String,
    pub(crate) records: Consumer,
    /// In which trace the last entry was.
    pub(crate) trace_id: [u8; 16],
    pub(crate) cost: Arc<Cost>,
}

impl std::fmt::Debug for ThreadRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ThreadRing").field("thread", &self.thread).finish_non_exhaustive()
    }
}

/// What capturing costs one thread; written by it alone.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct Cost {
    /// Ticks spent capturing, an estimate from samples.
    pub(crate) ticks: AtomicU64,
}

fn from_now(within: Duration) -> Instant {
    Instant::now() + within.min(LONGEST_WAIT)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Agent {
    /// None if the process has [`MAX_AGENTS`] already.
    pub(crate) fn new(settings: Settings) -> Option<Arc<Self>> {
        static IDS: AtomicU64 = AtomicU64::new(1);
        let bit = take_bit()?;
        let redaction = Arc::new(Redaction::of(&settings.redaction));
        let agent = Arc::new(Self {
            id: IDS.fetch_add(1, Ordering::Relaxed),
            bit,
            settings,
            redaction,
            drops: Drops::default(),
            table: Mutex::default(),
            table_version: AtomicU64::new(0),
            closed: AtomicBool::new(false),
            new_rings: Mutex::default(),
            ring_bytes: AtomicUsize::new(0),
            overflow: Mutex::default(),
            control: Mutex::default(),
            changed: Condvar::new(),
        });
        let mut agents = lock(&AGENTS);
        agents.retain(|agent| agent.strong_count() > 0);
        agents.push(Arc::downgrade(&agent));
        drop(agents);
        Some(agent)
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// Grows with each change of the probes.
    pub(crate) fn table_version(&self) -> u64 {
        self.table_version.load(Ordering::Acquire)
    }

    pub(crate) fn table(&self) -> Arc<ProbeTable> {
        Arc::clone(&lock(&self.table))
    }

    pub(crate) fn set_table(&self, table: Arc<ProbeTable>) {
        *lock(&self.table) = table;
        self.table_version.fetch_add(1, Ordering::Release);
        something_changed();
    }

    /// A ring for the calling thread, or none where the budget for rings is used up.
    pub(crate) fn new_ring(&self) -> Option<(Producer, Arc<Cost>)> {
        static KEYS: AtomicU64 = AtomicU64::new(1);
        let bytes = self.settings.ring_bytes;
        let budget = self.settings.all_rings_bytes;
        self.ring_bytes
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| (used + bytes <= budget).then_some(used + bytes))
            .ok()?;
        let (producer, records) = ring(bytes.saturating_sub(LONGEST_RECORD).max(LONGEST_RECORD), LONGEST_RECORD);
        let cost = Arc::new(Cost::default());
        let key = KEYS.fetch_add(1, Ordering::Relaxed);
        let ring = ThreadRing { key, thread: thread_name(), records, trace_id: [0; 16], cost: Arc::clone(&cost) };
        lock(&self.new_rings).push(ring);
        Some((producer, cost))
    }

    pub(crate) fn take_new_rings(&self) -> Vec<ThreadRing> {
        std::mem::take(&mut *lock(&self.new_rings))
    }

    /// The ring of a thread that ended was read to its end.
    pub(crate) fn release_ring(&self) {
        self.ring_bytes.fetch_sub(self.settings.ring_bytes, Ordering::Relaxed);
    }

    /// Where it is still there, the agent with this id.
    pub(crate) fn find(id: u64) -> Option<Arc<Self>> {
        lock(&AGENTS).iter().filter_map(Weak::upgrade).find(|agent| agent.id == id)
    }

    /// Takes the end of an async call that has no place in a ring.
    pub(crate) fn overflow(&self, exit: Exit) {
        let mut overflow = lock(&self.overflow);
        if overflow.len() < MAX_OVERFLOWED_EXITS {
            overflow.push(exit);
        } else {
            self.drops.ring_full.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn take_overflow(&self) -> Vec<Exit> {
        std::mem::take(&mut *lock(&self.overflow))
    }

    /// Asks for a flush and waits until it is done or the time is up. Whether it is done.
    pub(crate) fn flush(&self, within: Duration) -> bool {
        let until = from_now(within);
        let mut control = lock(&self.control);
        control.flush_until = Some(control.flush_until.map_or(until, |other| other.max(until)));
        control.flushes_asked += 1;
        let asked = control.flushes_asked;
        self.changed.notify_all();
        self.wait(control, until, |control| control.flushes_done >= asked || control.stopped)
    }

    /// Asks the sender to flush and end, and waits until it has ended or the time is up.
    pub(crate) fn stop(&self, within: Duration) -> bool {
        let until = from_now(within);
        let mut control = lock(&self.control);
        control.stop = true;
        control.flush_until = Some(until);
        self.changed.notify_all();
        self.wait(control, until, |control| control.stopped)
    }

    /// A hub's probes are in place.
    pub(crate) fn told(&self) {
        lock(&self.control).told = true;
        self.changed.notify_all();
    }

    /// Waits until a hub's probes are in place, or the time is up. Whether they are.
    pub(crate) fn wait_for_probes(&self, within: Duration) -> bool {
        self.wait(lock(&self.control), from_now(within), |control| control.told || control.stopped)
            && lock(&self.control).told
    }

    fn wait(&self, control: MutexGuard<'_, Control>, until: Instant, done: impl Fn(&Control) -> bool) -> bool {
        let left = until.saturating_duration_since(Instant::now());
        let waited = self.changed.wait_timeout_while(control, left, |control| !done(control));
        done(&waited.unwrap_or_else(PoisonError::into_inner).0)
    }

    /// What the sender has to do now: until when to flush, how many flushes were asked for, and whether to end then.
    pub(crate) fn asked(&self) -> Asked {
        let control = lock(&self.control);
        let waits = |until: &Instant| control.flushes_done < control.flushes_asked && *until > Instant::now();
        let flush_until = control.flush_until.filter(|until| control.stop || waits(until));
        Asked { flush_until, flushes: control.flushes_asked, stop: control.stop }
    }

    pub(crate) fn flushed(&self, flushes: u64) {
        lock(&self.control).flushes_done = flushes;
        self.changed.notify_all();
    }

    /// Sleeps unless something was asked that is not in `known`.
    pub(crate) fn sleep(&self, at_most: Duration, known: &Asked) {
        let control = lock(&self.control);
        let until = from_now(at_most);
        self.wait(control, until, |control| control.flushes_asked > known.flushes || control.stop != known.stop);
    }

    /// Nothing is captured any more.
    pub(crate) fn silence(&self) {
        self.closed.store(true, Ordering::Relaxed);
        crate::site::list().sites().iter().for_each(|site| site.switch(self.bit, false));
        self.set_table(Arc::default());
        crate::foreign::gates_may_have_moved();
    }

    /// The sender has ended, or there never was one: the gates' bit may be used by another agent.
    pub(crate) fn close(&self) {
        self.silence();
        if !std::mem::replace(&mut lock(&self.control).stopped, true) {
            return_bit(self.bit);
        }
        self.changed.notify_all();
    }
}

/// What a sender is asked to do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    pub(crate) flush_until: Option<Instant>,
    pub(crate) flushes: u64,
    pub(crate) stop: bool,
}

static BITS: AtomicU32 = AtomicU32::new(0);

fn take_bit() -> Option<u32> {
    let free = |used: u32| (0..MAX_AGENTS).map(|place| 1 << place).find(|bit| used & bit == 0);
    let taken = BITS.fetch_update(Ordering::AcqRel, Ordering::Acquire, |used| free(used).map(|bit| used | bit));
    taken.ok().and_then(free)
}

fn return_bit(bit: u32) {
    BITS.fetch_and(!bit, Ordering::AcqRel);
}

fn thread_name() -> String {
    let thread = std::thread::current();
    match thread.name() {
        Some(name) => crate::value::cut(name, glasshull_wire::limits::MAX_NAME_BYTES).to_owned(),
        None => format!("{:?}", thread.id()),
    }
}

/// The agent of the process, which threads use that were told of no other.
static GLOBAL: RwLock<Option<Arc<Agent>>> = RwLock::new(None);
static VERSION: Version = Version(AtomicU64::new(0));

/// What each captured call looks at, on cache lines to which nothing else is written.
#[repr(align(128))]
struct Version(AtomicU64);

/// Grows with each change of what threads know of agents: which is the process's, the probes of each, which of these are
/// off, whether it is closed.
#[inline]
pub(crate) fn version() -> u64 {
    VERSION.0.load(Ordering::Acquire)
}

/// Calls each thread to look anew.
pub(crate) fn something_changed() {
    VERSION.0.fetch_add(1, Ordering::Release);
}

pub(crate) fn global() -> Option<Arc<Agent>> {
    GLOBAL.read().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Makes an agent the process's. False if there is one.
pub(crate) fn install(agent: &Arc<Agent>) -> bool {
    let mut global = GLOBAL.write().unwrap_or_else(PoisonError::into_inner);
    if global.is_some() {
        return false;
    }
    *global = Some(Arc::clone(agent));
    something_changed();
    true
}

/// The process has no agent from now on, if this was it.
pub(crate) fn uninstall(agent: &Arc<Agent>) {
    let mut global = GLOBAL.write().unwrap_or_else(PoisonError::into_inner);
    if global.as_ref().is_some_and(|installed| Arc::ptr_eq(installed, agent)) {
        *global = None;
        something_changed();
    }
}

/// While it is held nobody makes or finds an agent, nor installs, uninstalls or looks up the process's.
#[cfg(unix)]
pub(crate) struct Locked {
    agents: MutexGuard<'static, Vec<Weak<Agent>>>,
    global: RwLockWriteGuard<'static, Option<Arc<Agent>>>,
}

#[cfg(unix)]
pub(crate) fn lock_all() -> Locked {
    Locked { agents: lock(&AGENTS), global: GLOBAL.write().unwrap_or_else(PoisonError::into_inner) }
}

/// In a forked child: the agents were the parent's. They are leaked, as others of its threads may have been using them.
#[cfg(unix)]
pub(crate) fn forget(mut locked: Locked) {
    std::mem::forget(std::mem::take(&mut *locked.agents));
    std::mem::forget(locked.global.take());
    something_changed();
}
