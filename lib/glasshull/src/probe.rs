//! Probes as the capturing threads see them: which functions, and how many calls still.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, Ordering};

use glasshull_wire::v1;

use crate::agent;
use crate::frame::TraceId;
use crate::ids::scrambled;
use crate::sender::Work;
use crate::value::redaction::Redaction;
use crate::value::{Limits, Wish};

/// Calls of one thread that are let in before it tells the probe of them, at most: telling is a write to memory all
/// threads share.
const MOST_UNTOLD: u32 = 64;

/// One probe. The sender owns its life; the capturing threads ask it and count in it.
#[derive(Debug)]
pub(crate) struct Probe {
    /// Unique in the life of the agent.
    pub(crate) serial: u32,
    /// After how many calls a thread tells of them: the fewer, the fewer a second are allowed.
    pub(crate) tell_after: u32,
    pub(crate) order: v1::Probe,
    seed: u64,
    /// Off here: by expiry, by its limit, or to protect the host.
    off: AtomicBool,
    /// Calls it may still let in before the sender fills up again. Below 0 inside a request that was let in.
    allowance: OwnLine<AtomicI64>,
    /// Requests it was asked about, where it takes only some of them.
    seen: AtomicU64,
    /// Of so many requests that begin here the governor lets one in, and of those that come in captured.
    governed: AtomicU32,
    governed_incoming: AtomicU32,
    /// Requests it was asked about while the governor lets in only some.
    seen_governed: AtomicU64,
    pub(crate) captured: AtomicU64,
    pub(crate) skipped_by_sample: AtomicU64,
    pub(crate) skipped_by_rate: AtomicU64,
    pub(crate) skipped_by_condition: AtomicU64,
    pub(crate) skipped_by_governor: AtomicU64,
    /// What the sender counts.
    pub(crate) work: Work,
}

/// Cache lines of its own: what is read all the time does not lie beside what is written all the time.
#[derive(Debug, Default)]
#[repr(align(128))]
struct OwnLine<T>(T);

