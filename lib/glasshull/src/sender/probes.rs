//! The probes of this instance: their lives, and which functions they switch on.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use glasshull_wire::limits::{MAX_PATTERNS, MAX_PROBES};
use glasshull_wire::{pattern, v1};

use crate::agent::Agent;
use crate::foreign;
use crate::ids;
use crate::probe::{Probe, ProbeTable, Wanted};
use crate::site;

/// A probe that ends later than this ends now plus this: nobody asks for more.
const LONGEST_LIFE: Duration = Duration::from_secs(24 * 3_600);

/// How long a probe counts as limited by its rate after the last request it skipped.
const LIMITED_FOR: Duration = Duration::from_secs(2);

/// How long a probe is suspended the first time; each further time twice as long.
const FIRST_SUSPENSION: Duration = Duration::from_secs(10);
const LONGEST_SUSPENSION: Duration = Duration::from_secs(300);

/// All probes of this instance.
#[derive(Default)]
pub(crate) struct ProbeSet {
    pub(crate) revision: u64,
    probes: Vec<Held>,
    next_serial: u32,
    /// Functions known when the table was made.
    listed: u32,
    /// The table before the present one: calls that are still under way may need it.
    previous: Arc<ProbeTable>,
    table: Arc<ProbeTable>,
    refilled: Option<Instant>,
    /// Ticks spent on conditions of probes that are gone.
    spent_before: u64,
}

struct Held {
    probe: Arc<Probe>,
    ends: Instant,
    /// Functions it matches.
    functions: u32,
    /// It must not run, for this reason.
    refused: Option<&'static str>,
    suspension: Option<Suspension>,
    suspensions: u32,
    /// Requests skipped by rate when last looked at, and when that last grew.
    skipped: u64,
    limited: Option<Instant>,
    /// Nanoseconds not yet turned into calls.
    refill_ns: u64,
    /// Calls captured when the governor last looked.
    governed: u64,
    in_table: bool,
}

struct Suspension {
    until: Instant,
    reason: String,
}

impl Held {
    fn is_live(&self, now: Instant) -> bool {
        self.refused.is_none() && self.suspension.is_none() && now < self.ends && !self.probe.is_exhausted()
    }

    fn work(&self) -> u64 {
        self.probe.captured.load(Ordering::Relaxed) + self.probe.skipped_by_condition.load(Ordering::Relaxed)
    }
}

impl ProbeSet {
    /// Takes over what the hub says.
    pub(crate) fn apply(&mut self, probes: v1::Probes, agent: &Agent, now: Instant) {
        self.revision = probes.revision;
        let mut before = std::mem::take(&mut self.probes);
        let mut seen = HashSet::new();
        for order in probes.probes.into_iter().take(MAX_PROBES) {
            if !seen.insert(order.probe_id.clone()) {
                continue;
            }
            let ends = now + Duration::from_nanos(order.remaining_ns).min(LONGEST_LIFE);
            match before.iter().position(|held| is_same(&held.probe.order, &order)) {
                Some(place) => self.probes.push(Held { ends, ..before.swap_remove(place) }),
                None => {
                    let held = self.hold(order, ends);
                    self.probes.push(held);
                }
            }
        }
        for held in before {
            held.probe.switch_off(true);
            self.spent_before = self.spent_before.saturating_add(held.probe.work.spent());
        }
        self.rebuild(agent, now);
    }

    fn hold(&mut self, order: v1::Probe, ends: Instant) -> Held {
        self.next_serial += 1;
        let too_many = (order.patterns.len() > MAX_PATTERNS).then_some("it has more patterns than allowed");
        let probe = Arc::new(Probe::new(self.next_serial, order, ids::random()));
        let refused = too_many.or(probe.work.refused());
        Held {
            probe,
            ends,
            functions: 0,
            refused,
            suspension: None,
            suspensions: 0,
            skipped: 0,
            limited: None,
            refill_ns: 0,
            governed: 0,
            in_table: false,
        }
    }

    /// Lets time pass: probes end, resume, may capture more. True if people should hear of it at once.
    pub(crate) fn tick(&mut self, agent: &Agent, now: Instant) -> bool {
        foreign::settle();
        let elapsed = now.duration_since(self.refilled.replace(now).unwrap_or(now));
        for held in &mut self.probes {
            held.refill(elapsed);
            held.notice_skipped(now);
            if held.suspension.as_ref().is_some_and(|suspension| suspension.until <= now) {
                held.suspension = None;
            }
        }
        let changed = self.probes.iter().any(|held| held.in_table != held.is_live(now));
        if changed || site::listed() != self.listed {
            self.rebuild(agent, now);
        }
        changed
    }

    /// Whether anything may be captured now.
    pub(crate) fn is_any_live(&self) -> bool {
        self.probes.iter().any(|held| held.in_table)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.probes.is_empty()
    }

    /// Matches all functions anew, and switches them.
    fn rebuild(&mut self, agent: &Agent, now: Instant) {
        for held in &mut self.probes {
            held.in_table = held.is_live(now);
            held.functions = 0;
            held.probe.switch_off(!held.in_table);
        }
        let sites = site::list().sites().to_vec();
        self.listed = sites.len() as u32;
        let offered = |site: &site::Site| agent.settings.offers(site.path);
        let mut wanted = |site: &site::Site| Wanted::new(self.matching(site.path), site.arguments, &agent.redaction);
        let by_site = sites.iter().map(|site| offered(site).then(|| wanted(site)).flatten()).collect();
        let table = Arc::new(ProbeTable::new(by_site));
        self.previous = std::mem::replace(&mut self.table, Arc::clone(&table));
        // First the table, then the gates: a thread that sees the gate finds the probe.
        agent.set_table(table);
        for site in sites {
            site.switch(agent.bit, !agent.is_closed() && self.table.of(site.index()).is_some());
        }
        foreign::gates_may_have_moved();
    }

