//! The table's columns, made of those that rows have: see [`schema::rows`].

use std::sync::Arc;

use arrow::datatypes::{DataType, Schema, SchemaRef};
use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{BinaryExpr, CastExpr, Column, col};
use datafusion::physical_expr_adapter::{
    DefaultPhysicalExprAdapterFactory, PhysicalExprAdapter, PhysicalExprAdapterFactory,
};
use glasshull_store::schema;

use super::values;

/// Makes expressions over the table's columns expressions over those that a segment, of any format, or a live batch has.
#[derive(Debug)]
pub(super) struct FromRows;

impl PhysicalExprAdapterFactory for FromRows {
    fn create(&self, table: SchemaRef, rows: SchemaRef) -> Result<Arc<dyn PhysicalExprAdapter>> {
        let as_they_are = DefaultPhysicalExprAdapterFactory.create(table, rows.clone())?;
        Ok(Arc::new(Adapter { rows, as_they_are }))
    }
}

#[derive(Debug)]
struct Adapter {
    rows: SchemaRef,
    /// For columns that rows have, maybe of another type.
    as_they_are: Arc<dyn PhysicalExprAdapter>,
}

impl PhysicalExprAdapter for Adapter {
    fn rewrite(&self, expr: Arc<dyn PhysicalExpr>) -> Result<Arc<dyn PhysicalExpr>> {
        // What has been made of a column is made of columns itself, which stay.
        let done = |expr| Ok(Transformed::new(expr, true, TreeNodeRecursion::Jump));
        let rewritten = expr.transform_down(|expr| {
            if let Some(lookup) = values::looking_up(&expr, &self.rows)? {
                return done(lookup);
            }
            if let Some(mentioning) = values::mentioning(&expr, &self.rows)? {
                return done(mentioning);
            }
            let Some(column) = expr.downcast_ref::<Column>() else { return Ok(Transformed::no(expr)) };
            let made = match values::whole(column.name(), &self.rows)? {
                None => computed(column.name(), &self.rows)?,
                whole => whole,
            };
            done(made.map_or_else(|| self.as_they_are.rewrite(expr), Ok)?)
        });
        rewritten.data()
    }
}

/// How a column is computed that rows do not have; `None` for those they have.
fn computed(name: &str, rows: &Schema) -> Result<Option<Arc<dyn PhysicalExpr>>> {
    if rows.index_of(name).is_ok() {
        return Ok(None);
    }
    let duration_ns = || col("duration_ns", rows);
    Ok(match name {
        schema::ENDED_AT => {
            let started_at = cast(col("started_at", rows)?, DataType::Int64);
            Some(cast(Arc::new(BinaryExpr::new(started_at, Operator::Plus, duration_ns()?)), schema::timestamp()))
        }
        schema::BUSY_NS => {
            Some(Arc::new(BinaryExpr::new(duration_ns()?, Operator::Minus, col(schema::IDLE_NS, rows)?)))
        }
        _ => None,
    })
}

fn cast(expr: Arc<dyn PhysicalExpr>, to: DataType) -> Arc<dyn PhysicalExpr> {
    Arc::new(CastExpr::new(expr, to, None))
}
