//! Reads segments, passing over what cannot be read: a segment that is missing or damaged costs a question that
//! segment's rows, never the whole answer, and the answer says so.
//!
//! [`SegmentSource`] is DataFusion's own Parquet source, whose stream of each file is watched: an error of the file
//! ends the file there and is noted in [`Unreadable`]; an error of the question (a division by zero in a filter) is
//! the question's.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt::{self, Debug, Formatter};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileOpener, FileScanConfig, FileSource};
use datafusion::datasource::table_schema::TableSchema;
use datafusion::physical_expr::projection::ProjectionExprs;
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr, PhysicalSortExpr};
use datafusion::physical_plan::filter_pushdown::FilterPushdownPropagation;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use datafusion::physical_plan::{DisplayFormatType, SortOrderPushdownResult};
use datafusion_datasource::morsel::{Morsel, MorselPlan, MorselPlanner, Morselizer};
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt};
use object_store::ObjectStore;

use super::narrow::Pruned;

/// How DataFusion's errors of filters begin that are evaluated inside the Parquet reader, which turns them into text.
pub(crate) const FILTER_FAILED: &str = "Error evaluating filter predicate: ";

/// How DataFusion says that a file has no column of a name that every segment has: a bit of the name in its footer has changed.
const COLUMN_IS_MISSING: &str = "is missing from the physical schema";

