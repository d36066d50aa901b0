//! Finds questions for the slowest calls.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::datasource::{provider_as_source, source_as_provider};
use datafusion::logical_expr::{Expr, LogicalPlan, Sort, TableProviderFilterPushDown, TableScan, TableType};
use datafusion::optimizer::optimizer::ApplyOrder;
use datafusion::optimizer::{OptimizerConfig, OptimizerRule};
use datafusion::physical_plan::ExecutionPlan;
use glasshull_store::schema;

use super::{is_column, of_scan};
use crate::calls::CallsTable;
use crate::calls::slowest::Top;

/// `ORDER BY duration_ns DESC LIMIT n` reads what the summaries list.
#[derive(Debug, Default)]
pub(crate) struct SlowestBySummary;

impl OptimizerRule for SlowestBySummary {
    fn name(&self) -> &str {
        "glasshull_slowest_by_summary"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::TopDown)
    }

    fn rewrite(&self, plan: LogicalPlan, _: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        let LogicalPlan::Sort(sort) = &plan else { return Ok(Transformed::no(plan)) };
        let Some(input) = by_summary(sort)? else { return Ok(Transformed::no(plan)) };
        Ok(Transformed::yes(LogicalPlan::Sort(Sort { input: Arc::new(input), ..sort.clone() })))
    }
}

/// What is sorted, read with the help of summaries; `None` where they do not help.
fn by_summary(sort: &Sort) -> Result<Option<LogicalPlan>> {
    let (Some(most @ 1..), [first, others @ ..]) = (sort.fetch, &sort.expr[..]) else { return Ok(None) };
    let Some((scan, key)) = of_scan(&sort.input, vec![first.expr.clone()])? else { return Ok(None) };
    let calls = source_as_provider(&scan.source)?;
    if first.asc || !is_column(&key[0], schema::DURATION_NS) || !calls.is::<CallsTable>() {
        return Ok(None);
    }
    let top = Top { most, any_of_equals: others.is_empty() };
    let source = provider_as_source(Arc::new(SlowestOfCalls { calls, top }));
    let input = LogicalPlan::clone(&sort.input).transform_down(|plan| {
        let LogicalPlan::TableScan(scan) = plan else { return Ok(Transformed::no(plan)) };
        Ok(Transformed::yes(LogicalPlan::TableScan(TableScan { source: source.clone(), ..scan })))
    });
    input.map(|input| Some(input.data))
}

/// The table `calls`, of which only the slowest are wanted, and any number of others.
#[derive(Debug)]
struct SlowestOfCalls {
    calls: Arc<dyn TableProvider>,
    top: Top,
}

#[async_trait]
impl TableProvider for SlowestOfCalls {
    fn schema(&self) -> SchemaRef {
        self.calls.schema()
    }

    fn table_type(&self) -> TableType {
        self.calls.table_type()
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match self.calls.downcast_ref::<CallsTable>() {
            Some(calls) => calls.scan_slowest(state, projection, filters, limit, self.top).await,
            None => self.calls.scan(state, projection, filters, limit).await,
        }
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        self.calls.supports_filters_pushdown(filters)
    }
}
