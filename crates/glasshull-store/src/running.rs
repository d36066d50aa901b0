//! Calls that have not ended. A later row of the same call replaces an earlier one, so they are no part of segments.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow::array::{AsArray as _, Int64Array};
use arrow::compute::interleave_record_batch;
use arrow::datatypes::{Int64Type, TimestampNanosecondType};
use arrow::record_batch::RecordBatch;
use glasshull_catalog::{InstanceId, RunningCall};

use crate::schema;

/// Running calls that are kept; beyond it those not heard of for the longest time are forgotten: most likely their
/// process died. So many at one time are no longer told apart by a reader.
pub const MAX_RUNNING: usize = 10_000;

/// What running calls may take, in bytes of their rows: captured values can be large, though most are not.
const MAX_RUNNING_BYTES: usize = 64 << 20;

/// The last row of one running call.
#[derive(Clone, Debug)]
pub(crate) struct RunningRow {
    pub(crate) instance: InstanceId,
    pub(crate) call_id: u64,
    pub(crate) started_at_ns: i64,
    /// As the catalog keeps it.
    pub(crate) call: Vec<u8>,
    /// This one row, as the table shows it, in memory of its own: it may outlive the batch it came in by far.
    pub(crate) row: RecordBatch,
}

impl RunningRow {
    fn key(&self) -> (InstanceId, u64) {
        (self.instance, self.call_id)
    }

    fn bytes(&self) -> usize {
        self.row.get_array_memory_size() + self.call.len()
    }

    /// As the catalog keeps it.
    pub(crate) fn to_catalog(&self) -> RunningCall {
        let Self { instance, call_id, started_at_ns, call, .. } = self.clone();
        RunningCall { instance, call_id, started_at_ns, call }
    }
}

/// Running calls as of now: an instance tells once that a call runs, and a reader wants to know for how long by now.
pub(crate) fn lasting_until(now_ns: i64, rows: RecordBatch) -> RecordBatch {
    let place = rows.schema_ref().column_with_name("duration_ns").map(|(place, _)| place);
    let (Some(place), Some(started_at)) = (place, rows.column_by_name("started_at")) else { return rows };
    let started_at = started_at.as_primitive::<TimestampNanosecondType>().values();
    let told = rows.column(place).as_primitive::<Int64Type>().values();
    // Clocks differ: it has lasted at least as long as the instance said.
    let lasted = told.iter().zip(started_at).map(|(&told, &started)| told.max(now_ns.saturating_sub(started)));
    let mut columns = rows.columns().to_vec();
    columns[place] = Arc::new(Int64Array::from_iter_values(lasted));
    RecordBatch::try_new(rows.schema(), columns).unwrap_or(rows)
}

/// The running calls of all instances.
#[derive(Debug, Default)]
pub(crate) struct Running {
    by_key: HashMap<(InstanceId, u64), (u64, Arc<RunningRow>)>,
    /// By when they were last heard of.
    by_age: BTreeMap<u64, (InstanceId, u64)>,
    last_age: u64,
    bytes: usize,
    /// As rows, until something changes.
    shown: Option<RecordBatch>,
}

impl Running {
    /// The call runs: this is its last row. Returns how many others had to be forgotten.
    pub(crate) fn put(&mut self, row: RunningRow) -> u64 {
        self.remove(row.instance, row.call_id);
        self.last_age += 1;
        self.bytes += row.bytes();
        self.by_age.insert(self.last_age, row.key());
        self.by_key.insert(row.key(), (self.last_age, Arc::new(row)));
        self.shown = None;
        let mut forgotten = 0;
        while self.by_key.len() > MAX_RUNNING || self.bytes > MAX_RUNNING_BYTES && self.by_key.len() > 1 {
            let Some((_, &(instance, call_id))) = self.by_age.first_key_value() else { break };
            self.remove(instance, call_id);
            forgotten += 1;
        }
        forgotten
    }

    /// The call has ended.
    pub(crate) fn remove(&mut self, instance: InstanceId, call_id: u64) {
        if let Some((age, row)) = self.by_key.remove(&(instance, call_id)) {
            self.by_age.remove(&age);
            self.bytes -= row.bytes();
            self.shown = None;
        }
    }

    /// Forgets calls that began before `before_ns`.
    pub(crate) fn expire(&mut self, before_ns: i64) {
        let old = self.by_key.values().filter(|(_, row)| row.started_at_ns < before_ns).map(|(_, row)| row.key());
        for (instance, call_id) in old.collect::<Vec<_>>() {
            self.remove(instance, call_id);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.by_key.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }

    /// All of them, the one heard of last at the end.
    pub(crate) fn all(&self) -> Vec<Arc<RunningRow>> {
        self.by_age.values().filter_map(|key| self.by_key.get(key)).map(|(_, row)| row.clone()).collect()
    }

    /// All of them as rows.
    pub(crate) fn rows(&mut self) -> RecordBatch {
        if let Some(shown) = &self.shown {
            return shown.clone();
        }
        let all = self.all();
        let batches: Vec<&RecordBatch> = all.iter().map(|row| &row.row).collect();
        let places: Vec<(usize, usize)> = (0..all.len()).map(|batch| (batch, 0)).collect();
        let rows = if all.is_empty() { None } else { interleave_record_batch(&batches, &places).ok() };
        let rows = rows.unwrap_or_else(|| RecordBatch::new_empty(schema::calls()));
        self.shown = Some(rows.clone());
        rows
    }
}
