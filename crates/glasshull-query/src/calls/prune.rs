//! Which segments a question's filters leave over, by when their calls started.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, TimestampNanosecondArray, UInt64Array};
use datafusion::common::pruning::PruningStatistics;
use datafusion::common::{Column, ScalarValue};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_optimizer::pruning::PruningPredicateBuilder;
use glasshull_catalog::SegmentRow;
use glasshull_store::schema;

/// The segments that may hold rows for which the filter is true.
pub(super) fn pruned(segments: &[SegmentRow], filter: Option<Arc<dyn PhysicalExpr>>) -> Vec<SegmentRow> {
    let Some(filter) = filter else { return segments.to_vec() };
    let predicate = PruningPredicateBuilder::new().with_file_schema(schema::calls()).try_build(filter);
    match predicate.and_then(|predicate| predicate.prune(&Bounds(segments))) {
        Ok(keep) => segments.iter().zip(keep).filter(|(_, keep)| *keep).map(|(segment, _)| segment.clone()).collect(),
        Err(error) => {
            tracing::debug!(%error, "a filter does not prune segments");
            segments.to_vec()
        }
    }
}

/// What the catalog knows of segments' columns.
struct Bounds<'a>(&'a [SegmentRow]);

impl Bounds<'_> {
    fn times(&self, column: &Column, of: impl Fn(&SegmentRow) -> i64) -> Option<ArrayRef> {
        let started_at = schema::calls().field(schema::STARTED_AT).name() == column.name();
        let times = || TimestampNanosecondArray::from_iter_values(self.0.iter().map(of)).with_timezone("UTC");
        started_at.then(|| Arc::new(times()) as ArrayRef)
    }
}

impl PruningStatistics for Bounds<'_> {
    fn min_values(&self, column: &Column) -> Option<ArrayRef> {
        self.times(column, |segment| segment.min_started_at_ns)
    }

    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        self.times(column, |segment| segment.max_started_at_ns)
    }

    fn num_containers(&self) -> usize {
        self.0.len()
    }

    fn null_counts(&self, _: &Column) -> Option<ArrayRef> {
        None
    }

    fn row_counts(&self) -> Option<ArrayRef> {
        Some(Arc::new(UInt64Array::from_iter_values(self.0.iter().map(|segment| segment.calls))))
    }

    fn contained(&self, _: &Column, _: &HashSet<ScalarValue>) -> Option<BooleanArray> {
        None
    }
}
