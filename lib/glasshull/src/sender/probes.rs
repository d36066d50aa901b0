//! The probes of this instance: their lives, and which functions they switch on.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use glasshull_wire::limits::{MAX_PATTERNS, MAX_PROBES};
use glasshull_wire::{pattern, v1};

use super::governor::{Governed, Governor, Look, MAX_ONE_IN};
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
    governed: Cut,
    in_table: bool,
}

/// What the governor knows of a probe, and made of it.
struct Cut {
    /// Of so many requests that begin here one is let in.
    one_in: u32,
    /// Why, where it is not each of them.
    why: Option<String>,
    /// Nanoseconds it cost so far.
    cost_ns: f64,
    /// Nanoseconds it cost between the last two looks, and what share of the CPU time this is.
    last_ns: f64,
    share: f64,
    /// At the last look: what its calls weighed, and the ticks spent on its condition.
    weight: u64,
    ticks: u64,
}

impl Cut {
    const NONE: Self = Self { one_in: 1, why: None, cost_ns: 0.0, last_ns: 0.0, share: 0.0, weight: 0, ticks: 0 };
}

struct Suspension {
    until: Instant,
    reason: String,
}

impl Held {
    fn is_live(&self, now: Instant) -> bool {
        self.refused.is_none() && self.suspension.is_none() && now < self.ends && !self.probe.is_exhausted()
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
            governed: Cut::NONE,
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

    /// The governor looks: probes let in more requests or fewer, or one is switched off. True if that changed something.
    pub(crate) fn govern(&mut self, governor: &mut Governor, look: Look, nanoseconds: impl Fn(u64) -> u64) -> bool {
        self.share_out(governor, look, nanoseconds);
        let mut live: Vec<&mut Held> = self.probes.iter_mut().filter(|held| held.in_table).collect();
        let before: Vec<Governed> = live.iter().map(|held| held.governed.as_seen()).collect();
        let mut after = before.clone();
        let incoming = governor.incoming();
        let suspended = governor.judge(look, &mut after);
        for (held, after) in live.iter_mut().zip(&after) {
            held.obey(after.one_in, governor);
        }
        if let Some(held) = suspended.and_then(|place| live.get_mut(place)) {
            held.suspend(governor.reason(), look.now);
        }
        suspended.is_some() || before != after || incoming != governor.incoming()
    }

    /// Says what each probe cost since the last look: its condition, and its calls' part of the rest by their weight.
    fn share_out(&mut self, governor: &Governor, look: Look, nanoseconds: impl Fn(u64) -> u64) {
        let conditions = |held: &Held| nanoseconds(held.probe.work.spent() - held.governed.ticks) as f64;
        let weight = |held: &Held| (held.probe.work.weight() - held.governed.weight) as f64;
        let all_conditions: f64 = self.probes.iter().map(conditions).sum();
        let all_weight: f64 = self.probes.iter().map(weight).sum();
        let rest = (governor.spent_since(look) - all_conditions).max(0.0);
        let elapsed = look.now.duration_since(governor.looked());
        for held in &mut self.probes {
            let last_ns = conditions(held) + rest * weight(held) / all_weight.max(1.0);
            let Cut { one_in, why, cost_ns, .. } = std::mem::replace(&mut held.governed, Cut::NONE);
            let (weight, ticks) = (held.probe.work.weight(), held.probe.work.spent());
            let share = governor.share_of(last_ns, elapsed);
            held.governed = Cut { one_in, why, cost_ns: cost_ns + last_ns, last_ns, share, weight, ticks };
        }
    }

    /// How capturing goes; `nanoseconds` tells how many a number of ticks are.
    pub(crate) fn reports(&self, now: Instant, nanoseconds: impl Fn(u64) -> u64) -> Vec<v1::ProbeReport> {
        self.probes.iter().map(|held| held.report(now, &nanoseconds)).collect()
    }
}

impl Cut {
    fn as_seen(&self) -> Governed {
        Governed { one_in: self.one_in, cost_ns: self.last_ns }
    }
}

impl Held {
    fn obey(&mut self, one_in: u32, governor: &Governor) {
        let incoming = governor.incoming();
        self.governed.one_in = one_in;
        self.governed.why = match (one_in, incoming) {
            (1, 1) => None,
            (1, n) => Some(format!("{}: of requests that come in captured, one in {n} is", governor.reason())),
            (n, _) => Some(format!("{}: one request in {n} is captured", governor.reason())),
        };
        if one_in == 1 {
            self.suspensions = 0;
        }
        self.probe.govern(one_in, incoming);
    }

    /// Switches it off for a while, each time longer. It resumes with as few requests as can be.
    fn suspend(&mut self, why: &str, now: Instant) {
        let length = FIRST_SUSPENSION.saturating_mul(1 << self.suspensions.min(8)).min(LONGEST_SUSPENSION);
        self.suspensions += 1;
        let reason =
            format!("{why}, though one request in {MAX_ONE_IN} was captured; it resumes after {} s", length.as_secs());
        self.suspension = Some(Suspension { until: now + length, reason });
    }

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
            skipped_by_governor: count(&self.probe.skipped_by_governor),
            governor_one_in: self.governed.one_in,
            cost_ns: self.governed.cost_ns as u64,
            cpu_share_ppm: parts_per_million(self.governed.share),
            calls_left: self.probe.order.max_calls.saturating_sub(count(&self.probe.captured)),
            remaining_ns: u64::try_from(self.ends.saturating_duration_since(now).as_nanos()).unwrap_or(u64::MAX),
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
        if let Some(why) = &self.governed.why {
            return (v1::ProbeState::Limited, why.clone());
        }
        if self.limited.is_some_and(|limited| now.duration_since(limited) < LIMITED_FOR) {
            let rate = order.max_calls_per_second;
            return (v1::ProbeState::Limited, format!("more than {rate} calls a second: whole requests are skipped"));
        }
        (v1::ProbeState::Active, self.probe.work.complaint(now).unwrap_or_default())
    }
}

pub(super) fn parts_per_million(share: f64) -> u32 {
    (share * 1e6) as u32
}

/// Whether two orders differ in nothing but the time left.
fn is_same(a: &v1::Probe, b: &v1::Probe) -> bool {
    let with = |probe: &v1::Probe| v1::Probe { remaining_ns: 0, ..probe.clone() };
    a.probe_id == b.probe_id && with(a) == with(b)
}

#[cfg(test)]
mod tests;
