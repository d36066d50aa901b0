//! Values put together from the columns in which their members lie, see [`glasshull_store::values`].

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, Field, FieldRef, Schema};
use datafusion::common::{Result, exec_err};
use datafusion::config::ConfigOptions;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};
use datafusion::physical_expr::expressions::{Column, Literal, col};
use datafusion::physical_expr::{PhysicalExpr, ScalarFunctionExpr};
use glasshull_store::values::{MemberColumns, only};

/// A value that a segment with these columns holds in parts, as a whole; `None` where it lies whole.
pub(super) fn whole(value: &str, segment: &Schema) -> Result<Option<Arc<dyn PhysicalExpr>>> {
    let Some(members) = MemberColumns::of(value, segment) else { return Ok(None) };
    let columns = members.names();
    put_together(value, Parts::All(members), &columns, segment).map(Some)
}

/// A function that looks into a value for one member (`args->>'sku'`), so that it reads that member only; `None` for anything else.
pub(super) fn looking_up(expr: &Arc<dyn PhysicalExpr>, segment: &Schema) -> Result<Option<Arc<dyn PhysicalExpr>>> {
    let Some(function) = expr.downcast_ref::<ScalarFunctionExpr>().filter(|it| it.name().starts_with("json_")) else {
        return Ok(None);
    };
    let [value, key, ..] = function.args() else { return Ok(None) };
    let (Some(value), Some(key)) = (value.downcast_ref::<Column>(), key.downcast_ref::<Literal>()) else {
        return Ok(None);
    };
    let Some(key) = key.value().try_as_str().flatten() else { return Ok(None) };
    let columns = MemberColumns::of(value.name(), segment).and_then(|members| members.names_of_member(key));
    let Some(columns) = columns else { return Ok(None) };
    let mut args = function.args().to_vec();
    args[0] = put_together(value.name(), Parts::Only(key.to_owned()), &columns, segment)?;
    expr.clone().with_new_children(args).map(Some)
}

fn put_together(value: &str, parts: Parts, columns: &[String], segment: &Schema) -> Result<Arc<dyn PhysicalExpr>> {
    let columns = columns.iter().map(|column| col(column, segment)).collect::<Result<_>>()?;
    let udf =
        ScalarUDF::new_from_impl(PutTogether { parts, signature: Signature::variadic_any(Volatility::Immutable) });
    let field: FieldRef = Arc::new(Field::new(value, DataType::Utf8, true));
    let expr =
        ScalarFunctionExpr::new(udf.name(), Arc::new(udf.clone()), columns, field, Arc::new(ConfigOptions::default()));
    Ok(Arc::new(expr))
}

/// Which members a value is to have.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
enum Parts {
    All(MemberColumns),
    Only(String),
}

/// Nobody calls it by its name: it stands in plans only.
#[derive(Debug, Eq, Hash, PartialEq)]
struct PutTogether {
    parts: Parts,
    signature: Signature,
}

impl ScalarUDFImpl for PutTogether {
    fn name(&self) -> &str {
        "put_together"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let columns: Vec<ArrayRef> = ColumnarValue::values_to_arrays(&args.args)?;
        let values = match (&self.parts, <&[ArrayRef; 3]>::try_from(columns.as_slice())) {
            (Parts::All(members), _) => members.whole(&columns)?,
            (Parts::Only(key), Ok(columns)) => only(key, columns)?,
            _ => return exec_err!("a member is found in three columns"),
        };
        Ok(ColumnarValue::Array(Arc::new(values)))
    }
}
