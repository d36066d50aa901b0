//! Arrow batches as [`Rows`].

use arrow::array::{Array, AsArray, RecordBatch, UnionArray};
use arrow::datatypes::{
    DataType, DurationMicrosecondType, DurationMillisecondType, DurationNanosecondType, DurationSecondType,
    Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, Schema, TimeUnit, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type,
    UInt64Type,
};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion_functions_json::{JSON_UNION_DATA_TYPE, JsonUnionEncoder, JsonUnionValue};
use glasshull_api::answers::{Column, ColumnKind, Rows};
use serde_json::{Map, Value};

use crate::time;

/// The largest whole number that every reader of JSON holds exactly: 2^53.
const MAX_EXACT: u64 = 1 << 53;

/// What a value costs beside its text, in bytes.
const VALUE_BYTES: usize = 16;

/// Rows as they come in, up to their limits.
pub(crate) struct Collector {
    columns: Vec<Column>,
    /// Columns whose values say themselves what they are.
    unsettled: Vec<usize>,
    rows: Vec<Vec<Value>>,
    max_rows: usize,
    bytes: usize,
    max_bytes: usize,
    partial: Option<String>,
}

impl Collector {
    pub(crate) fn new(schema: &Schema, max_rows: usize, max_bytes: usize) -> Self {
        let column = |(name, of): (&str, &DataType)| Column { name: name.into(), kind: kind(name, of) };
        let fields = schema.fields().iter().map(|field| (field.name().as_str(), field.data_type()));
        let unsettled = fields.clone().enumerate().filter(|(_, (_, of))| is_union(of)).map(|(at, _)| at).collect();
        let columns = fields.map(column).collect();
        Self { columns, unsettled, rows: Vec::new(), max_rows, bytes: 0, max_bytes, partial: None }
    }

    /// Takes a batch; whether there is room for more.
    pub(crate) fn push(&mut self, batch: &RecordBatch) -> bool {
        for row in 0..batch.num_rows() {
            if self.rows.len() == self.max_rows {
                self.partial = Some(format!("There are more rows than the {} shown.", self.max_rows));
                return false;
            }
            let values: Vec<Value> = batch.columns().iter().map(|column| value(column, row)).collect();
            self.bytes += values.iter().map(size).sum::<usize>();
            if self.bytes > self.max_bytes {
                let shown = self.rows.len();
                self.partial = Some(format!("The answer is too large: only its first {shown} rows are shown."));
                return false;
            }
            self.rows.push(values);
        }
        true
    }

    /// The answer; `also` says what else is missing.
    pub(crate) fn finish(mut self, also: Option<String>) -> Rows {
        for at in self.unsettled {
            self.columns[at].kind = settle(&mut self.rows, at);
        }
        let partial: Vec<String> = self.partial.into_iter().chain(also).collect();
        let partial = (!partial.is_empty()).then(|| partial.join(" "));
        Rows { columns: self.columns, rows: self.rows, partial, elapsed_ms: 0.0 }
    }
}

/// How a column is to be shown, by its type and, where that does not tell, its name.
pub(crate) fn kind(name: &str, of: &DataType) -> ColumnKind {
    match of {
        DataType::Boolean => ColumnKind::Boolean,
        DataType::Timestamp(..) => ColumnKind::Time,
        DataType::Duration(_) => ColumnKind::Duration,
        of if of.is_numeric() && is_duration(name) => ColumnKind::Duration,
        of if of.is_numeric() => ColumnKind::Number,
        DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..) | DataType::Struct(_) => {
            ColumnKind::Json
        }
        of if is_union(of) => ColumnKind::Json,
        of if of.is_string() && matches!(name, "args" | "returned" | "error" | "tags") => ColumnKind::Json,
        DataType::Dictionary(_, values) => kind(name, values),
        _ => ColumnKind::Text,
    }
}

