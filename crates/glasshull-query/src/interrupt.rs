//! Makes every plan give way: a question that has ended must not go on computing.
//!
//! Tokio ends a task only where it gives way. DataFusion's scans do, but a join makes any number of rows from few that
//! were scanned. So each join gives way as a scan does, and one that finds no rows, which for as long hands nothing on,
//! asks whether the question has ended each time it looks at a block of pairs.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use arrow::datatypes::{DataType, Schema};
use arrow::record_batch::RecordBatch;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::joins::utils::JoinFilter;
use datafusion::physical_plan::joins::{
    CrossJoinExec, HashJoinExec, HashJoinExecBuilder, NestedLoopJoinExec, NestedLoopJoinExecBuilder, SortMergeJoinExec,
};
use datafusion::physical_plan::unnest::UnnestExec;

/// Whether nobody waits for a question's answer any more.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ended(Arc<AtomicBool>);

impl Ended {
    fn has(&self) -> bool {
        self.0.load(Relaxed)
    }
}

/// The question ends when this is dropped.
pub(crate) struct EndsWithMe(pub(crate) Ended);

impl Drop for EndsWithMe {
    fn drop(&mut self) {
        self.0.0.store(true, Relaxed);
    }
}

/// Lets what makes rows give way.
#[derive(Debug)]
pub(crate) struct GiveWay(pub(crate) Ended);

impl PhysicalOptimizerRule for GiveWay {
    fn name(&self) -> &str {
        "glasshull_give_way"
    }

    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        let transformed = plan.transform_up(|node| {
            Ok(if makes_rows(&node) {
                Transformed::yes(Arc::new(CooperativeExec::new(self.asking(node)?)))
            } else {
                Transformed::no(node)
            })
        });
        transformed.map(|transformed| transformed.data)
    }

    fn schema_check(&self) -> bool {
        true
    }
}

impl GiveWay {
    /// A join whose condition asks whether the question has ended.
    fn asking(&self, node: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(if let Some(join) = node.downcast_ref::<NestedLoopJoinExec>() {
            Arc::new(NestedLoopJoinExecBuilder::from(join).with_filter(self.filter(join.filter())).build()?)
        } else if let Some(join) = node.downcast_ref::<HashJoinExec>() {
            Arc::new(HashJoinExecBuilder::from(join).with_filter(self.filter(join.filter())).build()?)
        } else {
            node
        })
    }

    fn filter(&self, filter: Option<&JoinFilter>) -> Option<JoinFilter> {
        let filter = filter?;
        let condition = Arc::new(UntilEnded { condition: filter.expression().clone(), ended: self.0.clone() });
        Some(JoinFilter::new(condition, filter.column_indices().to_vec(), filter.schema().clone()))
    }
}

fn makes_rows(node: &Arc<dyn ExecutionPlan>) -> bool {
    node.is::<CrossJoinExec>()
        || node.is::<HashJoinExec>()
        || node.is::<NestedLoopJoinExec>()
        || node.is::<SortMergeJoinExec>()
        || node.is::<UnnestExec>()
}

/// A condition that fails once the question has ended.
#[derive(Debug)]
struct UntilEnded {
    condition: Arc<dyn PhysicalExpr>,
    ended: Ended,
}

impl PhysicalExpr for UntilEnded {
    fn data_type(&self, schema: &Schema) -> Result<DataType> {
        self.condition.data_type(schema)
    }

    fn nullable(&self, schema: &Schema) -> Result<bool> {
        self.condition.nullable(schema)
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        if self.ended.has() {
            return exec_err!("nobody waits for the answer any more");
        }
        self.condition.evaluate(batch)
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.condition]
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn PhysicalExpr>>) -> Result<Arc<dyn PhysicalExpr>> {
        let condition = children.into_iter().next().unwrap_or_else(|| self.condition.clone());
        Ok(Arc::new(Self { condition, ended: self.ended.clone() }))
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.condition.fmt_sql(f)
    }
}

impl fmt::Display for UntilEnded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.condition.fmt(f)
    }
}

impl PartialEq for UntilEnded {
    fn eq(&self, other: &Self) -> bool {
        self.condition.eq(&other.condition)
    }
}

impl Eq for UntilEnded {}

impl Hash for UntilEnded {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.condition.hash(state);
    }
}
