//! What capturing needs of each thread: its ring, its ids, its buffer.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::agent::{self, Agent, Cost};
use crate::clock::ticks;
use crate::frame::{self, Capturing, Frame};
use crate::ids::{Ids, random_16};
use crate::probe::{Admission, Probe, ProbeTable};
use crate::record::{self, EXIT_BYTES, Ending, Exit};
use crate::ring::{HEADER_BYTES, Producer};
use crate::sender::count_inside_value;
use crate::site::Site;
use crate::value::Recorder;

/// Bytes kept free for the end of each open call of the thread: so much an end without a value takes.
const RESERVED_BYTES: usize = HEADER_BYTES + EXIT_BYTES;

/// Of so many entries and exits the cost of one is measured: the measurement costs a clock read. A prime, so that in a
/// loop, whose entries and exits take turns, all of them get measured in time.
const COST_SAMPLE: u32 = 17;
const _: () = assert!(!COST_SAMPLE.is_multiple_of(2), "entries and exits take turns: one kind would never be measured");

thread_local! {
    static THREAD: RefCell<Thread> = const { RefCell::new(Thread { scoped: None, global: None, locals: Vec::new() }) };
}

struct Thread {
    /// The agent of the code that runs now, where it is not the process's.
    scoped: Option<Arc<Agent>>,
    /// The process's agent, and the version at which it was looked up.
    global: Option<(u64, Option<Arc<Agent>>)>,
    /// One for each agent that captured here. The process's and perhaps a test's: few.
    locals: Vec<Local>,
}

/// What an agent has of one thread.
struct Local {
    agent: Arc<Agent>,
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
}

/// What became of a call of a function that some probe wants.
pub(crate) enum Begun {
    Captured {
        agent_id: u64,
        frame: Frame,
    },
    /// The request is not captured: neither are the calls below.
    Suppressed {
        frame: Frame,
    },
}

/// Values are written by code made by `#[glasshull::trace]`.
pub(crate) type Record<'a> = &'a mut dyn FnMut(&mut Recorder);

/// Begins a call, unless the probes want nothing of it. With `reserve`, its end has a place in this thread's ring.
pub(crate) fn begin(site: &'static Site, values: Record<'_>, reserve: bool) -> Option<Begun> {
    if !site.is_on_when_listed() {
        return None;
    }
    if frame::is_capturing() {
        count_inside_value();
        return None;
    }
    THREAD.try_with(|thread| thread.try_borrow_mut().ok()?.local()?.begin(site, values, reserve)).ok().flatten()
}

/// Ends a call that began on this thread with a reserved place.
pub(crate) fn end(agent_id: u64, call_id: u64, ending: Ending, value: Record<'_>) {
    let _ = THREAD.try_with(|thread| {
        let mut thread = thread.try_borrow_mut().ok()?;
        let local = thread.locals.iter_mut().find(|local| local.agent.id == agent_id)?;
        local.reserved = local.reserved.saturating_sub(RESERVED_BYTES);
        if local.agent.is_closed() {
            return None;
        }
        let ended = ticks();
        local.write_exit(call_id, ended, 0, ending, value);
        Some(())
    });
}

/// Ends a call that may have begun on another thread; now, unless it is known to have ended before.
pub(crate) fn end_anywhere(
    agent: &Arc<Agent>,
    call_id: u64,
    ended: Option<u64>,
    busy: u64,
    ending: Ending,
    value: Record<'_>,
) {
    if agent.is_closed() {
        return;
    }
    let ended = ended.unwrap_or_else(ticks);
    let written = THREAD.try_with(|thread| {
        let mut thread = thread.try_borrow_mut().ok()?;
        thread.local_of(agent).write_exit(call_id, ended, busy, ending, value).then_some(())
    });
    if !matches!(written, Ok(Some(()))) {
        agent.overflow(Exit { call_id, ended, busy, ending, value: Vec::new() });
    }
}

