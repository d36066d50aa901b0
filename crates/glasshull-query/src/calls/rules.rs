//! Finds in plans what the summaries of segments can help to answer.

mod slowest;
mod totals;

use std::collections::HashSet;

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, Result};
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{Expr, Filter, LogicalPlan, Projection, SubqueryAlias, TableScan};
use glasshull_store::schema;

use super::asked::Asked;

pub(crate) use slowest::SlowestBySummary;
pub(crate) use totals::TotalsBySummary;

/// The scan below a plan that only renames, computes, leaves out and filters by what summaries know of; and expressions of
/// the plan's columns as expressions of the scan's.
fn of_scan(plan: &LogicalPlan, exprs: Vec<Expr>) -> Result<Option<(&TableScan, Vec<Expr>)>> {
    match plan {
        LogicalPlan::Projection(projection) => {
            let exprs = replaced(exprs, |column| projected(projection, column).cloned())?;
            exprs.map_or(Ok(None), |exprs| of_scan(&projection.input, exprs))
        }
        LogicalPlan::SubqueryAlias(alias) => {
            let exprs = replaced(exprs, |column| aliased(alias, column).map(Expr::Column))?;
            exprs.map_or(Ok(None), |exprs| of_scan(&alias.input, exprs))
        }
        LogicalPlan::Filter(filter) => match &*filter.input {
            LogicalPlan::TableScan(scan) if same_conditions(filter, scan) => of_scan(&filter.input, exprs),
            _ => Ok(None),
        },
        LogicalPlan::TableScan(scan) if scan.fetch.is_none() && Asked::of(&scan.filters).is_some() => {
            Ok(Some((scan, exprs)))
        }
        _ => Ok(None),
    }
}

/// Expressions with others instead of their columns; `None` where there is none for one of them.
fn replaced(exprs: Vec<Expr>, by: impl Fn(&Column) -> Option<Expr>) -> Result<Option<Vec<Expr>>> {
    let mut all = true;
    let replaced = exprs.into_iter().map(|expr| {
        let replaced = expr.transform(|expr| {
            let Expr::Column(column) = &expr else { return Ok(Transformed::no(expr)) };
            let by = by(column);
            all &= by.is_some();
            // What stands instead has columns of another plan.
            let jump = |expr| Transformed::new(expr, true, TreeNodeRecursion::Jump);
            Ok(by.map_or_else(|| Transformed::no(expr), jump))
        });
        replaced.map(|replaced| replaced.data)
    });
    let replaced = replaced.collect::<Result<Vec<_>>>()?;
    Ok(all.then_some(replaced))
}

fn unaliased(mut expr: &Expr) -> &Expr {
    while let Expr::Alias(alias) = expr {
        expr = &alias.expr;
    }
    expr
}

fn is_column(expr: &Expr, place: usize) -> bool {
    matches!(unaliased(expr), Expr::Column(column) if column.name == *schema::calls().field(place).name())
}

/// What a column of a projection is made of.
fn projected<'a>(projection: &'a Projection, column: &Column) -> Option<&'a Expr> {
    projection.expr.get(projection.schema.maybe_index_of_column(column)?).map(unaliased)
}

fn aliased(alias: &SubqueryAlias, column: &Column) -> Option<Column> {
    let place = alias.schema.maybe_index_of_column(column)?;
    Some(Column::from(alias.input.schema().qualified_field(place)))
}

/// Whether the scan knows all conditions of the filter above it.
fn same_conditions(filter: &Filter, scan: &TableScan) -> bool {
    let known: HashSet<&Expr> = scan.filters.iter().flat_map(split_conjunction).collect();
    split_conjunction(&filter.predicate).into_iter().all(|condition| known.contains(condition))
}
