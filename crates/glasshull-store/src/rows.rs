//! From the columns of the wire to rows, and from rows to the table, one column at a time.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, DictionaryArray, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampNanosecondArray, UInt32Array,
};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::compute::kernels::{cmp, numeric};
use arrow::compute::{cast, filter_record_batch, nullif, take_record_batch};
use arrow::datatypes::{DataType, FieldRef, Schema, SchemaRef};
use arrow::error::ArrowError;
use glasshull_wire::v1::{Function, Outcome};
use glasshull_wire::{BatchError, Calls, Texts};

use crate::schema::row;
use crate::values::MemberColumns;
use crate::{Source, schema};

/// Rows of calls that are not older than 1970, not longer than there is time until 2262.
///
/// # Errors
/// What is wrong with them.
pub(crate) fn check_times(calls: &Calls) -> Result<(), BatchError> {
    let ends = |started_at_ns: i64, duration_ns: u64| started_at_ns.checked_add_unsigned(duration_ns);
    if calls.started_at_ns.iter().any(|&started_at_ns| started_at_ns < 0) {
        return Err(BatchError::Inconsistent("a call starts before 1970"));
    }
    let mut times = calls.started_at_ns.iter().zip(&calls.duration_ns);
    if times.any(|(&started_at_ns, &duration_ns)| ends(started_at_ns, duration_ns).is_none()) {
        return Err(BatchError::Inconsistent("a call ends after 2262"));
    }
    Ok(())
}

/// The rows of a batch whose times were checked, with the columns of [`schema::rows`].
pub(crate) fn rows(source: &Source, calls: Calls) -> Result<RecordBatch, ArrowError> {
    let n = calls.len();
    let instance_column = if source.name.is_empty() { source.instance.to_string() } else { source.name.clone() };
    let traces = calls.trace_ids.iter().map(|id| hex::<32>(u128::from_be_bytes(*id)));
    let functions = |text: fn(&Function) -> &str| StringArray::from_iter_values(calls.functions.iter().map(text));
    let columns: Vec<ArrayRef> = vec![
        named(
            &calls.trace,
            StringArray::from_iter_values(traces.map(|digits| String::from_utf8_lossy(&digits).into_owned())),
        )?,
        ids(calls.call_id.iter().map(|&id| Some(id)))?,
        ids(calls.parent_id.iter().copied())?,
        same(&source.service, n)?,
        same(&instance_column, n)?,
        same(&source.class, n)?,
        same(&source.release, n)?,
        named(&calls.function, functions(|function| &function.path))?,
        named(&calls.function, functions(|function| &function.file))?,
        Arc::new(UInt32Array::from_iter_values(calls.function.iter().map(|&f| calls.functions[f as usize].line))),
        named(&calls.thread, StringArray::from_iter_values(&calls.threads))?,
        times(calls.started_at_ns.iter().map(|&at| Some(at))),
        Arc::new(Int64Array::from_iter_values(calls.duration_ns.iter().map(|&ns| ns.cast_signed()))),
        Arc::new(Int64Array::from_iter_values(idle(&calls))),
        named(&outcomes(&calls), StringArray::from(OUTCOMES.to_vec()))?,
        texts(calls.args)?,
        texts(calls.returned)?,
        texts(calls.error)?,
        Arc::new(UInt32Array::from(calls.depth)),
        Arc::new(UInt32Array::from(calls.position)),
    ];
    RecordBatch::try_new(schema::rows(), columns)
}

/// How the columns of a segment, of any format, are to be read to become rows: names as dictionaries.
pub(crate) fn read_as(segment: &Schema) -> SchemaRef {
    let of_rows = schema::rows();
    let field = |field: &FieldRef| match of_rows.field_with_name(field.name()) {
        Ok(row) => Arc::new(field.as_ref().clone().with_data_type(row.data_type().clone())),
        Err(_) => field.clone(),
    };
    Arc::new(Schema::new(segment.fields().iter().map(field).collect::<Vec<_>>()))
}

/// Rows as they were read from a segment, with the columns of [`schema::rows`]. The first format had those of the table.
///
/// # Errors
/// Where a column is missing or holds what it must not.
pub(crate) fn of_segment(read: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let schema = schema::rows();
    let named = |name: &str| {
        let column = read.column_by_name(name);
        column.ok_or_else(|| ArrowError::SchemaError(format!("there is no column {name}")))
    };
    let column = |field: &FieldRef| -> Result<ArrayRef, ArrowError> {
        let name = field.name().as_str();
        match MemberColumns::of(name, read.schema_ref()) {
            Some(members) => Ok(Arc::new(members.whole_of(read)?)),
            None if read.column_by_name(name).is_some() => cast(named(name)?, field.data_type()),
            None if name == schema::IDLE_NS => numeric::sub(named("duration_ns")?, named(schema::BUSY_NS)?),
            None => named(name).cloned(),
        }
    };
    RecordBatch::try_new(schema.clone(), schema.fields().iter().map(column).collect::<Result<_, _>>()?)
}

