//! The one background thread: it empties the rings, pairs entries with exits, packs batches, and talks to the hub.
//! It never waits for the hub: between its rounds it sleeps for a tick, the shorter the more there is to do.

mod address;
mod calls;
mod condition;
mod connect;
mod cpu;
mod governor;
mod like;
#[cfg(feature = "testing")]
pub(crate) mod offline;
mod outbox;
mod pace;
mod printable;
mod probes;
mod read;
mod session;
mod work;

use std::collections::HashSet;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use glasshull_wire::limits::{MAX_FUNCTIONS_PER_MESSAGE, MAX_LABEL_BYTES};
use glasshull_wire::v1::{self, to_hub, to_instance};
use glasshull_wire::{BatchWriter, Message as _, PROTOCOL};

pub(crate) use address::Address;
use calls::{Calls, Surroundings};
#[cfg(any(test, fuzzing))]
pub(crate) use condition::Facts;
use connect::Attempt;
use governor::{Governor, Look};
use outbox::Outbox;
use pace::{Found, Pace};
use printable::printable;
use probes::{ProbeSet, parts_per_million};
use read::{Event, Read};
use session::Session;
pub(crate) use work::{Work, count_inside_value};

use crate::agent::{Agent, Asked, ThreadRing};
use crate::clock::{Calibration, ticks, wall_now};
use crate::ids;
use crate::settings::Settings;
use crate::site::{self, Site};

/// A batch is closed when its first call is this old, or when it has this many bytes before compression.
const BATCH_AGE: Duration = Duration::from_millis(50);
const BATCH_BYTES: usize = 256 * 1024;

/// Functions announced in one message, in bytes.
const FUNCTIONS_BYTES: usize = 256 * 1024;

/// Messages written in one tick: between them the rings wait.
const SENDS_PER_TICK: usize = 8;

/// Messages read in one tick.
const RECEIVED_PER_TICK: usize = 8;

/// How often a report is due.
const REPORT_PERIOD: Duration = Duration::from_secs(1);

/// How often ticks are calibrated again.
const CALIBRATION_PERIOD: Duration = Duration::from_secs(1);

/// How long the hub may take to welcome.
const WELCOME_WITHIN: Duration = Duration::from_secs(10);

/// Between attempts to connect: the first, doubled each time up to the last, less up to a half by chance.
const FIRST_BACK_OFF: Duration = Duration::from_millis(100);
const LAST_BACK_OFF: Duration = Duration::from_secs(30);

/// A connection open for so long works: the next attempt after it waits as little as the first.
const SOUND_AFTER: Duration = Duration::from_secs(10);

/// The longest pause in batches the hub may ask for at a time.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Different warnings that are told.
const MAX_WARNINGS: usize = 64;

/// Starts the thread.
pub(crate) fn spawn(agent: &Arc<Agent>) -> io::Result<()> {
    let agent = Arc::clone(agent);
    std::thread::Builder::new().name("glasshull".into()).spawn(move || {
        // Even if something in here panicked, the agent is closed: nobody waits for it, and the gates are shut.
        let closing = CloseOnDrop(Arc::clone(&agent));
        crate::foreign::this_thread_is_ours();
        Sender::new(agent).run();
        drop(closing);
    })?;
    Ok(())
}

struct CloseOnDrop(Arc<Agent>);

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        self.0.close();
    }
}

struct Sender {
    agent: Arc<Agent>,
    instance: v1::Instance,
    clock: Calibration,
    calibrated: Instant,
    rings: Vec<(ThreadRing, Arc<str>)>,
    has_ended_rings: bool,
    read: Read,
    /// Ticks that capturing took on threads that have ended.
    ended_cost: u64,
    /// Nanoseconds of CPU time this thread took for calls; rounds in which there were none do not count.
    work_ns: u64,
    sites: Vec<&'static Site>,
    calls: Calls,
    writer: BatchWriter,
    batch_began: Option<Instant>,
    outbox: Outbox,
    probes: ProbeSet,
    governor: Governor,
    link: Link,
    failures: u32,
    report_at: Option<Instant>,
    pace: Pace,
    /// The flush under way, and the batch before which all must be acknowledged.
    flush: Option<(u64, u64)>,
    warned: HashSet<String>,
}

