//! The rows of several segments in one order, with a part of each in memory.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::TimestampNanosecondType;
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use futures::future::{BoxFuture, FutureExt};
use futures::{StreamExt, TryFutureExt};
use glasshull_catalog::SegmentRow;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::arrow::async_reader::{AsyncFileReader, ParquetRecordBatchStream};
use parquet::arrow::{ParquetRecordBatchStreamBuilder, ProjectionMask};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData};

use super::Failed;
use crate::gather::gather;
use crate::rows::{of_segment, read_as};
use crate::schema;
use crate::segment::CHUNK_ROWS;

/// Bytes of row groups as they lie in the segments: one of each is in memory. 16 full ones of usual calls.
const MAX_HELD_BYTES: u64 = 96 << 20;

/// Any two of the largest size fit.
const LEAST_HELD_BYTES: u64 = 65 << 20;

/// Bytes of unpacked rows, of all segments together.
const MAX_UNPACKED_BYTES: usize = 32 << 20;

/// What a row takes beside its values, in bytes, once it is unpacked.
const ROW_BYTES: usize = 256;

/// Rows of several segments, by start; those that start together in the order of their segments.
pub(super) struct MergedRows {
    inputs: Vec<Input>,
}

struct Input {
    segment: SegmentRow,
    stream: ParquetRecordBatchStream<Object>,
    /// What was read last.
    rows: RecordBatch,
    /// The row that comes next.
    at: usize,
    /// Rows that were read before `rows`.
    before: u64,
    /// When the last of these started.
    last_ns: i64,
}

impl MergedRows {
    /// Opens the first of these segments, as many as may be in memory together; at least two.
    pub(super) async fn open(
        store: &Arc<dyn ObjectStore>,
        segments: &[SegmentRow],
        merge_bytes: usize,
    ) -> Result<Self, Failed> {
        let most_held = (merge_bytes as u64 / 2).clamp(LEAST_HELD_BYTES, MAX_HELD_BYTES);
        let (mut inputs, mut held) = (Vec::new(), 0);
        for segment in segments {
            let file = Object::open(store, segment).await?;
            let opened = file.opened().await.map_err(|e| Failed::reading(segment, e))?;
            held += largest(opened.metadata(), RowGroupMetaData::compressed_size);
            if held > most_held {
                break;
            }
            inputs.push(Input::new(segment, opened, MAX_UNPACKED_BYTES / segments.len())?);
        }
        if inputs.len() < 2 { Err(Failed::TooLarge) } else { Ok(Self { inputs }) }
    }

    /// The segments that were opened.
    pub(super) fn segments(&self) -> Vec<SegmentRow> {
        self.inputs.iter().map(|input| input.segment.clone()).collect()
    }

    /// The next rows; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<RecordBatch>, Failed> {
        let mut ended = Vec::new();
        for (i, input) in self.inputs.iter_mut().enumerate() {
            if input.at == input.rows.num_rows() && !input.read().await? {
                ended.push(i);
            }
        }
        ended.into_iter().rev().for_each(|i| drop(self.inputs.remove(i)));
        if self.inputs.is_empty() {
            return Ok(None);
        }
        let places = self.take();
        let batches: Vec<&RecordBatch> = self.inputs.iter().map(|input| &input.rows).collect();
        gather(&batches, &places).map(Some).map_err(Failed::of_ours)
    }

    /// Takes rows up to where the first input has no more.
    fn take(&mut self) -> Vec<(usize, usize)> {
        let mut places = Vec::with_capacity(CHUNK_ROWS);
        while places.len() < CHUNK_ROWS {
            let (first, next) = self.heads();
            let input = &mut self.inputs[first];
            let run = input.started()[input.at..].iter().take(CHUNK_ROWS - places.len());
            let rows = run.take_while(|&&at| (at, first) < next).count();
            places.extend((input.at..input.at + rows).map(|row| (first, row)));
            input.at += rows;
            if input.at == input.rows.num_rows() {
                break;
            }
        }
        places
    }

    /// The input whose row comes next, and what comes after its rows: another one's first row.
    fn heads(&self) -> (usize, (i64, usize)) {
        let (mut first, mut next) = ((i64::MAX, usize::MAX), (i64::MAX, usize::MAX));
        for (i, input) in self.inputs.iter().enumerate() {
            let head = (input.started()[input.at], i);
            if head < first {
                (first, next) = (head, first);
            } else if head < next {
                next = head;
            }
        }
        (first.1, next)
    }
}

