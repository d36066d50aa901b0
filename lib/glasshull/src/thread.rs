//! What capturing needs of each thread: its ring, its ids, the probes as it last saw them.

use std::cell::RefCell;
use std::ptr::{NonNull, null_mut};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::agent::{self, Agent, Cost, Drops};
use crate::clock::ticks;
use crate::frame::{Frame, Here, NO_TRACE, TraceId, here};
use crate::ids::Ids;
use crate::probe::{Probe, ProbeTable, Wanted};
use crate::record::{self, EXIT_BYTES, Ending, EntryHead, Exit};
use crate::ring::{HEADER_BYTES, Producer};
use crate::sender::count_inside_value;
use crate::site::Site;
use crate::value::{Buffer, Recorder};

/// Bytes kept free for the end of each open call of the thread: so much an end without a value takes.
const RESERVED_BYTES: usize = HEADER_BYTES + EXIT_BYTES;

/// Of so many entries and exits the cost of one is measured: the measurement costs a clock read. A prime, so that in a
/// loop, whose entries and exits take turns, all of them get measured in time.
const COST_SAMPLE: u32 = 31;
const _: () = assert!(!COST_SAMPLE.is_multiple_of(2), "entries and exits take turns: one kind would never be measured");

/// Probes whose calls a thread counts before it tells them.
const UNTOLD: usize = 4;

thread_local! {
    static THREAD: RefCell<Thread> = const { RefCell::new(Thread { scoped: None, locals: Vec::new() }) };
}

struct Thread {
    /// The agent of the code that runs now, where it is not the process's.
    scoped: Option<Arc<Agent>>,
    /// One for each agent that captured here. The process's and perhaps a test's: few. Each is made by [`Box::leak`] and
    /// freed in here.
    locals: Vec<Hold>,
}

/// What an agent has of one thread. Only the code that began a capture (see [`Here::begin_capture`]) touches it: there is
/// one at a time, so it is borrowed once.
pub(crate) struct Local {
    agent: Arc<Agent>,
    agent_id: u64,
    /// The agent's bit in the gates.
    bit: u32,
    /// The version of the process's agent at which this was found to be the agent of the code that runs here.
    found_at: u64,
    /// None where the budget for rings is used up.
    ring: Option<Producer>,
    cost: Arc<Cost>,
    ids: Ids,
    table: Arc<ProbeTable>,
    table_version: u64,
    /// Bytes kept free for the ends of open calls.
    reserved: usize,
    recorder: Recorder,
    captures: u32,
    pending: Pending,
    untold: [Option<Untold>; UNTOLD],
}

/// A record between its beginning and its end; its values are written in between.
#[derive(Clone, Copy, Default)]
struct Pending {
    site: u32,
    /// The call is not captured, nor what it calls: no record is written.
    suppressed: bool,
    /// The probes that refused the request.
    refused: u64,
    /// When this capture began, if its cost is measured; else 0.
    began: u64,
    /// When the call ended, for the record of an end.
    ended: u64,
}

/// Calls a probe has not been told of.
struct Untold {
    probe: Arc<Probe>,
    calls: u32,
}

/// Access to what an agent has of this thread, as long as a capture is under way. Whoever holds it ends the capture.
#[derive(Clone, Copy)]
pub(crate) struct Hold(NonNull<Local>);

impl Hold {
    /// # Safety
    /// The capture is under way, and nothing that this gave before is in use.
    #[inline(always)]
    unsafe fn local<'a>(self) -> &'a mut Local {
        // SAFETY: it lives as long as the thread; the capture makes sure that nobody else has borrowed it.
        unsafe { &mut *self.0.as_ptr() }
    }
}

/// What is to become of a call of a function that some probe wants.
pub(crate) enum Begun {
    /// By the agent with this id.
    Captured { agent_id: u64, call_id: u64, trace_id: TraceId },
    /// The request is not captured: neither are the calls below.
    Suppressed { refused: u64 },
    /// It could not be captured.
    Lost,
}

/// Begins to capture a call, unless the probes want nothing of it. While somebody holds what this gives, arguments may
/// be recorded.
#[inline]
pub(crate) fn begin(here: &Here, site: &'static Site) -> Option<Hold> {
    if !here.begin_capture() {
        return pass_inside_value(site);
    }
    let begun = prepare(here, site);
    if begun.is_none() {
        here.end_capture();
    }
    begun
}

