//! `->` and `->>`, which reach into JSON.

use datafusion::common::{DFSchema, Result, ScalarValue};
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::sql::sqlparser::ast::BinaryOperator;
use datafusion_functions_json::udfs::{json_as_text_udf, json_get_udf};

/// Plans the arrows in place of `datafusion-functions-json`, whose planner gives each step of a chain an alias of its
/// own: what finds an alias' type finds it twice, so that a chain costs two to the power of its length.
#[derive(Debug)]
pub(crate) struct Arrows;

impl ExprPlanner for Arrows {
    fn plan_binary_op(&self, expr: RawBinaryExpr, _: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        let func = match expr.op {
            BinaryOperator::Arrow => json_get_udf(),
            BinaryOperator::LongArrow => json_as_text_udf(),
            _ => return Ok(PlannerResult::Original(expr)),
        };
        // The column's title: `args -> 'sku'` rather than the function's name.
        let title = format!("{} {} {}", title(&expr.left), expr.op, title(&expr.right));
        let args = vec![expr.left.unalias_nested().data, expr.right.unalias_nested().data];
        Ok(PlannerResult::Planned(Expr::ScalarFunction(ScalarFunction { func, args }).alias(title)))
    }
}

fn title(expr: &Expr) -> String {
    match expr {
        Expr::Column(column) => column.name.clone(),
        Expr::Alias(alias) => alias.name.clone(),
        Expr::Literal(ScalarValue::Utf8(Some(text)), _) => format!("'{text}'"),
        Expr::Literal(value, _) => value.to_string(),
        expr => expr.to_string(),
    }
}
