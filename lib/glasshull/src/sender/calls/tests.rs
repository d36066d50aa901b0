use super::*;
use crate::agent::Agent;
use crate::settings::Builder;
use crate::site;

struct Rig {
    agent: Arc<Agent>,
    site: &'static Site,
    sites: Vec<&'static Site>,
    probes: ProbeSet,
    clock: Calibration,
    writer: BatchWriter,
    redaction: Redaction,
    calls: Calls,
    now: Instant,
}

impl Rig {
    fn new(path: &'static str) -> Self {
        let site: &'static Site = Box::leak(Box::new(Site::new(path, "a.rs", 1, &[], false)));
        site::list().add(site);
        let now = Instant::now();
        let mut rig = Self {
            agent: Agent::new(Builder::from_environment(|_| None).settings).unwrap(),
            site,
            sites: site::list().sites().to_vec(),
            probes: ProbeSet::default(),
            clock: Calibration::new(),
            writer: BatchWriter::default(),
            redaction: Redaction::default(),
            calls: Calls::default(),
            now,
        };
        rig.probe(path);
        rig
    }

    fn probe(&mut self, pattern: &str) {
        let order = v1::Probe {
            probe_id: pattern.into(),
            patterns: vec![pattern.into()],
            remaining_ns: u64::MAX,
            max_calls: u64::MAX,
            ..v1::Probe::default()
        };
        self.probes.apply(v1::Probes { revision: 1, probes: vec![order] }, &self.agent, self.now);
    }

    fn enter(&mut self, call_id: u64) {
        let entry = Entry { site: self.site.index(), call_id, parent_id: 0, trace_id: [1; 16], depth: 0, started: 0 };
        self.with(|calls, around| calls.enter(entry, &[], &(0, Arc::from("main")), around));
    }

    fn exit(&mut self, call_id: u64) {
        let exit = Exit { call_id, ended: 1, busy: 0, ending: Ending::Returned };
        self.with(|calls, around| calls.exit(exit, &[], around));
    }

    fn with<T>(&mut self, act: impl FnOnce(&mut Calls, &mut Surroundings<'_>) -> T) -> T {
        let Self { sites, probes, clock, writer, redaction, calls, now, .. } = self;
        if writer.is_full() {
            *writer = BatchWriter::default();
        }
        act(calls, &mut Surroundings { sites, probes, clock, redaction, writer, now: *now })
    }

    fn send_running(&mut self) {
        while self.with(|calls, around| {
            calls.send_running(0, around);
            around.writer.is_full()
        }) {}
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.agent.close();
    }
}

#[test]
fn when_more_calls_are_under_way_than_can_be_held_each_further_one_is_refused_without_a_search() {
    let mut rig = Rig::new("calls_a::f");
    let most = MAX_OPEN_CALLS as u64;
    (1..=most).for_each(|id| rig.enter(id));
    rig.now += RUNNING_AFTER;
    rig.send_running();
    assert_eq!((rig.calls.open(), rig.calls.lost), (MAX_OPEN_CALLS, 0));
    // With a search of all of them for each, this would take minutes.
    (1..=1_000_000).for_each(|id| rig.enter(most + id));
    assert_eq!((rig.calls.open(), rig.calls.lost), (MAX_OPEN_CALLS, 1_000_000));
    rig.exit(7);
    rig.enter(7);
    rig.enter(8 + 2 * most);
    assert_eq!((rig.calls.open(), rig.calls.lost), (MAX_OPEN_CALLS, 1_000_001));
    // What was forgotten makes room, and no more of it than needed.
    rig.now += FORGOTTEN_AFTER;
    rig.enter(9 + 2 * most);
    assert_eq!((rig.calls.open(), rig.calls.lost), (MAX_OPEN_CALLS, 1_000_001));
    assert!(rig.calls.open.contains_key(&(9 + 2 * most)) && !rig.calls.open.contains_key(&1));
}

#[test]
fn calls_that_ended_take_no_memory() {
    let mut rig = Rig::new("calls_b::f");
    (1..=10).for_each(|id| rig.enter(id));
    for id in 11..=100_000 {
        rig.enter(id);
        rig.exit(id);
    }
    let most = 2 * 10 + MOST_ENDED + 1;
    assert!(rig.calls.young.len() <= most && rig.calls.old.len() <= most, "{}", rig.calls.young.len());
    assert_eq!((rig.calls.open(), rig.calls.lost), (10, 0));
}

#[test]
fn a_call_whose_probe_is_gone_for_long_is_counted() {
    let mut rig = Rig::new("calls_c::f");
    rig.probe("calls_c::other");
    rig.enter(1);
    assert_eq!((rig.calls.open(), rig.calls.unclaimed), (1, 0), "the probe before is still known");
    rig.probe("calls_c::another");
    rig.enter(2);
    assert_eq!((rig.calls.open(), rig.calls.unclaimed), (1, 1));
}