enum Link {
    /// No connection; the next attempt begins then.
    Waiting(Instant),
    Connecting(Attempt),
    /// The hub has been greeted.
    Greeting(Box<Session>, Instant),
    Open(Box<OpenLink>),
}

struct OpenLink {
    session: Session,
    /// Functions that were announced over this connection.
    announced: usize,
    since: Instant,
    /// The hub asked for a pause in batches.
    pause_until: Instant,
}

impl Sender {
    fn new(agent: Arc<Agent>) -> Self {
        let now = Instant::now();
        let settings = &agent.settings;
        Self {
            instance: instance(settings),
            clock: Calibration::new(),
            calibrated: now,
            rings: Vec::new(),
            has_ended_rings: false,
            read: Read::default(),
            ended_cost: 0,
            work_ns: 0,
            sites: Vec::new(),
            calls: Calls::default(),
            writer: BatchWriter::default(),
            batch_began: None,
            outbox: Outbox::new(settings.buffer_bytes),
            probes: ProbeSet::default(),
            governor: Governor::new(settings.cpu_budget, cores(), now),
            link: Link::Waiting(now),
            failures: 0,
            report_at: None,
            pace: Pace::new(now),
            flush: None,
            warned: HashSet::new(),
            agent,
        }
    }

    fn run(mut self) {
        site::list().link();
        loop {
            let asked = self.agent.asked();
            let now = Instant::now();
            let fullest = self.round(now, asked.flush_until.is_some());
            if self.finish_flush(&asked) {
                return self.end();
            }
            let tick = self.tick(&asked, fullest, now);
            self.agent.sleep(tick, &asked);
        }
    }

    /// One round, and what it cost if there was something to do for calls. How full the fullest ring was.
    fn round(&mut self, now: Instant, flushing: bool) -> f64 {
        let (began, batch) = (self.own_ns(), self.outbox.next_sequence());
        let (records, fullest) = self.collect(now, flushing);
        self.pass_time(now);
        self.talk(now);
        if records > 0 || self.outbox.next_sequence() > batch {
            self.work_ns = self.work_ns.saturating_add(self.own_ns().saturating_sub(began));
        }
        fullest
    }

    /// The CPU time of this thread; where the system does not tell, the time that passes.
    fn own_ns(&self) -> u64 {
        cpu::own_thread_ns().unwrap_or_else(|| self.clock.nanoseconds(ticks()))
    }

    fn tick(&mut self, asked: &Asked, fullest: f64, now: Instant) -> Duration {
        let is_expecting =
            self.probes.is_any_live() || self.calls.open() > 0 || matches!(self.link, Link::Connecting(_));
        self.pace.tick(Found { fullest, is_hurried: asked.flush_until.is_some(), is_expecting }, now)
    }

    /// Empties the rings. How many records there were, and how full the fullest ring was.
    fn collect(&mut self, now: Instant, flushing: bool) -> (usize, f64) {
        let mut read = std::mem::take(&mut self.read);
        let fullest = self.read_rings(&mut read);
        if self.sites.len() < site::listed() as usize {
            self.sites = site::list().sites().to_vec();
            // Those of adapters always do.
            if site::SITES.is_empty() && self.sites.len() > crate::foreign::functions() {
                self.warn("the linker lists no functions: each becomes known when it first runs");
            }
        }
        for event in &read.events {
            self.close_full_batch(now);
            self.take(event, &read, now);
        }
        self.calls.end_round();
        self.close_full_batch(now);
        let (calls, mut around) = self.calls_and_surroundings(now);
        calls.send_running(ticks(), &mut around);
        self.close_due_batch(now, flushing);
        let records = read.records;
        read.clear();
        self.read = read;
        self.drop_ended_rings();
        (records, fullest)
    }

