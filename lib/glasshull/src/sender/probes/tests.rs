use std::sync::Arc;

use super::*;
use crate::settings::Builder;
use crate::site::Site;

const SECOND: Duration = Duration::from_secs(1);

/// A function that only this test knows.
fn listed(path: &'static str) -> &'static Site {
    let site = Box::leak(Box::new(Site::new(path, "a.rs", 1, &[], false)));
    site::list().add(site);
    site
}

fn agent() -> Arc<Agent> {
    Agent::new(Builder::from_environment(|_| None).settings).unwrap()
}

fn order(id: &str, pattern: &str) -> v1::Probe {
    v1::Probe {
        probe_id: id.into(),
        patterns: vec![pattern.into()],
        remaining_ns: 600_000_000_000,
        max_calls: 100,
        max_calls_per_second: 10,
        ..v1::Probe::default()
    }
}

fn set(orders: Vec<v1::Probe>, agent: &Agent, now: Instant) -> ProbeSet {
    let mut set = ProbeSet::default();
    set.apply(v1::Probes { revision: 1, probes: orders }, agent, now);
    set
}

fn states(set: &ProbeSet, now: Instant) -> Vec<v1::ProbeState> {
    set.reports(now, |ticks| ticks).iter().map(v1::ProbeReport::state).collect()
}

#[test]
fn a_probe_switches_its_functions_and_switches_them_off_at_its_end() {
    let (agent, now) = (agent(), Instant::now());
    let (wanted, other) = (listed("probes_a::wanted"), listed("probes_a::other"));
    let mut set = set(vec![order("1", "probes_a::w*")], &agent, now);
    assert!(wanted.is_on_for(agent.bit) && !other.is_on_for(agent.bit));
    assert_eq!(set.reports(now, |ticks| ticks)[0].functions, 1);
    assert!(!set.tick(&agent, now + 599 * SECOND));
    assert!(set.tick(&agent, now + 601 * SECOND));
    assert!(!wanted.is_on_for(agent.bit));
    assert_eq!(states(&set, now + 601 * SECOND), [v1::ProbeState::Expired]);
    // A call that began before is still known to be its.
    assert!(set.of(wanted.index()).is_some());
    agent.close();
}

#[test]
fn a_probe_sent_again_keeps_its_counts_and_a_changed_one_begins_anew() {
    let (agent, now) = (agent(), Instant::now());
    let site = listed("probes_b::f");
    let mut set = set(vec![order("1", "probes_b::f")], &agent, now);
    let probe = Arc::clone(&set.of(site.index()).unwrap()[0]);
    probe.captured.store(5, Ordering::Relaxed);
    let longer = v1::Probe { remaining_ns: 900_000_000_000, ..order("1", "probes_b::f") };
    set.apply(v1::Probes { revision: 2, probes: vec![longer] }, &agent, now);
    assert_eq!((set.reports(now, |ticks| ticks)[0].captured, set.revision), (5, 2));
    assert_eq!(states(&set, now + 700 * SECOND), [v1::ProbeState::Active]);
    let changed = v1::Probe { max_calls: 7, ..order("1", "probes_b::f") };
    set.apply(v1::Probes { revision: 3, probes: vec![changed] }, &agent, now);
    assert_eq!(set.reports(now, |ticks| ticks)[0].captured, 0);
    assert!(probe.is_off());
    set.apply(v1::Probes::default(), &agent, now);
    assert!(set.is_empty() && !site.is_on_for(agent.bit));
    agent.close();
}

#[test]
fn a_function_that_turns_up_later_is_matched_too() {
    let (agent, now) = (agent(), Instant::now());
    let mut set = set(vec![order("1", "probes_c::late")], &agent, now);
    assert_eq!(states(&set, now), [v1::ProbeState::NoMatch]);
    let late = listed("probes_c::late");
    set.tick(&agent, now);
    assert!(late.is_on_for(agent.bit));
    assert_eq!(states(&set, now), [v1::ProbeState::Active]);
    agent.close();
}

/// A governor that allows next to nothing, and looks at a second in which everything took half of it.
fn overspend(set: &mut ProbeSet, governor: &mut Governor, now: Instant, spent: &mut u64) {
    *spent += 500_000_000;
    set.govern(governor, Look { spent_ns: *spent, lost: 0, now }, |ticks| ticks);
}

#[test]
fn the_most_expensive_probe_is_limited_then_suspended_and_resumes_each_time_later() {
    let (agent, mut now) = (agent(), Instant::now());
    let (quiet, busy) = (listed("probes_d::quiet"), listed("probes_d::busy"));
    let lasting = |id: &str, pattern: &str| v1::Probe { remaining_ns: u64::MAX, ..order(id, pattern) };
    let mut set = set(vec![lasting("1", "probes_d::quiet"), lasting("2", "probes_d::busy")], &agent, now);
    let probe = Arc::clone(&set.of(busy.index()).unwrap()[0]);
    let (mut governor, mut spent) = (Governor::new(0.000_001, 1.0, now), 0);
    for length in [10, 20, 40] {
        let mut seen_limited = false;
        while states(&set, now)[1] != v1::ProbeState::Suspended {
            assert!(spent < 60_000_000_000, "never suspended");
            now += SECOND;
            probe.work.looked_at(1_000, true);
            overspend(&mut set, &mut governor, now, &mut spent);
            seen_limited |= states(&set, now)[1] == v1::ProbeState::Limited;
        }
        assert!(seen_limited || length > 10, "limited before it is suspended");
        assert!(set.tick(&agent, now));
        assert!(!busy.is_on_for(agent.bit) && quiet.is_on_for(agent.bit));
        let report = set.reports(now, |ticks| ticks).remove(1);
        assert!(report.reason.ends_with(&format!("it resumes after {length} s")), "{}", report.reason);
        assert!((1..=spent).contains(&report.cost_ns) && report.cpu_share_ppm == 500_000, "{report:?}");
        now += length * SECOND;
        assert!(set.tick(&agent, now));
        assert!(busy.is_on_for(agent.bit));
        assert_eq!(set.reports(now, |ticks| ticks)[1].governor_one_in, MAX_ONE_IN, "it resumes with few requests");
        // The time in which it was off.
        set.govern(&mut governor, Look { spent_ns: spent, lost: 0, now }, |ticks| ticks);
    }
    agent.close();
}

#[test]
fn a_rate_is_filled_up_as_time_passes() {
    let (agent, now) = (agent(), Instant::now());
    let site = listed("probes_e::f");
    let mut set = set(vec![order("1", "probes_e::f")], &agent, now);
    let probe = Arc::clone(&set.of(site.index()).unwrap()[0]);
    let admitted = || (0..50).filter(|_| probe.admits_root()).inspect(|_| probe.let_in(1)).count();
    set.tick(&agent, now);
    assert_eq!(admitted(), 10);
    assert_eq!(admitted(), 0);
    // Ten a second, in ticks that are no whole number of calls.
    for i in 1..=7 {
        set.tick(&agent, now + i * SECOND / 14);
    }
    assert_eq!(admitted(), 5);
    set.tick(&agent, now + 60 * SECOND);
    assert_eq!(admitted(), 10);
    assert_eq!(states(&set, now + 60 * SECOND), [v1::ProbeState::Limited]);
    agent.close();
}

#[test]
fn more_probes_than_allowed_are_left_out() {
    let (agent, now) = (agent(), Instant::now());
    let orders = (0..MAX_PROBES + 5).map(|i| order(&i.to_string(), "probes_f::*")).collect();
    assert_eq!(set(orders, &agent, now).reports(now, |ticks| ticks).len(), MAX_PROBES);
    let twice = vec![order("1", "probes_f::*"), order("1", "probes_f::*")];
    assert_eq!(set(twice, &agent, now).reports(now, |ticks| ticks).len(), 1);
    agent.close();
}
