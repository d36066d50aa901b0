//! From many small segments of a window to few large ones. The steps, any of which may fail or be the last before a
//! crash:
//!
//! 1. The catalog notes that an object is about to be written. Whatever becomes of it, it is not forgotten.
//! 2. The segments are read, a part of each at a time, and their rows written in one order as one object.
//! 3. One transaction in the catalog: the new segment exists, those it was made of do not, their objects are doomed.
//! 4. Under one lock the new segment is shown instead of them.
//! 5. When no query can read them any more, their objects are deleted, by retention.
//!
//! What goes on meanwhile is never waited for: where retention takes one of the segments, the merge has been in vain.

mod pace;
mod plan;
mod rows;
mod upload;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use glasshull_catalog::{Catalog, CatalogError, DoomedObject, Merge, SegmentRow};
use object_store::ObjectStore;
use parquet::errors::ParquetError;
use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use self::pace::Pace;
use self::rows::MergedRows;
use self::upload::{PART_BYTES, Upload};
use crate::background;
use crate::retention::Retention;
use crate::segment::{self, SegmentWriter, Told};
use crate::shared::Shared;
use crate::stats::count;
use crate::values::Layout;
use crate::{Components, StoreError};

/// What a merge did.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct MergedSegments {
    /// Segments that are one now; 0 where there was nothing to merge, or it was in vain.
    pub segments: u64,
    /// Calls in it.
    pub calls: u64,
}

/// Why there is no merged segment.
#[derive(Debug)]
enum Failed {
    /// A segment cannot be read and never will be.
    Damaged { path: String, why: String },
    /// No two of the segments can be in memory together.
    TooLarge,
    /// The store is closing.
    Stopped,
    /// It may succeed the next time.
    Store(StoreError),
}

/// Merges, one merge at a time.
pub(crate) struct Merger {
    work: Work,
    /// Paths of segments that cannot be merged, until the next start.
    left_alone: HashSet<String>,
    /// Whether the segments in sight may not be those in the catalog.
    outdated: bool,
}

/// What a merge works with, on a thread of its own.
#[derive(Clone)]
struct Work {
    shared: Arc<Shared>,
    catalog: Arc<dyn Catalog>,
    object_store: Arc<dyn ObjectStore>,
    part_bytes: usize,
}

impl Merger {
    pub(crate) fn new(shared: Arc<Shared>, components: &Components) -> Self {
        let Components { object_store, catalog, .. } = components.clone();
        let work = Work { shared, catalog, object_store, part_bytes: PART_BYTES };
        Self { work, left_alone: HashSet::new(), outdated: false }
    }

    #[cfg(test)]
    pub(crate) fn set_part_bytes(&mut self, bytes: usize) {
        self.work.part_bytes = bytes;
    }

    /// Merges the segments of one window, if there are any that should be.
    pub(crate) async fn merge(&mut self, retention: &Mutex<Retention>) -> Result<MergedSegments, StoreError> {
        let before = self.work.shared.clock.monotonic();
        let mut settled = retention.lock().await.settle().await;
        if matches!(settled, Ok(None)) {
            let Some(merge) = self.write(retention).await? else { return Ok(MergedSegments::default()) };
            settled = retention.lock().await.merge(merge).await;
        }
        // The catalog holds other segments than were seen.
        self.outdated |= matches!(settled, Err(StoreError::Catalog(CatalogError::Damaged(_))));
        Ok(settled?.map(|(merge, merged)| self.done(&merge, merged, before)).unwrap_or_default())
    }

    /// Whether the catalog knows otherwise than what is in sight.
    pub(crate) fn is_outdated(&self) -> bool {
        self.outdated
    }

    /// Shows the segments that are in the catalog, but for those whose calls are still live. Meanwhile nobody else may
    /// change them.
    pub(crate) async fn look_again(&mut self, live: &[SegmentRow]) -> Result<(), StoreError> {
        let live: HashSet<&str> = live.iter().map(|segment| segment.path.as_str()).collect();
        let mut segments = self.work.catalog.segments().await?;
        segments.retain(|segment| !live.contains(segment.path.as_str()));
        self.work.shared.live.set_segments(segments);
        self.outdated = false;
        Ok(())
    }