/// Whether numbers of this name are nanoseconds: `duration_ns`, `avg(calls.duration_ns)`.
fn is_duration(name: &str) -> bool {
    const OF_OTHER_UNITS: [&str; 5] = ["count(", "var", "corr(", "covar", "regr_"];
    let is_made = name.ends_with("_ns)") && !OF_OTHER_UNITS.iter().any(|of| name.starts_with(of));
    is_made || name.ends_with("_ns")
}

/// A column of JSON values is one of numbers, texts or truth values where all its values are; otherwise each becomes
/// its JSON text.
fn settle(rows: &mut [Vec<Value>], at: usize) -> ColumnKind {
    let all = |is: fn(&Value) -> bool| rows.iter().all(|row| row[at].is_null() || is(&row[at]));
    if all(Value::is_number) {
        return ColumnKind::Number;
    }
    if all(Value::is_boolean) {
        return ColumnKind::Boolean;
    }
    if all(Value::is_string) {
        return ColumnKind::Text;
    }
    for row in rows.iter_mut().filter(|row| !row[at].is_null()) {
        row[at] = Value::String(row[at].to_string());
    }
    ColumnKind::Json
}

/// What a value takes, about, in bytes.
pub(crate) fn size(value: &Value) -> usize {
    VALUE_BYTES
        + match value {
            Value::String(text) => text.len(),
            Value::Array(values) => values.iter().map(size).sum(),
            Value::Object(values) => values.iter().map(|(key, value)| key.len() + size(value)).sum(),
            _ => 0,
        }
}

pub(crate) fn is_union(of: &DataType) -> bool {
    matches!(of, DataType::Union(..))
}

/// One value as JSON.
pub(crate) fn value(array: &dyn Array, row: usize) -> Value {
    if array.is_null(row) {
        return Value::Null;
    }
    match array.data_type() {
        DataType::Null => Value::Null,
        DataType::Boolean => Value::Bool(array.as_boolean().value(row)),
        DataType::Utf8 => array.as_string::<i32>().value(row).into(),
        DataType::LargeUtf8 => array.as_string::<i64>().value(row).into(),
        DataType::Utf8View => array.as_string_view().value(row).into(),
        DataType::Float32 => real(array.as_primitive::<Float32Type>().value(row).into()),
        DataType::Float64 => real(array.as_primitive::<Float64Type>().value(row)),
        of if of.is_integer() => whole(array, row),
        DataType::Timestamp(unit, _) => instant(array, *unit, row),
        DataType::Duration(unit) => length(array, *unit, row),
        DataType::Dictionary(..) => {
            let dictionary = array.as_any_dictionary();
            value(dictionary.values(), dictionary.normalized_keys()[row])
        }
        DataType::List(_) => list(&array.as_list::<i32>().value(row)),
        DataType::LargeList(_) => list(&array.as_list::<i64>().value(row)),
        DataType::FixedSizeList(..) => list(&array.as_fixed_size_list().value(row)),
        DataType::Struct(_) => text_of(&structure(array, row)),
        of if *of == *JSON_UNION_DATA_TYPE => union(array, row),
        _ => displayed(array, row),
    }
}

fn real(real: f64) -> Value {
    serde_json::Number::from_f64(real).map_or(Value::Null, Value::Number)
}

fn whole(array: &dyn Array, row: usize) -> Value {
    match array.data_type() {
        DataType::Int8 => array.as_primitive::<Int8Type>().value(row).into(),
        DataType::Int16 => array.as_primitive::<Int16Type>().value(row).into(),
        DataType::Int32 => array.as_primitive::<Int32Type>().value(row).into(),
        DataType::Int64 => signed(array.as_primitive::<Int64Type>().value(row)),
        DataType::UInt8 => array.as_primitive::<UInt8Type>().value(row).into(),
        DataType::UInt16 => array.as_primitive::<UInt16Type>().value(row).into(),
        DataType::UInt32 => array.as_primitive::<UInt32Type>().value(row).into(),
        _ => unsigned(array.as_primitive::<UInt64Type>().value(row)),
    }
}

