//! Probes as the capturing threads see them: which functions, and how many calls still.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use glasshull_wire::v1;

use crate::sender::Work;

/// What a probe decides about a request, or a call in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    Captured,
    Refused,
}

/// One probe. The sender owns its life; the capturing threads count in it.
#[derive(Debug)]
pub(crate) struct Probe {
    /// Unique in the life of the agent.
    pub(crate) serial: u32,
    pub(crate) order: v1::Probe,
    seed: u64,
    /// Requests it was asked about.
    seen: AtomicU64,
    /// Calls let in; with a condition, calls kept.
    taken: AtomicU64,
    /// Calls it may still let in before the sender fills up again. Below 0 inside a request that was let in.
    allowance: AtomicI64,
    pub(crate) captured: AtomicU64,
    pub(crate) skipped_by_sample: AtomicU64,
    pub(crate) skipped_by_rate: AtomicU64,
    pub(crate) skipped_by_condition: AtomicU64,
    /// Off here, by expiry or to protect the host.
    off: AtomicBool,
    /// What the sender counts.
    pub(crate) work: Work,
}

impl Probe {
    pub(crate) fn new(serial: u32, order: v1::Probe, seed: u64) -> Self {
        let allowance = AtomicI64::new(order.max_calls_per_second.max(1).into());
        let zero = || AtomicU64::new(0);
        Self {
            serial,
            work: Work::of(&order),
            order,
            seed,
            seen: zero(),
            taken: zero(),
            allowance,
            captured: zero(),
            skipped_by_sample: zero(),
            skipped_by_rate: zero(),
            skipped_by_condition: zero(),
            off: AtomicBool::new(false),
        }
    }

    /// Its place among the decisions a frame carries. Probes 64 apart share one, and then each other's refusals.
    pub(crate) fn bit(&self) -> u64 {
        1 << (self.serial % 64)
    }

    pub(crate) fn is_conditional(&self) -> bool {
        self.order.condition.is_some()
    }

    pub(crate) fn is_exhausted(&self) -> bool {
        self.taken.load(Ordering::Relaxed) >= self.order.max_calls
    }

    pub(crate) fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    pub(crate) fn switch_off(&self, off: bool) {
        self.off.store(off, Ordering::Relaxed);
    }

    pub(crate) fn is_off(&self) -> bool {
        self.off.load(Ordering::Relaxed)
    }

    /// Decides about a request at its root.
    pub(crate) fn admit_root(&self) -> Admission {
        if self.is_off() {
            return Admission::Refused;
        }
        if !self.is_sampled() {
            self.skipped_by_sample.fetch_add(1, Ordering::Relaxed);
            return Admission::Refused;
        }
        self.admit_local_root()
    }

    /// Decides about a request that comes in captured: this instance's rate holds for it too.
    pub(crate) fn admit_local_root(&self) -> Admission {
        if self.allowance.load(Ordering::Relaxed) <= 0 {
            self.skipped_by_rate.fetch_add(1, Ordering::Relaxed);
            return Admission::Refused;
        }
        self.admit_call()
    }

    /// Decides about a call inside a captured request.
    pub(crate) fn admit_call(&self) -> Admission {
        if self.is_off() || self.is_exhausted() {
            return Admission::Refused;
        }
        // With a condition, the sender counts what it keeps.
        if !self.is_conditional() && self.taken.fetch_add(1, Ordering::Relaxed) >= self.order.max_calls {
            return Admission::Refused;
        }
        self.allowance.fetch_sub(1, Ordering::Relaxed);
        Admission::Captured
    }

