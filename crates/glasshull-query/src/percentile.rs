//! Percentiles of durations that are counted in buckets, as summaries hold them.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray, BinaryBuilder};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Int64Type};
use datafusion::common::{Result, ScalarValue, internal_datafusion_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::format_state_name;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
    Signature, Volatility,
};
use glasshull_store::summary::Durations;

/// The percentile of counted durations, in nanoseconds; `share` from 0 to 1. Null where there are none.
pub(crate) fn percentile_of(durations: Expr, share: f64) -> Expr {
    let name = format!("percentile_{}_of_durations", share * 100.0);
    let signature = Signature::exact(vec![DataType::Binary], Volatility::Immutable);
    AggregateUDF::new_from_impl(PercentileOf { name, signature, share: share.to_bits() }).call(vec![durations])
}

/// One duration, counted.
pub(crate) fn durations_of(duration_ns: Expr) -> Expr {
    let signature = Signature::exact(vec![DataType::Int64], Volatility::Immutable);
    ScalarUDF::new_from_impl(DurationsOf { signature }).call(vec![duration_ns])
}

#[derive(Debug, Eq, Hash, PartialEq)]
struct PercentileOf {
    name: String,
    signature: Signature,
    /// The bits of a number from 0 to 1.
    share: u64,
}

impl AggregateUDFImpl for PercentileOf {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn accumulator(&self, _: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Counted { durations: Durations::default(), share: f64::from_bits(self.share) }))
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        Ok(vec![Arc::new(Field::new(format_state_name(args.name, "durations"), DataType::Binary, true))])
    }
}

#[derive(Debug)]
struct Counted {
    durations: Durations,
    share: f64,
}

impl Accumulator for Counted {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let [written] = values else { return Ok(()) };
        for written in written.as_binary::<i32>().iter().flatten() {
            let added = self.durations.add_written(written);
            added.ok_or_else(|| internal_datafusion_err!("durations that nobody wrote"))?;
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(ScalarValue::Float64(self.durations.quantile(self.share)))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.durations.memory_bytes()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let mut written = Vec::new();
        self.durations.write(&mut written);
        Ok(vec![ScalarValue::Binary(Some(written))])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.update_batch(states)
    }
}

#[derive(Debug, Eq, Hash, PartialEq)]
struct DurationsOf {
    signature: Signature,
}

impl ScalarUDFImpl for DurationsOf {
    fn name(&self) -> &str {
        "durations_of"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Binary)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let durations = ColumnarValue::values_to_arrays(&args.args)?;
        let durations = durations[0].as_primitive::<Int64Type>();
        let (mut written, mut bytes) = (BinaryBuilder::with_capacity(durations.len(), 4 * durations.len()), Vec::new());
        for &ns in durations.values() {
            bytes.clear();
            Durations::write_one(ns.max(0).cast_unsigned(), &mut bytes);
            written.append_value(&bytes);
        }
        Ok(ColumnarValue::Array(Arc::new(written.finish())))
    }
}
