//! Values put together from the columns in which their members lie, see [`glasshull_store::values`].

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, Field, FieldRef, Schema};
use datafusion::common::{Result, exec_err};
use datafusion::config::ConfigOptions;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};
use datafusion::physical_expr::expressions::{Column, Literal, col};
use datafusion::physical_expr::{PhysicalExpr, ScalarFunctionExpr};
use glasshull_store::index::Mention;
use glasshull_store::values::{MemberColumns, only};

use crate::mentions::MENTIONS;

/// A value that a segment with these columns holds in parts, as a whole; `None` where it lies whole.
pub(super) fn whole(value: &str, segment: &Schema) -> Result<Option<Arc<dyn PhysicalExpr>>> {
    let Some(members) = MemberColumns::of(value, segment) else { return Ok(None) };
    let columns = members.names();
    of_columns(value, Asked::All(members), &columns, segment).map(Some)
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
    args[0] = of_columns(value.name(), Asked::Only(key.to_owned()), &columns, segment)?;
    expr.clone().with_new_children(args).map(Some)
}

/// `mentions(args, 'text')`, asked of the parts of the value; `None` for anything else, and where the text may stand across parts.
pub(super) fn mentioning(expr: &Arc<dyn PhysicalExpr>, segment: &Schema) -> Result<Option<Arc<dyn PhysicalExpr>>> {
    let Some(function) = expr.downcast_ref::<ScalarFunctionExpr>().filter(|it| it.name() == MENTIONS) else {
        return Ok(None);
    };
    let [value, text] = function.args() else { return Ok(None) };
    let (Some(value), Some(text)) = (value.downcast_ref::<Column>(), text.downcast_ref::<Literal>()) else {
        return Ok(None);
    };
    let Some(text) = text.value().try_as_str().flatten().filter(|text| Mention::of(text).stays_in_members()) else {
        return Ok(None);
    };
    let Some(members) = MemberColumns::of(value.name(), segment) else { return Ok(None) };
    let columns = members.names();
    of_columns(value.name(), Asked::Mention(members, text.to_owned()), &columns, segment).map(Some)
}

fn of_columns(value: &str, asked: Asked, columns: &[String], segment: &Schema) -> Result<Arc<dyn PhysicalExpr>> {
    let columns = columns.iter().map(|column| col(column, segment)).collect::<Result<_>>()?;
    let field: FieldRef = Arc::new(Field::new(value, asked.data_type(), true));
    let udf = ScalarUDF::new_from_impl(OfParts { asked, signature: Signature::variadic_any(Volatility::Immutable) });
    let expr =
        ScalarFunctionExpr::new(udf.name(), Arc::new(udf.clone()), columns, field, Arc::new(ConfigOptions::default()));
    Ok(Arc::new(expr))
}

/// What is asked of a value that lies in parts.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
enum Asked {
    /// The value, with all its members.
    All(MemberColumns),
    /// The value, with this member only.
    Only(String),
    /// Whether it mentions a text.
    Mention(MemberColumns, String),
}

impl Asked {
    fn data_type(&self) -> DataType {
        match self {
            Self::All(_) | Self::Only(_) => DataType::Utf8,
            Self::Mention(..) => DataType::Boolean,
        }
    }
}

/// Nobody calls it by its name: it stands in plans only.
#[derive(Debug, Eq, Hash, PartialEq)]
struct OfParts {
    asked: Asked,
    signature: Signature,
}

impl ScalarUDFImpl for OfParts {
    fn name(&self) -> &str {
        match self.asked {
            Asked::All(_) | Asked::Only(_) => "put_together",
            Asked::Mention(..) => "mentions_in_parts",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.asked.data_type())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let columns: Vec<ArrayRef> = ColumnarValue::values_to_arrays(&args.args)?;
        let of_parts: ArrayRef = match (&self.asked, <&[ArrayRef; 3]>::try_from(columns.as_slice())) {
            (Asked::All(members), _) => Arc::new(members.whole(&columns)?),
            (Asked::Mention(members, text), _) => Arc::new(members.mentioning(&Mention::of(text), &columns)?),
            (Asked::Only(key), Ok(columns)) => Arc::new(only(key, columns)?),
            _ => return exec_err!("a member is found in three columns"),
        };
        Ok(ColumnarValue::Array(of_parts))
    }
}
