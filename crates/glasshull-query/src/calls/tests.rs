//! Where the parts of a segment lie is known from the catalog, and for segments of older versions from the footer.

use std::sync::Arc;

use datafusion::datasource::physical_plan::ParquetFileReaderFactory;
use datafusion::datasource::physical_plan::parquet::DefaultParquetFileReaderFactory;
use datafusion::logical_expr::{col, lit};
use glasshull_catalog::sqlite::SqliteCatalog;
use glasshull_catalog::{InstanceId, SegmentRow};
use glasshull_store::{Clock, Components, DataFolder, FolderObjects, Source, Store, StoreSettings, SystemClock};
use glasshull_wire::{BatchWriter, CallRow, v1};
use object_store::ObjectStore;

use super::narrow::narrowed;
use super::needs::Need;
use super::provider::FOOTER_BYTES;
use super::summaries::Summaries;

/// A segment of one call of the function `f`.
async fn published(folder: &DataFolder, object_store: Arc<dyn ObjectStore>) -> SegmentRow {
    let catalog = Arc::new(SqliteCatalog::open(&folder.catalog()).await.unwrap());
    let components = Components { object_store, catalog, clock: Arc::new(SystemClock), tenure: None };
    let store = Store::open(StoreSettings::new(folder.path(), "test"), components).await.unwrap();
    let mut batch = BatchWriter::default();
    let function = batch.function(1, || v1::Function { path: "f".into(), ..v1::Function::default() });
    let thread = batch.thread(1, String::new);
    let started_at_ns = SystemClock.now_ns();
    let outcome = v1::Outcome::Returned as i32;
    batch.push(&CallRow { function, thread, call_id: 7, started_at_ns, outcome, ..CallRow::default() });
    let source = Source { instance: InstanceId([1; 16]), service: "shop".into(), ..Source::default() };
    store.append(&source, batch.finish(1)).await.unwrap();
    store.publish().await.unwrap();
    let segment = store.snapshot().segments[0].clone();
    store.close().await;
    segment
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_of_segments_are_found_by_the_catalog_else_by_the_footer() {
    let data = tempfile::tempdir().unwrap();
    let folder = DataFolder::open(&data.path().join("data")).unwrap();
    let object_store: Arc<dyn ObjectStore> = Arc::new(FolderObjects::new(&folder.objects()).unwrap());
    let known = published(&folder, object_store.clone()).await;
    assert!(known.index.is_some() && known.summary.is_some());
    let unknown = SegmentRow { index: None, summary: None, ..known.clone() };
    let nonsense = SegmentRow { index: Some("1 2".into()), summary: Some("".into()), ..known.clone() };
    let readers: Arc<dyn ParquetFileReaderFactory> = Arc::new(DefaultParquetFileReaderFactory::new(object_store));
    for segment in [known, unknown, nonsense] {
        let summaries = Summaries::new(readers.clone(), 1 << 20);
        assert!(summaries.of(std::slice::from_ref(&segment)).await[0].is_some(), "{segment:?}");
        for (function, left) in [("f", 1), ("nobody", 0)] {
            let need = Need::of(&[col("function").eq(lit(function))]);
            let narrowed = narrowed(vec![segment.clone()], &need, &*readers, FOOTER_BYTES).await;
            assert_eq!(narrowed.len(), left, "{function}: {segment:?}");
        }
    }
}
