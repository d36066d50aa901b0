//! The catalog of a hub without a disk that lasts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use async_trait::async_trait;
use glasshull_catalog::sqlite::SqliteCatalog;
use glasshull_catalog::{
    Catalog, DoomedObject, FunctionRow, InstanceRow, Merge, ProbeCounts, ProbeEnd, ProbeRow, Publication, Published,
    SegmentRow,
};
use tokio::sync::Mutex;

use crate::CatalogCopies;

/// How often a catalog is copied at most for what can be told anew: instances, functions, counts of probes.
pub const COPY_EVERY: Duration = Duration::from_secs(10);

/// A catalog whose changes are in the object store before they count.
pub struct CopiedCatalog {
    catalog: Arc<dyn Catalog>,
    file: SqliteCatalog,
    copies: CatalogCopies,
    /// One copy is made at a time.
    turn: Mutex<()>,
    /// Changes so far, and how many of them copies tell.
    changes: AtomicU64,
    told: AtomicU64,
}

impl CopiedCatalog {
    /// The catalog, with a first copy. `file` is the file that `catalog` writes.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`].
    pub async fn new(
        catalog: Arc<dyn Catalog>,
        file: SqliteCatalog,
        copies: CatalogCopies,
    ) -> glasshull_catalog::Result<Self> {
        let copied =
            Self { catalog, file, copies, turn: Mutex::default(), changes: AtomicU64::new(1), told: AtomicU64::new(0) };
        copied.save().await?;
        Ok(copied)
    }

    /// Copies what has changed since the last copy, if anything has; else looks whether another hub has taken over, which
    /// one that puts nothing would not learn. To be called every [`COPY_EVERY`], and before the end.
    ///
    /// # Errors
    /// [`CatalogError::Unavailable`]: it is tried again by the next call.
    pub async fn save_changes(&self) -> glasshull_catalog::Result<()> {
        if self.changes.load(Relaxed) > self.told.load(Relaxed) {
            return self.save().await;
        }
        self.copies.check_tenure().await
    }

    async fn save(&self) -> glasshull_catalog::Result<()> {
        let _turn = self.turn.lock().await;
        let changes = self.changes.load(Relaxed);
        self.copies.save(&self.file).await?;
        self.told.fetch_max(changes, Relaxed);
        Ok(())
    }

    /// What was done is told by a copy, or is not known to have been done.
    async fn saved<T>(&self, done: T) -> glasshull_catalog::Result<T> {
        self.changes.fetch_add(1, Relaxed);
        self.save().await.map(|()| done)
    }

    /// What was done is told by a later copy.
    fn noted<T>(&self, done: T) -> glasshull_catalog::Result<T> {
        self.changes.fetch_add(1, Relaxed);
        Ok(done)
    }
}

#[async_trait]
impl Catalog for CopiedCatalog {
    async fn put_instance(&self, instance: &InstanceRow) -> glasshull_catalog::Result<()> {
        self.noted(self.catalog.put_instance(instance).await?)
    }

    async fn instances(&self, since_ns: i64, limit: usize) -> glasshull_catalog::Result<Vec<InstanceRow>> {
        self.catalog.instances(since_ns, limit).await
    }

    async fn put_functions(&self, functions: &[FunctionRow], seen_at_ns: i64) -> glasshull_catalog::Result<()> {
        self.noted(self.catalog.put_functions(functions, seen_at_ns).await?)
    }

    async fn functions(&self, limit: usize) -> glasshull_catalog::Result<Vec<FunctionRow>> {
        self.catalog.functions(limit).await
    }

    async fn add_probe(&self, probe: &ProbeRow) -> glasshull_catalog::Result<String> {
        let id = self.catalog.add_probe(probe).await?;
        let saved = self.saved(id.clone()).await;
        if saved.is_err() {
            // An order that was refused must not come back with a later copy.
            let reason = "It was not begun, as the catalog could not be copied into the object store.".into();
            let end = ProbeEnd { at_ns: probe.created_at_ns, state: "stopped".into(), reason };
            self.catalog.end_probe(&id, &end).await?;
        }
        saved
    }

    async fn end_probe(&self, id: &str, end: &ProbeEnd) -> glasshull_catalog::Result<bool> {
        self.saved(self.catalog.end_probe(id, end).await?).await
    }

    async fn count_probe(&self, id: &str, more: &ProbeCounts) -> glasshull_catalog::Result<()> {
        self.noted(self.catalog.count_probe(id, more).await?)
    }

    async fn probes(&self, with_ended: bool, limit: usize) -> glasshull_catalog::Result<Vec<ProbeRow>> {
        self.catalog.probes(with_ended, limit).await
    }

    async fn publish(&self, publication: &Publication) -> glasshull_catalog::Result<()> {
        self.saved(self.catalog.publish(publication).await?).await
    }

    async fn published(&self, hub: &str) -> glasshull_catalog::Result<Published> {
        self.catalog.published(hub).await
    }

    async fn segments(&self) -> glasshull_catalog::Result<Vec<SegmentRow>> {
        self.catalog.segments().await
    }

    async fn merge(&self, merge: &Merge) -> glasshull_catalog::Result<bool> {
        self.saved(self.catalog.merge(merge).await?).await
    }

    async fn doom(&self, object: &DoomedObject) -> glasshull_catalog::Result<()> {
        self.saved(self.catalog.doom(object).await?).await
    }

    async fn doomed(&self, hub: &str) -> glasshull_catalog::Result<Vec<DoomedObject>> {
        self.catalog.doomed(hub).await
    }

    async fn forget_doomed(&self, paths: &[String]) -> glasshull_catalog::Result<()> {
        self.noted(self.catalog.forget_doomed(paths).await?)
    }

    async fn expire(&self, before_ns: i64, now_ns: i64) -> glasshull_catalog::Result<Vec<SegmentRow>> {
        self.saved(self.catalog.expire(before_ns, now_ns).await?).await
    }

    async fn expired_at_ns(&self) -> glasshull_catalog::Result<Option<i64>> {
        self.catalog.expired_at_ns().await
    }

    async fn forget(&self, before_ns: i64, most: usize) -> glasshull_catalog::Result<()> {
        self.noted(self.catalog.forget(before_ns, most).await?)
    }
}
