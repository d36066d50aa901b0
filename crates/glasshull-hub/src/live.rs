//! What changes, told to whoever listens: at most four times a second, and only what has changed.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use glasshull_api::answers::{InstanceLoad, LiveEvent, Load, Loads, Pulse};
use glasshull_catalog::InstanceId;
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast};
use tokio_util::sync::CancellationToken;

use crate::health;
use crate::hub::Parts;
use crate::instances::Instances;
use crate::limits::{LIVE_EVERY, MAX_LISTENERS, MAX_LIVE_EVENTS};
use crate::text::rfc3339;

/// Ticks between two pulses.
const PULSE_EVERY: u32 = 4;

/// Events for listeners, each already JSON.
#[derive(Debug)]
pub(crate) struct Live {
    events: broadcast::Sender<Arc<str>>,
    places: Arc<Semaphore>,
    calls: AtomicU64,
    /// The last event about probes: what a new listener begins with.
    probes: Mutex<Arc<str>>,
}

impl Live {
    pub(crate) fn new() -> Self {
        Self {
            events: broadcast::Sender::new(MAX_LIVE_EVENTS),
            places: Arc::new(Semaphore::new(MAX_LISTENERS)),
            calls: AtomicU64::new(0),
            probes: Mutex::new("".into()),
        }
    }

    /// Counts calls that were acknowledged.
    pub(crate) fn calls(&self, calls: u64) {
        self.calls.fetch_add(calls, Relaxed);
    }

    /// A listener's place; `None` if all are taken.
    pub(crate) fn place(&self) -> Option<OwnedSemaphorePermit> {
        self.places.clone().try_acquire_owned().ok()
    }

    /// How many listen.
    pub(crate) fn listeners(&self) -> usize {
        MAX_LISTENERS - self.places.available_permits()
    }

    /// What happens from now on.
    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Arc<str>> {
        self.events.subscribe()
    }

    fn send(&self, event: &LiveEvent) {
        // Nobody listens: nothing to do.
        let _ = self.events.send(json(event));
    }

    /// Sends the probes if they differ from what was sent last.
    fn send_probes(&self, event: &LiveEvent) {
        let text = json(event);
        let mut last = self.probes.lock();
        if *last != text {
            *last = text.clone();
            let _ = self.events.send(text);
        }
    }

    fn send_loads(&self, instances: Vec<InstanceLoad>) {
        if !instances.is_empty() {
            self.send(&LiveEvent::Loads(Loads { instances }));
        }
    }
}

/// An event as JSON; these types have no way to fail.
pub(crate) fn json<T: serde::Serialize>(event: &T) -> Arc<str> {
    serde_json::to_string(event).unwrap_or_default().into()
}

/// Tells listeners what changed, until told to stop.
pub(crate) async fn tell(parts: Arc<Parts>, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(LIVE_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut revision = parts.instances.revision();
    let mut loads = HashMap::new();
    let mut tick = 0u32;
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        tick = tick.wrapping_add(1);
        if parts.live.listeners() > 0 {
            parts.live.send_probes(&LiveEvent::Probes(parts.lists.list_probes()));
        }
        let now = parts.instances.revision();
        if now != revision {
            revision = now;
            parts.live.send(&LiveEvent::InstancesChanged);
        }
        if tick.is_multiple_of(PULSE_EVERY) {
            if parts.live.listeners() > 0 {
                parts.live.send_loads(changed_loads(&mut loads, &parts.instances));
            }
            parts.live.send(&LiveEvent::Pulse(pulse(&parts)));
        }
    }
}

/// The loads that differ from what was told last. Of an instance that has just come nothing is known yet.
fn changed_loads(told: &mut HashMap<InstanceId, Load>, instances: &Instances) -> Vec<InstanceLoad> {
    let now: HashMap<_, _> = instances.all().into_iter().map(|connected| (connected.row.id, connected.load)).collect();
    let is_new = |id: &InstanceId, load: &Load| *load != told.get(id).cloned().unwrap_or_default();
    let changed = now.iter().filter(|(id, load)| is_new(id, load));
    let changed = changed.map(|(id, load)| InstanceLoad { id: id.to_string(), load: load.clone() }).collect();
    *told = now;
    changed
}

fn pulse(parts: &Parts) -> Pulse {
    Pulse {
        at: rfc3339(parts.clock.now_ns()),
        calls_per_second: parts.live.calls.swap(0, Relaxed),
        calls_dropped: parts.instances.dropped(),
        instances: parts.instances.counts().0 as u32,
        problems: health::count(&health::signs(parts)),
    }
}
