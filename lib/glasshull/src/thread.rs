//! What capturing needs of each thread: its ring, its ids, the probes as it last saw them.

use std::cell::RefCell;
use std::ptr::{NonNull, null_mut};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::agent::{self, Agent, Cost, Drops};
use crate::clock::{self, ticks};
use crate::frame::{Frame, Here, NO_TRACE, TraceId, here};
use crate::ids::Ids;
use crate::probe::{Probe, ProbeTable, Wanted};
use crate::record::{self, EASY_BYTES, EXIT_BYTES, Ending, EntryHead, Exit};
use crate::ring::{HEADER_BYTES, Producer};
use crate::sender::count_inside_value;
use crate::site::Site;
use crate::value::{MAX_RECORD_BYTES, Recorder, SLACK, Wish, Word};

/// Bytes kept free for the end of each open call of the thread: so much an end without a value takes. The slack that has to
/// lie behind it is free too, as each record before it left as much.
const RESERVED_BYTES: usize = HEADER_BYTES + EXIT_BYTES;

/// Of so many calls the cost of one beginning and of one end is measured: the measurement costs a clock read.
const COST_SAMPLE: u64 = 128;

/// A sample counts as at most so many times the usual one, and the usual one as at least so many ticks (about a
/// microsecond). What is usual follows the samples, so a value that really takes long is believed after a few.
const MOST_UNUSUAL: u64 = 16;
const FIRST_USUAL_COST: u64 = 2_048;

// What is easy begins without a look at the room for its head and one number.
const _: () = assert!(MAX_RECORD_BYTES >= EASY_BYTES + SLACK);

/// No version is this one.
const NEVER: u64 = u64::MAX;

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
    /// The [version](agent::version) at which this was found to be the agent of the code that runs here.
    found_at: u64,
    /// The version up to which there is nothing to be decided but what [`Self::prepare_easy`] decides.
    easy_at: u64,
    /// One without room where the budget for rings is used up.
    ring: Producer,
    has_ring: bool,
    /// What the last entry in the ring said.
    told: TraceId,
    cost: Arc<Cost>,
    ids: Ids,
    table: Arc<ProbeTable>,
    table_version: u64,
    /// The table's.
    has_limits: bool,
    recorder: Recorder,
    pending: Pending,
    /// For each probe the table counts calls for: how many more are let in before it is told.
    left: Vec<u32>,
    /// Ticks one beginning or one end takes as a rule.
    usual_cost: u64,
}

/// A record between its beginning and its end; its values are written in between.
#[derive(Clone, Copy)]
struct Pending {
    kind: Kind,
    site: u32,
    /// The probes that refused the request.
    refused: u64,
    /// Of a call that is not easy.
    trace_id: TraceId,
    /// When the capture of a call that is not easy began, if its cost is measured; else 0.
    began: u64,
}

/// What is to be done when the values are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// As for nearly all calls: one inside a captured one, on a thread with a ring that has room.
    Easy,
    Other,
    /// The call is not captured, nor what it calls: no record is written.
    Suppressed,
}

impl Pending {
    const NONE: Self = Self { kind: Kind::Other, site: 0, refused: 0, trace_id: NO_TRACE, began: 0 };
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
    Captured { agent_id: u64, site: u32, call_id: u64, trace_id: TraceId },
    /// The request is not captured: neither are the calls below.
    Suppressed { refused: u64 },
    /// It could not be captured.
    Lost,
}

/// Begins to capture a call, unless the probes want nothing of it. While somebody holds what this gives, arguments may
/// be recorded.
#[inline(always)]
pub(crate) fn begin(here: &Here, site: &'static Site) -> Option<Hold> {
    if !here.begin_capture() {
        return pass_inside_value(site);
    }
    let known = NonNull::new(here.local.get()).map(Hold);
    // SAFETY: a capture began just now.
    match known.filter(|hold| unsafe { hold.local() }.prepare_easy(here, site)) {
        Some(hold) => Some(hold),
        None => prepare(here, site),
    }
}

#[cold]
#[inline(never)]
fn pass_inside_value(site: &'static Site) -> Option<Hold> {
    if site.gate() != 0 {
        count_inside_value();
    }
    None
}

/// Prepares a call that is not easy.
#[cold]
#[inline(never)]
fn prepare(here: &Here, site: &'static Site) -> Option<Hold> {
    let gate = site.gate();
    // SAFETY: a capture began just now.
    let wants = |hold: &Hold| unsafe { gate & hold.local().bit != 0 && hold.local().prepare(here, site) };
    let begun = find(here).filter(wants);
    if begun.is_none() {
        here.end_capture();
    }
    begun
}