#[cold]
fn pass_inside_value(site: &'static Site) -> Option<Hold> {
    if site.gate() != 0 {
        count_inside_value();
    }
    None
}

#[inline]
fn prepare(here: &Here, site: &'static Site) -> Option<Hold> {
    let gate = site.gate();
    let hold = find(here)?;
    // SAFETY: a capture began just now.
    let local = unsafe { hold.local() };
    (gate & local.bit != 0 && local.prepare(here, site)).then_some(hold)
}

/// Where the arguments go, if they are wanted.
///
/// # Safety
/// As [`Hold::local`].
#[inline]
pub(crate) unsafe fn recorder<'a>(hold: Hold) -> Option<&'a mut Recorder> {
    // SAFETY: the caller keeps to it.
    let local = unsafe { hold.local() };
    if local.pending.suppressed { None } else { Some(&mut local.recorder) }
}

/// The arguments are recorded: the call begins. With `reserve`, its end has a place in this thread's ring. The caller
/// ends the capture.
///
/// # Safety
/// As [`Hold::local`].
#[inline]
pub(crate) unsafe fn finish_begin(here: &Here, hold: Hold, reserve: bool) -> Begun {
    // SAFETY: the caller keeps to it.
    let local = unsafe { hold.local() };
    if !local.pending.suppressed && !local.recorder.bytes.is_overflowed() {
        return local.write_entry(here, reserve);
    }
    if local.pending.suppressed || local.lose(here, |drops| &drops.ring_full) {
        return Begun::Suppressed { refused: local.pending.refused };
    }
    Begun::Lost
}

/// What the agent of the running code has of this thread.
#[inline]
fn find(here: &Here) -> Option<Hold> {
    let known = NonNull::new(here.local.get()).map(Hold);
    // SAFETY: as in `prepare`; what is known is not freed before it is forgotten.
    match known.filter(|hold| unsafe { hold.local() }.found_at == agent::global_version()) {
        Some(hold) => Some(hold),
        None => look(here),
    }
}

#[cold]
fn look(here: &Here) -> Option<Hold> {
    THREAD
        .try_with(|thread| {
            let mut thread = thread.try_borrow_mut().ok()?;
            // Before the agent, so that a change in between is found the next time.
            let version = agent::global_version();
            let agent = thread.scoped.clone().or_else(agent::global).filter(|agent| !agent.is_closed())?;
            let hold = thread.local_of(here, &agent);
            // SAFETY: as in `prepare`.
            unsafe { hold.local() }.found_at = version;
            here.local.set(hold.0.as_ptr());
            Some(hold)
        })
        .ok()
        .flatten()
}

/// Where the value goes that a call gave.
///
/// # Safety
/// As [`Hold::local`].
#[inline]
pub(crate) unsafe fn end_recorder<'a>(hold: Hold) -> &'a mut Recorder {
    // SAFETY: the caller keeps to it.
    unsafe { &mut hold.local().recorder }
}

/// What an agent has of this thread, also where it is not the running code's.
#[inline]
pub(crate) fn find_of(here: &Here, agent_id: u64) -> Option<Hold> {
    // SAFETY: as in `prepare`.
    let is_it = |hold: &Hold| unsafe { hold.local() }.agent_id == agent_id;
    let known = NonNull::new(here.local.get()).map(Hold).filter(is_it);
    known.or_else(|| look_for(&is_it))
}

#[cold]
fn look_for(is_it: &dyn Fn(&Hold) -> bool) -> Option<Hold> {
    let look = |thread: &RefCell<Thread>| thread.try_borrow().ok()?.locals.iter().copied().find(is_it);
    THREAD.try_with(look).ok().flatten()
}

/// Begins to record the end of a call that began on this thread with a reserved place. What it gave may be recorded while
/// somebody holds what this gives.
#[inline]
pub(crate) fn end(here: &Here, agent_id: u64) -> Option<Hold> {
    // An end inside a value's own code (one that drops a future, say) finds the ring in use.
    if !here.begin_capture() {
        return None;
    }
    let ended = ticks();
    // SAFETY: a capture began just now.
    let found = find_of(here, agent_id).filter(|hold| unsafe { hold.local() }.prepare_reserved_exit(ended));
    if found.is_none() {
        here.end_capture();
    }
    found
}