    fn take(&mut self, event: &Event, read: &Read, now: Instant) {
        let (calls, mut around) = self.calls_and_surroundings(now);
        let thread = |ring: usize| read.threads.get(ring).unwrap_or(&read.nobody);
        match *event {
            Event { ring, entry: Some((ref entry, values)), exit: None, .. } => {
                calls.enter(*entry, read.bytes(values), thread(ring), &mut around);
            }
            Event { ring, entry: Some((ref entry, values)), exit: Some((ref exit, value)), .. } => {
                let (entry, exit) = ((entry, read.bytes(values)), (exit, read.bytes(value)));
                calls.pass(entry, exit, thread(ring), &mut around);
            }
            Event { exit: Some((ref exit, value)), .. } => calls.exit(*exit, read.bytes(value), &mut around),
            Event { .. } => {}
        }
    }

    fn calls_and_surroundings(&mut self, now: Instant) -> (&mut Calls, Surroundings<'_>) {
        let Self { agent, calls, sites, probes, clock, writer, .. } = self;
        (calls, Surroundings { sites, probes, clock, redaction: &agent.redaction, writer, now })
    }

    /// All records of all threads, in the order of their times. How full the fullest ring was.
    fn read_rings(&mut self, read: &mut Read) -> f64 {
        let mut fullest = 0.0_f64;
        for ring in self.agent.take_new_rings() {
            let name = ring.thread.as_str().into();
            self.rings.push((ring, name));
        }
        for (place, (ring, name)) in self.rings.iter_mut().enumerate() {
            // Asked before the ring is read: what was written before it was closed is then read.
            self.has_ended_rings |= ring.records.is_closed();
            read.threads.push((ring.key, Arc::clone(name)));
            let ThreadRing { records, trace_id, .. } = ring;
            fullest = fullest.max(records.drain(|record| read.add(place, record, trace_id)));
        }
        for exit in self.agent.take_overflow() {
            read.records += 1;
            read.events.push(Event { time: exit.ended, ring: usize::MAX, entry: None, exit: Some((exit, (0, 0))) });
        }
        read.sort();
        fullest
    }

    /// Gives up the rings of threads that ended, once they are empty.
    fn drop_ended_rings(&mut self) {
        if !std::mem::take(&mut self.has_ended_rings) {
            return;
        }
        let (agent, cost) = (&self.agent, &mut self.ended_cost);
        self.rings.retain_mut(|(ring, _)| {
            let done = ring.records.is_closed() && ring.records.is_empty();
            if done {
                *cost = cost.saturating_add(ring.cost.ticks.load(Ordering::Relaxed));
                agent.release_ring();
            }
            !done
        });
    }

    fn close_full_batch(&mut self, now: Instant) {
        if self.writer.approximate_bytes() >= BATCH_BYTES || self.writer.is_full() {
            self.close_batch();
        }
        self.batch_began = self.batch_began.filter(|_| !self.writer.is_empty()).or(Some(now));
    }

    fn close_due_batch(&mut self, now: Instant, flushing: bool) {
        let is_old = self.batch_began.is_some_and(|began| now.duration_since(began) >= BATCH_AGE);
        if !self.writer.is_empty() && (is_old || flushing) {
            self.close_batch();
        }
    }

    fn close_batch(&mut self) {
        let ended = self.writer.ended() as u64;
        self.batch_began = None;
        let taken = if self.outbox.is_full() {
            self.writer.clear();
            false
        } else {
            self.outbox.push(self.writer.finish(self.outbox.next_sequence()), ended)
        };
        if !taken {
            self.agent.drops.buffer_full.fetch_add(ended, Ordering::Relaxed);
        }
    }

    /// Probes end and resume, clocks are corrected, costs are judged.
    fn pass_time(&mut self, now: Instant) {
        if now.duration_since(self.calibrated) >= CALIBRATION_PERIOD {
            self.calibrated = now;
            self.clock.correct();
        }
        if self.governor.is_due(now) {
            self.govern(now);
        }
        if self.probes.tick(&self.agent, now) {
            self.report_at = Some(now);
        }
    }

    /// What counts is what the program's threads spent capturing and what this thread spent on calls.
    fn govern(&mut self, now: Instant) {
        let spent_ns = self.clock.nanoseconds(self.capturing()).saturating_add(self.work_ns);
        let lost = self.agent.drops.buffer_full.load(Ordering::Relaxed) + self.calls.lost;
        let Self { probes, governor, clock, .. } = self;
        if probes.govern(governor, Look { spent_ns, lost, now }, |ticks| clock.nanoseconds(ticks)) {
            self.report_at = Some(now);
        }
    }

