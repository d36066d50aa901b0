//! Calls between their entry and their exit, and what becomes of them: rows.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use glasshull_wire::limits::{MAX_NAME_BYTES, MAX_VALUE_BYTES};
use glasshull_wire::v1::{self, Outcome};
use glasshull_wire::{BatchWriter, CallRow, markers};

use super::condition::Facts;
use super::probes::ProbeSet;
use crate::clock::Calibration;
use crate::probe::Probe;
use crate::record::{Ending, Entry, Exit, values};
use crate::site::Site;
use crate::value::redaction::Redaction;
use crate::value::{Json, Key, Met, cut, marker, write_json};

/// Calls that have not ended. Beyond, calls are dropped.
const MAX_OPEN_CALLS: usize = 65_536;

/// Bytes of their arguments.
const MAX_OPEN_BYTES: usize = 16 * 1024 * 1024;

/// Parents that are not open here, whose children are numbered.
const MAX_PARENTS: usize = 8_192;

/// A call that has not ended after so long is sent as running.
pub(crate) const RUNNING_AFTER: Duration = Duration::from_millis(500);

/// A call open for so long was probably forgotten (a leaked future) and may be given up where room is needed.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(3_600);

/// Calls under way.
#[derive(Default)]
pub(crate) struct Calls {
    open: HashMap<u64, Open, ById>,
    open_bytes: usize,
    /// Exits whose entry has not been read yet, with their value and the number of rounds they wait: the entry stands in
    /// a ring that was read before it was written.
    early: HashMap<u64, (Exit, Box<[u8]>, u8), ById>,
    /// Children so far of calls that are not open here.
    parents: HashMap<u64, u32, ById>,
    /// Calls in order of arrival, to be sent as running where they are still open then.
    young: VecDeque<(Instant, u64)>,
    /// Calls that were open longer, in order of arrival: those that may be given up where room is needed.
    old: VecDeque<(Instant, u64)>,
    texts: Texts,
    /// Calls given up for want of room.
    pub(crate) lost: u64,
    /// Calls whose probe was gone when they were read.
    pub(crate) unclaimed: u64,
}

/// Calls that have ended may be so many more than open ones in a queue before they are cleared away.
const MOST_ENDED: usize = 1_024;

/// What holds a row's texts while it is written; kept for its memory.
#[derive(Default)]
struct Texts {
    args: Json,
    value: Json,
    /// Names of arguments as JSON keys, by the function's place on the list.
    keys: Vec<Option<Box<[Key]>>>,
}

impl Texts {
    /// The keys of a function.
    fn keys<'t>(keys: &'t mut Vec<Option<Box<[Key]>>>, index: u32, site: &Site) -> &'t [Key] {
        let index = index as usize;
        if keys.len() <= index {
            keys.resize_with(index + 1, || None);
        }
        keys[index].get_or_insert_with(|| site.arguments.iter().enumerate().map(key).collect())
    }
}

/// What stands before an argument's value.
fn key((place, name): (usize, &&'static str)) -> Key {
    Key::new(if place == 0 { "{" } else { "," }, name)
}

/// A call that has not ended.
struct Open {
    entry: Entry,
    values: Box<[u8]>,
    site: &'static Site,
    probes: Arc<[Arc<Probe>]>,
    thread: (u64, Arc<str>),
    started_at_ns: i64,
    position: u32,
    children: u32,
    sent_as_running: bool,
}

/// A call that is looked at.
struct Call<'a> {
    entry: &'a Entry,
    values: &'a [u8],
    site: &'static Site,
    probes: &'a [Arc<Probe>],
    thread: &'a (u64, Arc<str>),
    started_at_ns: i64,
    position: u32,
}

/// How a call stands.
struct State<'a> {
    outcome: Outcome,
    duration_ns: u64,
    idle_ns: u64,
    value: Option<&'a [u8]>,
}

/// What rows need.
pub(crate) struct Surroundings<'a> {
    pub(crate) sites: &'a [&'static Site],
    pub(crate) probes: &'a ProbeSet,
    pub(crate) clock: &'a Calibration,
    pub(crate) redaction: &'a Redaction,
    pub(crate) writer: &'a mut BatchWriter,
    pub(crate) now: Instant,
}

