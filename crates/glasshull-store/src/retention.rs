//! What is too old goes: first from the catalog and from sight, later from the object store.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use futures::TryStreamExt;
use glasshull_catalog::{Catalog, SegmentRow};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};

use crate::segment;
use crate::shared::Shared;
use crate::stats::count;
use crate::{Components, StoreError};

/// How long an object stays after its segment was taken out of sight: longer than a query with an older snapshot runs.
pub const SNAPSHOT_GRACE: Duration = Duration::from_secs(120);

/// How long looking for leftovers may hold up a start; what was not found stays until the next one.
const LEFTOVERS_WITHIN: Duration = Duration::from_secs(30);

/// Deletes objects, and knows which are to be deleted.
pub(crate) struct Retention {
    shared: Arc<Shared>,
    catalog: Arc<dyn Catalog>,
    object_store: Arc<dyn ObjectStore>,
    /// Objects out of sight, with when they came to be, by the clock. After a crash they are found by their age.
    doomed: Vec<(i64, Path)>,
}

impl Retention {
    pub(crate) fn new(shared: Arc<Shared>, components: Components) -> Self {
        let Components { object_store, catalog, .. } = components;
        Self { shared, catalog, object_store, doomed: Vec::new() }
    }

    /// Takes windows out of sight that ended longer ago than calls are kept; how many segments that were. Deletes the
    /// objects of those that were taken longer than [`SNAPSHOT_GRACE`] ago. Windows from `pending_from_ns` on belong to
    /// a publication whose fate is unknown, and stay; those before go even where a full disk lets nothing be published.
    pub(crate) async fn expire(&mut self, pending_from_ns: Option<i64>) -> Result<u64, StoreError> {
        let Some(keep) = self.shared.settings.retention else { return Ok(0) };
        let now_ns = self.shared.clock.now_ns();
        self.delete_doomed(now_ns).await;
        let before_ns = now_ns.saturating_sub(nanoseconds(keep)).min(pending_from_ns.unwrap_or(i64::MAX));
        let expired = self.catalog.expire(before_ns).await?;
        self.shared.live.expire(before_ns, &expired);
        self.shared.lanes.expire(before_ns);
        self.doomed.extend(expired.iter().map(|segment| (now_ns, Path::from(segment.path.as_str()))));
        count(&self.shared.counters.expired_segments, expired.len() as u64);
        Ok(expired.len() as u64)
    }

    async fn delete_doomed(&mut self, now_ns: i64) {
        let due_ns = now_ns.saturating_sub(nanoseconds(SNAPSHOT_GRACE));
        let due: Vec<_> = self.doomed.extract_if(.., |(at_ns, _)| *at_ns <= due_ns).collect();
        for (at_ns, path) in due {
            if let Err(error) = self.delete(&path).await {
                tracing::warn!(%path, %error, "an expired segment could not be deleted; it is tried again");
                self.doomed.push((at_ns, path));
            }
        }
    }

    async fn delete(&self, path: &Path) -> object_store::Result<()> {
        match self.object_store.delete(path).await {
            Err(object_store::Error::NotFound { .. }) => Ok(()),
            other => other,
        }
    }

    /// Looks for objects of this hub that the catalog does not know, and deletes those of which it is certain that
    /// nothing is lost: what an unfinished publication left behind is made again, what is older than calls are kept
    /// was about to be deleted. All others stay: an older catalog may have been restored, and they hold what was
    /// published since. Others' objects are not touched: they may be about to be published.
    ///
    /// Returns the largest number of a journal file in the names of this hub's segments, as far as they were found.
    pub(crate) async fn delete_leftovers(&self, known: &[SegmentRow], journal: &Journal) -> u64 {
        let known: HashSet<Path> = known.iter().map(|segment| Path::from(segment.path.as_str())).collect();
        let numbers = known.iter().filter_map(|path| self.number_of(path));
        let mut largest = numbers.max().unwrap_or(0);
        let deleting = tokio::time::timeout(LEFTOVERS_WITHIN, self.try_delete_leftovers(&known, journal, &mut largest));
        match deleting.await {
            Ok(Ok(0)) => {}
            Ok(Ok(kept)) => tracing::error!(
                objects = kept,
                "segments of this hub stand in the object store that the catalog does not know, as after an older \
                 catalog was restored: their calls cannot be queried; they are kept, restore a later catalog to see them"
            ),
            Ok(Err(error)) => tracing::warn!(%error, "objects without a catalog row could not be looked for"),
            Err(_) => tracing::warn!("looking for objects without a catalog row took too long and was given up"),
        }
        largest
    }

    /// How many objects the catalog does not know that were kept.
    async fn try_delete_leftovers(
        &self,
        known: &HashSet<Path>,
        journal: &Journal,
        largest: &mut u64,
    ) -> object_store::Result<u64> {
        let objects: Vec<ObjectMeta> = self.object_store.list(Some(&Path::from("calls"))).try_collect().await?;
        let paths: Vec<Path> = objects.into_iter().map(|object| object.location).collect();
        *largest = paths.iter().filter_map(|path| self.number_of(path)).fold(*largest, u64::max);
        let mut kept = 0;
        for path in paths.iter().filter(|path| !known.contains(path)) {
            let Some(number) = self.number_of(path) else { continue };
            if journal.makes_again(number) || self.is_expired(path) {
                self.delete(path).await?;
                count(&self.shared.counters.orphans_deleted, 1);
                tracing::info!(%path, "deleted an object that no catalog row names");
            } else {
                kept += 1;
                count(&self.shared.counters.unknown_segments, 1);
            }
        }
        Ok(kept)
    }

    fn number_of(&self, path: &Path) -> Option<u64> {
        segment::number_of_hub(path.filename()?, &self.shared.settings.hub)
    }

    /// Whether an object's window ended longer ago than calls are kept.
    fn is_expired(&self, path: &Path) -> bool {
        let Some(keep) = self.shared.settings.retention else { return false };
        let start_ns = path.parts().nth(1).and_then(|window| segment::window_start_ns(window.as_ref()));
        let before_ns = self.shared.clock.now_ns().saturating_sub(nanoseconds(keep));
        start_ns.is_some_and(|start_ns| start_ns.saturating_add(self.shared.window_ns()) <= before_ns)
    }
}

/// Where the journal stands before it is read.
#[derive(Debug)]
pub(crate) struct Journal {
    /// The first file that is not published, by the catalog.
    pub(crate) checkpoint: u64,
    /// The files there are.
    pub(crate) files: Vec<u64>,
}

impl Journal {
    /// Whether a segment that begins with file `number` will be made again.
    fn makes_again(&self, number: u64) -> bool {
        number >= self.checkpoint && self.files.contains(&number)
    }
}

fn nanoseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}
