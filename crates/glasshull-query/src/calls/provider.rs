use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use datafusion::catalog::memory::MemorySourceConfig;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::config::TableParquetOptions;
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
use glasshull_store::summary::Summary;
use glasshull_store::{Snapshot, schema};

use super::asked::Asked;
use super::columns::FromRows;
use super::narrow::{Narrowed, Pruned, narrowed, rows};
use super::needs::Need;
use super::prune::pruned;
use super::segments::{SegmentSource, Unreadable};
use super::slowest::{self, List, Top};
use super::summaries::Summaries;

/// Bytes at the end of a segment that are read first: enough for the footer of most and the places of pages before it, so that
/// one read suffices.
pub(super) const FOOTER_BYTES: usize = 128 * 1024;

/// Where no more rows than these are wanted, a filter's columns are not kept for the answer: it would mean to unpack a batch
/// of them for each row.
const FEW_ROWS: usize = 4_096;

/// The table `calls` as it is in one snapshot.
#[derive(Clone, Debug)]
pub(crate) struct CallsTable {
    /// With the columns of [`schema::rows`].
    live: Vec<RecordBatch>,
    /// With the table's own.
    running: RecordBatch,
    segments: Arc<Vec<SegmentRow>>,
    object_store: ObjectStoreUrl,
    readers: Arc<dyn ParquetFileReaderFactory>,
    summaries: Arc<Summaries>,
    unreadable: Arc<Unreadable>,
}

impl CallsTable {
    pub(crate) fn new(
        snapshot: Snapshot,
        object_store: ObjectStoreUrl,
        readers: Arc<dyn ParquetFileReaderFactory>,
        summaries: Arc<Summaries>,
        unreadable: Arc<Unreadable>,
    ) -> Self {
        let Snapshot { live, running, segments } = snapshot;
        let live = live.iter().map(|batch| batch.as_ref().clone()).filter(|batch| batch.num_rows() > 0).collect();
        Self { live, running, segments, object_store, readers, summaries, unreadable }
    }

    /// Reads the calls that have ended and are in memory, spread over so many partitions. What the filter does not let
    /// through never gets the table's columns.
    fn live(&self, wanted: &Wanted<'_>) -> Result<Arc<dyn ExecutionPlan>> {
        let share = self.live.len().div_ceil(wanted.partitions.max(1)).max(1);
        let partitions: Vec<Vec<RecordBatch>> = self.live.chunks(share).map(<[RecordBatch]>::to_vec).collect();
        let source = MemorySourceConfig::try_new(&partitions, schema::rows(), None)?.with_limit(wanted.limit);
        let mut rows: Arc<dyn ExecutionPlan> = DataSourceExec::from_data_source(source);
        let table = schema::calls();
        let columns = FromRows.create(table.clone(), schema::rows())?;
        if let Some(filter) = wanted.filter.clone() {
            let filter = PhysicalExprSimplifier::new(&schema::rows()).simplify(columns.rewrite(filter)?)?;
            rows = Arc::new(FilterExec::try_new(filter, rows)?);
        }
        let places = wanted.projection.cloned().unwrap_or_else(|| (0..table.fields().len()).collect());
        let shown = places.into_iter().map(|place| {
            let name = table.field(place).name();
            Ok((columns.rewrite(col(name, &table)?)?, name.clone()))
        });
        Ok(Arc::new(ProjectionExec::try_new(shown.collect::<Result<Vec<_>>>()?, rows)?))
    }

    /// Reads the calls that run.
    fn running(&self, wanted: &Wanted<'_>) -> Result<Arc<dyn ExecutionPlan>> {
        let projection = wanted.projection.cloned();
        let source = MemorySourceConfig::try_new(&[vec![self.running.clone()]], schema::calls(), projection)?;
        Ok(DataSourceExec::from_data_source(source.with_limit(wanted.limit)))
    }

    /// Reads segments.
    fn files(&self, segments: &[Narrowed], pruned: Pruned, wanted: &Wanted<'_>) -> Result<Arc<dyn ExecutionPlan>> {
        let ordering = started_at_ascending()?;
        let files: Vec<PartitionedFile> = segments.iter().map(|narrowed| file(narrowed, &ordering)).collect();
        let share = files.len().div_ceil(wanted.partitions.max(1)).max(1);
        // DataFusion itself drops the ordering of a group whose files overlap in time.
        let groups = files.chunks(share).map(|group| FileGroup::new(group.to_vec())).collect();
        let parquet = ParquetSource::new(schema::calls())
            .with_table_parquet_options(options(segments))
            .with_parquet_file_reader_factory(self.readers.clone())
            .with_metadata_size_hint(FOOTER_BYTES)
            .with_pushdown_filters(true);
        let source = SegmentSource::new(Arc::new(parquet), self.unreadable.clone(), pruned);
        let config = FileScanConfigBuilder::new(self.object_store.clone(), Arc::new(source))
            .with_file_groups(groups)
            .with_output_ordering(vec![ordering])
            .with_expr_adapter(Some(Arc::new(FromRows)))
            .with_projection_indices(wanted.projection.cloned())?
            .with_limit(wanted.limit)
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }

    /// Reads these rows of segments, and what is in memory.
    fn read(&self, segments: &[Narrowed], pruned: Pruned, wanted: &Wanted<'_>) -> Result<Arc<dyn ExecutionPlan>> {
        let mut parts = Vec::with_capacity(3);
        if !segments.is_empty() {
            parts.push(self.files(segments, pruned, wanted)?);
        }
        if !self.live.is_empty() {
            parts.push(self.live(wanted)?);
        }
        if self.running.num_rows() > 0 || parts.is_empty() {
            parts.push(self.running(wanted)?);
        }
        UnionExec::try_new(parts)
    }

