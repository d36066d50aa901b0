//! `mentions(args, 'text')`: whether a value holds a text, as whole words. What `FIND` asks, by the index.

use std::sync::Arc;

use datafusion::arrow::array::AsArray;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};
use glasshull_store::index::Mention;

/// Its name.
pub(crate) const MENTIONS: &str = "mentions";

/// The function, for a session.
pub(crate) fn udf() -> ScalarUDF {
    let texts = TypeSignature::Exact(vec![DataType::Utf8, DataType::Utf8]);
    ScalarUDF::new_from_impl(Mentions { signature: Signature::new(texts, Volatility::Immutable) })
}

#[derive(Debug, Eq, Hash, PartialEq)]
struct Mentions {
    signature: Signature,
}

impl ScalarUDFImpl for Mentions {
    fn name(&self) -> &str {
        MENTIONS
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [values, ColumnarValue::Scalar(ScalarValue::Utf8(text))] = &args.args[..] else {
            return exec_err!("mentions(value, 'text'): the text must be the same for all rows");
        };
        let Some(text) = text else { return Ok(ColumnarValue::Scalar(ScalarValue::Boolean(None))) };
        let values = values.to_array(args.number_rows)?;
        Ok(ColumnarValue::Array(Arc::new(Mention::of(text).in_each(values.as_string::<i32>()))))
    }
}
