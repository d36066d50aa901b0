//! Answers in columns, for readers that want many rows: an Arrow IPC stream instead of JSON.
//!
//! The answer is gathered before its first byte goes out, within the same limits of bytes and time as one of JSON and one
//! of rows of its own. So a failure in the middle is an ordinary failure, and the schema, which stands first, can say how
//! long it took and what is missing.

mod gathered;
mod names;

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, StringArray};
use arrow::buffer::Buffer;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::ipc::writer::StreamEncoder;
use glasshull_api::answers::{ColumnKind, Rows};

use gathered::{Finished, Gathered};

/// Where the schema says how long the answer took, in milliseconds.
pub const ELAPSED_MS: &str = "glasshull.elapsed_ms";
/// Where the schema says what is missing, where something is.
pub const PARTIAL: &str = "glasshull.partial";
/// Where a column says how its values are to be shown: a `ColumnKind` as in JSON.
pub const KIND: &str = "glasshull.kind";

/// An answer in columns.
#[derive(Debug)]
pub struct Columns {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
    pub(crate) partial: Option<String>,
    pub(crate) elapsed_ms: f64,
}

impl Columns {
    /// Rows whose cells are texts.
    pub(crate) fn of_texts(rows: &Rows) -> Result<Self, ArrowError> {
        let column = |at: usize| {
            let texts = rows.rows.iter().map(|row| row.get(at).and_then(|value| value.as_str()));
            Arc::new(texts.collect::<StringArray>()) as ArrayRef
        };
        let columns: Vec<ArrayRef> = (0..rows.columns.len()).map(column).collect();
        let fields = rows.columns.iter().map(|column| field(&column.name, DataType::Utf8, column.kind));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let batch = RecordBatch::try_new(schema.clone(), columns)?;
        Ok(Self { schema, batches: vec![batch], partial: rows.partial.clone(), elapsed_ms: rows.elapsed_ms })
    }

    /// Rows there are.
    pub fn rows(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    /// Why rows are missing, where some are.
    pub fn partial(&self) -> Option<&str> {
        self.partial.as_deref()
    }

    /// The stream, one batch after the other, each let go of when its bytes are taken.
    pub fn stream(self) -> impl Iterator<Item = Result<Vec<u8>, ArrowError>> + Send {
        let mut metadata = HashMap::from([(ELAPSED_MS.to_owned(), self.elapsed_ms.to_string())]);
        metadata.extend(self.partial.map(|partial| (PARTIAL.to_owned(), partial)));
        let schema = self.schema.as_ref().clone().with_metadata(metadata);
        let mut batches = self.batches.into_iter();
        let mut encoder = Some(StreamEncoder::try_new(&schema));
        std::iter::from_fn(move || match (encoder.take()?, batches.next()) {
            (Ok(mut open), Some(batch)) => {
                let bytes = open.encode(&batch).map(|buffers| joined(&buffers));
                encoder = bytes.is_ok().then_some(Ok(open));
                Some(bytes)
            }
            (Ok(open), None) => Some(open.finish().map(|buffers| joined(&buffers))),
            (Err(error), _) => Some(Err(error)),
        })
    }
}

fn joined(buffers: &[Buffer]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(buffers.iter().map(Buffer::len).sum());
    for buffer in buffers {
        bytes.extend_from_slice(buffer.as_slice());
    }
    bytes
}

fn field(name: &str, of: DataType, kind: ColumnKind) -> Field {
    let kind = serde_json::to_value(kind).unwrap_or_default();
    let metadata = HashMap::from([(KIND.to_owned(), kind.as_str().unwrap_or("text").to_owned())]);
    Field::new(name, of, true).with_metadata(metadata)
}

/// Batches as they come in, up to their limits.
pub(crate) struct Gatherer {
    columns: Vec<Gathered>,
    /// Rows of each batch that was taken: an answer may have rows and no columns.
    batches: Vec<usize>,
    rows: usize,
    max_rows: usize,
    max_bytes: usize,
    partial: Option<String>,
}

impl Gatherer {
    pub(crate) fn new(schema: &Schema, max_rows: usize, max_bytes: usize) -> Self {
        let columns = schema.fields().iter().map(|field| Gathered::new(field.name(), field.data_type())).collect();
        Self { columns, batches: Vec::new(), rows: 0, max_rows, max_bytes, partial: None }
    }

    /// Takes a batch; whether there is room for more.
    pub(crate) fn push(&mut self, batch: &RecordBatch) -> Result<bool, ArrowError> {
        let room = self.max_rows - self.rows;
        if batch.num_rows() > room {
            self.partial = Some(format!("There are more rows than the {} shown.", self.max_rows));
        }
        let batch = batch.slice(0, batch.num_rows().min(room));
        let before = self.bytes();
        self.take(&batch)?;
        if self.bytes() > self.max_bytes {
            self.cut_back(before, batch.num_rows());
        }
        Ok(self.partial.is_none())
    }

    fn take(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        for (column, values) in self.columns.iter_mut().zip(batch.columns()) {
            column.push(values)?;
        }
        self.rows += batch.num_rows();
        self.batches.push(batch.num_rows());
        Ok(())
    }

    /// Keeps of the last batch as many rows as there is room for, were all of them equally large.
    fn cut_back(&mut self, before: usize, rows: usize) {
        let taken = self.bytes().saturating_sub(before).max(1);
        let fitting = rows * self.max_bytes.saturating_sub(before).min(taken) / taken;
        self.columns.iter_mut().for_each(|column| column.cut_last(fitting));
        self.rows -= rows - fitting;
        if let Some(last) = self.batches.last_mut() {
            *last = fitting;
        }
        self.partial = Some(format!("The answer is too large: only its first {} rows are shown.", self.rows));
    }

    fn bytes(&self) -> usize {
        self.columns.iter().map(Gathered::bytes).sum()
    }

    /// The answer; `also` says what else is missing.
    pub(crate) fn finish(self, also: Option<String>) -> Result<Columns, ArrowError> {
        let mut fields = Vec::with_capacity(self.columns.len());
        let mut batches: Vec<Vec<ArrayRef>> = vec![Vec::with_capacity(self.columns.len()); self.batches.len()];
        for column in self.columns {
            let Finished { name, kind, of, parts } = column.finish()?;
            fields.push(field(&name, of, kind));
            batches.iter_mut().zip(parts).for_each(|(batch, part)| batch.push(part));
        }
        let schema = Arc::new(Schema::new(fields));
        let batch = |(columns, rows): (Vec<ArrayRef>, usize)| {
            let options = RecordBatchOptions::new().with_row_count(Some(rows));
            RecordBatch::try_new_with_options(schema.clone(), columns, &options)
        };
        let batches = batches.into_iter().zip(self.batches).map(batch).collect::<Result<_, _>>()?;
        let partial: Vec<String> = self.partial.into_iter().chain(also).collect();
        let partial = (!partial.is_empty()).then(|| partial.join(" "));
        Ok(Columns { schema, batches, partial, elapsed_ms: 0.0 })
    }
}
