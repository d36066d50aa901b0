//! From the columns of the wire to the columns of the table, one column at a time.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray, TimestampNanosecondArray, UInt32Array,
};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::compute::{filter_record_batch, take_record_batch};
use arrow::error::ArrowError;
use glasshull_wire::v1::Outcome;
use glasshull_wire::{BatchError, Calls, Texts};

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

/// The rows of a batch whose times were checked.
pub(crate) fn rows(source: &Source, calls: Calls) -> Result<RecordBatch, ArrowError> {
    let n = calls.len();
    let instance_column = if source.name.is_empty() { source.instance.to_string() } else { source.name.clone() };
    let columns: Vec<ArrayRef> = vec![
        trace_ids(&calls)?,
        ids(calls.call_id.iter().map(|&id| Some(id)))?,
        ids(calls.parent_id.iter().copied())?,
        same(&source.service, n)?,
        same(&instance_column, n)?,
        same(&source.class, n)?,
        same(&source.release, n)?,
        chosen(&calls.function, |place| &calls.functions[place].path)?,
        chosen(&calls.function, |place| &calls.functions[place].file)?,
        Arc::new(UInt32Array::from_iter_values(calls.function.iter().map(|&f| calls.functions[f as usize].line))),
        chosen(&calls.thread, |place| &calls.threads[place])?,
        times(calls.started_at_ns.iter().map(|&at| Some(at))),
        times(ended_at(&calls)),
        Arc::new(Int64Array::from_iter_values(calls.duration_ns.iter().map(|&ns| ns.cast_signed()))),
        Arc::new(Int64Array::from_iter_values(busy(&calls))),
        chosen(&outcomes(&calls), |place| OUTCOMES[place])?,
        texts(calls.args)?,
        texts(calls.returned)?,
        texts(calls.error)?,
        Arc::new(UInt32Array::from(calls.depth)),
        Arc::new(UInt32Array::from(calls.position)),
    ];
    RecordBatch::try_new(schema::calls(), columns)
}

/// The rows for which `keep` holds.
pub(crate) fn only(rows: &RecordBatch, keep: impl Iterator<Item = bool>) -> Result<RecordBatch, ArrowError> {
    filter_record_batch(rows, &BooleanArray::from_iter(keep.map(Some)))
}

/// A copy of one row, which keeps nothing of the others.
pub(crate) fn one(rows: &RecordBatch, row: usize) -> Result<RecordBatch, ArrowError> {
    take_record_batch(rows, &UInt32Array::from(vec![row as u32]))
}

/// By the wire's number of the outcome.
const OUTCOMES: [&str; 6] = ["", "returned", "error", "panicked", "cancelled", "running"];

fn outcomes(calls: &Calls) -> Vec<u32> {
    calls.outcome.iter().map(|&outcome| outcome as u32).collect()
}

fn ended_at(calls: &Calls) -> impl Iterator<Item = Option<i64>> {
    let times = calls.started_at_ns.iter().zip(&calls.duration_ns).zip(&calls.outcome);
    times.map(|((&at, &ns), &outcome)| (outcome != Outcome::Running).then(|| at.saturating_add_unsigned(ns)))
}

fn busy(calls: &Calls) -> impl Iterator<Item = i64> {
    calls.duration_ns.iter().zip(&calls.idle_ns).map(|(&ns, &idle)| ns.saturating_sub(idle).cast_signed())
}

fn times(times: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    Arc::new(TimestampNanosecondArray::from_iter(times).with_timezone("UTC"))
}

fn strings(offsets: OffsetBuffer<i32>, values: Vec<u8>, nulls: Option<NullBuffer>) -> Result<ArrayRef, ArrowError> {
    Ok(Arc::new(StringArray::try_new(offsets, Buffer::from_vec(values), nulls)?))
}

/// The same text in each of `n` rows.
fn same(text: &str, n: usize) -> Result<ArrayRef, ArrowError> {
    strings(OffsetBuffer::from_repeated_length(text.len(), n), text.as_bytes().repeat(n), None)
}

/// For each row the text at its place in a dictionary.
fn chosen<'t>(places: &[u32], text: impl Fn(usize) -> &'t str) -> Result<ArrayRef, ArrowError> {
    let lengths = places.iter().map(|&place| text(place as usize).len());
    let offsets = OffsetBuffer::from_lengths(lengths);
    let mut values = Vec::with_capacity(offsets.last().map_or(0, |&end| end as usize));
    for &place in places {
        values.extend_from_slice(text(place as usize).as_bytes());
    }
    strings(offsets, values, None)
}

fn trace_ids(calls: &Calls) -> Result<ArrayRef, ArrowError> {
    let digits: Vec<[u8; 32]> = calls.trace_ids.iter().map(|id| hex(u128::from_be_bytes(*id))).collect();
    let mut values = Vec::with_capacity(32 * calls.len());
    for &trace in &calls.trace {
        values.extend_from_slice(&digits[trace as usize]);
    }
    strings(OffsetBuffer::from_repeated_length(32, calls.len()), values, None)
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
