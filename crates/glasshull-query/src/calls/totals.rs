//! The totals of calls by function: counts and durations, added up from the summaries of segments where these know all that
//! is asked for, one row for each call where they do not.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, BinaryArray, Int64Array, StringArray, TimestampNanosecondArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{Column, DFSchema, Result, ScalarValue};
use datafusion::datasource::provider_as_source;
use datafusion::datasource::source::DataSourceExec;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, TableType, col, lit, when};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::union::UnionExec;
use glasshull_catalog::SegmentRow;
use glasshull_store::schema;
use glasshull_store::summary::{Durations, FunctionSummary, Summary};

use super::CallsTable;
use super::asked::{Asked, Functions};
use super::told::{Told, ToldTotals};
use crate::percentile;

/// The columns, beside `service`, `function` and `started_at` as in `calls`. That of a row made of a summary is when the
/// first of the segment's calls began.
pub(super) const CALLS: &str = "calls";
pub(super) const ERRORS: &str = "errors";
pub(super) const TOTAL_NS: &str = "total_ns";
pub(super) const SHORTEST_NS: &str = "shortest_ns";
pub(super) const LONGEST_NS: &str = "longest_ns";
/// As [`Durations::write`] writes them.
pub(super) const DURATIONS: &str = "durations";

const NUMBERS: [&str; 5] = [CALLS, ERRORS, TOTAL_NS, SHORTEST_NS, LONGEST_NS];

/// Columns that are in `calls` as well.
const NAMES: [usize; 3] = [schema::SERVICE, schema::FUNCTION, schema::STARTED_AT];

/// Segments after which others get their turn.
const SEGMENTS_AT_A_TIME: usize = 16;

/// A table of totals: of each function one row or more.
#[derive(Debug)]
pub(super) struct TotalsOfCalls {
    pub(super) calls: Arc<dyn TableProvider>,
    /// Which calls: filters of their table.
    pub(super) filters: Vec<Expr>,
    /// Expressions of `started_at`, which never become less while that grows: rows for which one of them differs are not
    /// added up.
    pub(super) bins: Vec<Expr>,
    /// Whether anybody asks how durations are distributed.
    pub(super) durations: bool,
}

/// Nullable throughout, as it may be told of columns that are computed.
fn totals() -> SchemaRef {
    static TOTALS: LazyLock<SchemaRef> = LazyLock::new(|| {
        let calls = schema::calls();
        let names = NAMES.map(|place| calls.field(place).clone().with_nullable(true));
        let numbers = NUMBERS.map(|name| Field::new(name, DataType::Int64, true));
        let durations = Field::new(DURATIONS, DataType::Binary, true);
        Arc::new(Schema::new(names.into_iter().chain(numbers).chain([durations]).collect::<Vec<_>>()))
    });
    TOTALS.clone()
}

fn name(place: usize) -> String {
    schema::calls().field(place).name().clone()
}

#[async_trait]
impl TableProvider for TotalsOfCalls {
    fn schema(&self) -> SchemaRef {
        totals()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _: &[Expr],
        _: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let (told, batch, others) = self.added_up(state).await?;
        let summarised = DataSourceExec::from_data_source(ToldTotals::new(batch, projection.cloned(), told)?);
        let Some(others) = others else { return Ok(summarised) };
        let others = state.create_physical_plan(&self.one_by_one(others, projection)?).await?;
        UnionExec::try_new(vec![summarised, others])
    }
}