impl Calls {
    /// A call began.
    pub(crate) fn enter(
        &mut self,
        entry: Entry,
        values: &[u8],
        thread: &(u64, Arc<str>),
        around: &mut Surroundings<'_>,
    ) {
        let call_id = entry.call_id;
        let early = self.early.remove(&call_id);
        let (Some(site), Some(probes)) = (around.sites.get(entry.site as usize), around.probes.of(entry.site)) else {
            self.unclaimed += 1;
            return;
        };
        if !self.has_room(values.len(), around.now) {
            self.lost += 1;
            return;
        }
        self.open_bytes += values.len();
        let position = self.number(entry.parent_id);
        let open = Open {
            site,
            values: values.into(),
            probes: Arc::clone(probes),
            thread: thread.clone(),
            started_at_ns: around.clock.wall(entry.started),
            position,
            children: self.parents.remove(&call_id).unwrap_or(0),
            sent_as_running: false,
            entry,
        };
        self.open.insert(call_id, open);
        match early {
            Some((exit, value, _)) => self.exit(exit, &value, around),
            None => {
                self.young.push_back((around.now, call_id));
                self.clear_ended();
            }
        }
    }

    /// A call began, and ended before another of its thread did: nothing need be remembered of it.
    pub(crate) fn pass(
        &mut self,
        (entry, values): (&Entry, &[u8]),
        (exit, value): (&Exit, &[u8]),
        thread: &(u64, Arc<str>),
        around: &mut Surroundings<'_>,
    ) {
        let (Some(site), Some(probes)) = (around.sites.get(entry.site as usize), around.probes.of(entry.site)) else {
            self.unclaimed += 1;
            return;
        };
        let position = self.number(entry.parent_id);
        let started_at_ns = around.clock.wall(entry.started);
        let call = Call { entry, values, site, probes, thread, started_at_ns, position };
        let state = state(entry, exit, value, around.clock);
        let kept = call.is_kept(&state, around, true);
        if kept != 0 {
            call.write(&state, around, kept, &mut self.texts);
        }
    }

    fn has_room(&mut self, bytes: usize, now: Instant) -> bool {
        let is_full = |calls: &Self| calls.open.len() >= MAX_OPEN_CALLS || calls.open_bytes + bytes > MAX_OPEN_BYTES;
        while is_full(self)
            && let Some(&(since, call_id)) = self.old.front()
            && (now.duration_since(since) >= FORGOTTEN_AFTER || !self.open.contains_key(&call_id))
        {
            self.old.pop_front();
            if let Some(forgotten) = self.open.remove(&call_id) {
                self.open_bytes -= forgotten.values.len();
            }
        }
        !is_full(self)
    }

    /// Clears ended calls out of the queues. Half of what is looked at goes, so each call pays for a few looks.
    fn clear_ended(&mut self) {
        let open = &self.open;
        for queue in [&mut self.young, &mut self.old] {
            if queue.len() > 2 * open.len() + MOST_ENDED {
                queue.retain(|(_, call_id)| open.contains_key(call_id));
            }
        }
    }

    /// The place of a further child.
    fn number(&mut self, parent: u64) -> u32 {
        if parent == 0 {
            return 0;
        }
        let children = match self.open.get_mut(&parent) {
            Some(open) => &mut open.children,
            None => {
                if self.parents.len() >= MAX_PARENTS {
                    self.parents.clear();
                }
                self.parents.entry(parent).or_default()
            }
        };
        *children += 1;
        *children - 1
    }

    /// A call ended.
    pub(crate) fn exit(&mut self, exit: Exit, value: &[u8], around: &mut Surroundings<'_>) {
        let Some(open) = self.open.remove(&exit.call_id) else {
            self.early.insert(exit.call_id, (exit, value.into(), 0));
            return;
        };
        self.open_bytes -= open.values.len();
        if open.children > 0 && self.parents.len() < MAX_PARENTS {
            self.parents.insert(exit.call_id, open.children);
        }
        let (call, state) = (open.call(), state(&open.entry, &exit, value, around.clock));
        let kept = call.is_kept(&state, around, true);
        // Whoever was told that it runs is told how it ended, even if no probe keeps it.
        if kept != 0 || open.sent_as_running {
            call.write(&state, around, kept, &mut self.texts);
        }
    }

