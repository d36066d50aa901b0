//! Totals in memory, of which `EXPLAIN` tells where they come from.

use std::fmt::{self, Formatter};
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use datafusion::catalog::memory::MemorySourceConfig;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, Statistics};
use datafusion::datasource::source::DataSource;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::projection::ProjectionExprs;
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_plan::DisplayFormatType;

/// How much was added up from summaries.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told {
    /// Segments with calls of the time that is asked for.
    pub(super) segments: usize,
    /// Those of them whose summaries tell all.
    pub(super) by_summary: usize,
}

/// Totals that were added up.
#[derive(Debug)]
pub(super) struct ToldTotals {
    memory: MemorySourceConfig,
    told: Told,
}

impl ToldTotals {
    pub(super) fn new(totals: RecordBatch, projection: Option<Vec<usize>>, told: Told) -> Result<Self> {
        let schema = totals.schema();
        Ok(Self { memory: MemorySourceConfig::try_new(&[vec![totals]], schema, projection)?, told })
    }
}

impl DataSource for ToldTotals {
    fn open(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        self.memory.open(partition, context)
    }

    fn fmt_as(&self, _: DisplayFormatType, f: &mut Formatter<'_>) -> fmt::Result {
        let Told { segments, by_summary } = self.told;
        write!(f, "totals=[segments={segments}, by_summary={by_summary}]")
    }

    fn output_partitioning(&self) -> Partitioning {
        self.memory.output_partitioning()
    }

    fn eq_properties(&self) -> EquivalenceProperties {
        self.memory.eq_properties()
    }

    fn partition_statistics(&self, partition: Option<usize>) -> Result<Arc<Statistics>> {
        self.memory.partition_statistics(partition)
    }

    fn with_fetch(&self, _: Option<usize>) -> Option<Arc<dyn DataSource>> {
        None
    }

    fn fetch(&self) -> Option<usize> {
        None
    }

    fn try_swapping_with_projection(&self, _: &ProjectionExprs) -> Result<Option<Arc<dyn DataSource>>> {
        Ok(None)
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        self.memory.apply_expressions(f)
    }
}