/// The same for a call that may have begun on another thread.
pub(crate) fn end_anywhere(here: &Here, agent_id: u64, ended: u64) -> Option<Hold> {
    if !here.begin_capture() {
        return None;
    }
    let found = find_of(here, agent_id).or_else(|| come_by(here, agent_id));
    // SAFETY: a capture began just now.
    let found = found.filter(|hold| !unsafe { hold.local() }.agent.is_closed());
    match found {
        // SAFETY: as above.
        Some(hold) => unsafe { hold.local() }.prepare_exit(ended),
        None => here.end_capture(),
    }
    found
}

/// What an agent has of this thread, made if need be.
#[cold]
fn come_by(here: &Here, agent_id: u64) -> Option<Hold> {
    let agent = Agent::find(agent_id).filter(|agent| !agent.is_closed())?;
    THREAD.try_with(|thread| Some(thread.try_borrow_mut().ok()?.local_of(here, &agent))).ok().flatten()
}

/// The end is recorded, without its value where that does not fit. False if there is no room for either. The caller ends
/// the capture.
///
/// # Safety
/// As [`Hold::local`].
#[inline]
pub(crate) unsafe fn finish_end(hold: Hold, call_id: u64, busy: u64, ending: Ending) -> bool {
    // SAFETY: the caller keeps to it.
    unsafe { hold.local() }.write_exit(call_id, busy, ending)
}

/// Takes the end of an async call that has no place in a ring.
#[cold]
pub(crate) fn end_outside(agent_id: u64, call_id: u64, ended: u64, busy: u64, ending: Ending) {
    if let Some(agent) = Agent::find(agent_id).filter(|agent| !agent.is_closed()) {
        agent.overflow(Exit { call_id, ended, busy, ending, value: Vec::new() });
    }
}

/// Ends a call that may have begun on another thread, all at once: what it gave is in binary form already.
pub(crate) fn end_with(agent_id: u64, call_id: u64, ended: u64, busy: u64, ending: Ending, value: Option<&[u8]>) {
    let written = here(|here| {
        let Some(hold) = end_anywhere(here, agent_id, ended) else { return false };
        // SAFETY: the capture is under way; it ends below.
        let written = unsafe {
            value.iter().for_each(|value| end_recorder(hold).encoded(value));
            finish_end(hold, call_id, busy, ending)
        };
        here.end_capture();
        written
    });
    if !written {
        end_outside(agent_id, call_id, ended, busy, ending);
    }
}

/// The agent of the running code.
pub(crate) fn agent_of(agent_id: u64) -> Option<Arc<Agent>> {
    scoped_agent().or_else(agent::global).filter(|agent| agent.id == agent_id).or_else(|| Agent::find(agent_id))
}

/// The agent whose scope the running code is in, where it is not the process's.
pub(crate) fn scoped_agent() -> Option<Arc<Agent>> {
    THREAD.try_with(|thread| thread.try_borrow().ok()?.scoped.clone()).ok().flatten()
}

/// Sets the agent of the code that runs from now on; returns the one before.
pub(crate) fn scope_agent(agent: Option<Arc<Agent>>) -> Option<Arc<Agent>> {
    let swapped = THREAD.try_with(|thread| {
        let mut thread = thread.try_borrow_mut().ok()?;
        if thread.scoped.is_some() || agent.is_some() {
            here(|here| here.local.set(null_mut()));
        }
        Some(std::mem::replace(&mut thread.scoped, agent))
    });
    swapped.ok().flatten().flatten()
}

impl Thread {
    /// Only inside a capture.
    fn local_of(&mut self, here: &Here, agent: &Arc<Agent>) -> Hold {
        // SAFETY: as in `prepare`.
        let agent_of = |hold: &Hold| unsafe { hold.local() }.agent.clone();
        if let Some(hold) = self.locals.iter().find(|hold| agent_of(hold).id == agent.id) {
            return *hold;
        }
        here.local.set(null_mut());
        let (closed, open) = self.locals.drain(..).partition(|hold| agent_of(hold).is_closed());
        self.locals = open;
        free(closed);
        let hold = Hold(NonNull::from(Box::leak(Box::new(Local::new(agent)))));
        self.locals.push(hold);
        hold
    }
}

