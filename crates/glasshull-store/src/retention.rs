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

/// How long looking for orphans may hold up a start; what was not found stays until the next one.
const ORPHANS_WITHIN: Duration = Duration::from_secs(30);

/// Deletes objects, and knows which are to be deleted.
pub(crate) struct Retention {
    shared: Arc<Shared>,
    catalog: Arc<dyn Catalog>,
    object_store: Arc<dyn ObjectStore>,
    /// Objects out of sight, with when they came to be, by the clock. After a crash they are orphans.
    doomed: Vec<(i64, Path)>,
}

impl Retention {
    pub(crate) fn new(shared: Arc<Shared>, components: Components) -> Self {
        let Components { object_store, catalog, .. } = components;
        Self { shared, catalog, object_store, doomed: Vec::new() }
    }

    /// Takes windows out of sight that ended longer ago than calls are kept; how many segments that were. Deletes the
    /// objects of those that were taken longer than [`SNAPSHOT_GRACE`] ago.
    pub(crate) async fn expire(&mut self) -> Result<u64, StoreError> {
        let Some(keep) = self.shared.settings.retention else { return Ok(0) };
        let now_ns = self.shared.clock.now_ns();
        self.delete_doomed(now_ns).await;
        let before_ns = now_ns.saturating_sub(nanoseconds(keep));
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

    /// Deletes objects of this hub that the catalog does not know: a crash came between their writing and their
    /// publication, or between their end and their deletion. Others' objects are not touched: they may be about to be
    /// published.
    pub(crate) async fn delete_orphans(&self, known: &[SegmentRow]) {
        let known: HashSet<Path> = known.iter().map(|segment| Path::from(segment.path.as_str())).collect();
        let deleting = tokio::time::timeout(ORPHANS_WITHIN, self.try_delete_orphans(&known));
        match deleting.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "objects without a catalog row could not be looked for"),
            Err(_) => tracing::warn!("looking for objects without a catalog row took too long and was given up"),
        }
    }

    async fn try_delete_orphans(&self, known: &HashSet<Path>) -> object_store::Result<()> {
        let hub = &self.shared.settings.hub;
        let objects: Vec<ObjectMeta> = self.object_store.list(Some(&Path::from("calls"))).try_collect().await?;
        for object in objects {
            let path = object.location;
            if path.filename().is_some_and(|name| segment::is_of_hub(name, hub)) && !known.contains(&path) {
                self.delete(&path).await?;
                count(&self.shared.counters.orphans_deleted, 1);
                tracing::info!(%path, "deleted an object that no catalog row names");
            }
        }
        Ok(())
    }
}

fn nanoseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}
