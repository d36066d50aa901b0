//! Watches what capturing costs the host, and says when it costs too much.

use std::time::{Duration, Instant};

/// How often the cost is looked at.
const PERIOD: Duration = Duration::from_secs(1);

/// How many periods in a row calls may be lost to a full buffer.
const FULL_PERIODS: u32 = 5;

/// The share of a core, and losses, over about a second.
pub(crate) struct Governor {
    /// The share of one core capturing may take; 0: no limit.
    budget: f64,
    looked: Instant,
    spent_ns: u64,
    lost: u64,
    full_periods: u32,
}

impl Governor {
    pub(crate) fn new(budget: f64, now: Instant) -> Self {
        Self { budget, looked: now, spent_ns: 0, lost: 0, full_periods: 0 }
    }

    pub(crate) fn is_due(&self, now: Instant) -> bool {
        now.duration_since(self.looked) >= PERIOD
    }

    /// Looks at the nanoseconds spent capturing and the calls lost to a full buffer, both since the start. Some reason
    /// for people if something has to be switched off.
    pub(crate) fn judge(&mut self, spent_ns: u64, lost: u64, now: Instant) -> Option<String> {
        let elapsed = now.duration_since(self.looked).as_nanos() as f64;
        let share = spent_ns.saturating_sub(self.spent_ns) as f64 / elapsed.max(1.0);
        self.full_periods = if lost > self.lost { self.full_periods + 1 } else { 0 };
        (self.looked, self.spent_ns, self.lost) = (now, spent_ns, lost);
        if self.budget > 0.0 && share > self.budget {
            let (share, budget) = (share * 100.0, self.budget * 100.0);
            return Some(format!(
                "capturing took {share:.1} % of a core in the last second, {budget:.1} % are allowed"
            ));
        }
        if self.full_periods >= FULL_PERIODS {
            self.full_periods = 0;
            return Some(format!(
                "for {FULL_PERIODS} s calls were lost because the hub does not take them fast enough"
            ));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn after(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[test]
    fn only_what_exceeds_the_budget_is_objected_to() {
        let start = Instant::now();
        let mut governor = Governor::new(0.05, start);
        assert!(!governor.is_due(start) && governor.is_due(after(start, 1)));
        assert_eq!(governor.judge(SECOND / 25, 0, after(start, 1)), None);
        let reason = governor.judge(SECOND / 25 + SECOND / 10, 0, after(start, 2)).unwrap();
        assert_eq!(reason, "capturing took 10.0 % of a core in the last second, 5.0 % are allowed");
        assert_eq!(governor.judge(SECOND / 25 + SECOND / 10, 0, after(start, 3)), None);
    }

    #[test]
    fn a_buffer_that_stays_full_is_objected_to() {
        let start = Instant::now();
        let mut governor = Governor::new(0.0, start);
        let verdicts: Vec<bool> = (1..=6).map(|s| governor.judge(s * SECOND, s, after(start, s)).is_some()).collect();
        assert_eq!(verdicts, [false, false, false, false, true, false]);
        assert_eq!(governor.judge(0, 6, after(start, 7)), None);
    }
}