    /// Ticks the program's threads spent capturing.
    fn capturing(&self) -> u64 {
        let costs = self.rings.iter().map(|(ring, _)| ring.cost.ticks.load(Ordering::Relaxed));
        costs.fold(self.ended_cost, u64::saturating_add)
    }

    /// One step of the conversation with the hub.
    fn talk(&mut self, now: Instant) {
        let link = std::mem::replace(&mut self.link, Link::Waiting(now));
        self.link = match link {
            Link::Waiting(until) if until <= now => self.connect(now),
            Link::Waiting(until) => Link::Waiting(until),
            Link::Connecting(attempt) => self.connecting(attempt),
            Link::Greeting(session, since) => self.greeting(session, since),
            Link::Open(open) => self.converse(open, now),
        };
    }

    fn connect(&mut self, now: Instant) -> Link {
        let settings = &self.agent.settings;
        let attempt = Address::parse(&settings.hub)
            .and_then(|address| Attempt::begin(address, settings.key.clone()).map_err(|error| error.to_string()));
        match attempt {
            Ok(attempt) => Link::Connecting(attempt),
            Err(why) => self.back_off(&why, Duration::ZERO, now),
        }
    }

    fn connecting(&mut self, mut attempt: Attempt) -> Link {
        match attempt.poll() {
            None => Link::Connecting(attempt),
            Some(Err(why)) => self.back_off(&why, Duration::ZERO, Instant::now()),
            Some(Ok(session)) => self.greet(session),
        }
    }

    fn greet(&mut self, mut session: Session) -> Link {
        let hello = v1::Hello { protocol_min: PROTOCOL, protocol_max: PROTOCOL, instance: Some(self.instance.clone()) };
        let now = Instant::now();
        match session.send(to_hub::Message::Hello(hello)) {
            Ok(()) => Link::Greeting(Box::new(session), now),
            Err(why) => self.back_off(&why, Duration::ZERO, now),
        }
    }

    fn greeting(&mut self, mut session: Box<Session>, since: Instant) -> Link {
        let now = Instant::now();
        match session.flush().and_then(|()| session.receive()) {
            Ok(Some(to_instance::Message::Welcome(welcome))) => self.welcomed(*session, welcome),
            Ok(Some(to_instance::Message::Refusal(refusal))) => self.turned_away(&refusal),
            Ok(_) if now.duration_since(since) < WELCOME_WITHIN => Link::Greeting(session, since),
            Ok(_) => self.back_off("it does not welcome this instance", Duration::ZERO, now),
            Err(why) => self.back_off(&why, Duration::ZERO, now),
        }
    }

    fn welcomed(&mut self, session: Session, welcome: v1::Welcome) -> Link {
        let now = Instant::now();
        if welcome.protocol != PROTOCOL {
            let why = format!("it speaks protocol {}, this SDK speaks {PROTOCOL}", welcome.protocol);
            return self.back_off(&why, Duration::ZERO, now);
        }
        // Before what is held is forgotten: their refusals may have been lost, and batches behind them be stored.
        welcome.refused.iter().for_each(|&sequence| self.count_refused(sequence));
        self.outbox.acknowledge(welcome.durable_sequence);
        self.outbox.rewind();
        self.probes.apply(welcome.probes.unwrap_or_default(), &self.agent, now);
        self.agent.told();
        self.report_at = Some(now);
        Link::Open(Box::new(OpenLink { session, announced: 0, since: now, pause_until: now }))
    }

    fn turned_away(&mut self, refusal: &v1::Refusal) -> Link {
        let why = format!("it refuses this instance: {} ({})", refusal.message, refusal.code);
        self.back_off(&why, Duration::from_millis(refusal.retry_after_ms.into()), Instant::now())
    }

