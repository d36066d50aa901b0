//! Instances: what each sends, in which order, and what it was told.

use std::collections::VecDeque;

use glasshull_wire::CallRow;
use glasshull_wire::limits::MAX_AHEAD_NS;
use glasshull_wire::v1::CallBatch;

use super::super::rig::{Chance, SECOND_NS, batch_of, call, running};

/// Instances of a life.
pub(super) const INSTANCES: u8 = 3;

/// Batches that an instance may have under way.
const MOST_PENDING: usize = 4;

const MINUTE_NS: i64 = 60 * SECOND_NS;

/// A row of a batch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) id: u64,
    pub(super) started_at_ns: i64,
    /// Whether it tells that the call runs, not that it has ended.
    pub(super) runs: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Batch {
    pub(super) sequence: u64,
    pub(super) rows: Vec<Row>,
    /// Whether it contradicts itself.
    pub(super) is_garbage: bool,
    /// Whether a write of it failed: nobody knows what of that is on disk.
    pub(super) may_be_stored: bool,
}

impl Batch {
    pub(super) fn packed(&self) -> CallBatch {
        let call_of = |row: &Row| {
            let call = if row.runs { running(row.id) } else { call(row.id) };
            CallRow { started_at_ns: row.started_at_ns, ..call }
        };
        let mut batch = batch_of(self.sequence, &self.rows.iter().map(call_of).collect::<Vec<_>>());
        if self.is_garbage {
            batch.calls += 1;
        }
        batch
    }
}

/// One instance.
#[derive(Debug, Default)]
pub(super) struct Sender {
    sequence: u64,
    /// Made and not acknowledged, in order.
    pub(super) pending: VecDeque<Batch>,
    /// The last one that was acknowledged.
    pub(super) last: Option<Batch>,
    /// The calls that run, with their starts.
    running: Vec<(u64, i64)>,
}

impl Sender {
    pub(super) fn has_room(&self) -> bool {
        self.pending.len() < MOST_PENDING
    }

    /// Makes the next batch, of calls from `next_id` on.
    pub(super) fn make(&mut self, chance: &mut Chance, next_id: &mut u64, now_ns: i64) {
        // What an instance drops is missing among the sequences.
        self.sequence += 1 + u64::from(chance.one_in(12));
        let mut rows = Vec::new();
        for _ in 0..chance.below(4) {
            let (id, started_at_ns) = (*next_id, start(chance, now_ns));
            *next_id += 1;
            rows.push(Row { id, started_at_ns, runs: chance.one_in(4) });
            if rows.last().is_some_and(|row| row.runs) {
                self.running.push((id, started_at_ns));
            }
        }
        if !self.running.is_empty() && chance.one_in(3) {
            let (id, started_at_ns) = self.running.swap_remove(chance.below(self.running.len() as u64) as usize);
            rows.push(Row { id, started_at_ns, runs: false });
        }
        let is_garbage = chance.one_in(30);
        self.pending.push_back(Batch { sequence: self.sequence, rows, is_garbage, may_be_stored: false });
    }

    /// The batch of this sequence is sent again later.
    pub(super) fn keep(&mut self, sequence: u64, may_be_stored: bool) {
        let batch = self.pending.iter_mut().find(|batch| batch.sequence == sequence);
        batch.into_iter().for_each(|batch| batch.may_be_stored |= may_be_stored);
    }

    /// The batch of this sequence is not sent again; gives it back.
    pub(super) fn take(&mut self, sequence: u64) -> Option<Batch> {
        let place = self.pending.iter().position(|batch| batch.sequence == sequence)?;
        self.pending.remove(place)
    }
}

/// Most calls began a moment ago, some hours ago, and some instances' clocks are ahead.
fn start(chance: &mut Chance, now_ns: i64) -> i64 {
    let jitter_ns = chance.below(SECOND_NS as u64) as i64;
    match chance.below(12) {
        0..8 => now_ns - jitter_ns,
        8..10 => now_ns - jitter_ns - chance.below(60) as i64 * MINUTE_NS,
        10 => now_ns - jitter_ns - chance.below(4 * 60) as i64 * MINUTE_NS,
        _ => now_ns - jitter_ns + chance.below(70) as i64 * (MAX_AHEAD_NS / 60),
    }
}
