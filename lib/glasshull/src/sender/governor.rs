//! Watches what capturing costs the host, and cuts it back: first by letting in fewer requests, whole ones, and only where
//! that is not enough by switching the most expensive probe off for a while.
//!
//! A pure function of what it sees each second; what follows from it is done by [`ProbeSet`](super::probes::ProbeSet).

use std::time::{Duration, Instant};

/// How often the cost is looked at.
const PERIOD: Duration = Duration::from_secs(1);

/// Of so many requests at least one is let in, before a probe is switched off: fewer tell nobody anything.
pub(crate) const MAX_ONE_IN: u32 = 1_024;

/// What was not spent may be spent later, up to the budget of so many seconds: a burst does not matter to the host.
const SAVED_SECONDS: f64 = 2.0;

/// How many periods in a row calls may be lost to a full buffer. Then, each period, one request in so many times more.
const FULL_PERIODS: u32 = 5;
const FULL_FACTOR: f64 = 4.0;

/// Twice as many requests are let in when that would take no more than this part of the budget.
const ROOM: f64 = 0.8;

/// For so many periods in a row there must be room. Twice as many each time it proved too early, up to the most.
const FIRST_PATIENCE: u32 = 3;
const MOST_PATIENCE: u32 = 60;

/// What is seen at one look. Counts are since the start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    /// Nanoseconds of CPU time spent capturing.
    pub(crate) spent_ns: u64,
    /// Calls lost as the hub does not take them.
    pub(crate) lost: u64,
    pub(crate) now: Instant,
}

/// One probe that runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Governed {
    /// Of so many requests one is let in.
    pub(crate) one_in: u32,
    /// Nanoseconds it took since the last look.
    pub(crate) cost_ns: f64,
}

/// The share of CPU time, and losses.
pub(crate) struct Governor {
    /// The share of the CPU time this process may use that capturing may take; 0: no limit.
    budget: f64,
    /// Cores this process may use.
    cores: f64,
    looked: Instant,
    spent_ns: u64,
    lost: u64,
    /// The share taken between the last two looks.
    share: f64,
    /// Nanoseconds that were not spent; below 0 it is too much.
    saved_ns: f64,
    full_periods: u32,
    /// Of so many requests that come in captured one is let in.
    incoming: u32,
    /// Periods in a row in which it had to cut back, and in which there was room.
    cuts: u32,
    calm: u32,
    patience: u32,
    /// Periods since more was let in.
    since_raised: u32,
    /// Why it cut back last, for people.
    reason: String,
}

impl Governor {
    pub(crate) fn new(budget: f64, cores: f64, now: Instant) -> Self {
        Self {
            budget,
            cores,
            looked: now,
            spent_ns: 0,
            lost: 0,
            share: 0.0,
            saved_ns: SAVED_SECONDS * budget * cores * 1e9,
            full_periods: 0,
            incoming: 1,
            cuts: 0,
            calm: 0,
            patience: FIRST_PATIENCE,
            since_raised: u32::MAX,
            reason: String::new(),
        }
    }

    pub(crate) fn is_due(&self, now: Instant) -> bool {
        now.duration_since(self.looked) >= PERIOD
    }

    /// The share of the CPU time this process may use that was taken between the last two looks.
    pub(crate) fn share(&self) -> f64 {
        self.share
    }

    /// How large a share some nanoseconds are of what was there between two looks so far apart.
    pub(crate) fn share_of(&self, nanoseconds: f64, elapsed: Duration) -> f64 {
        nanoseconds / (self.cores * elapsed.as_nanos().max(1) as f64)
    }

    /// Nanoseconds spent since the last look.
    pub(crate) fn spent_since(&self, look: Look) -> f64 {
        look.spent_ns.saturating_sub(self.spent_ns) as f64
    }

    pub(crate) fn budget(&self) -> f64 {
        self.budget
    }

    pub(crate) fn looked(&self) -> Instant {
        self.looked
    }

    /// Of how many requests that come in captured one is let in.
    pub(crate) fn incoming(&self) -> u32 {
        self.incoming
    }

    /// Why it cut back last, for people.
    pub(crate) fn reason(&self) -> &str {
        &self.reason
    }

