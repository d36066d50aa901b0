//! The live table: what is in the journal and not yet in segments, by journal file; beside it the list of segments,
//! under the same lock, so that whoever looks sees each call once.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::record_batch::RecordBatch;
use glasshull_catalog::{InstanceId, SegmentRow};

use crate::arrival::Arrival;
use crate::gather::gather;
use crate::running::{Running, RunningRow};
use crate::shared::Room;
use crate::store::Snapshot;

/// A batch with fewer rows and bytes is small: a query pays for each batch, not only for its rows.
const SMALL_ROWS: usize = 1_024;
const SMALL_BYTES: usize = 256 << 10;

/// Small batches that are gathered into one.
const GATHER_BATCHES: usize = 64;

/// The rows of one journal file.
#[derive(Debug, Default)]
struct Generation {
    batches: Vec<Arc<RecordBatch>>,
    /// Small batches at the end of `batches`.
    small: usize,
    calls: u64,
    bytes: usize,
    journal_bytes: u64,
    /// The highest sequence of each instance in this file.
    sequences: HashMap<InstanceId, u64>,
    /// What the rows take of the live table's limit; given back when the generation goes.
    room: Option<Room>,
    /// The calls that ran when the file was closed; `None` while it is open.
    sealed: Option<Vec<Arc<RunningRow>>>,
}

#[derive(Debug, Default)]
struct State {
    generations: BTreeMap<u64, Generation>,
    running: Running,
    segments: Arc<Vec<SegmentRow>>,
}

/// Closed generations that are to be published together.
#[derive(Debug, Default)]
pub(crate) struct Part {
    /// The number of the first one.
    pub(crate) first: u64,
    /// The first journal file that is not part of it.
    pub(crate) checkpoint: u64,
    pub(crate) batches: Vec<Arc<RecordBatch>>,
    pub(crate) sequences: HashMap<InstanceId, u64>,
    pub(crate) running: Vec<Arc<RunningRow>>,
}

/// What came of adding rows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Shown {
    /// How many running calls had to be forgotten.
    pub(crate) forgotten: u64,
    /// Bytes of the generation's rows.
    pub(crate) bytes: usize,
}

/// Generations that are not live any more.
#[derive(Debug)]
pub(crate) struct Gone(Vec<Generation>);

impl Gone {
    /// How many calls were in them.
    pub(crate) fn calls(&self) -> u64 {
        self.0.iter().map(|generation| generation.calls).sum()
    }
}

/// What is live, in numbers.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct LiveNumbers {
    pub(crate) calls: u64,
    pub(crate) running: u64,
    pub(crate) journal_bytes: u64,
    pub(crate) journal_files: u64,
}

/// The live table and the list of segments.
#[derive(Debug, Default)]
pub(crate) struct Live {
    state: Mutex<State>,
}

impl Live {
    /// Adds rows to a generation.
    pub(crate) fn show(&self, generation: u64, arrivals: Vec<(Arrival, Option<Room>)>, journal_bytes: u64) -> Shown {
        let mut state = self.lock();
        let State { generations, running, .. } = &mut *state;
        let generation = generations.entry(generation).or_default();
        generation.journal_bytes += journal_bytes;
        let mut forgotten = 0;
        for (arrival, room) in arrivals {
            forgotten += follow_running(running, &arrival);
            generation.add(arrival, room);
        }
        Shown { forgotten, bytes: generation.bytes }
    }

    /// Closes a generation: nothing will be added to it.
    pub(crate) fn seal(&self, generation: u64) {
        let mut state = self.lock();
        let running = state.running.all();
        if let Some(generation) = state.generations.get_mut(&generation) {
            generation.sealed = Some(running);
        }
    }

    /// Makes one batch of many small ones. Only the one who adds to the generation may call this.
    pub(crate) fn gather_small(&self, generation: u64) {
        let Some(small) = self.lock().generations.get(&generation).and_then(Generation::small_batches) else { return };
        // Without the lock: it takes a while, and nobody else changes this generation's batches.
        let rows = small.iter().enumerate().flat_map(|(batch, rows)| (0..rows.num_rows()).map(move |row| (batch, row)));
        let batches: Vec<&RecordBatch> = small.iter().map(Arc::as_ref).collect();
        let Ok(gathered) = gather(&batches, &rows.collect::<Vec<_>>()) else { return };
        if let Some(generation) = self.lock().generations.get_mut(&generation) {
            generation.batches.truncate(generation.batches.len() - small.len());
            generation.batches.push(Arc::new(gathered));
            generation.small = 0;
        }
    }

