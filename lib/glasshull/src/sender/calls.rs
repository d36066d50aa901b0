//! Calls between their entry and their exit, and what becomes of them: rows.

use std::collections::{HashMap, VecDeque};
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
use crate::value::{Met, cut, marker, write_json, write_text};

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
    open: HashMap<u64, Open>,
    open_bytes: usize,
    /// Exits whose entry has not been read yet, with the number of rounds they wait: the entry stands in a ring that
    /// was read before it was written.
    early: HashMap<u64, (Exit, u8)>,
    /// Children so far of calls that are not open here.
    parents: HashMap<u64, u32>,
    /// Calls in order of arrival, to be sent as running where they are still open then.
    young: VecDeque<(Instant, u64)>,
    /// Calls that were open longer, in order of arrival: those that may be given up where room is needed.
    old: VecDeque<(Instant, u64)>,
    /// Calls given up for want of room.
    pub(crate) lost: u64,
    /// Calls whose probe was gone when they were read.
    pub(crate) unclaimed: u64,
}

/// Calls that have ended may be so many more than open ones in a queue before they are cleared away.
const MOST_ENDED: usize = 1_024;

struct Open {
    entry: Entry,
    site: &'static Site,
    probes: Arc<[Arc<Probe>]>,
    thread: (u64, Arc<str>),
    started_at_ns: i64,
    position: u32,
    children: u32,
    sent_as_running: bool,
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
    pub(crate) fn enter(&mut self, entry: Entry, thread: &(u64, Arc<str>), around: &mut Surroundings<'_>) {
        let call_id = entry.call_id;
        let early = self.early.remove(&call_id);
        let (Some(site), Some(probes)) = (around.sites.get(entry.site as usize), around.probes.of(entry.site)) else {
            self.unclaimed += 1;
            return;
        };
        if !self.has_room(entry.values.len(), around.now) {
            self.lost += 1;
            return;
        }
        self.open_bytes += entry.values.len();
        let position = self.number(entry.parent_id);
        let open = Open {
            site,
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
            Some((exit, _)) => self.exit(exit, around),
            None => {
                self.young.push_back((around.now, call_id));
                self.clear_ended();
            }
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
                self.open_bytes -= forgotten.entry.values.len();
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
    pub(crate) fn exit(&mut self, exit: Exit, around: &mut Surroundings<'_>) {
        let Some(open) = self.open.remove(&exit.call_id) else {
            self.early.insert(exit.call_id, (exit, 0));
            return;
        };
        self.open_bytes -= open.entry.values.len();
        if open.children > 0 && self.parents.len() < MAX_PARENTS {
            self.parents.insert(exit.call_id, open.children);
        }
        let ticks = exit.ended.saturating_sub(open.entry.started);
        let idle = if exit.busy > 0 { ticks.saturating_sub(exit.busy) } else { 0 };
        let state = State {
            outcome: outcome(exit.ending),
            duration_ns: around.clock.nanoseconds(ticks),
            idle_ns: around.clock.nanoseconds(idle),
            value: values(&exit.value).next(),
        };
        let kept = open.is_kept(&state, around, true);
        // Whoever was told that it runs is told how it ended, even if no probe keeps it.
        if kept != 0 || open.sent_as_running {
            open.write(&state, around, kept);
        }
    }

    /// After each reading of all rings: an exit that was without its entry twice will stay so.
    pub(crate) fn end_round(&mut self) {
        self.early.retain(|_, (_, rounds)| {
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
                let kept = open.is_kept(&state, around, false);
                open.sent_as_running = kept != 0;
                if open.sent_as_running {
                    open.write(&state, around, kept);
                }
            }
        }
    }

    pub(crate) fn open(&self) -> usize {
        self.open.len()
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
    /// Adds the row, for the probes that keep the call.
    fn write(&self, state: &State<'_>, around: &mut Surroundings<'_>, kept: u64) {
        let is_error = matches!(state.outcome, Outcome::Error | Outcome::Panicked);
        let mut met = Met::default();
        let value = state.value.map(|value| json(value, around.redaction, &mut met));
        let given = met;
        let (args, printed) = self.args_json(around.redaction, &mut met);
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
            args: Some(&args),
            returned: value.as_deref().filter(|_| !is_error),
            error: value.as_deref().filter(|_| is_error),
        };
        writer.push(&row);
    }

    /// Which of the probes that want the function want this call, counted with each: bits by their places. A running call
    /// counts when it ends.
    fn is_kept(&self, state: &State<'_>, around: &Surroundings<'_>, is_final: bool) -> u64 {
        let is_error = matches!(state.outcome, Outcome::Error | Outcome::Panicked);
        let facts = Facts {
            arguments: self.site.arguments,
            values: &self.entry.values,
            returned: state.value.filter(|_| !is_error),
            error: state.value.filter(|_| is_error),
            outcome: outcome_text(state.outcome),
            duration_ns: state.duration_ns,
            redaction: around.redaction,
        };
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
    fn args_json(&self, redaction: &Redaction, met: &mut Met) -> (String, Option<&'static str>) {
        // Room for the last argument's marker and the end.
        const ROOM: usize = MAX_VALUE_BYTES - 2 * MAX_NAME_BYTES;
        let mut out = String::with_capacity(2 * self.entry.values.len() + 16);
        let mut printed = None;
        out.push('{');
        for (place, (name, value)) in self.site.arguments.iter().zip(values(&self.entry.values)).enumerate() {
            if out.len() > ROOM {
                met.truncated = true;
                break;
            }
            if place > 0 {
                out.push(',');
            }
            write_text(&mut out, cut(name, MAX_NAME_BYTES / 8));
            out.push(':');
            let start = out.len();
            let met_here = write_json(&mut out, value, redaction);
            *met = met.and(met_here);
            printed = printed.or(met_here.printed.then_some(*name));
            if out.len() > ROOM {
                met.truncated = true;
                out.truncate(start);
                marker(&mut out, markers::TRUNCATED, None);
            }
        }
        out.push('}');
        (out, printed)
    }
}

fn json(value: &[u8], redaction: &Redaction, met: &mut Met) -> String {
    let mut out = String::with_capacity(2 * value.len());
    *met = met.and(write_json(&mut out, value, redaction));
    if out.len() > MAX_VALUE_BYTES {
        met.truncated = true;
        out.clear();
        marker(&mut out, markers::TRUNCATED, None);
    }
    out
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