/// Where the arguments go, if they are wanted.
///
/// # Safety
/// As [`Hold::local`].
#[inline(always)]
pub(crate) unsafe fn recorder<'a>(hold: Hold) -> Option<&'a mut Recorder> {
    // SAFETY: the caller keeps to it.
    let local = unsafe { hold.local() };
    if local.pending.kind == Kind::Suppressed { None } else { Some(&mut local.recorder) }
}

/// The arguments of an easy call are recorded: it begins, and has a place for its end. None if it is not easy. The caller
/// ends the capture.
///
/// # Safety
/// As [`Hold::local`].
#[inline(always)]
pub(crate) unsafe fn finish_easy_begin(hold: Hold) -> Option<EasyCall> {
    // SAFETY: the caller keeps to it.
    let local = unsafe { hold.local() };
    let is_easy = local.pending.kind == Kind::Easy && !local.recorder.bytes.is_overflowed();
    if is_easy { local.write_easy_entry() } else { None }
}

/// What a call inside another is known by.
pub(crate) struct EasyCall {
    pub(crate) agent_id: u64,
    pub(crate) site: u32,
    pub(crate) call_id: u64,
}

/// The arguments are recorded: the call begins. With `reserve`, its end has a place in this thread's ring. The caller
/// ends the capture.
///
/// # Safety
/// As [`Hold::local`].
#[cold]
#[inline(never)]
pub(crate) unsafe fn finish_begin(here: &Here, hold: Hold, reserve: bool) -> Begun {
    // SAFETY: the caller keeps to it.
    let local = unsafe { hold.local() };
    let suppressed = local.pending.kind == Kind::Suppressed;
    if !suppressed && !local.recorder.bytes.is_overflowed() {
        return local.write_entry(here, reserve);
    }
    if suppressed || local.lose(here, |drops| &drops.ring_full) {
        return Begun::Suppressed { refused: local.pending.refused };
    }
    Begun::Lost
}