    /// What there is now.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let mut state = self.lock();
        Snapshot {
            live: state.generations.values().flat_map(|generation| &generation.batches).cloned().collect(),
            running: state.running.rows(),
            segments: state.segments.clone(),
        }
    }

    /// The oldest closed generations below `below`, as many as have `bytes` together, at least one.
    pub(crate) fn part(&self, below: u64, bytes: usize) -> Option<Part> {
        let state = self.lock();
        let mut part = Part::default();
        let mut taken = 0;
        for (&number, generation) in state.generations.range(..below) {
            let Some(running) = &generation.sealed else { break };
            if part.checkpoint == 0 {
                part.first = number;
            } else if taken + generation.bytes > bytes {
                break;
            }
            taken += generation.bytes;
            part.checkpoint = number + 1;
            part.batches.extend(generation.batches.iter().cloned());
            part.running.clone_from(running);
            for (&instance, &sequence) in &generation.sequences {
                let highest = part.sequences.entry(instance).or_default();
                *highest = sequence.max(*highest);
            }
        }
        (part.checkpoint > 0).then_some(part)
    }

    /// The generations below `checkpoint` go, the segments made from them come. What went is handed out: to give its
    /// memory back takes a while.
    pub(crate) fn exchange(&self, checkpoint: u64, segments: &[SegmentRow]) -> Gone {
        let mut state = self.lock();
        let rest = state.generations.split_off(&checkpoint);
        let published = std::mem::replace(&mut state.generations, rest);
        let mut all = state.segments.to_vec();
        all.extend_from_slice(segments);
        state.segments = Arc::new(in_order(all));
        drop(state);
        Gone(published.into_values().collect())
    }

    /// Segments go, the one made from them comes.
    pub(crate) fn merge(&self, inputs: &[String], output: &SegmentRow) {
        let gone: HashSet<&str> = inputs.iter().chain([&output.path]).map(String::as_str).collect();
        let mut state = self.lock();
        let kept = state.segments.iter().filter(|segment| !gone.contains(segment.path.as_str()));
        state.segments = Arc::new(in_order(kept.chain([output]).cloned().collect()));
    }

    /// These are the segments there are.
    pub(crate) fn set_segments(&self, segments: Vec<SegmentRow>) {
        self.lock().segments = Arc::new(segments);
    }

    /// A call ran when the journal was published last.
    pub(crate) fn put_running(&self, row: RunningRow) -> u64 {
        self.lock().running.put(row)
    }

    /// Forgets these segments and all whose windows ended before `before_ns`, and calls that run since before then; the
    /// paths of the segments that have gone.
    pub(crate) fn expire(&self, before_ns: i64, expired: &[SegmentRow]) -> BTreeSet<String> {
        let mut gone: BTreeSet<String> = expired.iter().map(|segment| segment.path.clone()).collect();
        let mut state = self.lock();
        state.running.expire(before_ns);
        let too_old = state.segments.iter().filter(|segment| segment.window_end_ns <= before_ns);
        gone.extend(too_old.map(|segment| segment.path.clone()));
        if !gone.is_empty() {
            let kept = state.segments.iter().filter(|segment| !gone.contains(&segment.path));
            state.segments = Arc::new(kept.cloned().collect());
        }
        gone
    }

    /// Of which instances there are calls that are not published.
    pub(crate) fn instances(&self) -> HashSet<InstanceId> {
        self.lock().generations.values().flat_map(|generation| generation.sequences.keys().copied()).collect()
    }

    /// Bytes of live rows.
    pub(crate) fn bytes(&self) -> usize {
        self.lock().generations.values().map(|generation| generation.bytes).sum()
    }

    pub(crate) fn segments(&self) -> Arc<Vec<SegmentRow>> {
        self.lock().segments.clone()
    }

    pub(crate) fn numbers(&self) -> LiveNumbers {
        let state = self.lock();
        LiveNumbers {
            calls: state.generations.values().map(|generation| generation.calls).sum(),
            running: state.running.len() as u64,
            journal_bytes: state.generations.values().map(|generation| generation.journal_bytes).sum(),
            journal_files: state.generations.len() as u64,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Generation {
    fn add(&mut self, arrival: Arrival, room: Option<Room>) {
        let highest = self.sequences.entry(arrival.instance).or_default();
        *highest = arrival.sequence.max(*highest);
        self.bytes += arrival.bytes();
        self.room = match (self.room.take(), room) {
            (Some(mut all), Some(room)) => {
                all.merge(room);
                Some(all)
            }
            (all, room) => all.or(room),
        };
        let rows = arrival.ended;
        if rows.num_rows() > 0 {
            self.calls += rows.num_rows() as u64;
            let small = rows.num_rows() < SMALL_ROWS && rows.get_array_memory_size() < SMALL_BYTES;
            self.small = if small { self.small + 1 } else { 0 };
            self.batches.push(rows);
        }
    }

    fn small_batches(&self) -> Option<Vec<Arc<RecordBatch>>> {
        let first = self.batches.len().checked_sub(self.small)?;
        (self.small >= GATHER_BATCHES).then(|| self.batches[first..].to_vec())
    }
}

fn in_order(mut segments: Vec<SegmentRow>) -> Vec<SegmentRow> {
    segments.sort_by(|a, b| (a.window_start_ns, &a.path).cmp(&(b.window_start_ns, &b.path)));
    segments
}

/// Follows a batch's calls as they begin and end, in the order of its rows; how many others had to be forgotten.
fn follow_running(running: &mut Running, arrival: &Arrival) -> u64 {
    if running.is_empty() && arrival.running.is_empty() {
        return 0;
    }
    let mut forgotten = 0;
    let mut begun = arrival.running.iter().peekable();
    for (place, &call_id) in arrival.call_ids.iter().enumerate() {
        match begun.next_if(|(at, _)| *at == place) {
            Some((_, row)) => forgotten += running.put(row.clone()),
            None => running.remove(arrival.instance, call_id),
        }
    }
    forgotten
}