    /// After each reading of all rings: an exit that was without its entry twice will stay so.
    pub(crate) fn end_round(&mut self) {
        self.early.retain(|_, (_, _, rounds)| {
            *rounds += 1;
            *rounds < 3
        });
    }

    /// Sends the calls that have been running for a while, once each.
    pub(crate) fn send_running(&mut self, ticks: u64, around: &mut Surroundings<'_>) {
        while let Some(&(since, call_id)) = self.young.front()
            && around.now.duration_since(since) >= RUNNING_AFTER
            && !around.writer.is_full()
        {
            self.young.pop_front();
            if let Some(open) = self.open.get_mut(&call_id) {
                self.old.push_back((since, call_id));
                let duration_ns = around.clock.nanoseconds(ticks.saturating_sub(open.entry.started));
                let state = State { outcome: Outcome::Running, duration_ns, idle_ns: 0, value: None };
                let kept = open.call().is_kept(&state, around, false);
                open.sent_as_running = kept != 0;
                if open.sent_as_running {
                    open.call().write(&state, around, kept, &mut self.texts);
                }
            }
        }
    }

    pub(crate) fn open(&self) -> usize {
        self.open.len()
    }
}

/// How a call stands that ended.
fn state<'a>(entry: &Entry, exit: &Exit, value: &'a [u8], clock: &Calibration) -> State<'a> {
    let ticks = exit.ended.saturating_sub(entry.started);
    let idle = if exit.busy > 0 { ticks.saturating_sub(exit.busy) } else { 0 };
    State {
        outcome: outcome(exit.ending),
        duration_ns: clock.nanoseconds(ticks),
        idle_ns: clock.nanoseconds(idle),
        value: values(value).next(),
    }
}

fn outcome(ending: Ending) -> Outcome {
    match ending {
        Ending::Returned => Outcome::Returned,
        Ending::Error => Outcome::Error,
        Ending::Panicked => Outcome::Panicked,
        Ending::Cancelled => Outcome::Cancelled,
    }
}

fn outcome_text(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Unspecified => "",
        Outcome::Returned => "returned",
        Outcome::Error => "error",
        Outcome::Panicked => "panicked",
        Outcome::Cancelled => "cancelled",
        Outcome::Running => "running",
    }
}

impl Open {
    fn call(&self) -> Call<'_> {
        let Self { entry, values, site, probes, thread, started_at_ns, position, .. } = self;
        let (started_at_ns, position) = (*started_at_ns, *position);
        Call { entry, values, site, probes, thread, started_at_ns, position }
    }
}