impl Probe {
    pub(crate) fn new(serial: u32, order: v1::Probe, seed: u64) -> Self {
        let allowance = OwnLine(AtomicI64::new(order.max_calls_per_second.max(1).into()));
        let zero = || AtomicU64::new(0);
        Self {
            serial,
            tell_after: (order.max_calls_per_second / 100).clamp(1, MOST_UNTOLD),
            work: Work::of(&order),
            order,
            seed,
            off: AtomicBool::new(false),
            allowance,
            seen: zero(),
            governed: AtomicU32::new(1),
            governed_incoming: AtomicU32::new(1),
            seen_governed: zero(),
            captured: zero(),
            skipped_by_sample: zero(),
            skipped_by_rate: zero(),
            skipped_by_condition: zero(),
            skipped_by_governor: zero(),
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
        self.captured.load(Ordering::Relaxed) >= self.order.max_calls
    }

    pub(crate) fn switch_off(&self, off: bool) {
        self.off.store(off, Ordering::Relaxed);
        agent::something_changed();
    }

    #[inline]
    pub(crate) fn is_off(&self) -> bool {
        self.off.load(Ordering::Relaxed)
    }

    /// Whether it takes a request, asked at its root.
    pub(crate) fn admits_root(&self) -> bool {
        if self.is_off() {
            return false;
        }
        if !self.is_one_in(self.order.sample_one_in, &self.seen) {
            self.skipped_by_sample.fetch_add(1, Ordering::Relaxed);
            return false;
        }
        if !self.is_one_in(self.governed.load(Ordering::Relaxed), &self.seen_governed) {
            self.skipped_by_governor.fetch_add(1, Ordering::Relaxed);
            return false;
        }
        self.has_allowance()
    }

    /// Whether it takes a request that comes in captured: this instance's rate and budget hold for it too. What exceeds
    /// the budget is left out by the trace's id, so that all processes that must leave out as much keep the same requests.
    pub(crate) fn admits_local_root(&self, trace_id: TraceId) -> bool {
        let n = u64::from(self.governed_incoming.load(Ordering::Relaxed).max(1));
        if n > 1 && !scrambled(trace_id[0] ^ trace_id[1]).is_multiple_of(n) {
            self.skipped_by_governor.fetch_add(1, Ordering::Relaxed);
            return false;
        }
        self.has_allowance()
    }

    fn has_allowance(&self) -> bool {
        if self.allowance.0.load(Ordering::Relaxed) <= 0 {
            self.skipped_by_rate.fetch_add(1, Ordering::Relaxed);
            return false;
        }
        !self.is_off()
    }

    /// From now on, one of so many requests is let in: of those that begin here, and of those that come in captured.
    pub(crate) fn govern(&self, one_in: u32, incoming_one_in: u32) {
        self.governed.store(one_in, Ordering::Relaxed);
        self.governed_incoming.store(incoming_one_in, Ordering::Relaxed);
    }

    /// Whether it takes a call inside a captured request.
    #[inline]
    pub(crate) fn admits_call(&self) -> bool {
        !self.is_off()
    }

    /// Calls were let in.
    pub(crate) fn let_in(&self, calls: u32) {
        self.allowance.0.fetch_sub(calls.into(), Ordering::Relaxed);
    }

    /// Takes one of each `n` requests, at a place in the `n` that cannot be foreseen.
    fn is_one_in(&self, n: u32, seen: &AtomicU64) -> bool {
        let n = u64::from(n.max(1));
        if n == 1 {
            return true;
        }
        let seen = seen.fetch_add(1, Ordering::Relaxed);
        seen % n == scrambled(self.seed ^ (seen / n)) % n
    }

    /// Counts a call the sender keeps; false if it is one too many. The threads hear of it when the last was kept: what
    /// they capture until then is discarded, so that the number is exact.
    pub(crate) fn keep(&self) -> bool {
        if self.is_exhausted() {
            return false;
        }
        // The sender alone writes it.
        self.captured.store(self.captured.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        if self.is_exhausted() {
            self.switch_off(true);
        }
        true
    }

    /// Allows `calls` more, but never more at once than one second's.
    pub(crate) fn refill(&self, calls: i64) {
        let most = i64::from(self.order.max_calls_per_second.max(1));
        let _ = self
            .allowance
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| Some(left.saturating_add(calls).min(most)));
    }
}

/// Which probes want which function. Made by the sender, read by all, never changed.
#[derive(Debug, Default)]
pub(crate) struct ProbeTable {
    /// By a site's place on the list.
    by_site: Vec<Option<Wanted>>,
    /// Those whose calls are counted, by [`Wanted::counted_at`].
    pub(crate) counted: Vec<Arc<Probe>>,
    /// Whether some probe says how much of values is to be captured.
    pub(crate) has_limits: bool,
}

/// What is known of a function that is wanted.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) probes: Arc<[Arc<Probe>]>,
    /// The first of them, at hand, and its place among those whose calls are counted.
    pub(crate) first: Arc<Probe>,
    pub(crate) counted_at: usize,
    pub(crate) wish: Wish,
}

impl Wanted {
    pub(crate) fn new(probes: Vec<Arc<Probe>>, arguments: &[&str], redaction: &Redaction) -> Option<Self> {
        let first = Arc::clone(probes.first()?);
        let limits = probes.iter().map(|probe| Limits::asked(probe.order.limits.as_ref())).reduce(Limits::and);
        let wish = Wish::new(arguments, limits.unwrap_or_default(), redaction);
        Some(Self { probes: probes.into(), first, counted_at: 0, wish })
    }
}

impl ProbeTable {
    pub(crate) fn new(mut by_site: Vec<Option<Wanted>>) -> Self {
        let has_limits = by_site.iter().flatten().any(|wanted| wanted.wish.has_limits());
        let mut counted: Vec<Arc<Probe>> = Vec::new();
        for wanted in by_site.iter_mut().flatten() {
            let known = counted.iter().position(|probe| Arc::ptr_eq(probe, &wanted.first));
            wanted.counted_at = known.unwrap_or(counted.len());
            if known.is_none() {
                counted.push(Arc::clone(&wanted.first));
            }
        }
        Self { by_site, counted, has_limits }
    }

