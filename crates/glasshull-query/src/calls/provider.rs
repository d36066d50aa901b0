use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use datafusion::catalog::memory::MemorySourceConfig;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics, DFSchema, Result, ScalarValue, Statistics};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::ParquetRowSelection;
use datafusion::datasource::physical_plan::{
    FileGroup, FileScanConfigBuilder, ParquetFileReaderFactory, ParquetSource,
};
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_expr::expressions::col;
use datafusion::physical_expr::{LexOrdering, PhysicalExpr, PhysicalExprSimplifier, PhysicalSortExpr};
use datafusion::physical_expr_adapter::PhysicalExprAdapterFactory;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::union::UnionExec;
use glasshull_catalog::SegmentRow;
use glasshull_store::{Snapshot, schema};

use super::columns::FromRows;
use super::narrow::{Narrowed, Pruned, narrowed};
use super::needs::Need;
use super::prune::pruned;
use super::segments::{SegmentSource, Unreadable};

/// Bytes at the end of a segment that are read first: enough for the footer of most, so that one read suffices.
const FOOTER_BYTES: usize = 64 * 1024;

/// The table `calls` as it is in one snapshot.
#[derive(Debug)]
pub(crate) struct CallsTable {
    /// With the columns of [`schema::rows`].
    live: Vec<RecordBatch>,
    /// With the table's own.
    running: RecordBatch,
    segments: Arc<Vec<SegmentRow>>,
    object_store: ObjectStoreUrl,
    readers: Arc<dyn ParquetFileReaderFactory>,
    unreadable: Arc<Unreadable>,
}

impl CallsTable {
    pub(crate) fn new(
        snapshot: Snapshot,
        object_store: ObjectStoreUrl,
        readers: Arc<dyn ParquetFileReaderFactory>,
        unreadable: Arc<Unreadable>,
    ) -> Self {
        let Snapshot { live, running, segments } = snapshot;
        let live = live.iter().map(|batch| batch.as_ref().clone()).filter(|batch| batch.num_rows() > 0).collect();
        Self { live, running, segments, object_store, readers, unreadable }
    }

    /// Reads the calls that have ended and are in memory, spread over so many partitions. What the filter does not let
    /// through never gets the table's columns.
    fn live(
        &self,
        projection: Option<&Vec<usize>>,
        filter: Option<Arc<dyn PhysicalExpr>>,
        limit: Option<usize>,
        partitions: usize,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let share = self.live.len().div_ceil(partitions.max(1)).max(1);
        let partitions: Vec<Vec<RecordBatch>> = self.live.chunks(share).map(<[RecordBatch]>::to_vec).collect();
        let source = MemorySourceConfig::try_new(&partitions, schema::rows(), None)?.with_limit(limit);
        let mut rows: Arc<dyn ExecutionPlan> = DataSourceExec::from_data_source(source);
        let table = schema::calls();
        let columns = FromRows.create(table.clone(), schema::rows())?;
        if let Some(filter) = filter {
            let filter = PhysicalExprSimplifier::new(&schema::rows()).simplify(columns.rewrite(filter)?)?;
            rows = Arc::new(FilterExec::try_new(filter, rows)?);
        }
        let places = projection.cloned().unwrap_or_else(|| (0..table.fields().len()).collect());
        let shown = places.into_iter().map(|place| {
            let name = table.field(place).name();
            Ok((columns.rewrite(col(name, &table)?)?, name.clone()))
        });
        Ok(Arc::new(ProjectionExec::try_new(shown.collect::<Result<Vec<_>>>()?, rows)?))
    }

    /// Reads the calls that run.
    fn running(&self, projection: Option<&Vec<usize>>, limit: Option<usize>) -> Result<Arc<dyn ExecutionPlan>> {
        let source = MemorySourceConfig::try_new(&[vec![self.running.clone()]], schema::calls(), projection.cloned())?;
        Ok(DataSourceExec::from_data_source(source.with_limit(limit)))
    }