/// Frees what [`Thread::local_of`] made; nobody knows of it any more.
fn free(locals: Vec<Hold>) {
    for local in locals {
        // SAFETY: it came from a box, and was in one list only.
        drop(unsafe { Box::from_raw(local.0.as_ptr()) });
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        here(|here| here.local.set(null_mut()));
        free(std::mem::take(&mut self.locals));
    }
}

impl Local {
    fn new(agent: &Arc<Agent>) -> Self {
        let (ring, cost) = agent.new_ring().map_or((None, Arc::default()), |(ring, cost)| (Some(ring), cost));
        Self {
            agent: Arc::clone(agent),
            agent_id: agent.id,
            bit: agent.bit,
            found_at: 0,
            ring,
            cost,
            ids: Ids::new(),
            table: agent.table(),
            table_version: agent.table_version(),
            reserved: 0,
            recorder: Recorder::new(Arc::clone(&agent.redaction)),
            captures: 0,
            pending: Pending::default(),
            untold: [const { None }; UNTOLD],
        }
    }

    /// Decides about a call, and opens its record. False if nothing is to be done.
    #[inline]
    fn prepare(&mut self, here: &Here, site: &'static Site) -> bool {
        let began = self.cost_sample();
        if self.agent.table_version() != self.table_version {
            self.refresh_table();
        }
        let Self { ring, table, untold, recorder, reserved, pending, .. } = self;
        let index = site.index();
        let Some(wanted) = table.wanted(index) else { return false };
        let Some(ring) = ring else { return self.lack_ring(here, index) };
        if here.is_inside_call() {
            // One that is not let in takes no decision for the calls below it.
            let Some(probe) = wanted.probes.iter().find(|probe| probe.admits_call()) else { return false };
            count(untold, probe);
        } else {
            match decide(&wanted.probes, &here.frame()) {
                Decision::Captured => {}
                Decision::Untouched => return false,
                Decision::Suppressed(refused) => return self.suppress(here.frame().refused | refused),
            }
        }
        // SAFETY: the buffer is used by the recorder, up to the record's end only.
        let Some(mut bytes) = (unsafe { ring.open(*reserved + RESERVED_BYTES) }) else {
            return self.lose(here, |drops| &drops.ring_full);
        };
        record::begin_entry(&mut bytes);
        recorder.begin(bytes, wanted.secrets);
        (pending.site, pending.suppressed, pending.began) = (index, false, began);
        true
    }

    #[cold]
    fn lack_ring(&mut self, here: &Here, site: u32) -> bool {
        let around = here.frame();
        let asks = |wanted: &Wanted| wanted.probes.iter().any(|probe| around.refused & probe.bit() == 0);
        let wanted = around.is_captured() || self.table.wanted(site).is_some_and(asks);
        wanted && self.lose(here, |drops| &drops.no_ring)
    }

    #[cold]
    fn suppress(&mut self, refused: u64) -> bool {
        self.pending = Pending { suppressed: true, refused, ..Pending::default() };
        true
    }

    /// Counts a call that cannot be captured. At the root of a request, the calls below are not captured either, or the
    /// first of them would pass for the root. Whether there is something to be done.
    #[cold]
    fn lose(&mut self, here: &Here, reason: impl Fn(&Drops) -> &AtomicU64) -> bool {
        reason(&self.agent.drops).fetch_add(1, Ordering::Relaxed);
        !here.is_inside_call() && self.suppress(u64::MAX)
    }

    #[cold]
    fn refresh_table(&mut self) {
        self.tell();
        self.table_version = self.agent.table_version();
        self.table = self.agent.table();
    }

    /// Tells the probes of all calls let in.
    fn tell(&mut self) {
        self.untold.iter_mut().filter_map(Option::take).for_each(|untold| untold.tell());
    }

    /// Hands the record of a beginning over.
    #[inline]
    fn write_entry(&mut self, here: &Here, reserve: bool) -> Begun {
        let known = here.trace_id();
        let trace_id = if known == NO_TRACE { self.ids.trace() } else { known };
        let call_id = self.ids.call();
        let started = ticks();
        let (depth, parent_id) = (here.depth(), here.call_id.get());
        let head = EntryHead { site: self.pending.site, depth, started, call_id, parent_id, trace_id };
        record::finish_entry(&mut self.recorder.bytes, &head);
        self.commit();
        if reserve {
            self.reserved += RESERVED_BYTES;
        }
        if self.pending.began != 0 {
            self.add_cost(self.pending.began, started);
        }
        Begun::Captured { agent_id: self.agent_id, call_id, trace_id }
    }