    /// The summaries of segments.
    pub(super) async fn summaries(&self, segments: &[SegmentRow]) -> Vec<Option<Arc<Summary>>> {
        self.summaries.of(segments).await
    }

    /// The same calls without those of segments other than these; `None` where there are none.
    pub(super) fn without_segments_but(&self, segments: Vec<SegmentRow>) -> Option<Self> {
        let any = !segments.is_empty() || !self.live.is_empty() || self.running.num_rows() > 0;
        any.then(|| Self { segments: Arc::new(segments), ..self.clone() })
    }

    /// As [`TableProvider::scan`], where of what the filters let through only the slowest are wanted.
    pub(super) async fn scan_slowest(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
        top: Top,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let Some(asked) = Asked::of(filters) else { return self.scan(state, projection, filters, limit).await };
        let wanted = Wanted::new(state, projection, filters, limit)?;
        let in_time = self.segments_for(wanted.filter.clone());
        let mut pruned = self.pruned_by_time(&in_time);
        let (functions, summaries) = (asked.functions(state)?, self.summaries(&in_time).await);
        let lists = in_time.iter().zip(summaries).map(|(segment, summary)| {
            let Some(summary) = summary else { return Ok(None) };
            Ok(List::of(&summary, &functions.among(&summary)?, asked.covers(segment), top))
        });
        let chosen = slowest::rows(lists.collect::<Result<_>>()?, top);
        let (by_summary, others): (Vec<_>, Vec<_>) =
            in_time.into_iter().zip(chosen).partition(|(_, rows)| rows.is_some());
        let others = others.into_iter().map(|(segment, _)| segment).collect();
        let mut segments = narrowed(others, &Need::of(filters), &*self.readers, FOOTER_BYTES).await;
        pruned.by_index = segments.len() + by_summary.len();
        let listed = by_summary.into_iter().map(|(segment, listed)| rows(segment, &listed.unwrap_or_default()));
        segments.extend(listed.filter(|narrowed| narrowed.rows() > 0));
        segments.sort_by_key(|narrowed| (narrowed.segment.min_started_at_ns, narrowed.segment.max_started_at_ns));
        pruned.by_summary = Some(segments.len());
        pruned.rows_by_index = segments.iter().map(Narrowed::rows).sum();
        self.read(&segments, pruned, &wanted)
    }

    /// What time leaves over, before anything else is looked at.
    fn pruned_by_time(&self, in_time: &[SegmentRow]) -> Pruned {
        Pruned {
            segments: self.segments.len(),
            by_time: in_time.len(),
            rows: in_time.iter().map(|segment| segment.calls as usize).sum(),
            ..Pruned::default()
        }
    }

    /// The segments that may hold calls these filters let through.
    pub(super) fn segments_by_time(&self, state: &dyn Session, filters: &[Expr]) -> Result<Vec<SegmentRow>> {
        Ok(self.segments_for(filter(state, filters)?))
    }

    /// The segments that can hold rows the filter lets through.
    fn segments_for(&self, filter: Option<Arc<dyn PhysicalExpr>>) -> Vec<SegmentRow> {
        let mut segments = pruned(&self.segments, filter);
        segments.sort_by_key(|segment| (segment.min_started_at_ns, segment.max_started_at_ns));
        segments
    }
}

/// What is wanted of the table.
struct Wanted<'a> {
    projection: Option<&'a Vec<usize>>,
    filter: Option<Arc<dyn PhysicalExpr>>,
    limit: Option<usize>,
    partitions: usize,
}

impl<'a> Wanted<'a> {
    fn new(
        state: &dyn Session,
        projection: Option<&'a Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Self> {
        let partitions = state.config().target_partitions();
        Ok(Self { projection, filter: filter(state, filters)?, limit, partitions })
    }
}

/// How segments are read: where it is known which rows may be wanted, statistics say nothing more.
fn options(segments: &[Narrowed]) -> TableParquetOptions {
    let mut options = TableParquetOptions::default();
    let known = segments.iter().all(|narrowed| narrowed.rows.is_some());
    options.global.pruning = !known;
    options.global.enable_page_index = !known;
    // There are none of Parquet's own.
    options.global.bloom_filter_on_read = false;
    let rows: usize = segments.iter().map(Narrowed::rows).sum();
    options.global.max_predicate_cache_size = (known && rows <= FEW_ROWS).then_some(0);
    options
}

/// All filters as one.
fn filter(state: &dyn Session, filters: &[Expr]) -> Result<Option<Arc<dyn PhysicalExpr>>> {
    conjunction(filters.iter().cloned()).map(|filter| physical(state, filter)).transpose()
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
        let wanted = Wanted::new(state, projection, filters, limit)?;
        let in_time = self.segments_for(wanted.filter.clone());
        let mut pruned = self.pruned_by_time(&in_time);
        let segments = narrowed(in_time, &Need::of(filters), &*self.readers, FOOTER_BYTES).await;
        pruned.by_index = segments.len();
        pruned.rows_by_index = segments.iter().map(Narrowed::rows).sum();
        self.read(&segments, pruned, &wanted)
    }

    /// All filters help to prune; all are evaluated again where pruning is not exact.
    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }
}