    /// Says how many requests the probes that run may let in from now on. The place of a probe to be switched off, if
    /// letting in fewer requests is not enough.
    pub(crate) fn judge(&mut self, look: Look, probes: &mut [Governed]) -> Option<usize> {
        self.since_raised = self.since_raised.saturating_add(1);
        let elapsed_ns = look.now.duration_since(self.looked).as_nanos() as f64;
        let spent = self.spent_since(look);
        let allowed = self.budget * self.cores * elapsed_ns;
        let lost = look.lost > self.lost;
        self.share = spent / (self.cores * elapsed_ns).max(1.0);
        self.full_periods = if lost { self.full_periods + 1 } else { 0 };
        (self.looked, self.spent_ns, self.lost) = (look.now, look.spent_ns, look.lost);
        let most = SAVED_SECONDS * self.budget * self.cores * 1e9;
        self.saved_ns = (self.saved_ns + allowed - spent).clamp(-most, most);
        match self.excess(spent, allowed) {
            Some(factor) => self.cut_back(factor, allowed, probes),
            None => {
                self.cuts = 0;
                let has_room = !lost && (self.budget <= 0.0 || 2.0 * spent <= ROOM * allowed);
                self.let_in_more(has_room, probes);
                None
            }
        }
    }

    /// How many times too much it is.
    fn excess(&mut self, spent: f64, allowed: f64) -> Option<f64> {
        if self.budget > 0.0 && spent > allowed && self.saved_ns <= 0.0 {
            let (share, budget) = (self.share * 100.0, self.budget * 100.0);
            self.reason = format!(
                "capturing took {share:.2} % of the CPU time this process may use, {budget} % of it are allowed"
            );
            return Some(spent / allowed.max(1.0));
        }
        (self.full_periods >= FULL_PERIODS).then(|| {
            let periods = self.full_periods;
            self.reason = format!("for {periods} s calls were lost because the hub does not take them fast enough");
            FULL_FACTOR
        })
    }

    /// First the most expensive probes; where that did not help, as their calls stand in other probes' requests, all, and
    /// what comes in; at last the most expensive is switched off.
    fn cut_back(&mut self, factor: f64, allowed: f64, probes: &mut [Governed]) -> Option<usize> {
        if self.since_raised <= self.patience {
            self.patience = (2 * self.patience).min(MOST_PATIENCE);
        }
        (self.calm, self.since_raised) = (0, u32::MAX);
        let is_least = self.incoming >= MAX_ONE_IN && probes.iter().all(|probe| probe.one_in >= MAX_ONE_IN);
        if is_least {
            let costs = probes.iter().enumerate().max_by(|(_, a), (_, b)| a.cost_ns.total_cmp(&b.cost_ns));
            return costs.map(|(place, _)| place);
        }
        self.cuts += 1;
        let is_cut = self.cuts == 1 && self.full_periods < FULL_PERIODS && cut_most_expensive(allowed, probes);
        if !is_cut {
            probes.iter_mut().for_each(|probe| probe.one_in = fewer(probe.one_in, factor));
            self.incoming = fewer(self.incoming, factor);
        }
        None
    }

    fn let_in_more(&mut self, has_room: bool, probes: &mut [Governed]) {
        if self.incoming == 1 && probes.iter().all(|probe| probe.one_in == 1) {
            (self.calm, self.patience) =
                (0, if self.since_raised > MOST_PATIENCE { FIRST_PATIENCE } else { self.patience });
            return;
        }
        self.calm = if has_room { self.calm + 1 } else { 0 };
        if self.calm >= self.patience {
            (self.calm, self.since_raised) = (0, 0);
            probes.iter_mut().for_each(|probe| probe.one_in = (probe.one_in / 2).max(1));
            self.incoming = (self.incoming / 2).max(1);
        }
    }
}

/// One request in `factor` times more, a power of two.
fn fewer(one_in: u32, factor: f64) -> u32 {
    let times = (factor.clamp(1.0, MAX_ONE_IN.into()).ceil() as u32).next_power_of_two().max(2);
    one_in.saturating_mul(times).min(MAX_ONE_IN)
}

/// Cuts those back that take more than an equal part of what the others leave. Whether that changes anything.
fn cut_most_expensive(allowed: f64, probes: &mut [Governed]) -> bool {
    let level = level(allowed, probes);
    let mut is_cut = false;
    for probe in probes.iter_mut().filter(|probe| probe.cost_ns > level) {
        let before = probe.one_in;
        probe.one_in = fewer(before, probe.cost_ns / level.max(1.0));
        is_cut |= probe.one_in > before;
    }
    is_cut
}

/// The cost beyond which a probe is cut, so that all together cost what is allowed.
fn level(allowed: f64, probes: &[Governed]) -> f64 {
    let mut costs: Vec<f64> = probes.iter().map(|probe| probe.cost_ns).collect();
    costs.sort_by(f64::total_cmp);
    let mut left = allowed;
    for (place, cost) in costs.iter().enumerate() {
        let part = left / (costs.len() - place) as f64;
        if *cost > part {
            return part;
        }
        left -= cost;
    }
    f64::INFINITY
}

#[cfg(test)]
mod tests;
