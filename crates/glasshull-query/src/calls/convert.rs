use arrow::array::{Array, ArrayRef, AsArray, new_null_array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type, TimestampNanosecondType, UInt32Type};
use arrow::record_batch::RecordBatch;
use glasshull_api::answers::Call;
use glasshull_store::schema;
use serde_json::Value;

use crate::time;

/// The calls of a batch with the columns of the table `calls`, such as [`glasshull_store::Store::subscribe`] gives.
/// A column that is missing counts as empty; values that are no JSON are shown as text.
pub fn calls(batch: &RecordBatch) -> Vec<Call> {
    let columns = Columns::of(batch);
    (0..batch.num_rows()).map(|row| columns.call(row)).collect()
}

/// A batch's columns, in the order and with the types of the table.
struct Columns(Vec<ArrayRef>);

impl Columns {
    fn of(batch: &RecordBatch) -> Self {
        let schema = schema::calls();
        let columns = schema.fields().iter().map(|field| {
            let column = batch.column_by_name(field.name()).and_then(|column| cast(column, field.data_type()).ok());
            column.unwrap_or_else(|| new_null_array(field.data_type(), batch.num_rows()))
        });
        Self(columns.collect())
    }

    fn text(&self, column: usize, row: usize) -> Option<String> {
        debug_assert_eq!(self.0[column].data_type(), &DataType::Utf8);
        self.0[column].is_valid(row).then(|| self.0[column].as_string::<i32>().value(row).to_owned())
    }

    fn time(&self, column: usize, row: usize) -> Option<String> {
        let times = &self.0[column];
        times.is_valid(row).then(|| time::text(times.as_primitive::<TimestampNanosecondType>().value(row).into()))
    }

    fn length(&self, column: usize, row: usize) -> u64 {
        let lengths = &self.0[column];
        let length = lengths.is_valid(row).then(|| lengths.as_primitive::<Int64Type>().value(row));
        length.and_then(|length| u64::try_from(length).ok()).unwrap_or(0)
    }

    fn number(&self, column: usize, row: usize) -> u32 {
        let numbers = &self.0[column];
        if numbers.is_valid(row) { numbers.as_primitive::<UInt32Type>().value(row) } else { 0 }
    }

    fn json(&self, column: usize, row: usize) -> Option<Value> {
        self.text(column, row).map(|text| serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// The columns' numbers are their places in [`schema::calls`].
    fn call(&self, row: usize) -> Call {
        let text = |column| self.text(column, row).unwrap_or_default();
        Call {
            trace_id: text(0),
            call_id: text(1),
            parent_id: self.text(2, row),
            service: text(3),
            instance: text(4),
            class: text(5),
            release: text(6),
            function: text(7),
            file: text(8),
            line: self.number(9, row),
            thread: text(10),
            started_at: self.time(schema::STARTED_AT, row).unwrap_or_default(),
            ended_at: self.time(12, row),
            duration_ns: self.length(13, row),
            busy_ns: self.length(14, row),
            outcome: text(schema::OUTCOME),
            args: self.json(16, row),
            returned: self.json(17, row),
            error: self.json(18, row),
            depth: self.number(19, row),
            position: self.number(20, row),
        }
    }
}