    /// The end of a call that has a reserved place. False if nobody wants it any more.
    #[inline]
    fn prepare_reserved_exit(&mut self, ended: u64) -> bool {
        self.reserved = self.reserved.saturating_sub(RESERVED_BYTES);
        if self.agent.is_closed() {
            return false;
        }
        self.prepare_exit(ended);
        true
    }

    #[inline]
    fn prepare_exit(&mut self, ended: u64) {
        // SAFETY: the buffer is used by the recorder, up to the record's end only.
        let bytes = self.ring.as_mut().and_then(|ring| unsafe { ring.open(self.reserved) });
        let mut bytes = bytes.unwrap_or(Buffer::empty());
        record::begin_exit(&mut bytes);
        self.recorder.begin(bytes, 0);
        self.pending.ended = ended;
    }

    /// Hands the record of an end over; without its value where that does not fit. False if there is no room for either.
    #[inline]
    fn write_exit(&mut self, call_id: u64, busy: u64, ending: Ending) -> bool {
        if self.recorder.bytes.is_overflowed() && !self.drop_value() {
            return false;
        }
        let ended = self.pending.ended;
        record::finish_exit(&mut self.recorder.bytes, call_id, ended, busy, ending);
        self.commit();
        if self.cost_sample() != 0 {
            self.add_cost(ended, ticks());
        }
        true
    }

    #[cold]
    fn drop_value(&mut self) -> bool {
        let bytes = &mut self.recorder.bytes;
        bytes.truncate(EXIT_BYTES);
        bytes.len() == EXIT_BYTES
    }

    #[inline]
    fn commit(&mut self) {
        let length = self.recorder.bytes.len();
        if let Some(ring) = &mut self.ring {
            // SAFETY: so many bytes were written to the place that the ring gave.
            unsafe { ring.commit(length) };
        }
    }

    /// Now and then the time, mostly 0.
    #[inline]
    fn cost_sample(&mut self) -> u64 {
        self.captures = self.captures.wrapping_add(1);
        if self.captures < COST_SAMPLE {
            return 0;
        }
        self.captures = 0;
        ticks()
    }

    #[cold]
    fn add_cost(&mut self, from: u64, to: u64) {
        let spent = to.saturating_sub(from).saturating_mul(COST_SAMPLE.into());
        // This thread alone writes it.
        let before = self.cost.ticks.load(Ordering::Relaxed);
        self.cost.ticks.store(before.saturating_add(spent), Ordering::Relaxed);
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        self.tell();
    }
}

impl Untold {
    fn tell(self) {
        self.probe.let_in(self.calls);
    }
}

/// Counts a call inside a request that a probe has let in; the probe hears of it now and then.
#[inline]
fn count(untold: &mut [Option<Untold>; UNTOLD], probe: &Arc<Probe>) {
    let place = &mut untold[probe.serial as usize % UNTOLD];
    match place {
        Some(untold) if Arc::ptr_eq(&untold.probe, probe) => {
            untold.calls += 1;
            if untold.calls >= probe.tell_after {
                probe.let_in(std::mem::take(&mut untold.calls));
            }
        }
        _ => begin_to_count(place, probe),
    }
}

#[cold]
fn begin_to_count(place: &mut Option<Untold>, probe: &Arc<Probe>) {
    if let Some(before) = place.replace(Untold { probe: Arc::clone(probe), calls: 1 }) {
        before.tell();
    }
}

enum Decision {
    /// No probe that could decide differently than before wants it.
    Untouched,
    /// These probes refused the request.
    Suppressed(u64),
    Captured,
}

/// Once for each request, at its root in this process; the calls below inherit. The probe hears of it at once, so that it
/// never takes one too many.
#[inline(never)]
fn decide(probes: &[Arc<Probe>], around: &Frame) -> Decision {
    let admits = if around.is_captured() { Probe::admits_local_root } else { Probe::admits_root };
    let mut refused = 0;
    for probe in probes.iter().filter(|probe| around.is_captured() || around.refused & probe.bit() == 0) {
        if admits(probe) {
            probe.let_in(1);
            return Decision::Captured;
        }
        refused |= probe.bit();
    }
    if refused == 0 { Decision::Untouched } else { Decision::Suppressed(refused) }
}