impl TotalsOfCalls {
    /// What summaries tell, and the calls that are not in it.
    async fn added_up(&self, state: &dyn Session) -> Result<(Told, RecordBatch, Option<CallsTable>)> {
        let mut sums = Sums { by_bin: BTreeMap::new(), durations: self.durations };
        let (Some(asked), Some(calls)) = (Asked::of(&self.filters), self.calls.downcast_ref::<CallsTable>()) else {
            return datafusion::common::internal_err!("only calls can be added up, and only by what summaries know");
        };
        let (functions, in_time) = (asked.functions(state)?, calls.segments_by_time(state, &self.filters)?);
        let bins = self.binned(state, &in_time)?;
        let mut others = Vec::new();
        let segments: Vec<(SegmentRow, Option<usize>)> = in_time.into_iter().zip(bins).collect();
        let in_all = segments.len();
        for some in segments.chunks(SEGMENTS_AT_A_TIME) {
            let whole = |(segment, bin): &&(SegmentRow, Option<usize>)| bin.is_some() && asked.covers(segment);
            let (whole, parts): (Vec<_>, Vec<_>) = some.iter().partition(whole);
            others.extend(parts.into_iter().map(|(segment, _)| segment.clone()));
            let rows: Vec<SegmentRow> = whole.iter().map(|(segment, _)| segment.clone()).collect();
            let summaries = calls.summaries(&rows).await;
            for ((segment, bin), summary) in whole.into_iter().zip(summaries) {
                match summary.filter(|summary| !summary.has_others()) {
                    Some(summary) => sums.add(segment, bin.unwrap_or(0), &summary, &functions)?,
                    None => others.push(segment.clone()),
                }
            }
            tokio::task::yield_now().await;
        }
        let told = Told { segments: in_all, by_summary: in_all - others.len() };
        Ok((told, sums.finish()?, calls.without_segments_but(others)))
    }

    /// For each segment the number of its bins, the same for those with the same ones; `None` where it has several.
    fn binned(&self, state: &dyn Session, segments: &[SegmentRow]) -> Result<Vec<Option<usize>>> {
        let mut numbers = BTreeMap::<Vec<String>, usize>::new();
        let mut bins = vec![Some(Vec::new()); segments.len()];
        for bin in &self.bins {
            for (bins, of_segment) in bins.iter_mut().zip(values(state, bin, segments)?) {
                match (of_segment, &mut *bins) {
                    (Some(value), Some(values)) => values.push(value),
                    _ => *bins = None,
                }
            }
        }
        let mut number = |values| {
            let next = numbers.len();
            *numbers.entry(values).or_insert(next)
        };
        Ok(bins.into_iter().map(|values| values.map(&mut number)).collect())
    }

    /// The same of calls one by one.
    fn one_by_one(&self, calls: CallsTable, projection: Option<&Vec<usize>>) -> Result<LogicalPlan> {
        let column = |place: usize| col(Column::from_name(name(place)));
        let duration = || column(schema::DURATION_NS);
        let outcome = column(schema::OUTCOME);
        let failed = outcome.in_list(vec![lit("error"), lit("panicked")], false);
        let mut columns: Vec<Expr> = NAMES.map(column).to_vec();
        columns.push(lit(1_i64).alias(CALLS));
        columns.push(when(failed, lit(1_i64)).otherwise(lit(0_i64))?.alias(ERRORS));
        columns.extend([TOTAL_NS, SHORTEST_NS, LONGEST_NS].map(|name| duration().alias(name)));
        columns.push(percentile::durations_of(duration()).alias(DURATIONS));
        if let Some(projection) = projection {
            columns = projection.iter().map(|&place| columns[place].clone()).collect();
        }
        let plan = LogicalPlanBuilder::scan("calls", provider_as_source(Arc::new(calls)), None)?;
        let plan = match conjunction(self.filters.iter().cloned()) {
            Some(filter) => plan.filter(filter)?,
            None => plan,
        };
        plan.project(columns)?.build()
    }
}

/// For each segment the value of an expression of `started_at`; `None` where it has more than one.
fn values(state: &dyn Session, of: &Expr, segments: &[SegmentRow]) -> Result<Vec<Option<String>>> {
    let started_at = schema::calls().field(schema::STARTED_AT).clone();
    let schema = DFSchema::try_from(Schema::new(vec![started_at]))?;
    let of = state.create_physical_expr(of.clone(), &schema)?;
    let at = |ns: fn(&SegmentRow) -> i64| -> Result<ArrayRef> {
        let times = TimestampNanosecondArray::from_iter_values(segments.iter().map(ns)).with_timezone("UTC");
        let rows = RecordBatch::try_new(schema.inner().clone(), vec![Arc::new(times)])?;
        of.evaluate(&rows)?.into_array(segments.len())
    };
    let (first, last) = (at(|segment| segment.min_started_at_ns)?, at(|segment| segment.max_started_at_ns)?);
    let value = |row| {
        let (first, last) = (ScalarValue::try_from_array(&first, row)?, ScalarValue::try_from_array(&last, row)?);
        Ok((first == last).then(|| first.to_string()))
    };
    (0..segments.len()).map(value).collect()
}