    /// Reads segments.
    fn files(
        &self,
        segments: &[Narrowed],
        pruned: Pruned,
        projection: Option<&Vec<usize>>,
        limit: Option<usize>,
        partitions: usize,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let ordering = started_at_ascending()?;
        let files: Vec<PartitionedFile> = segments.iter().map(|narrowed| file(narrowed, &ordering)).collect();
        let share = files.len().div_ceil(partitions.max(1)).max(1);
        // DataFusion itself drops the ordering of a group whose files overlap in time.
        let groups = files.chunks(share).map(|group| FileGroup::new(group.to_vec())).collect();
        let parquet = ParquetSource::new(schema::calls())
            .with_parquet_file_reader_factory(self.readers.clone())
            .with_metadata_size_hint(FOOTER_BYTES)
            .with_pushdown_filters(true);
        let source = SegmentSource::new(Arc::new(parquet), self.unreadable.clone(), pruned);
        let config = FileScanConfigBuilder::new(self.object_store.clone(), Arc::new(source))
            .with_file_groups(groups)
            .with_output_ordering(vec![ordering])
            .with_expr_adapter(Some(Arc::new(FromRows)))
            .with_projection_indices(projection.cloned())?
            .with_limit(limit)
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }

    /// The segments that can hold rows the filter lets through.
    fn segments_for(&self, filter: Option<Arc<dyn PhysicalExpr>>) -> Vec<SegmentRow> {
        let mut segments = pruned(&self.segments, filter);
        segments.sort_by_key(|segment| (segment.min_started_at_ns, segment.max_started_at_ns));
        segments
    }
}

fn physical(state: &dyn Session, filter: Expr) -> Result<Arc<dyn PhysicalExpr>> {
    state.create_physical_expr(filter, &DFSchema::try_from(schema::calls())?)
}

/// How the rows of each segment stand.
fn started_at_ascending() -> Result<LexOrdering> {
    let schema = schema::calls();
    let started_at = schema.field(schema::STARTED_AT).name();
    let sort = PhysicalSortExpr::new_default(col(started_at, &schema)?).asc().nulls_last();
    LexOrdering::new([sort]).ok_or_else(|| datafusion::common::internal_datafusion_err!("no ordering"))
}

fn file(narrowed: &Narrowed, ordering: &LexOrdering) -> PartitionedFile {
    let Narrowed { segment, rows } = narrowed;
    let file = PartitionedFile::new(&segment.path, segment.bytes)
        .with_statistics(Arc::new(statistics(segment)))
        .with_ordering(Some(ordering.clone()));
    match rows {
        Some(rows) => file.with_extension(ParquetRowSelection::new(rows.clone())),
        None => file,
    }
}

/// What the catalog knows of a segment: its rows and when the first and the last of them started.
fn statistics(segment: &SegmentRow) -> Statistics {
    let time = |ns| Precision::Exact(ScalarValue::TimestampNanosecond(Some(ns), Some("UTC".into())));
    let mut statistics = Statistics::new_unknown(&schema::calls());
    statistics.num_rows = usize::try_from(segment.calls).map_or(Precision::Absent, Precision::Exact);
    statistics.total_byte_size = usize::try_from(segment.bytes).map_or(Precision::Absent, Precision::Inexact);
    statistics.column_statistics[schema::STARTED_AT] = ColumnStatistics {
        null_count: Precision::Exact(0),
        min_value: time(segment.min_started_at_ns),
        max_value: time(segment.max_started_at_ns),
        ..ColumnStatistics::new_unknown()
    };
    statistics
}

#[async_trait]
impl TableProvider for CallsTable {
    fn schema(&self) -> SchemaRef {
        schema::calls()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let partitions = state.config().target_partitions();
        let filter = conjunction(filters.iter().cloned()).map(|filter| physical(state, filter)).transpose()?;
        let in_time = self.segments_for(filter.clone());
        let (by_time, rows) = (in_time.len(), in_time.iter().map(|segment| segment.calls as usize).sum());
        let segments = narrowed(in_time, &Need::of(filters), &*self.readers, FOOTER_BYTES).await;
        let pruned = Pruned {
            segments: self.segments.len(),
            by_time,
            by_index: segments.len(),
            rows,
            rows_by_index: segments.iter().map(Narrowed::rows).sum(),
        };
        let mut parts = Vec::with_capacity(3);
        if !segments.is_empty() {
            parts.push(self.files(&segments, pruned, projection, limit, partitions)?);
        }
        if !self.live.is_empty() {
            parts.push(self.live(projection, filter, limit, partitions)?);
        }
        if self.running.num_rows() > 0 || parts.is_empty() {
            parts.push(self.running(projection, limit)?);
        }
        UnionExec::try_new(parts)
    }

    /// All filters help to prune; all are evaluated again where pruning is not exact.
    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }
}
