//! A catalog that fails when told to.

use std::sync::Arc;

use async_trait::async_trait;
use glasshull_catalog::sqlite::SqliteCatalog;
use glasshull_catalog::{
    Catalog, DoomedObject, FunctionRow, InstanceRow, Merge, ProbeCounts, ProbeEnd, ProbeRow, Publication, Published,
    SegmentRow,
};

use super::{Fates, Power};

/// A catalog whose steps have fates.
pub(crate) struct FailingCatalog {
    pub(crate) fates: Arc<CatalogFates>,
    pub(super) inner: SqliteCatalog,
}

pub(crate) struct CatalogFates {
    pub(crate) publications: Fates,
    pub(crate) merges: Fates,
    pub(crate) dooms: Fates,
    pub(crate) expiries: Fates,
    pub(crate) forgettings: Fates,
    pub(crate) reads: Fates,
}

impl FailingCatalog {
    pub(super) fn new(inner: SqliteCatalog, power: &Arc<Power>) -> Self {
        let fates = || Fates::under(power);
        let fates = CatalogFates {
            publications: fates(),
            merges: fates(),
            dooms: fates(),
            expiries: fates(),
            forgettings: fates(),
            reads: fates(),
        };
        Self { fates: Arc::new(fates), inner }
    }
}

impl std::ops::Deref for FailingCatalog {
    type Target = CatalogFates;

    fn deref(&self) -> &CatalogFates {
        &self.fates
    }
}

#[async_trait]
impl Catalog for FailingCatalog {
    async fn publish(&self, publication: &Publication) -> glasshull_catalog::Result<()> {
        self.publications.next().befalls(self.inner.publish(publication)).await
    }

    async fn merge(&self, merge: &Merge) -> glasshull_catalog::Result<bool> {
        self.merges.next().befalls(self.inner.merge(merge)).await
    }

    async fn doom(&self, object: &DoomedObject) -> glasshull_catalog::Result<()> {
        self.dooms.next().befalls(self.inner.doom(object)).await
    }

    async fn doomed(&self, hub: &str) -> glasshull_catalog::Result<Vec<DoomedObject>> {
        self.reads.next().befalls(self.inner.doomed(hub)).await
    }

    async fn forget_doomed(&self, paths: &[String]) -> glasshull_catalog::Result<()> {
        self.forgettings.next().befalls(self.inner.forget_doomed(paths)).await
    }

    async fn published(&self, hub: &str) -> glasshull_catalog::Result<Published> {
        self.reads.next().befalls(self.inner.published(hub)).await
    }

    async fn segments(&self) -> glasshull_catalog::Result<Vec<SegmentRow>> {
        self.reads.next().befalls(self.inner.segments()).await
    }

    async fn expire(&self, before_ns: i64, now_ns: i64) -> glasshull_catalog::Result<Vec<SegmentRow>> {
        self.expiries.next().befalls(self.inner.expire(before_ns, now_ns)).await
    }

    async fn expired_at_ns(&self) -> glasshull_catalog::Result<Option<i64>> {
        self.reads.next().befalls(self.inner.expired_at_ns()).await
    }

    async fn forget(&self, before_ns: i64, most: usize) -> glasshull_catalog::Result<()> {
        self.forgettings.next().befalls(self.inner.forget(before_ns, most)).await
    }

    async fn put_instance(&self, instance: &InstanceRow) -> glasshull_catalog::Result<()> {
        self.inner.put_instance(instance).await
    }

    async fn instances(&self, since_ns: i64, limit: usize) -> glasshull_catalog::Result<Vec<InstanceRow>> {
        self.inner.instances(since_ns, limit).await
    }

    async fn put_functions(&self, functions: &[FunctionRow], seen_at_ns: i64) -> glasshull_catalog::Result<()> {
        self.inner.put_functions(functions, seen_at_ns).await
    }

    async fn functions(&self, limit: usize) -> glasshull_catalog::Result<Vec<FunctionRow>> {
        self.inner.functions(limit).await
    }

    async fn add_probe(&self, probe: &ProbeRow) -> glasshull_catalog::Result<String> {
        self.inner.add_probe(probe).await
    }

    async fn end_probe(&self, id: &str, end: &ProbeEnd) -> glasshull_catalog::Result<bool> {
        self.inner.end_probe(id, end).await
    }

    async fn count_probe(&self, id: &str, more: &ProbeCounts) -> glasshull_catalog::Result<()> {
        self.inner.count_probe(id, more).await
    }

    async fn probes(&self, with_ended: bool, limit: usize) -> glasshull_catalog::Result<Vec<ProbeRow>> {
        self.inner.probes(with_ended, limit).await
    }
}