    /// Takes back a call that was let in and could not be captured.
    pub(crate) fn give_back(&self) {
        if !self.is_conditional() {
            self.taken.fetch_sub(1, Ordering::Relaxed);
        }
        self.allowance.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes one of each `n` requests, at a place in the `n` that cannot be foreseen.
    fn is_sampled(&self) -> bool {
        let n = u64::from(self.order.sample_one_in.max(1));
        let seen = self.seen.fetch_add(1, Ordering::Relaxed);
        n == 1 || seen % n == scrambled(self.seed ^ (seen / n)) % n
    }

    /// Counts a call the sender keeps; false if it is one too many. A call this probe has let in is counted as taken
    /// already, unless there is a condition.
    pub(crate) fn keep(&self, let_in: bool) -> bool {
        if self.is_conditional() || !let_in {
            if self.is_exhausted() {
                return false;
            }
            self.taken.fetch_add(1, Ordering::Relaxed);
        }
        self.captured.fetch_add(1, Ordering::Relaxed);
        true
    }

    /// Allows `calls` more, but never more at once than one second's.
    pub(crate) fn refill(&self, calls: i64) {
        let most = i64::from(self.order.max_calls_per_second.max(1));
        let _ = self
            .allowance
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| Some(left.saturating_add(calls).min(most)));
    }
}

/// SplitMix64's finisher: spreads consecutive numbers over all of them.
fn scrambled(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Which probes want which function. Made by the sender, read by all, never changed.
#[derive(Debug, Default)]
pub(crate) struct ProbeTable {
    /// By a site's place on the list.
    pub(crate) by_site: Vec<Option<Arc<[Arc<Probe>]>>>,
}

impl ProbeTable {
    pub(crate) fn of(&self, site: u32) -> Option<&Arc<[Arc<Probe>]>> {
        self.by_site.get(site as usize)?.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probe(max_calls: u64, rate: u32, sample: u32) -> Probe {
        let order = v1::Probe { max_calls, max_calls_per_second: rate, sample_one_in: sample, ..v1::Probe::default() };
        Probe::new(1, order, 42)
    }

    fn admitted(probe: &Probe, requests: usize) -> usize {
        (0..requests).filter(|_| probe.admit_root() == Admission::Captured).count()
    }

    #[test]
    fn one_in_n_is_exact_over_each_n() {
        let probe = probe(u64::MAX, u32::MAX, 10);
        for _ in 0..50 {
            assert_eq!(admitted(&probe, 10), 1);
        }
        assert_eq!(probe.skipped_by_sample.load(Ordering::Relaxed), 450);
    }

    #[test]
    fn the_number_of_calls_is_exact() {
        let probe = probe(5, u32::MAX, 1);
        assert_eq!(admitted(&probe, 100), 5);
        assert!(probe.is_exhausted());
        assert_eq!(probe.admit_call(), Admission::Refused);
    }

    #[test]
    fn a_call_that_was_given_back_does_not_count() {
        let probe = probe(2, 1, 1);
        assert_eq!(admitted(&probe, 1), 1);
        probe.give_back();
        assert_eq!(admitted(&probe, 1), 1);
        probe.refill(1);
        assert_eq!((admitted(&probe, 1), probe.taken()), (1, 2));
    }

    #[test]
    fn a_request_that_was_let_in_may_go_into_debt() {
        let probe = probe(u64::MAX, 2, 1);
        assert_eq!(probe.admit_root(), Admission::Captured);
        assert!((0..10).all(|_| probe.admit_call() == Admission::Captured));
        assert_eq!(admitted(&probe, 3), 0);
        probe.refill(9);
        assert_eq!(admitted(&probe, 3), 0);
        probe.refill(1_000_000);
        assert_eq!(admitted(&probe, 5), 2);
        assert_eq!(probe.skipped_by_rate.load(Ordering::Relaxed), 9);
    }

    #[test]
    fn with_a_condition_only_what_is_kept_counts() {
        let mut order = probe(2, u32::MAX, 1).order;
        order.condition = Some(v1::Condition::default());
        let probe = Probe::new(1, order, 42);
        assert_eq!(admitted(&probe, 10), 10);
        assert!(probe.keep(true) && probe.keep(true) && !probe.keep(true));
        assert_eq!(admitted(&probe, 10), 0);
    }
}