    fn matching(&mut self, path: &str) -> Vec<Arc<Probe>> {
        let mut matching = Vec::new();
        for held in self.probes.iter_mut().filter(|held| held.refused.is_none()) {
            if held.probe.order.patterns.iter().any(|pattern| pattern::matches(pattern, path)) {
                held.functions += 1;
                if held.in_table {
                    matching.push(Arc::clone(&held.probe));
                }
            }
        }
        matching
    }

    /// The probes that want a function's calls, or wanted them a moment ago.
    pub(crate) fn of(&self, site: u32) -> Option<&Arc<[Arc<Probe>]>> {
        self.table.of(site).or_else(|| self.previous.of(site))
    }

    /// Switches off the probe that captured most since the last look.
    pub(crate) fn suspend_busiest(&mut self, why: &str, now: Instant) {
        let busiest =
            self.probes.iter_mut().filter(|held| held.in_table).max_by_key(|held| held.work() - held.governed);
        let Some(held) = busiest else { return };
        let length = FIRST_SUSPENSION.saturating_mul(1 << held.suspensions.min(8)).min(LONGEST_SUSPENSION);
        held.suspensions += 1;
        let reason = format!("{why}; it resumes after {} s", length.as_secs());
        held.suspension = Some(Suspension { until: now + length, reason });
    }

    /// The governor has looked.
    pub(crate) fn mark_governed(&mut self) {
        self.probes.iter_mut().for_each(|held| held.governed = held.work());
    }

    /// Ticks the sender spent on conditions: of probes that are held, and of those that are gone.
    pub(crate) fn spent(&self) -> u64 {
        self.probes.iter().fold(self.spent_before, |sum, held| sum.saturating_add(held.probe.work.spent()))
    }

    /// How capturing goes; `nanoseconds` tells how many a number of ticks are.
    pub(crate) fn reports(&self, now: Instant, nanoseconds: impl Fn(u64) -> u64) -> Vec<v1::ProbeReport> {
        self.probes.iter().map(|held| held.report(now, &nanoseconds)).collect()
    }
}

impl Held {
    fn refill(&mut self, elapsed: Duration) {
        let rate = u64::from(self.probe.order.max_calls_per_second.max(1));
        let per_call_ns = 1_000_000_000 / rate.min(1_000_000_000);
        self.refill_ns += u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX).min(1_000_000_000);
        let calls = self.refill_ns / per_call_ns;
        self.refill_ns %= per_call_ns;
        if calls > 0 {
            self.probe.refill(i64::try_from(calls).unwrap_or(i64::MAX));
        }
    }

    fn notice_skipped(&mut self, now: Instant) {
        let skipped = self.probe.skipped_by_rate.load(Ordering::Relaxed);
        if skipped > self.skipped {
            self.skipped = skipped;
            self.limited = Some(now);
        }
    }

    fn report(&self, now: Instant, nanoseconds: impl Fn(u64) -> u64) -> v1::ProbeReport {
        let (state, reason) = self.state(now);
        let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        let mut report = v1::ProbeReport {
            probe_id: self.probe.order.probe_id.clone(),
            state: state.into(),
            reason,
            functions: self.functions,
            captured: count(&self.probe.captured),
            skipped_by_sample: count(&self.probe.skipped_by_sample),
            skipped_by_rate: count(&self.probe.skipped_by_rate),
            skipped_by_condition: count(&self.probe.skipped_by_condition),
            ..v1::ProbeReport::default()
        };
        self.probe.work.report(&mut report, nanoseconds);
        report
    }

    fn state(&self, now: Instant) -> (v1::ProbeState, String) {
        let order = &self.probe.order;
        if now >= self.ends {
            return (v1::ProbeState::Expired, "its time is over".into());
        }
        if let Some(why) = self.refused {
            return (v1::ProbeState::Suspended, why.into());
        }
        if let Some(suspension) = &self.suspension {
            return (v1::ProbeState::Suspended, suspension.reason.clone());
        }
        if self.functions == 0 {
            return (v1::ProbeState::NoMatch, "no traceable function of this instance matches".into());
        }
        if self.probe.is_exhausted() {
            return (v1::ProbeState::Limited, format!("all of its {} calls are captured", order.max_calls));
        }
        if self.limited.is_some_and(|limited| now.duration_since(limited) < LIMITED_FOR) {
            let rate = order.max_calls_per_second;
            return (v1::ProbeState::Limited, format!("more than {rate} calls a second: whole requests are skipped"));
        }
        (v1::ProbeState::Active, self.probe.work.complaint(now).unwrap_or_default())
    }
}

/// Whether two orders differ in nothing but the time left.
fn is_same(a: &v1::Probe, b: &v1::Probe) -> bool {
    let with = |probe: &v1::Probe| v1::Probe { remaining_ns: 0, ..probe.clone() };
    a.probe_id == b.probe_id && with(a) == with(b)
}

#[cfg(test)]
mod tests;
