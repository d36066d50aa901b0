//! What an auditor knows of every call, and what he looks for: what was acknowledged is there once, what was refused is
//! not there, nothing is there that nobody sent, and a call that runs or has ended is not both.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use glasshull_catalog::SegmentRow;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

use super::super::rig::{FailingObjects, ids, segment_rows};
use super::senders::{Batch, Row};
use super::world::WINDOW_NS;
use crate::store::Snapshot;

/// What the store may know of something it was told.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
enum Knowledge {
    /// It was never told, or has refused it for good.
    #[default]
    No,
    /// It was told, and has not answered or could not.
    Perhaps,
    /// It has acknowledged it.
    Yes,
}

/// What is known of a call.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    started_at_ns: i64,
    runs: Knowledge,
    ended: Knowledge,
}

/// Knows every call.
#[derive(Debug)]
pub(super) struct Auditor {
    calls: BTreeMap<u64, Known>,
    /// What ended before this may have been taken by retention.
    pub(super) expirable_ns: i64,
    /// What was read of objects, by path and version.
    read: HashMap<(String, Option<String>), Arc<Vec<u64>>>,
}

/// How often a call is seen: as ended, as running.
type Seen = BTreeMap<u64, (u32, u32)>;

impl Auditor {
    pub(super) fn new() -> Self {
        Self { calls: BTreeMap::new(), expirable_ns: i64::MIN, read: HashMap::new() }
    }

    pub(super) fn sends(&mut self, batch: &Batch) {
        batch.rows.iter().for_each(|row| self.learn(row, Knowledge::Perhaps));
    }

    pub(super) fn acknowledged(&mut self, batch: &Batch) {
        batch.rows.iter().for_each(|row| self.learn(row, Knowledge::Yes));
    }

    /// It was refused, and never stored before.
    pub(super) fn refused(&mut self, batch: &Batch) {
        for row in &batch.rows {
            let known = self.calls.entry(row.id).or_default();
            *(if row.runs { &mut known.runs } else { &mut known.ended }) = Knowledge::No;
        }
    }

    fn learn(&mut self, row: &Row, knowledge: Knowledge) {
        let known = self.calls.entry(row.id).or_default();
        known.started_at_ns = row.started_at_ns;
        let what = if row.runs { &mut known.runs } else { &mut known.ended };
        *what = knowledge.max(*what);
    }

    /// Looks at everything in a snapshot; what is seen.
    pub(super) async fn look(&mut self, snapshot: &Snapshot, objects: &FailingObjects) -> Seen {
        let seen = self.seen(snapshot, objects).await;
        for (id, (ended, running)) in &seen {
            assert!(ended + running == 1, "call {id} is seen {ended} times as ended and {running} times as running");
            let known = self.calls.get(id).copied().unwrap_or_default();
            let told = if *ended > 0 { known.ended } else { known.runs };
            assert!(told > Knowledge::No, "call {id} was refused or never sent: {known:?}");
            assert!(*running == 0 || known.ended < Knowledge::Yes, "call {id} has ended and is seen as running");
        }
        for (id, known) in &self.calls {
            let is_promised = known.ended.max(known.runs) == Knowledge::Yes;
            assert!(
                !is_promised || seen.contains_key(id) || self.may_be_expired(known),
                "call {id} is lost: {known:?}"
            );
        }
        seen
    }

    fn may_be_expired(&self, known: &Known) -> bool {
        let ended = known.ended > Knowledge::No;
        let window_end_ns = (known.started_at_ns.div_euclid(WINDOW_NS) + 1) * WINDOW_NS;
        (ended && window_end_ns <= self.expirable_ns)
            || (known.runs > Knowledge::No && known.started_at_ns < self.expirable_ns)
    }

    pub(super) async fn seen(&mut self, snapshot: &Snapshot, objects: &FailingObjects) -> Seen {
        let mut seen = Seen::new();
        let count_ended = |seen: &mut Seen, ids: &[u64]| ids.iter().for_each(|&id| seen.entry(id).or_default().0 += 1);
        snapshot.live.iter().for_each(|rows: &Arc<RecordBatch>| count_ended(&mut seen, &ids(rows)));
        ids(&snapshot.running).iter().for_each(|&id| seen.entry(id).or_default().1 += 1);
        for segment in snapshot.segments.iter() {
            count_ended(&mut seen, &self.ids_in(segment, &objects.inner).await);
        }
        seen
    }

    async fn ids_in(&mut self, segment: &SegmentRow, objects: &dyn ObjectStore) -> Arc<Vec<u64>> {
        let found = objects.head(&Path::from(segment.path.as_str())).await;
        let found = found.unwrap_or_else(|e| panic!("{} cannot be read: {e}", segment.path));
        let key = (segment.path.clone(), found.e_tag);
        if let Some(ids) = self.read.get(&key) {
            return ids.clone();
        }
        let rows = segment_rows(objects, segment).await;
        let all: Arc<Vec<u64>> = Arc::new(rows.iter().flat_map(ids).collect());
        assert_eq!(all.len() as u64, segment.calls, "{}", segment.path);
        self.read.insert(key, all.clone());
        all
    }
}