/// The agent whose scope the running code is in, where it is not the process's.
pub(crate) fn scoped_agent() -> Option<Arc<Agent>> {
    THREAD.try_with(|thread| thread.try_borrow().ok()?.scoped.clone()).ok().flatten()
}

/// Sets the agent of the code that runs from now on; returns the one before.
pub(crate) fn scope_agent(agent: Option<Arc<Agent>>) -> Option<Arc<Agent>> {
    let swapped = THREAD.try_with(|thread| Some(std::mem::replace(&mut thread.try_borrow_mut().ok()?.scoped, agent)));
    swapped.ok().flatten().flatten()
}

/// The agent that captures what runs here.
pub(crate) fn current_agent() -> Option<Arc<Agent>> {
    THREAD.try_with(|thread| thread.try_borrow_mut().ok()?.current().cloned()).ok().flatten()
}

impl Thread {
    fn current(&mut self) -> Option<&Arc<Agent>> {
        if self.scoped.is_some() {
            return self.scoped.as_ref();
        }
        let version = agent::global_version();
        if self.global.as_ref().is_none_or(|(known, _)| *known != version) {
            self.global = Some((version, agent::global()));
        }
        self.global.as_ref().and_then(|(_, agent)| agent.as_ref())
    }

    /// What the current agent has of this thread.
    fn local(&mut self) -> Option<&mut Local> {
        let agent = self.current()?;
        if agent.is_closed() {
            return None;
        }
        let id = agent.id;
        if let Some(place) = self.locals.iter().position(|local| local.agent.id == id) {
            return self.locals.get_mut(place);
        }
        let agent = Arc::clone(self.current()?);
        Some(self.local_of(&agent))
    }

    fn local_of(&mut self, agent: &Arc<Agent>) -> &mut Local {
        let place = match self.locals.iter().position(|local| local.agent.id == agent.id) {
            Some(place) => place,
            None => {
                self.locals.retain(|local| !local.agent.is_closed());
                self.locals.push(Local::new(agent));
                self.locals.len() - 1
            }
        };
        &mut self.locals[place]
    }
}

impl Local {
    fn new(agent: &Arc<Agent>) -> Self {
        let (ring, cost) = agent.new_ring().map_or((None, Arc::default()), |(ring, cost)| (Some(ring), cost));
        Self {
            agent: Arc::clone(agent),
            ring,
            cost,
            ids: Ids::new(),
            table: agent.table(),
            table_version: agent.table_version(),
            reserved: 0,
            recorder: Recorder::new(Arc::clone(&agent.redaction)),
            captures: 0,
        }
    }

    fn begin(&mut self, site: &'static Site, values: Record<'_>, reserve: bool) -> Option<Begun> {
        if !site.is_on_for(self.agent.bit) {
            return None;
        }
        self.refresh_table();
        let parent = frame::current();
        let table = Arc::clone(&self.table);
        let probes = table.of(site.index())?;
        if self.ring.is_none() {
            let asks = parent.is_captured() || probes.iter().any(|probe| parent.refused & probe.bit() == 0);
            return asks.then(|| lost(&parent, &self.agent.drops.no_ring)).flatten();
        }
        match decide(probes, &parent) {
            Decision::Untouched => None,
            Decision::Suppressed(refused) => {
                let refused = parent.refused | refused;
                Some(Begun::Suppressed { frame: Frame { call_id: 0, remote: false, refused, ..parent } })
            }
            Decision::Captured(probe) => self.capture(site, &parent, probe.serial, values, reserve).or_else(|| {
                probe.give_back();
                lost(&parent, &self.agent.drops.ring_full)
            }),
        }
    }

    fn refresh_table(&mut self) {
        let version = self.agent.table_version();
        if version != self.table_version {
            self.table = self.agent.table();
            self.table_version = version;
        }
    }