    fn converse(&mut self, mut open: Box<OpenLink>, now: Instant) -> Link {
        // Not yet at the welcome: a hub that drops each connection right after it would be asked without a pause.
        if now.duration_since(open.since) >= SOUND_AFTER {
            self.failures = 0;
        }
        if let Err(why) = self.speak(&mut open, now) {
            return self.back_off(&why, Duration::ZERO, now);
        }
        for _ in 0..RECEIVED_PER_TICK {
            let link = match open.session.receive() {
                Ok(None) => break,
                Ok(Some(message)) => self.hear(open, message),
                Err(why) => return self.back_off(&why, Duration::ZERO, now),
            };
            match link {
                Link::Open(still_open) => open = still_open,
                other => return other,
            }
        }
        Link::Open(open)
    }

    fn speak(&mut self, open: &mut OpenLink, now: Instant) -> Result<(), String> {
        open.session.flush()?;
        for _ in 0..SENDS_PER_TICK {
            if !open.session.is_writable() {
                break;
            }
            if let Some(functions) = self.unannounced(&mut open.announced) {
                open.session.send(to_hub::Message::Functions(functions))?;
            } else if self.report_at.is_some_and(|at| at <= now) {
                self.report_at = (!self.probes.is_empty()).then_some(now + REPORT_PERIOD);
                open.session.send(to_hub::Message::Report(self.report(now)))?;
            } else if let Some(batch) = self.outbox.next().filter(|_| open.pause_until <= now) {
                self.outbox.mark_sent();
                open.session.send_encoded(batch)?;
            } else {
                break;
            }
        }
        Ok(())
    }

    /// The next functions this connection was not told of; `announced` counts those it was, and those that are not
    /// offered.
    fn unannounced(&mut self, announced: &mut usize) -> Option<v1::Functions> {
        let listed = site::listed() as usize;
        if *announced >= listed {
            return None;
        }
        if self.sites.len() < listed {
            self.sites = site::list().sites().to_vec();
        }
        let (mut functions, mut bytes) = (Vec::new(), 0);
        for (index, site) in self.sites.iter().enumerate().skip(*announced) {
            if bytes >= FUNCTIONS_BYTES || functions.len() == MAX_FUNCTIONS_PER_MESSAGE {
                break;
            }
            *announced += 1;
            if self.agent.settings.offers(site.path) {
                let function = calls::describe(index as u32, site);
                bytes += function.encoded_len();
                functions.push(function);
            }
        }
        Some(v1::Functions { functions })
    }

    fn report(&self, now: Instant) -> v1::Report {
        let drops = &self.agent.drops;
        v1::Report {
            revision: self.probes.revision,
            probes: self.probes.reports(now, |ticks| self.clock.nanoseconds(ticks)),
            drops: Some(v1::Drops {
                ring_full: drops.ring_full.load(Ordering::Relaxed),
                buffer_full: drops.buffer_full.load(Ordering::Relaxed),
                no_ring: drops.no_ring.load(Ordering::Relaxed),
                refused: drops.refused.load(Ordering::Relaxed),
                open_full: self.calls.lost,
                unclaimed: self.calls.unclaimed,
                inside_values: work::inside_values(),
            }),
            buffered_bytes: self.outbox.bytes() as u64,
            sender_cpu_ns: cpu::own_thread_ns().unwrap_or(0),
            capturing_ns: self.clock.nanoseconds(self.capturing()),
            cpu_budget_ppm: parts_per_million(self.governor.budget()),
            // What was measured last is of probes that are gone.
            cpu_share_ppm: if self.probes.is_empty() { 0 } else { parts_per_million(self.governor.share()) },
        }
    }

    fn hear(&mut self, mut open: Box<OpenLink>, message: to_instance::Message) -> Link {
        let now = Instant::now();
        match message {
            to_instance::Message::Probes(probes) => {
                self.probes.apply(probes, &self.agent, now);
                self.report_at = Some(now);
            }
            to_instance::Message::Ack(ack) => {
                self.outbox.acknowledge(ack.sequence);
                self.failures = 0;
                open.pause_until = now + Duration::from_millis(ack.wait_ms.into()).min(LONGEST_PAUSE);
            }
            to_instance::Message::Refusal(refusal) => return self.refused(open, &refusal),
            // A second welcome says nothing new.
            to_instance::Message::Welcome(_) => {}
        }
        Link::Open(open)
    }