    fn done(&mut self, merge: &Merge, merged: bool, before: Duration) -> MergedSegments {
        let inputs = merge.inputs.len() as u64;
        let window_start_ns = merge.output.window_start_ns;
        if !merged {
            tracing::info!(window_start_ns, inputs, "segments that were being merged have gone; nothing has changed");
            self.outdated |= merge.inputs.iter().any(|path| self.is_in_sight(path));
            return MergedSegments::default();
        }
        let SegmentRow { calls, bytes, .. } = merge.output;
        let counters = &self.work.shared.counters;
        let took = self.work.shared.clock.monotonic().saturating_sub(before);
        counters.merges.record(took);
        count(&counters.merged_segments, inputs);
        count(&counters.merge_written_bytes, bytes);
        tracing::info!(window_start_ns, inputs, calls, bytes, ?took, "merged segments");
        MergedSegments { segments: inputs, calls }
    }

    fn is_in_sight(&self, path: &str) -> bool {
        self.work.shared.live.segments().iter().any(|segment| segment.path == path)
    }

    /// Writes what should be merged; `None` where there is nothing.
    async fn write(&mut self, retention: &Mutex<Retention>) -> Result<Option<Merge>, StoreError> {
        let Some(inputs) = self.plan() else { return Ok(None) };
        let stop = CancellationToken::new();
        // Whoever waits for this may go away.
        let _stop = stop.clone().drop_guard();
        let (work, planned, handle) = (self.work.clone(), inputs.clone(), Handle::current());
        let writing = background::run(move || handle.block_on(work.write(&planned, stop)));
        let (written, begun) = match writing.await {
            Ok(Ok(merge)) => return Ok(Some(merge)),
            Ok(Err((failed, begun))) => (failed, begun),
            Err(panicked) => (Failed::damaged(&inputs[0], panicked), None),
        };
        if let Some(path) = begun {
            retention.lock().await.delete_unfinished(&path).await;
        }
        self.give_up(&inputs, written)
    }

    /// What this hub wrote: others merge theirs.
    fn plan(&mut self) -> Option<Vec<SegmentRow>> {
        let Shared { live, settings, clock, counters, .. } = &*self.work.shared;
        let segments = live.segments();
        self.left_alone.retain(|path| segments.iter().any(|segment| segment.path == *path));
        counters.unmergeable_segments.store(self.left_alone.len() as u64, Relaxed);
        let name = |segment: &SegmentRow| segment.path.rsplit('/').next().map(str::to_owned).unwrap_or_default();
        let ours = segments.iter().filter(|segment| segment::name_of_hub(&name(segment), &settings.hub).is_some());
        // What is live was published by then.
        let over = 2 * settings.publish_after;
        let over_before_ns = clock.now_ns().saturating_sub(i64::try_from(over.as_nanos()).unwrap_or(i64::MAX));
        let ours: Vec<SegmentRow> = ours.cloned().collect();
        plan::plan(&ours, over_before_ns, |segment| self.left_alone.contains(&segment.path))
    }

    /// Segments that can never be merged are left alone from now on.
    fn give_up(&mut self, inputs: &[SegmentRow], failed: Failed) -> Result<Option<Merge>, StoreError> {
        if !inputs.iter().all(|input| self.is_in_sight(&input.path)) {
            tracing::debug!("retention took segments that were being merged");
            return Ok(None);
        }
        match failed {
            Failed::Store(error) => return Err(error),
            Failed::Stopped => {}
            Failed::TooLarge => self.leave_alone(inputs.iter().take(2).map(|input| input.path.clone())),
            Failed::Damaged { path, why } => {
                count(&self.work.shared.counters.merge_failures, 1);
                tracing::error!(
                    path,
                    why,
                    "a segment is damaged: its window is not merged until it has gone or the hub starts again; \
                     restore the file from a copy if there is one"
                );
                self.leave_alone([path].into_iter());
            }
        }
        Ok(None)
    }

    fn leave_alone(&mut self, paths: impl Iterator<Item = String>) {
        self.left_alone.extend(paths);
        self.work.shared.counters.unmergeable_segments.store(self.left_alone.len() as u64, Relaxed);
    }
}

impl Work {
    /// Writes the segment these become, as many of them as can be in memory together. An error says which object may have
    /// been written.
    async fn write(&self, inputs: &[SegmentRow], stop: CancellationToken) -> Result<Merge, (Failed, Option<String>)> {
        let rows = MergedRows::open(&self.object_store, inputs, self.shared.settings.merge_bytes)
            .await
            .map_err(|failed| (failed, None))?;
        let inputs = rows.segments();
        let path = segment::merged_path(&self.shared.settings.hub, &self.shared.name, &inputs);
        self.begin(&path).await.map_err(|error| (error.into(), None))?;
        let upload = Upload::new(self.object_store.clone(), &path, self.part_bytes);
        let (bytes, told) = self.pour(rows, upload, stop).await.map_err(|failed| (failed, Some(path.clone())))?;
        count(&self.shared.counters.merge_read_bytes, inputs.iter().map(|input| input.bytes).sum());
        let hub = self.shared.settings.hub.clone();
        let at_ns = self.shared.clock.now_ns();
        let output = SegmentRow { bytes, index: told.index, summary: told.summary, ..whole(&inputs, path) };
        Ok(Merge { hub, at_ns, inputs: inputs.into_iter().map(|input| input.path).collect(), output })
    }

