//! Finds questions for totals: counts, sums and percentiles of durations, by function, service and coarse time.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{Column, Result, ScalarValue};
use datafusion::datasource::{provider_as_source, source_as_provider};
use datafusion::functions_aggregate::expr_fn::{max, min, sum};
use datafusion::logical_expr::expr::{AggregateFunction, InList, ScalarFunction};
use datafusion::logical_expr::expr_rewriter::{unnormalize_col, unnormalize_cols};
use datafusion::logical_expr::{
    Aggregate, BinaryExpr, Cast, Expr, LogicalPlan, LogicalPlanBuilder, Operator, cast, lit, when,
};
use datafusion::optimizer::optimizer::ApplyOrder;
use datafusion::optimizer::{OptimizerConfig, OptimizerRule};
use glasshull_store::schema;

use super::{is_column, of_scan, unaliased};
use crate::calls::CallsTable;
use crate::calls::totals::{self, TotalsOfCalls};
use crate::percentile::percentile_of;

/// `SELECT function, count(*), approx_percentile_cont(duration_ns, 0.99) FROM calls GROUP BY function` is added up from
/// summaries.
#[derive(Debug, Default)]
pub(crate) struct TotalsBySummary;

impl OptimizerRule for TotalsBySummary {
    fn name(&self) -> &str {
        "glasshull_totals_by_summary"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::TopDown)
    }

    fn rewrite(&self, plan: LogicalPlan, _: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        let LogicalPlan::Aggregate(aggregate) = &plan else { return Ok(Transformed::no(plan)) };
        Ok(by_summary(aggregate)?.map_or_else(|| Transformed::no(plan.clone()), Transformed::yes))
    }
}

/// The same of totals; `None` where something else is asked for.
fn by_summary(aggregate: &Aggregate) -> Result<Option<LogicalPlan>> {
    let asked: Vec<Expr> = aggregate.group_expr.iter().chain(&aggregate.aggr_expr).cloned().collect();
    let Some((scan, asked)) = of_scan(&aggregate.input, asked)? else { return Ok(None) };
    let calls = source_as_provider(&scan.source)?;
    let (groups, aggregates) = asked.split_at(aggregate.group_expr.len());
    let bins: Option<Vec<Vec<Expr>>> = groups.iter().map(bins).collect();
    let wanted: Option<Vec<Wanted>> = aggregates.iter().map(wanted).collect();
    let (true, Some(bins), Some(wanted)) = (calls.is::<CallsTable>(), bins, wanted) else { return Ok(None) };
    // How many calls there are at all the catalog knows.
    if groups.is_empty() && scan.filters.is_empty() && wanted.iter().all(|wanted| *wanted == Wanted::Calls) {
        return Ok(None);
    }
    let durations = wanted.iter().any(|wanted| matches!(wanted, Wanted::Percentile(_)));
    let filters = unnormalize_cols(scan.filters.iter().cloned());
    let source = provider_as_source(Arc::new(TotalsOfCalls { calls, filters, bins: bins.concat(), durations }));
    let named = |(place, sum): (usize, Expr)| sum.alias(format!("{SUM}{place}"));
    let sums = wanted.iter().flat_map(Wanted::sums).enumerate().map(named);
    let plan = LogicalPlanBuilder::scan(scan.table_name.clone(), source, None)?;
    let plan = plan.aggregate(groups.to_vec(), sums.collect::<Vec<_>>())?.build()?;
    let columns = renamed(aggregate, &plan, &wanted)?;
    LogicalPlanBuilder::from(plan).project(columns)?.build().map(Some)
}

/// How sums are called between adding them up and showing them.
const SUM: &str = "sum_";

/// What is shown is called as it was, and has the type it had.
fn renamed(aggregate: &Aggregate, plan: &LogicalPlan, wanted: &[Wanted]) -> Result<Vec<Expr>> {
    let groups = aggregate.group_expr.len();
    let mut sums = 0;
    let shown = aggregate.schema.iter().enumerate().map(|(place, (qualifier, field))| {
        let shown = match place.checked_sub(groups) {
            None => Expr::Column(Column::from(plan.schema().qualified_field(place))),
            Some(place) => {
                let first = sums;
                sums += wanted[place].sums().len();
                wanted[place].shown(|sum| Expr::Column(Column::from_name(format!("{SUM}{}", first + sum))))?
            }
        };
        let typed = match place.checked_sub(groups) {
            Some(_) => cast(shown, field.data_type().clone()),
            None => shown,
        };
        Ok(typed.alias_qualified(qualifier.cloned(), field.name()))
    });
    shown.collect()
}

fn is_duration(expr: &Expr) -> bool {
    match unaliased(expr) {
        Expr::Cast(Cast { expr, field, .. }) if *field.data_type() == DataType::Float64 => is_duration(expr),
        expr => is_column(expr, schema::DURATION_NS),
    }
}

