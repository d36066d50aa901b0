//! Three hubs under load, of which one after the other is killed with `kill -9` and started again; each keeps what it has
//! acknowledged. An instance knows one hub: those of a hub wait until it is back.
//!
//! `GLASSHULL_KILLS=2000 cargo test --profile quick -p glasshull-testkit three_hubs` goes on for half an hour or so.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use crate::audit::Auditor;
use crate::chance::{Chance, number, seeds};
use crate::hub_process::{HubProcess, eventually_told};

const MIB: usize = 1 << 20;

/// Kills in an ordinary run of the tests: some ten seconds.
const KILLS: u64 = 12;

/// Calls that are made together.
const CALLS: u64 = 80;

/// The services whose instances send to each hub.
const SERVICES: [[&str; 2]; 3] = [["first-a", "first-b"], ["second-a", "second-b"], ["third-a", "third-b"]];

/// An instance that calls until it is told to end, and counts its calls.
struct Caller {
    auditor: Auditor,
    hub: usize,
    made: AtomicU64,
}

impl Caller {
    fn call_until(&self, ends: &AtomicBool) {
        while !ends.load(SeqCst) {
            let from = self.made.fetch_add(CALLS, SeqCst);
            self.auditor.call(from..from + CALLS);
            // A few thousand a second, with those of the others.
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Each call is held once, or was counted as lost.
    fn audit(&self, hub: &HubProcess, seed: u64) {
        let made = self.made.load(SeqCst);
        self.auditor.flush();
        eventually_told("every call is held once or counted as lost", |seen| {
            let (calls, numbers) = self.auditor.held(hub);
            assert_eq!(calls, numbers, "seed {seed}: a call is there twice");
            *seen = format!("seed {seed}: {numbers} of {made} are held, and lost are {}", self.auditor.drops(hub));
            numbers + self.auditor.dropped(hub) == made
        });
    }
}

#[test]
fn three_hubs_that_are_killed_again_and_again_keep_every_call_they_acknowledged_once() {
    for seed in seeds(1..2) {
        let mut chance = Chance::of(seed);
        let mut hubs = SERVICES.map(|_| HubProcess::absent().with(&["--publish-after", "1s"]));
        hubs.iter_mut().for_each(HubProcess::restart);
        let callers: Vec<Caller> = (0..hubs.len())
            .flat_map(|hub| SERVICES[hub].map(|service| (hub, service)))
            .map(|(hub, service)| {
                let auditor = Auditor::start(&hubs[hub], service, 64 * MIB);
                auditor.trace(&hubs[hub]);
                Caller { auditor, hub, made: AtomicU64::default() }
            })
            .collect();
        let ends = AtomicBool::new(false);
        std::thread::scope(|threads| {
            callers.iter().for_each(|caller| drop(threads.spawn(|| caller.call_until(&ends))));
            // Whoever panics here must not leave the others calling.
            let _end = End(&ends);
            for _ in 0..number("GLASSHULL_KILLS").unwrap_or(KILLS) {
                let hub = &mut hubs[chance.below(SERVICES.len() as u64) as usize];
                std::thread::sleep(Duration::from_millis(chance.below(600)));
                hub.kill();
                std::thread::sleep(Duration::from_millis(chance.below(300)));
                hub.restart();
            }
        });
        callers.iter().for_each(|caller| caller.audit(&hubs[caller.hub], seed));
        let segments: u64 = hubs.iter().map(|hub| hub.metric("glasshull_segments")).sum();
        assert!(segments > 0, "they published meanwhile");
        for caller in &callers {
            hubs[caller.hub].kill();
            hubs[caller.hub].restart();
            caller.audit(&hubs[caller.hub], seed);
        }
    }
}

/// Says that it is over, when it goes.
struct End<'e>(&'e AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, SeqCst);
    }
}