/// What the agent of the running code has of this thread.
#[inline]
fn find(here: &Here) -> Option<Hold> {
    let known = NonNull::new(here.local.get()).map(Hold);
    // SAFETY: as in `prepare`; what is known is not freed before it is forgotten.
    match known.filter(|hold| unsafe { hold.local() }.found_at == agent::version()) {
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
            let version = agent::version();
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

/// The end of a call, as far as it is known when what it gave is still to be recorded.
#[derive(Clone, Copy)]
pub(crate) struct End {
    pub(crate) agent_id: u64,
    pub(crate) site: u32,
    pub(crate) call_id: u64,
    /// Ticks in which an async call was polled; for others 0.
    pub(crate) busy: u64,
    pub(crate) ending: Ending,
}

/// Begins to record the end of a call that began on this thread with a reserved place. What it gave may be recorded while
/// somebody holds what this gives.
#[inline(always)]
pub(crate) fn end(here: &Here, end: &End) -> Option<Hold> {
    // An end inside a value's own code (one that drops a future, say) finds the ring in use.
    if !here.begin_capture() {
        return None;
    }
    let ended = ticks();
    let known = NonNull::new(here.local.get()).map(Hold);
    // SAFETY: a capture began just now.
    match known.filter(|hold| unsafe { hold.local() }.prepare_easy_exit(end, ended)) {
        Some(hold) => Some(hold),
        None => prepare_end(here, end, ended),
    }
}

/// Takes the whole end of a call that began on this thread with a reserved place, and returned this. False, and nothing is
/// done, if it is not easy.
#[inline(always)]
pub(crate) fn end_easily(here: &Here, agent_id: u64, call_id: u64, word: Word) -> bool {
    if !here.begin_capture() {
        // One is under way, which goes on.
        return false;
    }
    let known = NonNull::new(here.local.get()).map(Hold);
    // SAFETY: a capture began just now.
    let written = known.is_some_and(|hold| unsafe { hold.local() }.write_easy_exit(agent_id, call_id, word));
    here.end_capture();
    written
}

/// Prepares an end that is not easy.
#[cold]
#[inline(never)]
fn prepare_end(here: &Here, end: &End, ended: u64) -> Option<Hold> {
    // SAFETY: a capture began just now.
    let found = find_of(here, end.agent_id).filter(|hold| unsafe { hold.local() }.prepare_reserved_exit(end, ended));
    if found.is_none() {
        here.end_capture();
    }
    found
}

/// The same for a call that may have begun on another thread.
pub(crate) fn end_anywhere(here: &Here, end: &End, ended: u64) -> Option<Hold> {
    if !here.begin_capture() {
        return None;
    }
    let found = find_of(here, end.agent_id).or_else(|| come_by(here, end.agent_id));
    // SAFETY: a capture began just now.
    let found = found.filter(|hold| !unsafe { hold.local() }.agent.is_closed());
    match found {
        // SAFETY: as above.
        Some(hold) => unsafe { hold.local() }.prepare_exit(end, ended),
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
#[inline(always)]
pub(crate) unsafe fn finish_end(hold: Hold) -> bool {
    // SAFETY: the caller keeps to it.
    unsafe { hold.local() }.write_exit()
}

/// Takes the end of an async call that has no place in a ring.
#[cold]
pub(crate) fn end_outside(end: &End, ended: u64) {
    if let Some(agent) = Agent::find(end.agent_id).filter(|agent| !agent.is_closed()) {
        let End { call_id, busy, ending, .. } = *end;
        agent.overflow(Exit { call_id, ended, busy, ending });
    }
}

/// Ends a call that may have begun on another thread, all at once: what it gave is in binary form already.
pub(crate) fn end_with(end: &End, ended: u64, value: Option<&[u8]>) {
    let written = here(|here| {
        let Some(hold) = end_anywhere(here, end, ended) else { return false };
        // SAFETY: the capture is under way; it ends below.
        let written = unsafe {
            value.iter().for_each(|value| end_recorder(hold).encoded(value));
            finish_end(hold)
        };
        here.end_capture();
        written
    });
    if !written {
        end_outside(end, ended);
    }
}

/// The agent with this id, which is mostly that of the running code.
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
        if let Some(hold) = self.locals.iter().find(|hold| unsafe { hold.local() }.agent_id == agent.id) {
            return *hold;
        }
        here.local.set(null_mut());
        // SAFETY: as above.
        let (closed, open) = self.locals.drain(..).partition(|hold| unsafe { hold.local() }.agent.is_closed());
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
        let ring = agent.new_ring();
        let has_ring = ring.is_some();
        let (ring, cost) = ring.unwrap_or_else(|| (Producer::without_room(), Arc::default()));
        // Before the table, so that a change in between is found.
        let table_version = agent.table_version();
        let table = agent.table();
        Self {
            agent: Arc::clone(agent),
            agent_id: agent.id,
            bit: agent.bit,
            found_at: 0,
            easy_at: NEVER,
            ring,
            has_ring,
            told: NO_TRACE,
            cost,
            ids: Ids::new(),
            has_limits: table.has_limits,
            left: all_left(&table),
            table,
            table_version,
            recorder: Recorder::new(Arc::clone(&agent.redaction)),
            pending: Pending::NONE,
            usual_cost: FIRST_USUAL_COST,
        }
    }

    /// Opens the record of a call inside a captured one. False, and nothing is done, if there is something to be decided.
    #[inline(always)]
    fn prepare_easy(&mut self, here: &Here, site: &'static Site) -> bool {
        let is_current = self.easy_at == agent::version();
        if !is_current || !here.is_inside_call() || self.ids.is_next_one_in(COST_SAMPLE) {
            return false;
        }
        let index = site.index();
        let Some(wanted) = self.table.wanted(index) else { return false };
        let Some(left) = self.left.get_mut(wanted.counted_at) else { return false };
        let is_admitted =
            wanted.first.admits_call() && self.ring.is_roomy(RESERVED_BYTES) && here.trace_id() == self.told;
        if !is_admitted || *left <= 1 {
            return false;
        }
        *left -= 1;
        let head = EntryHead { site: index, depth: here.depth(), parent_id: here.call_id.get() };
        // SAFETY: the buffer is used by the recorder, up to the record's end only; the table is there as long.
        unsafe {
            let mut bytes = self.ring.open_roomy();
            record::begin_short_entry(&mut bytes, &head);
            self.recorder.begin(bytes, &wanted.wish);
        }
        (self.pending.kind, self.pending.site) = (Kind::Easy, index);
        true
    }

    /// Decides about a call, and opens its record. False if nothing is to be done.
    fn prepare(&mut self, here: &Here, site: &'static Site) -> bool {
        let began = if self.ids.is_next_one_in(COST_SAMPLE) { ticks() } else { 0 };
        if self.agent.table_version() != self.table_version {
            self.refresh_table();
        }
        // What changed after it was found has a later version.
        let is_easy = self.has_ring && clock::has_counter() && !self.table.counted.iter().any(|probe| probe.is_off());
        self.easy_at = if is_easy { self.found_at } else { NEVER };
        let Self { ring, table, left, recorder, ids, .. } = self;
        let index = site.index();
        let Some(wanted) = table.wanted(index) else { return false };
        if !self.has_ring {
            return self.lack_ring(here, index);
        }
        if here.is_inside_call() {
            // One that is not let in takes no decision for the calls below it.
            let Some(probe) = wanted.probes.iter().find(|probe| probe.admits_call()) else { return false };
            count(left, wanted, probe);
        } else {
            match decide(&wanted.probes, &here.frame()) {
                Decision::Captured => {}
                Decision::Untouched => return false,
                Decision::Suppressed(refused) => return self.suppress(here.frame().refused | refused),
            }
        }
        let known = here.trace_id();
        let trace_id = if known == NO_TRACE { ids.trace() } else { known };
        let head = EntryHead { site: index, depth: here.depth(), parent_id: here.call_id.get() };
        // SAFETY: the buffer is used by the recorder, up to the record's end only; the table is there as long.
        let is_lost = unsafe {
            let mut bytes = ring.open(RESERVED_BYTES);
            record::begin_entry(&mut bytes, &head, trace_id);
            recorder.begin(bytes, &wanted.wish);
            recorder.bytes.is_overflowed()
        };
        if is_lost {
            return self.lose(here, |drops| &drops.ring_full);
        }
        self.pending = Pending { kind: Kind::Other, site: index, refused: 0, trace_id, began };
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
        self.pending = Pending { kind: Kind::Suppressed, refused, ..Pending::NONE };
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
        self.left = all_left(&self.table);
        self.has_limits = self.table.has_limits;
    }

    /// Tells the probes of all calls let in.
    fn tell(&mut self) {
        for (probe, left) in self.table.counted.iter().zip(&mut self.left) {
            let calls = probe.tell_after - std::mem::replace(left, probe.tell_after);
            if calls > 0 {
                probe.let_in(calls);
            }
        }
    }

    /// Hands the record of the beginning of an easy call over. None where the ids need more than a look.
    #[inline(always)]
    fn write_easy_entry(&mut self) -> Option<EasyCall> {
        let call_id = self.ids.easy_call()?;
        let bytes = &mut self.recorder.bytes;
        // SAFETY: an easy entry begins where there is room, and so many bytes were written to the place that the ring gave.
        unsafe {
            record::finish_easy_entry(bytes, clock::counter(), call_id);
            self.ring.commit(bytes.len());
        }
        self.ring.reserve(RESERVED_BYTES);
        Some(EasyCall { agent_id: self.agent_id, site: self.pending.site, call_id })
    }

    /// Hands the record of a beginning over.
    fn write_entry(&mut self, here: &Here, reserve: bool) -> Begun {
        let Pending { kind, site, trace_id, began, .. } = self.pending;
        let trace_id = if kind == Kind::Easy { here.trace_id() } else { trace_id };
        let call_id = self.ids.call();
        let started = ticks();
        record::finish_entry(&mut self.recorder.bytes, started, call_id);
        self.commit();
        self.told = trace_id;
        if reserve {
            self.ring.reserve(RESERVED_BYTES);
        }
        if kind == Kind::Other && began != 0 {
            self.add_cost(began, started);
        }
        Begun::Captured { agent_id: self.agent_id, site, call_id, trace_id }
    }

    /// The ring, if it is for the end of a call that has a reserved place, and there is nothing to be decided.
    #[inline(always)]
    fn easy_exit(&mut self, agent_id: u64, call_id: u64) -> Option<&mut Producer> {
        let is_mine = self.agent_id == agent_id && self.easy_at == agent::version();
        if !is_mine || self.has_limits || is_cost_measured(call_id) {
            return None;
        }
        Some(&mut self.ring).filter(|ring| ring.is_roomy(0))
    }

    /// Opens the record of the end of a call that has a reserved place. False, and nothing is done, if there is something
    /// to be decided.
    #[inline(always)]
    fn prepare_easy_exit(&mut self, end: &End, ended: u64) -> bool {
        let Some(ring) = self.easy_exit(end.agent_id, end.call_id) else { return false };
        ring.release(RESERVED_BYTES);
        // SAFETY: the buffer is used by the recorder, up to the record's end only.
        unsafe {
            let mut bytes = ring.open_roomy();
            record::begin_exit(&mut bytes, end.call_id, ended, end.busy, end.ending);
            self.recorder.begin(bytes, Wish::NONE);
        }
        self.pending.kind = Kind::Easy;
        true
    }

    /// Hands the record of such an end over, with a value. False, and nothing is done, if there is something to be decided.
    #[inline(always)]
    fn write_easy_exit(&mut self, agent_id: u64, call_id: u64, word: Word) -> bool {
        let Some(ring) = self.easy_exit(agent_id, call_id) else { return false };
        ring.release(RESERVED_BYTES);
        // SAFETY: the buffer is used in here only, and what is in it was written to the place that the ring gave.
        unsafe {
            let mut bytes = ring.open_roomy();
            record::begin_short_exit(&mut bytes, call_id, clock::counter());
            word.write_fitting(&mut bytes);
            ring.commit(bytes.len());
        }
        true
    }

    /// The end of a call that has a reserved place. False if nobody wants it any more.
    fn prepare_reserved_exit(&mut self, end: &End, ended: u64) -> bool {
        self.ring.release(RESERVED_BYTES);
        if self.agent.is_closed() {
            return false;
        }
        self.prepare_exit(end, ended);
        true
    }

    fn prepare_exit(&mut self, end: &End, ended: u64) {
        let wish = if self.has_limits { self.table.wish(end.site) } else { Wish::NONE };
        // SAFETY: the buffer is used by the recorder, up to the record's end only; the table is there as long.
        unsafe {
            let mut bytes = self.ring.open(0);
            record::begin_exit(&mut bytes, end.call_id, ended, end.busy, end.ending);
            self.recorder.begin(bytes, wish);
        }
        let began = if is_cost_measured(end.call_id) { ended } else { 0 };
        self.pending = Pending { began, ..Pending::NONE };
    }

    /// Hands the record of an end over; without its value where that does not fit. False if there is no room for either.
    #[inline(always)]
    fn write_exit(&mut self) -> bool {
        if self.pending.kind == Kind::Easy && !self.recorder.bytes.is_overflowed() {
            // SAFETY: so many bytes were written to the place that the ring gave.
            unsafe { self.ring.commit(self.recorder.bytes.len()) };
            return true;
        }
        self.write_other_exit()
    }

    #[cold]
    #[inline(never)]
    fn write_other_exit(&mut self) -> bool {
        if self.recorder.bytes.is_overflowed() && !self.drop_value() {
            return false;
        }
        self.commit();
        if self.pending.kind == Kind::Other && self.pending.began != 0 {
            self.add_cost(self.pending.began, ticks());
        }
        true
    }

    #[cold]
    fn drop_value(&mut self) -> bool {
        let bytes = &mut self.recorder.bytes;
        bytes.truncate(EXIT_BYTES);
        !bytes.is_overflowed()
    }

    fn commit(&mut self) {
        // SAFETY: so many bytes were written to the place that the ring gave.
        unsafe { self.ring.commit(self.recorder.bytes.len()) };
    }

    #[cold]
    fn add_cost(&mut self, from: u64, to: u64) {
        // A thread that was made to wait in between took no CPU time, and would be taken for so many that did.
        let sample = to.saturating_sub(from).min(self.usual_cost.saturating_mul(MOST_UNUSUAL));
        self.usual_cost = (self.usual_cost - self.usual_cost / 8 + sample / 8).max(FIRST_USUAL_COST);
        let spent = sample.saturating_mul(COST_SAMPLE);
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

/// Whether the cost of the end of this call is measured.
#[inline(always)]
fn is_cost_measured(call_id: u64) -> bool {
    call_id & (COST_SAMPLE - 1) == COST_SAMPLE / 2
}

/// Counts a call inside a request that a probe has let in; the probe hears of it now and then.
fn count(left: &mut [u32], wanted: &Wanted, probe: &Arc<Probe>) {
    match left.get_mut(wanted.counted_at) {
        Some(left) if Arc::ptr_eq(probe, &wanted.first) => {
            *left -= 1;
            if *left == 0 {
                *left = probe.tell_after;
                probe.let_in(probe.tell_after);
            }
        }
        // The first has just been switched off.
        _ => probe.let_in(1),
    }
}

/// How many calls are let in before a probe is told of them, where it was told of all.
fn all_left(table: &ProbeTable) -> Vec<u32> {
    table.counted.iter().map(|probe| probe.tell_after).collect()
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
    let comes_in = around.is_captured();
    let admits = |probe: &Probe| if comes_in { probe.admits_local_root(around.trace_id) } else { probe.admits_root() };
    let mut refused = 0;
    for probe in probes.iter().filter(|probe| comes_in || around.refused & probe.bit() == 0) {
        if admits(probe) {
            probe.let_in(1);
            return Decision::Captured;
        }
        refused |= probe.bit();
    }
    if refused == 0 { Decision::Untouched } else { Decision::Suppressed(refused) }
}