    /// A batch that is not to be sent again is lost, and counted once.
    fn count_refused(&mut self, sequence: u64) {
        let lost = self.outbox.refuse(sequence);
        self.agent.drops.refused.fetch_add(lost, Ordering::Relaxed);
    }

    fn refused(&mut self, open: Box<OpenLink>, refusal: &v1::Refusal) -> Link {
        if refusal.sequence > 0 {
            self.count_refused(refusal.sequence);
        }
        if refusal.closing {
            return self.turned_away(refusal);
        }
        let why = printable(&format!("{} ({})", refusal.message, refusal.code));
        self.warn(&format!("the hub refused something: {why}"));
        Link::Open(open)
    }

    /// The connection is gone, or did not come about. The first failure of several is told.
    fn back_off(&mut self, why: &str, at_least: Duration, now: Instant) -> Link {
        let (hub, why) = (&self.agent.settings.hub, printable(why));
        self.warn(&format!("the hub at {hub} cannot be used: {why}; trying again, the program is not affected"));
        let longest = FIRST_BACK_OFF.saturating_mul(1 << self.failures.min(16)).min(LAST_BACK_OFF);
        self.failures = self.failures.saturating_add(1);
        let jitter = longest.mul_f64((ids::random() % 1_000) as f64 / 2_000.0);
        Link::Waiting(now + (longest - jitter).max(at_least.min(10 * LAST_BACK_OFF)))
    }

    fn warn(&mut self, warning: &str) {
        if self.warned.len() < MAX_WARNINGS && self.warned.insert(warning.to_owned()) {
            (self.agent.settings.report)(warning);
        }
    }

    /// Answers a flush that is done or out of time. True if the agent is to end.
    fn finish_flush(&mut self, asked: &Asked) -> bool {
        let Some(until) = asked.flush_until else {
            self.flush = None;
            return false;
        };
        // Everything read from the rings since the flush was asked for stands before this batch.
        let (flushes, before) = match self.flush {
            Some((flushes, before)) if flushes == asked.flushes => (flushes, before),
            _ => *self.flush.insert((asked.flushes, self.outbox.next_sequence())),
        };
        let is_written = match &self.link {
            Link::Open(open) => open.session.is_writable(),
            _ => before == 1,
        };
        if is_written && self.outbox.is_clear_before(before) {
            self.agent.flushed(flushes);
            return asked.stop;
        }
        asked.stop && Instant::now() >= until
    }

    fn end(self) {
        if let Link::Open(mut open) = self.link {
            let _ = open.session.send(to_hub::Message::Goodbye(v1::Goodbye {}));
            open.session.close();
        }
        let lost = self.outbox.calls();
        if lost > 0 {
            (self.agent.settings.report)(&format!("{lost} captured calls did not reach the hub in time"));
        }
    }
}

fn instance(settings: &Settings) -> v1::Instance {
    let (host, pid) = (host(), std::process::id());
    v1::Instance {
        instance_id: ids::random_16().to_vec(),
        service: settings.service.clone(),
        name: settings.name.clone().unwrap_or_else(|| format!("{host}:{pid}")),
        class: settings.class.clone(),
        release: settings.release.clone(),
        host,
        pid,
        started_at_ns: wall_now(),
        sdk: concat!("glasshull-rust ", env!("CARGO_PKG_VERSION")).into(),
        tags: settings.tags.clone().into_iter().collect(),
    }
}

/// Cores this process may use.
fn cores() -> f64 {
    std::thread::available_parallelism().map_or(1.0, |cores| cores.get() as f64)
}

fn host() -> String {
    let from_system =
        || std::fs::read_to_string("/proc/sys/kernel/hostname").or_else(|_| std::fs::read_to_string("/etc/hostname"));
    let named = std::env::var("HOSTNAME").or_else(|_| std::env::var("COMPUTERNAME")).ok();
    let host = from_system().ok().or(named).unwrap_or_else(|| "unknown".into());
    crate::value::cut(host.trim(), MAX_LABEL_BYTES - 16).to_owned()
}