/// The bins a group makes, none where it is a name; `None` where summaries do not know it.
fn bins(group: &Expr) -> Option<Vec<Expr>> {
    let named = is_column(group, schema::SERVICE) || is_column(group, schema::FUNCTION);
    if named {
        return Some(Vec::new());
    }
    let Expr::ScalarFunction(ScalarFunction { func, args }) = unaliased(group) else { return None };
    // Both never become less while the time grows.
    let coarse = matches!(func.name(), "date_bin" | "date_trunc");
    let time = |arg: &Expr| is_column(arg, schema::STARTED_AT);
    let constant = |arg: &Expr| matches!(arg, Expr::Literal(..)) || time(arg);
    let once = args.iter().filter(|&arg| time(arg)).count() == 1;
    (coarse && once && args.iter().all(constant)).then(|| vec![unnormalize_col(unaliased(group).clone())])
}

/// What is asked for of a group's calls.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Wanted {
    Calls,
    Errors,
    Total,
    Shortest,
    Longest,
    Mean,
    /// Which share of the calls took no longer.
    Percentile(f64),
}

fn wanted(aggregate: &Expr) -> Option<Wanted> {
    let Expr::AggregateFunction(AggregateFunction { func, params }) = unaliased(aggregate) else { return None };
    if params.distinct || params.null_treatment.is_some() {
        return None;
    }
    let estimates = func.name() == "approx_percentile_cont";
    if !estimates && !params.order_by.is_empty() {
        return None;
    }
    match (func.name(), &params.args[..], params.filter.as_deref()) {
        ("count", [Expr::Literal(counted, _)], None) if !counted.is_null() => Some(Wanted::Calls),
        ("count", [Expr::Literal(counted, _)], Some(filter)) if !counted.is_null() => {
            let errors = BTreeSet::from(["error", "panicked"]);
            (outcomes(filter)? == errors).then_some(Wanted::Errors)
        }
        (_, [duration, ..], None) if !is_duration(duration) => None,
        ("sum", [_], None) => Some(Wanted::Total),
        ("min", [_], None) => Some(Wanted::Shortest),
        ("max", [_], None) => Some(Wanted::Longest),
        ("avg", [_], None) => Some(Wanted::Mean),
        ("approx_percentile_cont", [_, share] | [_, share, _], None) => {
            let Expr::Literal(ScalarValue::Float64(Some(share)), _) = share else { return None };
            let descending = params.order_by.first().is_some_and(|order| !order.asc);
            let share = if descending { 1.0 - share } else { *share };
            (0.0..=1.0).contains(&share).then_some(Wanted::Percentile(share))
        }
        _ => None,
    }
}

/// Which outcomes a filter lets through, where it asks for these only.
fn outcomes(filter: &Expr) -> Option<BTreeSet<&str>> {
    match filter {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => {
            Some(outcomes(left)?.union(&outcomes(right)?).copied().collect())
        }
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) if is_column(left, schema::OUTCOME) => {
            Some(BTreeSet::from([literal(right)?]))
        }
        Expr::InList(InList { expr, list, negated: false }) if is_column(expr, schema::OUTCOME) => {
            list.iter().map(literal).collect()
        }
        _ => None,
    }
}

fn literal(expr: &Expr) -> Option<&str> {
    let Expr::Literal(text, _) = expr else { return None };
    text.try_as_str().flatten()
}

impl Wanted {
    /// What is added up for it.
    fn sums(&self) -> Vec<Expr> {
        let column = |name: &str| Expr::Column(Column::from_name(name));
        match self {
            Self::Calls => vec![sum(column(totals::CALLS))],
            Self::Errors => vec![sum(column(totals::ERRORS))],
            Self::Total => vec![sum(column(totals::TOTAL_NS))],
            Self::Shortest => vec![min(column(totals::SHORTEST_NS))],
            Self::Longest => vec![max(column(totals::LONGEST_NS))],
            Self::Mean => vec![sum(column(totals::TOTAL_NS)), sum(column(totals::CALLS))],
            Self::Percentile(share) => vec![percentile_of(column(totals::DURATIONS), *share)],
        }
    }

    /// What becomes of the sums.
    fn shown(&self, sum: impl Fn(usize) -> Expr) -> Result<Expr> {
        match self {
            // Of no calls there is no sum, but a count.
            Self::Calls | Self::Errors => when(sum(0).is_null(), lit(0_i64)).otherwise(sum(0)),
            Self::Mean => Ok(cast(sum(0), DataType::Float64) / cast(sum(1), DataType::Float64)),
            _ => Ok(sum(0)),
        }
    }
}