impl Call<'_> {
    /// Adds the row, for the probes that keep the call.
    fn write(&self, state: &State<'_>, around: &mut Surroundings<'_>, kept: u64, texts: &mut Texts) {
        let is_error = matches!(state.outcome, Outcome::Error | Outcome::Panicked);
        let mut met = Met::default();
        let value = state.value.map(|value| json(&mut texts.value, value, around.redaction, &mut met));
        let given = met;
        let keys = Texts::keys(&mut texts.keys, self.entry.site, self.site);
        let printed = self.args_json(&mut texts.args, keys, around.redaction, &mut met);
        if met != Met::default() && state.outcome != Outcome::Running {
            self.count(met, printed.filter(|_| !given.printed), kept);
        }
        let writer = &mut *around.writer;
        let row = CallRow {
            function: writer.function(self.entry.site, || describe(self.entry.site, self.site)),
            thread: writer.thread(self.thread.0, || self.thread.1.as_ref().to_owned()),
            trace_id: self.entry.trace_id,
            call_id: self.entry.call_id,
            parent_id: Some(self.entry.parent_id).filter(|&parent| parent != 0),
            started_at_ns: self.started_at_ns,
            duration_ns: state.duration_ns,
            idle_ns: state.idle_ns,
            outcome: state.outcome.into(),
            depth: self.entry.depth,
            position: self.position,
            args: Some(texts.args.as_str()),
            returned: value.filter(|_| !is_error),
            error: value.filter(|_| is_error),
        };
        writer.push(&row);
    }

    /// Which of the probes that want the function want this call, counted with each: bits by their places. A running call
    /// counts when it ends.
    fn is_kept(&self, state: &State<'_>, around: &Surroundings<'_>, is_final: bool) -> u64 {
        let is_error = matches!(state.outcome, Outcome::Error | Outcome::Panicked);
        let facts = Facts {
            arguments: self.site.arguments,
            values: self.values,
            returned: state.value.filter(|_| !is_error),
            error: state.value.filter(|_| is_error),
            outcome: outcome_text(state.outcome),
            duration_ns: state.duration_ns,
            redaction: around.redaction,
        };
        let bytes = self.values.len() + state.value.map_or(0, <[u8]>::len);
        let mut kept = 0;
        for (place, probe) in self.probes.iter().enumerate() {
            let keeps = match (probe.work.wants(&facts, around.now, is_final), is_final) {
                (true, true) => probe.keep(),
                (true, false) => !probe.is_conditional() || !probe.is_exhausted(),
                (false, true) => {
                    probe.skipped_by_condition.fetch_add(1, Ordering::Relaxed);
                    false
                }
                (false, false) => false,
            };
            if is_final {
                probe.work.looked_at(bytes, keeps);
            }
            kept |= u64::from(keeps) << place.min(63);
        }
        kept
    }

    /// Counts what was met with the probes that keep the call.
    fn count(&self, met: Met, argument: Option<&str>, kept: u64) {
        let printed_at = || match argument {
            Some(argument) => format!("{}({argument})", self.site.path),
            None => self.site.path.to_owned(),
        };
        let keeps = |&(place, _): &(usize, &Arc<Probe>)| kept >> place.min(63) & 1 != 0;
        self.probes.iter().enumerate().filter(keeps).for_each(|(_, probe)| probe.work.wrote(met, printed_at));
    }

    /// The arguments, and the first of them that `Debug` printed.
    fn args_json(&self, out: &mut Json, keys: &[Key], redaction: &Redaction, met: &mut Met) -> Option<&'static str> {
        // Room for the last argument's marker and the end.
        const ROOM: usize = MAX_VALUE_BYTES - 2 * MAX_NAME_BYTES;
        let mut printed = None;
        out.clear();
        for (key, value) in keys.iter().zip(values(self.values)) {
            if out.len() > ROOM {
                met.truncated = true;
                break;
            }
            out.key(key);
            let start = out.len();
            let met_here = write_json(out, value, redaction);
            *met = met.and(met_here);
            printed = printed.or(met_here.printed.then_some(key.name));
            if out.len() > ROOM {
                met.truncated = true;
                out.truncate(start);
                marker(out, markers::TRUNCATED, None);
            }
        }
        out.push_str(if out.len() == 0 { "{}" } else { "}" });
        printed
    }
}

fn json<'t>(out: &'t mut Json, value: &[u8], redaction: &Redaction, met: &mut Met) -> &'t str {
    out.clear();
    *met = met.and(write_json(out, value, redaction));
    if out.len() > MAX_VALUE_BYTES {
        met.truncated = true;
        out.clear();
        marker(out, markers::TRUNCATED, None);
    }
    out.as_str()
}

/// Spreads ids, which are numbers in a row behind random ones, or come from outside: its seed is nobody's to know.
#[derive(Clone)]
struct ById(u64);

impl Default for ById {
    fn default() -> Self {
        Self(crate::ids::random() | 1)
    }
}

impl BuildHasher for ById {
    type Hasher = IdHasher;

    fn build_hasher(&self) -> IdHasher {
        IdHasher(self.0)
    }
}

struct IdHasher(u64);

impl Hasher for IdHasher {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.write_u64(byte.into()));
    }

    /// Both halves of a product, as wyhash and its kin do: every bit of the id and of the seed reaches every other.
    fn write_u64(&mut self, id: u64) {
        const ODD: u64 = 0x9E37_79B9_7F4A_7C15;
        let product = u128::from(id ^ self.0) * u128::from(ODD.wrapping_add(self.0 << 1));
        self.0 = product as u64 ^ (product >> 64) as u64;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// A function as the hub is told of it.
pub(crate) fn describe(index: u32, site: &Site) -> v1::Function {
    v1::Function {
        index,
        path: cut(site.path, MAX_NAME_BYTES).to_owned(),
        file: cut(site.file, MAX_NAME_BYTES).to_owned(),
        line: site.line,
        arguments: site.announced_arguments().iter().map(|name| (*name).to_owned()).collect(),
        is_async: site.is_async,
    }
}

#[cfg(test)]
mod tests;