    async fn begin(&self, path: &str) -> Result<(), StoreError> {
        let hub = self.shared.settings.hub.clone();
        let at_ns = self.shared.clock.now_ns();
        Ok(self.catalog.doom(&DoomedObject { path: path.to_owned(), hub, at_ns, unfinished: true }).await?)
    }

    /// Writes all rows; how many bytes that are, and what the footer says.
    async fn pour(&self, rows: MergedRows, mut upload: Upload, stop: CancellationToken) -> Result<(u64, Told), Failed> {
        let pace = Pace { shared: self.shared.clone(), stop };
        match self.pour_into(rows, &mut upload, &pace).await {
            Ok((rest, told)) => Ok((upload.finish(rest).await?, told)),
            Err(failed) => {
                upload.abort().await;
                Err(failed)
            }
        }
    }

    /// Writes all rows and sends all whole parts; the rest.
    async fn pour_into(
        &self,
        mut rows: MergedRows,
        upload: &mut Upload,
        pace: &Pace,
    ) -> Result<(Vec<u8>, Told), Failed> {
        let clock = &self.shared.clock;
        let calls = rows.segments().iter().map(|segment| segment.calls).sum::<u64>() as usize;
        let mut next = rows.next().await?;
        // The first rows stand for all: those of one window are much alike.
        let layout = next.as_ref().map(|first| Layout::of(first, calls)).unwrap_or_default();
        let mut segment = SegmentWriter::new(Vec::new(), layout).map_err(Failed::of_ours)?;
        while let Some(rows_now) = next {
            let before = clock.monotonic();
            segment.push(&rows_now).map_err(Failed::of_ours)?;
            upload.send(segment.written()).await?;
            next = rows.next().await?;
            pace.rest(clock.monotonic().saturating_sub(before)).await?;
        }
        segment.finish().map_err(Failed::of_ours)
    }
}

/// Reads segments as a merge does; how many rows there are, where none of them is damaged.
#[cfg(any(test, fuzzing))]
pub(crate) async fn read_all(store: &Arc<dyn ObjectStore>, segments: &[SegmentRow]) -> Option<u64> {
    let mut merged = MergedRows::open(store, segments, 256 << 20).await.ok()?;
    let mut rows = 0;
    while let Some(next) = merged.next().await.ok()? {
        rows += next.num_rows() as u64;
    }
    Some(rows)
}

/// What the catalog knows of a segment that holds all of these, but for what its file says.
fn whole(inputs: &[SegmentRow], path: String) -> SegmentRow {
    let first = inputs.first().cloned().unwrap_or_default();
    SegmentRow {
        path,
        min_started_at_ns: inputs.iter().map(|input| input.min_started_at_ns).min().unwrap_or_default(),
        max_started_at_ns: inputs.iter().map(|input| input.max_started_at_ns).max().unwrap_or_default(),
        calls: inputs.iter().map(|input| input.calls).sum(),
        ..first
    }
}

impl Failed {
    fn damaged(segment: &SegmentRow, why: impl std::fmt::Display) -> Self {
        Self::Damaged { path: segment.path.clone(), why: why.to_string() }
    }

    /// A segment could not be read: it is damaged, unless it is the object store that failed.
    fn reading(segment: &SegmentRow, error: ParquetError) -> Self {
        let ParquetError::External(external) = error else { return Self::damaged(segment, error) };
        match external.downcast::<object_store::Error>() {
            Ok(error) if !matches!(*error, object_store::Error::NotFound { .. }) => Self::Store((*error).into()),
            Ok(missing) => Self::damaged(segment, missing),
            Err(other) => Self::damaged(segment, other),
        }
    }

    /// Rows cannot be written: a failure of Glasshull itself.
    fn of_ours(error: impl std::fmt::Display) -> Self {
        Self::Store(StoreError::Segment(error.to_string()))
    }
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<object_store::Error> for Failed {
    fn from(error: object_store::Error) -> Self {
        Self::Store(error.into())
    }
}
