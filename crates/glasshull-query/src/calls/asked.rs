//! What a question asks of calls, as far as the summaries of functions can tell: of which functions, and when they began.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::Schema;
use arrow::record_batch::RecordBatch;
use datafusion::catalog::Session;
use datafusion::common::{DFSchema, Result, ScalarValue};
use datafusion::logical_expr::expr_rewriter::unnormalize_col;
use datafusion::logical_expr::utils::{conjunction, split_conjunction};
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};
use datafusion::physical_expr::PhysicalExpr;
use glasshull_catalog::SegmentRow;
use glasshull_store::schema;
use glasshull_store::summary::Summary;

/// Calls of some functions that began within some time.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Asked {
    /// Conditions on `service` and `function` only.
    names: Vec<Expr>,
    /// The first and the last moment, in nanoseconds.
    from_ns: i64,
    to_ns: i64,
}

impl Asked {
    /// What these filters ask for; `None` where that is something else as well.
    pub(super) fn of(filters: &[Expr]) -> Option<Self> {
        let mut asked = Self { names: Vec::new(), from_ns: i64::MIN, to_ns: i64::MAX };
        filters.iter().flat_map(split_conjunction).try_for_each(|filter| asked.add(filter))?;
        Some(asked)
    }

    fn add(&mut self, filter: &Expr) -> Option<()> {
        let columns: HashSet<&str> = filter.column_refs().into_iter().map(|column| column.name.as_str()).collect();
        let name = |place: usize| schema::calls().field(place).name().clone();
        let (service, function, started_at) = (name(schema::SERVICE), name(schema::FUNCTION), name(schema::STARTED_AT));
        if columns.is_empty() || filter.is_volatile() {
            return None;
        }
        if columns.iter().all(|&column| column == service || column == function) {
            self.names.push(unnormalize_col(filter.clone()));
            return Some(());
        }
        if columns.len() == 1 && columns.contains(started_at.as_str()) { self.add_time(filter) } else { None }
    }

    /// Adds a comparison of `started_at` with a moment.
    fn add_time(&mut self, filter: &Expr) -> Option<()> {
        let Expr::BinaryExpr(BinaryExpr { left, op, right }) = filter else { return None };
        let (op, ns) = match (&**left, &**right) {
            (Expr::Column(_), Expr::Literal(moment, _)) => (*op, moment_ns(moment)?),
            (Expr::Literal(moment, _), Expr::Column(_)) => (op.swap()?, moment_ns(moment)?),
            _ => return None,
        };
        let (from_ns, to_ns) = match op {
            Operator::Gt => (ns.saturating_add(1), i64::MAX),
            Operator::GtEq => (ns, i64::MAX),
            Operator::Lt => (i64::MIN, ns.saturating_sub(1)),
            Operator::LtEq => (i64::MIN, ns),
            Operator::Eq => (ns, ns),
            _ => return None,
        };
        self.from_ns = self.from_ns.max(from_ns);
        self.to_ns = self.to_ns.min(to_ns);
        Some(())
    }

    /// Whether all calls of a segment began within the time.
    pub(super) fn covers(&self, segment: &SegmentRow) -> bool {
        self.from_ns <= segment.min_started_at_ns && segment.max_started_at_ns <= self.to_ns
    }

    /// The functions that are asked for.
    pub(super) fn functions(&self, state: &dyn Session) -> Result<Functions> {
        let calls = schema::calls();
        let schema = Schema::new([schema::SERVICE, schema::FUNCTION].map(|place| calls.field(place).clone()).to_vec());
        let schema = DFSchema::try_from(schema)?;
        let condition = conjunction(self.names.iter().cloned());
        let condition = condition.map(|condition| state.create_physical_expr(condition, &schema)).transpose()?;
        Ok(Functions { condition, schema })
    }
}

/// Nanoseconds since 1970.
fn moment_ns(moment: &ScalarValue) -> Option<i64> {
    match moment {
        ScalarValue::TimestampNanosecond(ns, _) => *ns,
        _ => None,
    }
}

/// Which functions are asked for.
#[derive(Debug)]
pub(super) struct Functions {
    condition: Option<Arc<dyn PhysicalExpr>>,
    schema: DFSchema,
}

impl Functions {
    /// For each function of a summary, in its order, whether it is asked for.
    pub(super) fn among(&self, summary: &Summary) -> Result<Vec<bool>> {
        let all = summary.functions().len();
        let Some(condition) = &self.condition else { return Ok(vec![true; all]) };
        let services: ArrayRef = Arc::new(StringArray::from_iter_values(summary.functions().map(|f| f.service)));
        let functions: ArrayRef = Arc::new(StringArray::from_iter_values(summary.functions().map(|f| f.function)));
        let schema = self.schema.inner().clone();
        let columns = [services, functions].into_iter().zip(schema.fields());
        let columns = columns.map(|(column, field)| cast(&column, field.data_type())).collect::<Result<_, _>>()?;
        let chosen = condition.evaluate(&RecordBatch::try_new(schema, columns)?)?.into_array(all)?;
        Ok(chosen.as_boolean().iter().map(|chosen| chosen == Some(true)).collect())
    }
}