/// Segments a question met and could not read, with why.
#[derive(Debug, Default)]
pub(crate) struct Unreadable(Mutex<BTreeMap<String, &'static str>>);

impl Unreadable {
    /// Notes what people are told; the error itself may name files of the machine and goes to the log only.
    fn note(&self, path: &str, error: &str) {
        tracing::warn!(segment = path, error, "a segment cannot be read");
        let why = match error {
            _ if error.contains("not found") => "it is missing",
            _ if error.contains("Object Store error") => "the object store does not give it out",
            _ => "its content is damaged",
        };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(path.into()).or_insert(why);
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// A sentence for people; `None` where all could be read.
    pub(crate) fn told(&self) -> Option<String> {
        let unreadable = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (path, why) = unreadable.first_key_value()?;
        Some(match unreadable.len() {
            1 => format!("Segment {path} could not be read ({why}): its calls are missing."),
            n => format!("{n} segments could not be read: their calls are missing. The first is {path} ({why})."),
        })
    }
}

/// DataFusion's Parquet source, watched.
pub(crate) struct SegmentSource {
    parquet: Arc<dyn FileSource>,
    unreadable: Arc<Unreadable>,
    pruned: Pruned,
}

impl SegmentSource {
    pub(super) fn new(parquet: Arc<dyn FileSource>, unreadable: Arc<Unreadable>, pruned: Pruned) -> Self {
        Self { parquet, unreadable, pruned }
    }

    /// The same with another source inside.
    fn around(&self, parquet: Arc<dyn FileSource>) -> Arc<dyn FileSource> {
        Arc::new(Self { parquet, unreadable: self.unreadable.clone(), pruned: self.pruned })
    }
}

impl FileSource for SegmentSource {
    fn create_file_opener(
        &self,
        object_store: Arc<dyn ObjectStore>,
        base_config: &FileScanConfig,
        partition: usize,
    ) -> Result<Arc<dyn FileOpener>> {
        self.parquet.create_file_opener(object_store, base_config, partition)
    }

    fn create_morselizer(
        &self,
        object_store: Arc<dyn ObjectStore>,
        base_config: &FileScanConfig,
        partition: usize,
    ) -> Result<Box<dyn Morselizer>> {
        let inner = self.parquet.create_morselizer(object_store, base_config, partition)?;
        Ok(Box::new(Watched { inner, unreadable: self.unreadable.clone() }))
    }

    fn table_schema(&self) -> &TableSchema {
        self.parquet.table_schema()
    }

    fn with_batch_size(&self, batch_size: usize) -> Arc<dyn FileSource> {
        self.around(self.parquet.with_batch_size(batch_size))
    }

    fn filter(&self) -> Option<Arc<dyn PhysicalExpr>> {
        self.parquet.filter()
    }

    fn projection(&self) -> Option<&ProjectionExprs> {
        self.parquet.projection()
    }

    fn metrics(&self) -> &ExecutionPlanMetricsSet {
        self.parquet.metrics()
    }

    fn file_type(&self) -> &str {
        self.parquet.file_type()
    }

    fn fmt_extra(&self, t: DisplayFormatType, f: &mut Formatter<'_>) -> fmt::Result {
        match t {
            DisplayFormatType::TreeRender => writeln!(f, "pruned={}", self.pruned)?,
            _ => write!(f, ", pruned=[{}]", self.pruned)?,
        }
        self.parquet.fmt_extra(t, f)
    }

    fn try_pushdown_filters(
        &self,
        filters: Vec<Arc<dyn PhysicalExpr>>,
        config: &ConfigOptions,
    ) -> Result<FilterPushdownPropagation<Arc<dyn FileSource>>> {
        let pushed = self.parquet.try_pushdown_filters(filters, config)?;
        Ok(FilterPushdownPropagation {
            filters: pushed.filters,
            updated_node: pushed.updated_node.map(|node| self.around(node)),
        })
    }

    fn try_pushdown_sort(
        &self,
        order: &[PhysicalSortExpr],
        properties: &EquivalenceProperties,
    ) -> Result<SortOrderPushdownResult<Arc<dyn FileSource>>> {
        let pushed = self.parquet.try_pushdown_sort(order, properties)?;
        Ok(pushed.map(|inner| self.around(inner)))
    }

    fn reorder_files(&self, files: Vec<PartitionedFile>) -> Vec<PartitionedFile> {
        self.parquet.reorder_files(files)
    }

    fn try_pushdown_projection(&self, projection: &ProjectionExprs) -> Result<Option<Arc<dyn FileSource>>> {
        let pushed = self.parquet.try_pushdown_projection(projection)?;
        Ok(pushed.map(|inner| self.around(inner)))
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        self.parquet.apply_expressions(f)
    }
}

#[derive(Debug)]
struct Watched {
    inner: Box<dyn Morselizer>,
    unreadable: Arc<Unreadable>,
}

impl Morselizer for Watched {
    fn plan_file(&self, file: PartitionedFile) -> Result<Box<dyn MorselPlanner>> {
        let watch = Watch { path: file.path().to_string().into(), unreadable: self.unreadable.clone() };
        let inner = watch.caught(catch_unwind(AssertUnwindSafe(|| self.inner.plan_file(file))))?;
        Ok(Box::new(WatchedPlanner { inner, watch }))
    }
}

/// Whose errors are watched.
#[derive(Clone, Debug)]
struct Watch {
    path: Arc<str>,
    unreadable: Arc<Unreadable>,
}

impl Watch {
    /// `None` in place of an error of the file, which is noted.
    fn passed_over<T>(&self, result: Result<T>) -> Result<Option<T>> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(error) if is_of_the_file(&error) => {
                self.unreadable.note(&self.path, &error.to_string());
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// The same for what panics, as Arrow's reader of schemas does where one holds nonsense.
    fn caught<T>(&self, done: std::thread::Result<Result<T>>) -> Result<Option<T>> {
        done.map_or_else(
            |payload| {
                self.panicked(payload.as_ref());
                Ok(None)
            },
            |result| self.passed_over(result),
        )
    }

    fn panicked(&self, payload: &(dyn Any + Send)) {
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("no reason given");
        self.unreadable.note(&self.path, &format!("a panic: {text}"));
    }

    fn planner(&self, inner: Box<dyn MorselPlanner>) -> Box<dyn MorselPlanner> {
        Box::new(WatchedPlanner { inner: Some(inner), watch: self.clone() })
    }
}

#[derive(Debug)]
struct WatchedPlanner {
    /// `None` for a file that is passed over.
    inner: Option<Box<dyn MorselPlanner>>,
    watch: Watch,
}

impl MorselPlanner for WatchedPlanner {
    fn plan(self: Box<Self>) -> Result<Option<MorselPlan>> {
        let Self { inner, watch } = *self;
        let Some(inner) = inner else { return Ok(None) };
        let planned = watch.caught(catch_unwind(AssertUnwindSafe(|| inner.plan())))?;
        let Some(Some(mut plan)) = planned else { return Ok(None) };
        let morsels = plan.take_morsels().into_iter().map(|inner| watched_morsel(inner, &watch)).collect();
        let ready = plan.take_ready_planners().into_iter().map(|inner| watch.planner(inner)).collect();
        let watched = MorselPlan::new().with_morsels(morsels).with_planners(ready);
        let Some(pending) = plan.take_pending_planner() else { return Ok(Some(watched)) };
        Ok(Some(watched.with_pending_planner(async move {
            let inner = watch.caught(AssertUnwindSafe(pending).catch_unwind().await)?;
            Ok(Box::new(WatchedPlanner { inner, watch }) as Box<dyn MorselPlanner>)
        })))
    }
}

fn watched_morsel(inner: Box<dyn Morsel>, watch: &Watch) -> Box<dyn Morsel> {
    Box::new(WatchedMorsel { inner, watch: watch.clone() })
}

#[derive(Debug)]
struct WatchedMorsel {
    inner: Box<dyn Morsel>,
    watch: Watch,
}

impl Morsel for WatchedMorsel {
    fn into_stream(self: Box<Self>) -> BoxStream<'static, Result<RecordBatch>> {
        let Self { inner, watch } = *self;
        let rows = AssertUnwindSafe(inner.into_stream()).catch_unwind();
        rows.map(move |batch| match batch {
            Ok(batch) => watch.passed_over(batch).transpose(),
            Err(payload) => {
                watch.panicked(payload.as_ref());
                None
            }
        })
        // The file ends at its first error.
        .take_while(|batch| futures::future::ready(batch.is_some()))
        .filter_map(futures::future::ready)
        .boxed()
    }
}

/// Whether an error comes from reading a file rather than from evaluating the question on its rows.
fn is_of_the_file(error: &DataFusionError) -> bool {
    if error.to_string().contains(FILTER_FAILED) {
        return false;
    }
    match error.find_root() {
        DataFusionError::ObjectStore(_) | DataFusionError::IoError(_) | DataFusionError::ParquetError(_) => true,
        DataFusionError::ArrowError(error, _) => {
            matches!(**error, ArrowError::ParquetError(_) | ArrowError::IoError(..))
        }
        DataFusionError::Execution(told) => told.contains(COLUMN_IS_MISSING),
        _ => false,
    }
}

impl Debug for SegmentSource {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("SegmentSource").finish_non_exhaustive()
    }
}
