//! Each instance's batches one after the other: what makes "sent twice, stored once" hold when two sessions of one
//! instance race, and when a caller goes away half-way.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use glasshull_catalog::InstanceId;
use glasshull_wire::limits::MAX_REFUSED_TOLD;
use tokio::sync::{Notify, OwnedMutexGuard};

/// One instance's way in.
#[derive(Debug, Default)]
pub(crate) struct Lane {
    turn: Arc<tokio::sync::Mutex<()>>,
    durable: AtomicU64,
    /// Batches on their way to disk: how many, and the highest sequence.
    under_way: Mutex<(u32, u64)>,
    /// One of them has arrived, or was refused.
    settled: Notify,
    /// The first batch that was refused for now and holds up those behind it; 0: none.
    refused: AtomicU64,
    /// How often batches on their way to disk could not be stored: those behind them, on their way already, may not be.
    failures: AtomicU64,
    /// The last batches that were refused for good, oldest first.
    refused_for_good: Mutex<VecDeque<u64>>,
    /// By the clock that never jumps, in nanoseconds.
    last_seen_ns: AtomicU64,
}

/// Whose turn it is to be looked at, and to be handed to the journal's writer.
pub(crate) type Turn = OwnedMutexGuard<()>;

/// A batch on its way to disk. The journal's writer holds it until the batch's fate is known.
#[derive(Debug)]
pub(crate) struct UnderWay {
    lane: Arc<Lane>,
    failures: u64,
}

impl UnderWay {
    /// Whether a batch before it could not be stored since it set out.
    pub(crate) fn is_held_up(&self) -> bool {
        self.failures != self.lane.failures.load(Ordering::Acquire)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut under_way = self.lane.under_way();
        under_way.0 -= 1;
        if under_way.0 == 0 {
            under_way.1 = 0;
        }
        drop(under_way);
        self.lane.settled.notify_waiters();
    }
}

impl Lane {
    /// Waits until all batches of the instance that came before are on their way or refused; first come, first served.
    pub(crate) async fn turn(&self) -> Turn {
        self.turn.clone().lock_owned().await
    }

    /// Waits until nothing is known any more of a batch like this on its way to disk. For whose turn it is.
    pub(crate) async fn no_such_under_way(&self, sequence: u64) {
        self.wait_until(|(_, highest)| sequence > highest).await;
    }

    /// Waits until nothing is on its way to disk. For whose turn it is.
    pub(crate) async fn none_under_way(&self) {
        self.wait_until(|(many, _)| many == 0).await;
    }

    async fn wait_until(&self, holds: impl Fn((u32, u64)) -> bool) {
        loop {
            let settled = self.settled.notified();
            if holds(*self.under_way()) {
                return;
            }
            settled.await;
        }
    }

    /// A batch sets out to disk. For whose turn it is.
    pub(crate) fn set_out(self: &Arc<Self>, sequence: u64) -> UnderWay {
        let mut under_way = self.under_way();
        *under_way = (under_way.0 + 1, under_way.1.max(sequence));
        drop(under_way);
        UnderWay { lane: self.clone(), failures: self.failures.load(Ordering::Acquire) }
    }

    fn under_way(&self) -> MutexGuard<'_, (u32, u64)> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The highest sequence that is on disk.
    pub(crate) fn durable(&self) -> u64 {
        self.durable.load(Ordering::Acquire)
    }

    /// The batch could not be stored now: none behind it may be before it is, or it would count as repeated when it
    /// comes again.
    pub(crate) fn refuse(&self, sequence: u64) {
        let first = |refused: u64| (refused == 0 || sequence < refused).then_some(sequence);
        // Another one before it holds up more.
        let _ = self.refused.fetch_update(Ordering::AcqRel, Ordering::Acquire, first);
    }

    /// The same, of a batch that was on its way to disk, with those behind it.
    pub(crate) fn fail(&self, sequence: u64) {
        self.refuse(sequence);
        self.failures.fetch_add(1, Ordering::AcqRel);
    }

    /// The batch is not to come again.
    pub(crate) fn refuse_for_good(&self, sequence: u64) {
        let mut refused = self.refused_for_good();
        if !refused.contains(&sequence) {
            refused.push_back(sequence);
        }
        if refused.len() > MAX_REFUSED_TOLD {
            refused.pop_front();
        }
    }

    fn refused_for_good(&self) -> MutexGuard<'_, VecDeque<u64>> {
        self.refused_for_good.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a batch before this one was refused for now.
    pub(crate) fn holds_up(&self, sequence: u64) -> bool {
        (1..sequence).contains(&self.refused.load(Ordering::Acquire))
    }

    /// A sequence has come to disk, by the clock that never jumps.
    pub(crate) fn advance(&self, sequence: u64, at: Duration) {
        self.durable.fetch_max(sequence, Ordering::AcqRel);
        let over = |refused: u64| (refused <= sequence).then_some(0);
        // What was refused behind it still holds up others.
        let _ = self.refused.fetch_update(Ordering::AcqRel, Ordering::Acquire, over);
        self.last_seen_ns.fetch_max(nanoseconds(at), Ordering::Relaxed);
    }
}

/// The ways in of all instances whose batches may still be repeated.
#[derive(Debug, Default)]
pub(crate) struct Lanes {
    by_instance: Mutex<HashMap<InstanceId, Arc<Lane>>>,
}

impl Lanes {
    /// The instance's lane, a new one where it was never seen.
    pub(crate) fn of(&self, instance: InstanceId) -> Arc<Lane> {
        self.lock().entry(instance).or_default().clone()
    }

    /// The highest sequence that is on disk, 0 where there is none. What was refused no longer holds up anything.
    pub(crate) fn begin_anew(&self, instance: InstanceId) -> u64 {
        let lanes = self.lock();
        let Some(lane) = lanes.get(&instance) else { return 0 };
        lane.refused.store(0, Ordering::Release);
        lane.durable()
    }

    /// The last batches of an instance that were refused for good, oldest first.
    pub(crate) fn refused_for_good(&self, instance: InstanceId) -> Vec<u64> {
        let lane = self.lock().get(&instance).cloned();
        lane.map_or_else(Vec::new, |lane| lane.refused_for_good().iter().copied().collect())
    }

    /// Forgets instances that sent nothing since `before` and are not sending now, but for those of which calls are
    /// `live`: what they sent may be older than any publication knows.
    pub(crate) fn expire(&self, before: Duration, live: &HashSet<InstanceId>) {
        let old = |lane: &Lane| lane.last_seen_ns.load(Ordering::Relaxed) < nanoseconds(before);
        self.lock().retain(|id, lane| Arc::strong_count(lane) > 1 || live.contains(id) || !old(lane));
    }

    /// Forgets the instances that were not heard of for the longest time, where there are more than `most`. Those that
    /// are sending now stay.
    pub(crate) fn keep_newest(&self, most: usize) {
        let mut lanes = self.lock();
        let Some(surplus) = lanes.len().checked_sub(most).filter(|&surplus| surplus > 0) else { return };
        let seen = |lane: &Lane| lane.last_seen_ns.load(Ordering::Relaxed);
        let mut ages: Vec<u64> = lanes.values().map(|lane| seen(lane)).collect();
        let (_, &mut last, _) = ages.select_nth_unstable(surplus - 1);
        lanes.retain(|_, lane| Arc::strong_count(lane) > 1 || seen(lane) > last);
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<InstanceId, Arc<Lane>>> {
        self.by_instance.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn nanoseconds(since: Duration) -> u64 {
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