/// Rows as the table shows them, with the columns of [`schema::calls`].
///
/// # Errors
/// Where they do not have the columns of [`schema::rows`].
pub(crate) fn table(rows: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let schema = schema::calls();
    let column = |field: &FieldRef| match (field.name().as_str(), rows.column_by_name(field.name())) {
        (_, Some(column)) => cast(column, field.data_type()),
        (schema::ENDED_AT, None) => Ok(ended_at(rows)?),
        _ => Ok(numeric::sub(rows.column(row::DURATION_NS), rows.column(row::IDLE_NS))?),
    };
    RecordBatch::try_new(schema.clone(), schema.fields().iter().map(column).collect::<Result<_, _>>()?)
}

fn ended_at(rows: &RecordBatch) -> Result<ArrayRef, ArrowError> {
    let started_at = cast(rows.column(row::STARTED_AT), &DataType::Int64)?;
    let ended_at = numeric::add_wrapping(&started_at, rows.column(row::DURATION_NS))?;
    let outcome = cast(rows.column(row::OUTCOME), &DataType::Utf8)?;
    let runs = cmp::eq(&outcome, &StringArray::new_scalar(OUTCOMES[Outcome::Running as usize]))?;
    cast(&nullif(&ended_at, &runs)?, &schema::timestamp())
}

/// The rows for which `keep` holds.
pub(crate) fn only(rows: &RecordBatch, keep: impl Iterator<Item = bool>) -> Result<RecordBatch, ArrowError> {
    filter_record_batch(rows, &BooleanArray::from_iter(keep.map(Some)))
}

/// One row as the table shows it: a copy, which keeps nothing of the others.
pub(crate) fn one(rows: &RecordBatch, row: usize) -> Result<RecordBatch, ArrowError> {
    table(&take_record_batch(rows, &UInt32Array::from(vec![row as u32]))?)
}

/// By the wire's number of the outcome.
const OUTCOMES: [&str; 6] = ["", "returned", "error", "panicked", "cancelled", "running"];

fn outcomes(calls: &Calls) -> Vec<u32> {
    calls.outcome.iter().map(|&outcome| outcome as u32).collect()
}

/// Never more than the duration, so that a call is busy for at least no time.
fn idle(calls: &Calls) -> impl Iterator<Item = i64> {
    calls.duration_ns.iter().zip(&calls.idle_ns).map(|(&ns, &idle)| ns.min(idle).cast_signed())
}

fn times(times: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    Arc::new(TimestampNanosecondArray::from_iter(times).with_timezone("UTC"))
}

fn strings(offsets: OffsetBuffer<i32>, values: Vec<u8>, nulls: Option<NullBuffer>) -> Result<ArrayRef, ArrowError> {
    Ok(Arc::new(StringArray::try_new(offsets, Buffer::from_vec(values), nulls)?))
}

/// The same text in each of `n` rows.
fn same(text: &str, n: usize) -> Result<ArrayRef, ArrowError> {
    named(&vec![0; n], StringArray::from_iter_values([text]))
}

/// For each row the text at its place among `texts`.
fn named(places: &[u32], texts: StringArray) -> Result<ArrayRef, ArrowError> {
    let keys = Int32Array::from_iter_values(places.iter().map(|&place| place.cast_signed()));
    Ok(Arc::new(DictionaryArray::try_new(keys, Arc::new(texts))?))
}

/// Ids of calls, as 16 digits each.
fn ids(ids: impl ExactSizeIterator<Item = Option<u64>> + Clone) -> Result<ArrayRef, ArrowError> {
    let offsets = OffsetBuffer::from_lengths(ids.clone().map(|id| if id.is_some() { 16 } else { 0 }));
    let nulls = NullBuffer::from_iter(ids.clone().map(|id| id.is_some()));
    let mut values = Vec::with_capacity(16 * ids.len());
    for id in ids.flatten() {
        let digits: [u8; 16] = hex(u128::from(id));
        values.extend_from_slice(&digits);
    }
    strings(offsets, values, Some(nulls).filter(|nulls| nulls.null_count() > 0))
}

/// The last `N` hexadecimal digits of a number.
fn hex<const N: usize>(number: u128) -> [u8; N] {
    std::array::from_fn(|i| b"0123456789abcdef"[(number >> (4 * (N - 1 - i)) & 15) as usize])
}

/// The wire's texts, whose bytes are taken over as they are.
fn texts(texts: Texts) -> Result<ArrayRef, ArrowError> {
    let offsets: Vec<i32> = texts.offsets.iter().map(|&offset| offset.cast_signed()).collect();
    // A column of an empty batch has no offset at all in its default form.
    let offsets = if offsets.is_empty() { vec![0] } else { offsets };
    let nulls = Some(NullBuffer::from(texts.present)).filter(|nulls| nulls.null_count() > 0);
    strings(OffsetBuffer::new(ScalarBuffer::from(offsets)), texts.bytes.into_bytes(), nulls)
}
