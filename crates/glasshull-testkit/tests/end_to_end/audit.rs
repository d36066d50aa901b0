//! Calls with known values, so that each can be looked for afterwards.

use std::ops::Range;
use std::time::Duration;

use glasshull::Guard;
use serde_json::Value;

use crate::hub_process::{HubProcess, PATIENCE, eventually};

/// Its argument is its number: what the hub holds can be checked call by call.
#[glasshull::trace]
fn audit_step(n: u64) -> u64 {
    n
}

/// An instance that makes numbered calls in a context of its own, so that several tests can run in one process.
pub(crate) struct Auditor {
    guard: Guard,
    service: String,
}

impl Auditor {
    /// An instance of a service, with so many bytes for what the hub has not acknowledged.
    pub(crate) fn start(hub: &HubProcess, service: &str, buffer_bytes: usize) -> Self {
        Self::through(hub.url(), service, buffer_bytes)
    }

    /// The same, of a hub that is reached by this address.
    pub(crate) fn through(url: String, service: &str, buffer_bytes: usize) -> Self {
        let agent = glasshull::builder().hub(url).service(service).cpu_budget(0.0).buffer_bytes(buffer_bytes);
        Self { guard: agent.start().expect("an agent"), service: service.into() }
    }

    /// Has its calls traced, and waits until the instance has obeyed.
    pub(crate) fn trace(&self, hub: &HubProcess) {
        let service = &self.service;
        let made = hub.statement(&format!(
            "TRACE *::audit_step ON service={service} FOR 24h LIMIT 100000000 CALLS RATE 1000000 PER SECOND"
        ));
        let id = &made["probes"][0]["id"];
        eventually("the probe is active", || {
            let probes = hub.get("probes");
            let mut probes = probes["probes"].as_array().into_iter().flatten();
            probes.any(|probe| probe["id"] == *id && probe["state"] == "active")
        });
    }

    /// Makes calls with these numbers, slowly enough for a ring to be emptied in time.
    pub(crate) fn call(&self, numbers: Range<u64>) {
        for n in numbers {
            self.guard.context().in_scope(|| audit_step(n));
            if n % 8 == 0 {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }

    /// Waits until the hub has acknowledged everything that was captured.
    pub(crate) fn flush(&self) {
        assert!(self.flush_within(PATIENCE), "the hub acknowledges everything");
    }

    /// Whether the hub has acknowledged everything after so long.
    pub(crate) fn flush_within(&self, limit: Duration) -> bool {
        self.guard.flush(limit)
    }

    /// How many calls the hub holds, and how many different numbers are among them.
    pub(crate) fn held(&self, hub: &HubProcess) -> (u64, u64) {
        let of = format!("FROM calls WHERE service = '{}' AND function LIKE '%::audit_step'", self.service);
        let calls = hub.number(&format!("SELECT count(*) {of}"));
        (calls, hub.number(&format!("SELECT count(DISTINCT args->>'n') {of}")))
    }

    /// Each of so many calls is held once or was counted as lost, and most of them are held.
    pub(crate) fn accounts_for(&self, hub: &HubProcess, made: u64) {
        let (calls, numbers) = self.held(hub);
        assert_eq!(calls, numbers, "no call is there twice");
        assert_eq!(numbers + self.dropped(hub), made, "what is not there was counted as lost");
        assert!(numbers > made / 4 * 3, "nearly all found room: {}", self.drops(hub));
    }

    /// How many calls the instance says it lost, by reason.
    pub(crate) fn drops(&self, hub: &HubProcess) -> Value {
        let instances = hub.get("instances");
        let instance = instances["instances"].as_array().into_iter().flatten().find(|i| i["service"] == *self.service);
        instance.expect("the instance is known")["drops"].clone()
    }

    /// How many calls the instance says it lost. Calls inside values are counted for the whole process, in which other tests
    /// make such.
    pub(crate) fn dropped(&self, hub: &HubProcess) -> u64 {
        let drops = self.drops(hub);
        let own = drops.as_object().into_iter().flatten().filter(|(reason, _)| *reason != "inside_values");
        own.filter_map(|(_, calls)| calls.as_u64()).sum()
    }
}