    /// How what a function gives is to be recorded.
    #[cold]
    pub(crate) fn wish(&self, site: u32) -> &Wish {
        self.wanted(site).map_or(Wish::NONE, |wanted| &wanted.wish)
    }

    #[inline]
    pub(crate) fn wanted(&self, site: u32) -> Option<&Wanted> {
        self.by_site.get(site as usize)?.as_ref()
    }

    pub(crate) fn of(&self, site: u32) -> Option<&Arc<[Arc<Probe>]>> {
        self.wanted(site).map(|wanted| &wanted.probes)
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
        (0..requests).filter(|_| probe.admits_root()).inspect(|_| probe.let_in(1)).count()
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
    fn the_number_of_calls_is_exact_and_the_last_switches_it_off() {
        let probe = probe(5, u32::MAX, 1);
        assert_eq!(admitted(&probe, 100), 100);
        assert_eq!((0..100).filter(|_| probe.keep()).count(), 5);
        assert!(probe.is_exhausted() && probe.is_off() && !probe.admits_call());
        assert_eq!(admitted(&probe, 100), 0);
    }

    #[test]
    fn a_request_that_was_let_in_may_go_into_debt() {
        let probe = probe(u64::MAX, 2, 1);
        assert_eq!(admitted(&probe, 1), 1);
        assert!(probe.admits_call());
        probe.let_in(10);
        assert_eq!(admitted(&probe, 3), 0);
        probe.refill(9);
        assert_eq!(admitted(&probe, 3), 0);
        probe.refill(1_000_000);
        assert_eq!(admitted(&probe, 5), 2);
        assert_eq!(probe.skipped_by_rate.load(Ordering::Relaxed), 9);
    }

    #[test]
    fn the_governor_lets_in_one_in_n_after_the_users_sample_and_counts_the_rest_for_itself() {
        let probe = probe(u64::MAX, u32::MAX, 2);
        probe.govern(4, 1);
        assert_eq!(admitted(&probe, 800), 100);
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        assert_eq!((count(&probe.skipped_by_sample), count(&probe.skipped_by_governor)), (400, 300));
        assert!((0..50).all(|n| probe.admits_local_root([n, 7])), "what comes in is let in as long as it can be");
    }

    #[test]
    fn processes_that_leave_out_requests_that_come_in_keep_the_same_ones() {
        let (some, fewer) = (probe(u64::MAX, u32::MAX, 1), probe(u64::MAX, u32::MAX, 1));
        some.govern(1, 4);
        fewer.govern(1, 16);
        let kept = |probe: &Probe| (0..4_096).filter(|&n| probe.admits_local_root([n, n << 7])).collect::<Vec<u64>>();
        let (some, fewer) = (kept(&some), kept(&fewer));
        assert!((900..1_150).contains(&some.len()) && (190..330).contains(&fewer.len()), "{}", fewer.len());
        assert!(fewer.iter().all(|n| some.contains(n)));
    }

    #[test]
    fn the_slower_a_probe_the_sooner_it_is_told() {
        let told = [1, 99, 1_000, 10_000, u32::MAX].map(|rate| probe(1, rate, 1).tell_after);
        assert_eq!(told, [1, 1, 10, 64, 64]);
    }

    #[test]
    fn secrets_are_known_by_their_place() {
        let arguments: Vec<&str> = (0..70).map(|i| if i % 2 == 0 { "sku" } else { "password" }).collect();
        let wanted = Wanted::new(vec![Arc::new(probe(1, 1, 1))], &arguments, &Redaction::default()).unwrap();
        assert_eq!(wanted.wish.secrets(), 0xAAAA_AAAA_AAAA_AAAA);
        assert!(Wanted::new(Vec::new(), &[], &Redaction::default()).is_none());
    }
}