impl Input {
    fn new(
        segment: &SegmentRow,
        opened: ParquetRecordBatchStreamBuilder<Object>,
        unpacked_bytes: usize,
    ) -> Result<Self, Failed> {
        let rows = opened.metadata().file_metadata().num_rows();
        if rows.unsigned_abs() != segment.calls {
            return Err(Failed::damaged(segment, format!("it holds {rows} calls instead of {}", segment.calls)));
        }
        let row = largest(opened.metadata(), |group| group.total_byte_size() / group.num_rows().max(1)) as usize;
        let rows = (unpacked_bytes / (row + ROW_BYTES)).clamp(1, CHUNK_ROWS);
        let stream = opened.with_batch_size(rows).with_projection(ProjectionMask::all()).build();
        Ok(Self {
            segment: segment.clone(),
            stream: stream.map_err(|e| Failed::reading(segment, e))?,
            rows: RecordBatch::new_empty(schema::rows()),
            at: 0,
            before: 0,
            last_ns: segment.window_start_ns,
        })
    }

    /// Reads on; whether there was anything.
    async fn read(&mut self) -> Result<bool, Failed> {
        self.before += self.rows.num_rows() as u64;
        self.last_ns = self.started().last().copied().unwrap_or(self.last_ns);
        let Some(read) = self.stream.next().await else {
            let wrong = (self.before != self.segment.calls).then(|| format!("it ends after {} calls", self.before));
            return wrong.map_or(Ok(false), |why| Err(Failed::damaged(&self.segment, why)));
        };
        let read = read.map_err(|e| Failed::reading(&self.segment, e))?;
        self.rows = of_segment(&read).map_err(|e| Failed::damaged(&self.segment, e))?;
        self.at = 0;
        let sorted = self.started().is_sorted() && self.started().first().is_none_or(|&first| first >= self.last_ns);
        if !sorted || self.started().last().is_some_and(|&last| last >= self.segment.window_end_ns) {
            return Err(Failed::damaged(&self.segment, "its calls are not in order"));
        }
        // An empty one comes last, if at all.
        Ok(!self.started().is_empty())
    }

    fn started(&self) -> &[i64] {
        self.rows.column(schema::row::STARTED_AT).as_primitive::<TimestampNanosecondType>().values()
    }
}

/// The largest of a file's row groups.
fn largest(metadata: &ParquetMetaData, of: impl Fn(&RowGroupMetaData) -> i64) -> u64 {
    metadata.row_groups().iter().map(|group| of(group).unsigned_abs()).max().unwrap_or(0)
}

/// A segment as Parquet's reader wants it.
struct Object {
    store: Arc<dyn ObjectStore>,
    path: Path,
    bytes: u64,
}

impl Object {
    async fn open(store: &Arc<dyn ObjectStore>, segment: &SegmentRow) -> Result<Self, Failed> {
        let path = Path::from(segment.path.as_str());
        let found = store.head(&path).await.map_err(|e| Failed::reading(segment, of_store(e)))?;
        if found.size != segment.bytes {
            let (is, should) = (found.size, segment.bytes);
            return Err(Failed::damaged(segment, format!("it has {is} bytes instead of {should}")));
        }
        Ok(Self { store: store.clone(), path, bytes: segment.bytes })
    }

    /// Its reader, which gives names as dictionaries.
    async fn opened(mut self) -> parquet::errors::Result<ParquetRecordBatchStreamBuilder<Self>> {
        let metadata = ArrowReaderMetadata::load_async(&mut self, ArrowReaderOptions::new()).await?;
        let options = ArrowReaderOptions::new().with_schema(read_as(metadata.schema()));
        let metadata = ArrowReaderMetadata::try_new(metadata.metadata().clone(), options)?;
        Ok(ParquetRecordBatchStreamBuilder::new_with_metadata(self, metadata))
    }
}

fn of_store(error: object_store::Error) -> ParquetError {
    ParquetError::External(Box::new(error))
}

impl AsyncFileReader for Object {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, parquet::errors::Result<Bytes>> {
        self.store.get_range(&self.path, range).map_err(of_store).boxed()
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, parquet::errors::Result<Vec<Bytes>>> {
        async move { self.store.get_ranges(&self.path, &ranges).await.map_err(of_store) }.boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, parquet::errors::Result<Arc<ParquetMetaData>>> {
        let bytes = self.bytes;
        async move {
            let reader = ParquetMetaDataReader::new().with_arrow_reader_options(options);
            reader.load_and_finish(self, bytes).await.map(Arc::new)
        }
        .boxed()
    }
}
