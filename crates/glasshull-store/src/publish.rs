//! From the live table into segments. The steps, any of which may fail or be the last before a crash:
//!
//! 1. The journal's file is closed; what is in it is what will be published.
//! 2. Its rows are written as segments into the object store. Nobody knows of them yet.
//! 3. One transaction in the catalog: the segments exist, the journal is published up to here.
//! 4. Under one lock the rows leave the live table and the segments are shown.
//! 5. The journal's files are deleted.
//!
//! After a failure the very same publication is tried again, as its step may have succeeded though its answer was lost.

use std::collections::VecDeque;
use std::sync::Arc;

use glasshull_catalog::{Catalog, MAX_RUNNING_CALL_BYTES, Publication, RunningCall, SegmentRow};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

use crate::journal::disk::Disk;
use crate::live::{Gone, Part};
use crate::running::RunningRow;
use crate::segment::{self, NewSegment};
use crate::shared::Shared;
use crate::stats::count;
use crate::store::PublishedCalls;
use crate::{Components, StoreError};

/// Publishes, one publication at a time.
pub(crate) struct Publisher {
    shared: Arc<Shared>,
    catalog: Arc<dyn Catalog>,
    object_store: Arc<dyn ObjectStore>,
    disk: Arc<dyn Disk>,
    /// A publication that was begun and not finished.
    pending: Option<Pending>,
}

struct Pending {
    publication: Publication,
    /// What is not yet in the object store.
    objects: VecDeque<NewSegment>,
}

impl Publisher {
    pub(crate) fn new(shared: Arc<Shared>, components: Components, disk: Arc<dyn Disk>) -> Self {
        let Components { object_store, catalog, .. } = components;
        Self { shared, catalog, object_store, disk, pending: None }
    }

    /// Where the windows begin of a publication that was begun and not finished: its segments may exist or not.
    pub(crate) fn pending_from_ns(&self) -> Option<i64> {
        self.pending_segments().iter().map(|segment| segment.window_start_ns).min()
    }

    /// The segments of that publication.
    pub(crate) fn pending_segments(&self) -> &[SegmentRow] {
        self.pending.as_ref().map_or(&[], |pending| &pending.publication.segments)
    }

    /// Publishes all closed journal files below `below`.
    pub(crate) async fn publish(&mut self, below: u64) -> Result<PublishedCalls, StoreError> {
        let mut done = PublishedCalls::default();
        loop {
            let before = self.shared.clock.monotonic();
            if self.pending.is_none() {
                let Some(part) = self.shared.live.part(below, self.shared.settings.publish_bytes) else { break };
                self.pending = Some(self.prepare(part).await?);
            }
            done += self.carry_out().await?;
            self.shared.counters.publishes.record(self.shared.clock.monotonic().saturating_sub(before));
        }
        Ok(done)
    }

    /// Writes the segments, in memory.
    async fn prepare(&self, part: Part) -> Result<Pending, StoreError> {
        let Part { first, checkpoint, batches, sequences, running } = part;
        let name = self.shared.name.clone();
        let window_ns = self.shared.window_ns();
        let written = tokio::task::spawn_blocking(move || segment::write(&name, first, window_ns, &batches)).await;
        let objects = written.map_err(segment_error)?.map_err(segment_error)?;
        let publication = Publication {
            hub: self.shared.settings.hub.clone(),
            checkpoint,
            published_at_ns: known_until_ns(&objects).max(self.shared.clock.now_ns()),
            segments: objects.iter().map(|segment| segment.row.clone()).collect(),
            sequences: sequences.into_iter().collect(),
            running: self.publishable(&running),
        };
        Ok(Pending { publication, objects: objects.into() })
    }

    /// Calls that run, as the catalog takes them. One that is too long would hold up this publication for ever.
    fn publishable(&self, running: &[Arc<RunningRow>]) -> Vec<RunningCall> {
        let (short, long): (Vec<_>, Vec<_>) = running.iter().partition(|row| row.call.len() <= MAX_RUNNING_CALL_BYTES);
        if let Some(row) = long.first() {
            count(&self.shared.counters.running_dropped, long.len() as u64);
            let (calls, instance, call_id) = (long.len(), row.instance, row.call_id);
            tracing::error!(calls, %instance, call_id, "running calls are too long for the catalog: after a restart they are not shown until they end");
        }
        short.into_iter().map(|row| row.to_catalog()).collect()
    }

    /// Carries out what is pending, from the step where it was left.
    async fn carry_out(&mut self) -> Result<PublishedCalls, StoreError> {
        let Some(pending) = &mut self.pending else { return Ok(PublishedCalls::default()) };
        while let Some(segment) = pending.objects.front() {
            let path = Path::from(segment.row.path.as_str());
            self.object_store.put(&path, segment.file.clone().into()).await?;
            pending.objects.pop_front();
        }
        self.catalog.publish(&pending.publication).await?;
        let Publication { checkpoint, segments, .. } = &pending.publication;
        let gone = self.shared.live.exchange(*checkpoint, segments);
        let done = PublishedCalls { calls: gone.calls(), segments: segments.len() as u64 };
        let below = *checkpoint;
        self.pending = None;
        self.delete_journal(below, gone).await;
        Ok(done)
    }

    /// Gives back the memory of what was published, and deletes the journal's files: both take a while. A file that stays
    /// is harmless: the catalog says that it is published, and the next start tries again.
    async fn delete_journal(&self, below: u64, gone: Gone) {
        let disk = self.disk.clone();
        let deleted = tokio::task::spawn_blocking(move || {
            drop(gone);
            for number in disk.numbers()?.into_iter().filter(|&number| number < below) {
                disk.remove(number)?;
            }
            Ok::<_, std::io::Error>(())
        });
        if let Ok(Err(error)) = deleted.await {
            tracing::warn!(%error, "published journal files could not be deleted");
        }
    }
}

impl std::ops::AddAssign for PublishedCalls {
    fn add_assign(&mut self, other: Self) {
        self.calls += other.calls;
        self.segments += other.segments;
    }
}

/// When the last window ends: as long as its calls are there, the sequences have to be known that tell a batch that comes
/// again from a new one, whatever the clock said when it came.
fn known_until_ns(segments: &[NewSegment]) -> i64 {
    segments.iter().map(|segment| segment.row.window_end_ns).max().unwrap_or(i64::MIN)
}

fn segment_error(error: impl std::fmt::Display) -> StoreError {
    StoreError::Segment(error.to_string())
}