fn signed(number: i64) -> Value {
    if number.unsigned_abs() <= MAX_EXACT { number.into() } else { number.to_string().into() }
}

fn unsigned(number: u64) -> Value {
    if number <= MAX_EXACT { number.into() } else { number.to_string().into() }
}

fn instant(array: &dyn Array, unit: TimeUnit, row: usize) -> Value {
    let ns = match unit {
        TimeUnit::Second => i128::from(array.as_primitive::<TimestampSecondType>().value(row)) * 1_000_000_000,
        TimeUnit::Millisecond => i128::from(array.as_primitive::<TimestampMillisecondType>().value(row)) * 1_000_000,
        TimeUnit::Microsecond => i128::from(array.as_primitive::<TimestampMicrosecondType>().value(row)) * 1_000,
        TimeUnit::Nanosecond => i128::from(array.as_primitive::<TimestampNanosecondType>().value(row)),
    };
    time::text(ns).into()
}

/// A length of time, in nanoseconds.
fn length(array: &dyn Array, unit: TimeUnit, row: usize) -> Value {
    let (number, ns) = match unit {
        TimeUnit::Second => (array.as_primitive::<DurationSecondType>().value(row), 1_000_000_000),
        TimeUnit::Millisecond => (array.as_primitive::<DurationMillisecondType>().value(row), 1_000_000),
        TimeUnit::Microsecond => (array.as_primitive::<DurationMicrosecondType>().value(row), 1_000),
        TimeUnit::Nanosecond => (array.as_primitive::<DurationNanosecondType>().value(row), 1),
    };
    number.checked_mul(ns).map_or(Value::Null, signed)
}

/// A list as JSON text.
fn list(items: &dyn Array) -> Value {
    text_of(&Value::Array((0..items.len()).map(|row| inner(items, row)).collect()))
}

/// A value inside another one: nested lists stay lists.
fn inner(array: &dyn Array, row: usize) -> Value {
    match array.data_type() {
        _ if array.is_null(row) => Value::Null,
        DataType::List(_) => {
            let items = array.as_list::<i32>().value(row);
            Value::Array((0..items.len()).map(|row| inner(&items, row)).collect())
        }
        DataType::Struct(_) => structure(array, row),
        _ => value(array, row),
    }
}

fn structure(array: &dyn Array, row: usize) -> Value {
    let of = array.as_struct();
    let parts = of.column_names().into_iter().zip(of.columns());
    Value::Object(parts.map(|(name, part)| (name.to_owned(), inner(part, row))).collect::<Map<_, _>>())
}

fn text_of(value: &Value) -> Value {
    Value::String(value.to_string())
}

/// A value that `->` found in JSON.
fn union(array: &dyn Array, row: usize) -> Value {
    let union = array.as_any().downcast_ref::<UnionArray>().cloned();
    let Some(encoder) = union.and_then(JsonUnionEncoder::from_union) else { return displayed(array, row) };
    match encoder.get_value(row) {
        JsonUnionValue::JsonNull => Value::Null,
        JsonUnionValue::Bool(truth) => truth.into(),
        JsonUnionValue::Int(number) => signed(number),
        JsonUnionValue::Float(number) => real(number),
        JsonUnionValue::Str(text) => text.into(),
        JsonUnionValue::Array(json) | JsonUnionValue::Object(json) => {
            serde_json::from_str(json).unwrap_or_else(|_| json.into())
        }
    }
}

/// Any other value as Arrow writes it.
fn displayed(array: &dyn Array, row: usize) -> Value {
    let options = FormatOptions::default();
    let formatter = ArrayFormatter::try_new(array, &options);
    formatter.and_then(|formatter| formatter.value(row).try_to_string()).map_or(Value::Null, Value::String)
}