    /// None if it has no place in the ring.
    fn capture(
        &mut self,
        site: &'static Site,
        parent: &Frame,
        probe: u32,
        values: Record<'_>,
        reserve: bool,
    ) -> Option<Begun> {
        let began = self.cost_sample();
        let trace_id = if parent.trace_id == [0; 16] { random_16() } else { parent.trace_id };
        let frame = Frame {
            trace_id,
            call_id: self.ids.call(),
            depth: parent.depth + 1,
            remote: false,
            refused: parent.refused,
        };
        record::begin_entry(&mut self.recorder.bytes);
        self.with_user_code(values);
        let started = ticks();
        record::finish_entry(&mut self.recorder.bytes, site.index(), parent, &frame, probe, started);
        let reserved = self.reserved + if reserve { RESERVED_BYTES } else { 0 };
        let written = self.ring.as_mut().is_some_and(|ring| ring.push(&self.recorder.bytes, reserved));
        self.add_cost(began);
        if !written {
            return None;
        }
        self.reserved = reserved;
        Some(Begun::Captured { agent_id: self.agent.id, frame })
    }

    /// Writes the end of a call; without its value where that does not fit. False if there is no room for either.
    fn write_exit(&mut self, call_id: u64, ended: u64, busy: u64, ending: Ending, value: Record<'_>) -> bool {
        let began = self.cost_sample();
        record::begin_exit(&mut self.recorder.bytes);
        self.with_user_code(value);
        record::finish_exit(&mut self.recorder.bytes, call_id, ended, busy, ending);
        let reserved = self.reserved;
        let bytes = &self.recorder.bytes;
        let written = self.ring.as_mut().is_some_and(|ring| {
            ring.push(bytes, reserved) || bytes.get(..EXIT_BYTES).is_some_and(|head| ring.push(head, reserved))
        });
        self.add_cost(began);
        written
    }

    /// Runs code made by `#[glasshull::trace]`, which runs the values' own.
    fn with_user_code(&mut self, values: Record<'_>) {
        let _capturing = Capturing::begin();
        values(&mut self.recorder);
    }

    fn cost_sample(&mut self) -> Option<u64> {
        self.captures = self.captures.wrapping_add(1);
        self.captures.is_multiple_of(COST_SAMPLE).then(ticks)
    }

    fn add_cost(&mut self, began: Option<u64>) {
        if let Some(began) = began {
            let spent = ticks().saturating_sub(began).saturating_mul(COST_SAMPLE.into());
            // This thread alone writes it.
            let before = self.cost.ticks.load(Ordering::Relaxed);
            self.cost.ticks.store(before.saturating_add(spent), Ordering::Relaxed);
        }
    }
}

/// Counts a call that cannot be captured. Without a captured call around it is the root of a request: the calls below
/// are not captured either, or the first of them would pass for the root.
fn lost(around: &Frame, drops: &AtomicU64) -> Option<Begun> {
    drops.fetch_add(1, Ordering::Relaxed);
    let is_root = !around.is_captured() || around.remote;
    let frame = Frame { call_id: 0, remote: false, refused: u64::MAX, ..*around };
    is_root.then_some(Begun::Suppressed { frame })
}

enum Decision<'a> {
    /// No probe that could decide differently than before wants it.
    Untouched,
    /// These probes refused the request.
    Suppressed(u64),
    Captured(&'a Probe),
}

/// Once for each request, at its root; the calls below inherit.
fn decide<'a>(probes: &'a [Arc<Probe>], around: &Frame) -> Decision<'a> {
    let admit = match (around.is_captured(), around.remote) {
        (true, false) => Probe::admit_call,
        (true, true) => Probe::admit_local_root,
        (false, _) => Probe::admit_root,
    };
    let mut refused = 0;
    for probe in probes.iter().filter(|probe| around.is_captured() || around.refused & probe.bit() == 0) {
        match admit(probe) {
            Admission::Captured => return Decision::Captured(probe),
            Admission::Refused => refused |= probe.bit(),
        }
    }
    // Below a captured call, one that is not let in takes no decision for the calls below it.
    if refused == 0 || (around.is_captured() && !around.remote) {
        Decision::Untouched
    } else {
        Decision::Suppressed(refused)
    }
}