type ByService = BTreeMap<String, BTreeMap<String, Sum>>;

/// What is added up.
struct Sums {
    /// By bin, service and function: looked up for each function of each segment.
    by_bin: BTreeMap<usize, ByService>,
    durations: bool,
}

struct Sum {
    started_at_ns: i64,
    numbers: [i64; 5],
    durations: Durations,
}

impl Sums {
    /// Adds the functions of a segment that are asked for.
    fn add(&mut self, segment: &SegmentRow, bin: usize, summary: &Summary, functions: &Functions) -> Result<()> {
        let chosen = functions.among(summary)?;
        let by_service = self.by_bin.entry(bin).or_default();
        for (function, _) in summary.functions().zip(chosen).filter(|(_, chosen)| *chosen) {
            let Some(sum) = sum(by_service, &function, segment.min_started_at_ns) else { continue };
            sum.add(&function);
            if self.durations && sum.durations.add_written(&function.durations()).is_none() {
                return datafusion::common::internal_err!("a summary was not looked at when it was read");
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<RecordBatch> {
        let schema = totals();
        let by_service = self.by_bin.values().flatten();
        let all = by_service.flat_map(|(service, sums)| sums.iter().map(move |(path, sum)| (service, path, sum)));
        let all: Vec<(&String, &String, &Sum)> = all.collect();
        let times = all.iter().map(|(.., sum)| sum.started_at_ns);
        let times = TimestampNanosecondArray::from_iter_values(times).with_timezone("UTC");
        let services = StringArray::from_iter_values(all.iter().map(|(service, ..)| service));
        let functions = StringArray::from_iter_values(all.iter().map(|(_, function, _)| function));
        let mut columns: Vec<ArrayRef> = vec![Arc::new(services), Arc::new(functions), Arc::new(times)];
        for place in 0..NUMBERS.len() {
            let numbers = all.iter().map(|(.., sum)| sum.numbers[place]);
            columns.push(Arc::new(Int64Array::from_iter_values(numbers)));
        }
        let written = all.iter().map(|(.., sum)| {
            let mut bytes = Vec::new();
            sum.durations.write(&mut bytes);
            bytes
        });
        columns.push(Arc::new(BinaryArray::from_iter_values(written)));
        let typed = columns.iter().zip(schema.fields()).map(|(column, field)| cast(column, field.data_type()));
        Ok(RecordBatch::try_new(schema.clone(), typed.collect::<Result<_, _>>()?)?)
    }
}

/// What is added up of a function; most are there already, and need no names of their own.
fn sum<'a>(by_service: &'a mut ByService, function: &FunctionSummary<'_>, started_at_ns: i64) -> Option<&'a mut Sum> {
    if !by_service.get(function.service).is_some_and(|sums| sums.contains_key(function.function)) {
        let sums = by_service.entry(function.service.to_owned()).or_default();
        sums.insert(function.function.to_owned(), Sum::new(started_at_ns));
    }
    by_service.get_mut(function.service)?.get_mut(function.function)
}

impl Sum {
    fn new(started_at_ns: i64) -> Self {
        Self { started_at_ns, numbers: [0, 0, 0, i64::MAX, 0], durations: Durations::default() }
    }

    fn add(&mut self, function: &FunctionSummary<'_>) {
        let FunctionSummary { calls, errors, total_ns, shortest_ns, longest_ns, .. } = *function;
        let [all, failed, total, shortest, longest] = &mut self.numbers;
        let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        *all = all.saturating_add(number(calls));
        *failed = failed.saturating_add(number(errors));
        *total = total.saturating_add(number(total_ns));
        *shortest = number(shortest_ns).min(*shortest);
        *longest = number(longest_ns).max(*longest);
    }
}
