//! `percentile_cont` in less memory: DataFusion's own keeps each number as it is, and ten million durations are more than a question
//! may take where a hub has a gibibyte. Here they are [packed](packed::Packed).

mod packed;

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Float64Array};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Float64Type, Schema};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::common::{Result, ScalarValue, internal_datafusion_err, plan_err};
use datafusion::functions_aggregate::percentile_cont::percentile_cont_udaf;
use datafusion::logical_expr::function::{AccumulatorArgs, AggregateFunctionSimplification, StateFieldsArgs};
use datafusion::logical_expr::utils::format_state_name;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, ColumnarValue, Documentation, EmitTo, GroupsAccumulator, Signature,
};

use self::packed::Packed;

/// The function, for a session: it takes the place of DataFusion's.
pub(crate) fn udaf() -> AggregateUDF {
    AggregateUDF::new_from_impl(PercentileCont { theirs: percentile_cont_udaf() })
}

/// Ours where all numbers count, theirs where each different one counts once.
#[derive(Debug, Eq, Hash, PartialEq)]
struct PercentileCont {
    theirs: Arc<AggregateUDF>,
}

impl PercentileCont {
    fn is_ours(of: &DataType, is_distinct: bool) -> bool {
        *of == DataType::Float64 && !is_distinct
    }
}

impl AggregateUDFImpl for PercentileCont {
    fn name(&self) -> &str {
        self.theirs.name()
    }

    fn aliases(&self) -> &[String] {
        self.theirs.aliases()
    }

    fn signature(&self) -> &Signature {
        self.theirs.signature()
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        self.theirs.return_type(arguments)
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        if !Self::is_ours(args.input_fields[0].data_type(), args.is_distinct) {
            return self.theirs.state_fields(args);
        }
        Ok(vec![Arc::new(Field::new(format_state_name(args.name, "packed"), DataType::Binary, true))])
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        if !Self::is_ours(args.expr_fields[0].data_type(), args.is_distinct) {
            return self.theirs.accumulator(args);
        }
        Ok(Box::new(All { share: self.share(args)?, numbers: Packed::default() }))
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs<'_>) -> bool {
        Self::is_ours(args.expr_fields[0].data_type(), args.is_distinct)
            || self.theirs.groups_accumulator_supported(args)
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn GroupsAccumulator>> {
        if !Self::is_ours(args.expr_fields[0].data_type(), args.is_distinct) {
            return self.theirs.create_groups_accumulator(args);
        }
        Ok(Box::new(Groups { share: self.share(args)?, groups: Vec::new(), bytes: 0 }))
    }

    fn simplify(&self) -> Option<AggregateFunctionSimplification> {
        self.theirs.simplify()
    }

    fn supports_within_group_clause(&self) -> bool {
        true
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.theirs.documentation()
    }
}

impl PercentileCont {
    /// Which percentile is asked for, from 0 to 1, of numbers in ascending order.
    fn share(&self, args: AccumulatorArgs<'_>) -> Result<f64> {
        // It says what is wrong with it.
        self.theirs.accumulator(args.clone())?;
        let value = args.exprs[1].evaluate(&RecordBatch::new_empty(Arc::new(Schema::empty())))?;
        let ColumnarValue::Scalar(ScalarValue::Float64(Some(share))) = value else {
            return plan_err!("the percentile must be a number from 0 to 1");
        };
        let descending = args.order_bys.first().is_some_and(|order| order.options.descending);
        Ok(if descending { 1.0 - share } else { share })
    }
}

fn of_nobody() -> datafusion::common::DataFusionError {
    internal_datafusion_err!("packed numbers that nobody wrote")
}

/// The numbers of a question without groups.
#[derive(Debug)]
struct All {
    share: f64,
    numbers: Packed,
}

impl Accumulator for All {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for number in values[0].as_primitive::<Float64Type>().iter().flatten() {
            self.numbers.push(number);
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(ScalarValue::Float64(self.numbers.percentile(self.share)))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.numbers.bytes()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![ScalarValue::Binary(Some(std::mem::take(&mut self.numbers).written()))])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        for written in states[0].as_binary::<i32>().iter().flatten() {
            self.numbers.add_written(written).ok_or_else(of_nobody)?;
        }
        Ok(())
    }
}

/// The numbers of each group.
#[derive(Debug)]
struct Groups {
    share: f64,
    groups: Vec<Packed>,
    /// What they take.
    bytes: usize,
}

impl Groups {
    fn make_room(&mut self, groups: usize) {
        if self.groups.len() < groups {
            self.groups.resize_with(groups, Packed::default);
        }
    }

    fn take(&mut self, emit_to: EmitTo) -> Vec<Packed> {
        let taken = emit_to.take_needed(&mut self.groups);
        self.bytes = self.groups.iter().map(Packed::bytes).sum();
        taken
    }
}

/// The rows that count: those that are not null and that the filter, if there is one, lets through.
fn counted<'a>(
    values: &'a dyn Array,
    groups: &'a [usize],
    filter: Option<&'a BooleanArray>,
) -> impl Iterator<Item = (usize, usize)> + 'a {
    let is_wanted = move |row: &usize| {
        values.is_valid(*row) && filter.is_none_or(|filter| filter.is_valid(*row) && filter.value(*row))
    };
    (0..groups.len()).filter(is_wanted).map(|row| (row, groups[row]))
}

impl GroupsAccumulator for Groups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.make_room(total_num_groups);
        let numbers = values[0].as_primitive::<Float64Type>();
        for (row, group) in counted(numbers, group_indices, filter) {
            self.bytes += self.groups[group].push(numbers.value(row));
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let share = self.share;
        let found: Float64Array = self.take(emit_to).iter().map(|numbers| numbers.percentile(share)).collect();
        Ok(Arc::new(found))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let written: BinaryArray = self.take(emit_to).into_iter().map(|numbers| Some(numbers.written())).collect();
        Ok(vec![Arc::new(written)])
    }

    fn merge_batch(&mut self, states: &[ArrayRef], group_indices: &[usize], total_num_groups: usize) -> Result<()> {
        self.make_room(total_num_groups);
        let written = states[0].as_binary::<i32>();
        for (row, group) in counted(written, group_indices, None) {
            self.bytes += self.groups[group].add_written(written.value(row)).ok_or_else(of_nobody)?;
        }
        Ok(())
    }

    /// Each row as a group of its own.
    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let numbers = values[0].as_primitive::<Float64Type>();
        let rows: Vec<usize> = (0..numbers.len()).collect();
        let mut written = vec![None; numbers.len()];
        for (row, _) in counted(numbers, &rows, filter) {
            let mut one = Packed::default();
            one.push(numbers.value(row));
            written[row] = Some(one.written());
        }
        Ok(vec![Arc::new(written.into_iter().collect::<BinaryArray>())])
    }

    fn size(&self) -> usize {
        self.bytes + self.groups.capacity() * size_of::<Packed>()
    }
}
