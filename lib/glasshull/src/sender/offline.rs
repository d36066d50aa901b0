//! A sender without a hub and without a thread: what it would send is handed out. For [`testing`](crate::testing).

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use glasshull_wire::v1;

use super::calls::RUNNING_AFTER;
use super::{Sender, site};
use crate::agent::Agent;

/// What takes a sender's place until it is asked what was captured.
pub(crate) struct Offline(Sender);

impl Offline {
    /// Opens the gates of what the patterns name.
    pub(crate) fn start(agent: &Arc<Agent>, patterns: Vec<String>) -> Self {
        site::list().link();
        let mut sender = Sender::new(Arc::clone(agent));
        let probe = v1::Probe {
            probe_id: "testing".into(),
            patterns,
            remaining_ns: u64::MAX,
            max_calls: u64::MAX,
            max_calls_per_second: u32::MAX,
            ..v1::Probe::default()
        };
        sender.probes.apply(v1::Probes { revision: 1, probes: vec![probe] }, agent, Instant::now());
        Self(sender)
    }

    /// What was captured by now, and how many calls were lost. Calls that have not ended are in it as running.
    pub(crate) fn finish(mut self) -> (Vec<v1::CallBatch>, u64) {
        // An end that was read before its beginning, as both were written meanwhile, finds it now.
        self.0.collect(Instant::now(), false);
        self.0.collect(Instant::now() + RUNNING_AFTER, true);
        let drops = &self.0.agent.drops;
        let lost = [&drops.ring_full, &drops.buffer_full, &drops.no_ring].map(|count| count.load(Ordering::Relaxed));
        let lost = lost.iter().sum::<u64>() + self.0.calls.lost;
        (self.0.outbox.take_batches(), lost)
    }
}
