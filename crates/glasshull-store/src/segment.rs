//! From live rows to Parquet: sorted by start, cut at windows, laid out so that common questions read little.

use std::io::Write;
use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::TimestampNanosecondType;
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use glasshull_catalog::SegmentRow;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::{KeyValue, SortingColumn};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use twox_hash::XxHash64;

use crate::gather::gather;
use crate::index::{IndexBuilder, METADATA_KEY};
use crate::schema::{self, row};
use crate::summary::{self, SummaryBuilder};
use crate::values::{Columns, Layout, SAMPLE_ROWS};

/// Rows of a row group: what a reader can skip as a whole, and what shares dictionaries, which are unpacked to read one row.
const ROW_GROUP_ROWS: usize = 65_536;

/// Rows of a page: what is unpacked to read one row.
const PAGE_ROWS: usize = 16_384;

/// Bytes of a page before it is compressed: of columns of texts, which are slow to unpack, a page has some thousand rows only. With
/// 32 KiB the slowest calls of a function take 15 % less time, and a call 0.06 bytes more; with pages of 8,192 rows, whatever their
/// bytes, half as much time again, and 0.2 bytes less.
const PAGE_BYTES: usize = 40 << 10;

/// Bytes of a row group once it is encoded: whoever reads it holds so much in memory. Only values of the largest sizes make
/// a group of fewer rows than [`ROW_GROUP_ROWS`], which as a rule takes 2.5 MiB.
const ROW_GROUP_BYTES: usize = 32 << 20;

/// Rows that are sorted into place at a time: with values of the largest size they take 800 MiB, as a rule 2 MiB.
pub(crate) const CHUNK_ROWS: usize = 4_096;

/// The version of this layout, in each file's metadata. 1 had the columns of [`schema::calls`].
const FORMAT: &str = "2";

/// A segment that is not yet in the object store.
#[derive(Clone, Debug)]
pub(crate) struct NewSegment {
    pub(crate) row: SegmentRow,
    pub(crate) file: Bytes,
}

/// How a window is named: by its start.
const WINDOW_NAME: &str = "%Y%m%dT%H%M%SZ";

/// Digits of a journal file's number in a segment's name.
const NUMBER_DIGITS: usize = 20;

/// Digits of what tells merged segments apart.
const MARK_DIGITS: usize = 16;

/// What the names of a hub's segments begin with: its name, with its tenure's number where another may take over while it
/// still writes.
pub(crate) fn writer(hub: &str, tenure: Option<u64>) -> String {
    tenure.map_or_else(|| hub.to_owned(), |tenure| format!("{hub}_{tenure:0NUMBER_DIGITS$}"))
}

fn file_name(writer: &str, first: u64) -> String {
    format!("{writer}-{first:0NUMBER_DIGITS$}.parquet")
}

/// What the name of a segment says that this hub made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Name {
    /// The number of the journal file where its rows begin; of a merged one, the largest of those it was made of.
    pub(crate) number: u64,
    /// Whether it was made of other segments.
    pub(crate) merged: bool,
    /// The number of the tenure in which it was made, where there was one.
    pub(crate) tenure: Option<u64>,
}

/// What a name says; `None` for those of others.
pub(crate) fn name_of_hub(name: &str, hub: &str) -> Option<Name> {
    let rest = name.strip_prefix(hub)?.strip_suffix(".parquet")?;
    let (tenure, rest) = rest.split_once('-')?;
    let tenure = match tenure.strip_prefix('_') {
        Some(tenure) => Some(tenure.parse().ok()?),
        None if tenure.is_empty() => None,
        None => return None,
    };
    let (number, mark) = rest.split_once('-').map_or((rest, None), |(number, mark)| (number, Some(mark)));
    let digits = number.len() == NUMBER_DIGITS && number.bytes().all(|digit| digit.is_ascii_digit());
    let marked =
        mark.is_none_or(|mark| mark.len() == MARK_DIGITS && mark.bytes().all(|digit| digit.is_ascii_hexdigit()));
    let number = (digits && marked).then(|| number.parse().ok()).flatten()?;
    Some(Name { number, merged: mark.is_some(), tenure })
}

/// Where the segment lies that is made of these. The name is made of theirs: made anew after a crash it replaces what the
/// crash left behind, and no other segments give the same one.
pub(crate) fn merged_path(hub: &str, writer: &str, inputs: &[SegmentRow]) -> String {
    let file = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let names: Vec<String> = inputs.iter().map(|input| file(&input.path)).collect();
    let number = names.iter().filter_map(|name| name_of_hub(name, hub)).map(|name| name.number).max().unwrap_or(0);
    let mark = XxHash64::oneshot(0, names.join("\n").as_bytes());
    let window = window_name(inputs.first().map_or(0, |input| input.window_start_ns));
    format!("calls/{window}/{writer}-{number:0NUMBER_DIGITS$}-{mark:0MARK_DIGITS$x}.parquet")
}

/// Where a row stands: its start, its batch, its place in the batch.
type Place = (i64, u32, u32);

/// Writes the rows of batches as segments, one for each window. Their names are made of the [`writer`]'s and the number of
/// the first journal file they come from: made anew after a crash they replace what the crash left behind.
///
/// # Errors
/// Where the rows do not have the columns of [`schema::rows`].
pub(crate) fn write(
    writer: &str,
    first: u64,
    window_ns: i64,
    batches: &[Arc<RecordBatch>],
) -> Result<Vec<NewSegment>, ParquetError> {
    let places = sorted_places(batches);
    let window_of = |place: &Place| place.0.div_euclid(window_ns);
    let mut segments = Vec::new();
    for places in places.chunk_by(|a, b| window_of(a) == window_of(b)) {
        let start_ns = window_of(&places[0]).saturating_mul(window_ns);
        let (file, told) = parquet(batches, places)?;
        segments.push(NewSegment {
            row: SegmentRow {
                path: format!("calls/{}/{}", window_name(start_ns), file_name(writer, first)),
                window_start_ns: start_ns,
                window_end_ns: start_ns.saturating_add(window_ns),
                min_started_at_ns: places[0].0,
                max_started_at_ns: places[places.len() - 1].0,
                calls: places.len() as u64,
                bytes: file.len() as u64,
                index: told.index,
                summary: told.summary,
            },
            file,
        });
    }
    Ok(segments)
}

/// All rows by start. Rows come nearly sorted, which this sort makes use of.
fn sorted_places(batches: &[Arc<RecordBatch>]) -> Vec<Place> {
    let mut places = Vec::with_capacity(batches.iter().map(|rows| rows.num_rows()).sum());
    for (batch, rows) in batches.iter().enumerate() {
        let started = rows.column(row::STARTED_AT).as_primitive::<TimestampNanosecondType>();
        places.extend(started.values().iter().enumerate().map(|(row, &at)| (at, batch as u32, row as u32)));
    }
    places.sort();
    places
}

fn parquet(batches: &[Arc<RecordBatch>], places: &[Place]) -> Result<(Bytes, Told), ParquetError> {
    let batches: Vec<&RecordBatch> = batches.iter().map(Arc::as_ref).collect();
    let sample = places.iter().step_by(places.len().div_ceil(SAMPLE_ROWS).max(1));
    let sample: Vec<(usize, usize)> = sample.map(|&(_, batch, row)| (batch as usize, row as usize)).collect();
    let layout = Layout::of(&gather(&batches, &sample)?, places.len());
    let mut segment = SegmentWriter::new(Vec::new(), layout)?;
    for chunk in places.chunks(CHUNK_ROWS) {
        let chunk: Vec<(usize, usize)> = chunk.iter().map(|&(_, batch, row)| (batch as usize, row as usize)).collect();
        segment.push(&gather(&batches, &chunk)?)?;
    }
    let (file, told) = segment.finish()?;
    Ok((file.into(), told))
}

/// What the footer of a segment says of where its index lies, and its summary.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Told {
    pub(crate) index: Option<Arc<str>>,
    pub(crate) summary: Option<Arc<str>>,
}

/// Writes rows, in the order in which they come, their index, and the summary of their functions.
pub(crate) struct SegmentWriter<W: Write + Send> {
    writer: ArrowWriter<W>,
    columns: Columns,
    index: IndexBuilder,
    summary: SummaryBuilder,
}

impl<W: Write + Send> SegmentWriter<W> {
    pub(crate) fn new(to: W, layout: Layout) -> Result<Self, ParquetError> {
        // Readers see texts where the rows have dictionaries, which Arrow's own mark would tell them.
        let options = ArrowWriterOptions::new().with_properties(properties(&layout)).with_skip_arrow_metadata(true);
        let writer = ArrowWriter::try_new_with_options(to, layout.schema(), options)?;
        Ok(Self {
            writer,
            columns: Columns::new(layout),
            index: IndexBuilder::default(),
            summary: SummaryBuilder::default(),
        })
    }

    /// Writes rows with the columns of [`schema::rows`], which are sorted by their start and begin no earlier than those
    /// before.
    pub(crate) fn push(&mut self, rows: &RecordBatch) -> Result<(), ParquetError> {
        let rows = self.columns.of(rows)?;
        self.index.push(&rows);
        self.summary.push(&rows);
        self.writer.write(&rows)
    }

    /// Writes what is to follow the rows.
    pub(crate) fn finish(mut self) -> Result<(W, Told), ParquetError> {
        self.writer.flush()?;
        let (index, metadata) = self.index.finish(self.writer.bytes_written());
        let mut told = Told { index: Some(metadata.as_str().into()), summary: None };
        self.writer.write_all(&index)?;
        self.writer.append_key_value_metadata(KeyValue::new(METADATA_KEY.into(), Some(metadata)));
        if let Some((summary, metadata)) = self.summary.finish(self.writer.bytes_written()) {
            told.summary = Some(metadata.as_str().into());
            self.writer.write_all(&summary)?;
            self.writer.append_key_value_metadata(KeyValue::new(summary::METADATA_KEY.into(), Some(metadata)));
        }
        Ok((self.writer.into_inner()?, told))
    }
}

impl SegmentWriter<Vec<u8>> {
    /// What has been written so far; taken away, the rest of the file follows in an empty one.
    pub(crate) fn written(&mut self) -> &mut Vec<u8> {
        self.writer.inner_mut()
    }
}

fn properties(layout: &Layout) -> WriterProperties {
    let sorted = SortingColumn { column_idx: row::STARTED_AT as i32, descending: false, nulls_first: false };
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_data_page_size_limit(PAGE_BYTES)
        .set_max_row_group_bytes(Some(ROW_GROUP_BYTES))
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_sorting_columns(Some(vec![sorted]))
        .set_key_value_metadata(Some(vec![KeyValue::new("glasshull.format".into(), Some(FORMAT.into()))]))
        .set_created_by(concat!("glasshull ", env!("CARGO_PKG_VERSION")).into());
    let plain = |name: &str| ColumnPath::from(name);
    // Ids are a prefix and a counter: each shares its beginning with the one before.
    for ids in ["call_id", "parent_id"] {
        properties = properties
            .set_column_dictionary_enabled(plain(ids), false)
            .set_column_encoding(plain(ids), Encoding::DELTA_BYTE_ARRAY);
    }
    for numbers in ["started_at", "duration_ns", schema::IDLE_NS] {
        properties = properties
            .set_column_dictionary_enabled(plain(numbers), false)
            .set_column_encoding(plain(numbers), Encoding::DELTA_BINARY_PACKED);
    }
    // Values hardly repeat as a whole.
    for values in ["args", "returned", "error"] {
        properties = properties.set_column_dictionary_enabled(plain(values), false);
    }
    // The smallest and largest of texts rule nothing out where all services and instances are mixed; to compare each with
    // them costs more than to find it in its dictionary. Ids, functions and words are in the index.
    for texts in layout.schema().fields().iter().filter(|field| !field.data_type().is_primitive()) {
        let name = texts.name();
        let statistics = if name == "release" { EnabledStatistics::Page } else { EnabledStatistics::None };
        properties = properties.set_column_statistics_enabled(plain(name), statistics);
    }
    for (member, repeats) in layout.member_columns() {
        properties = properties
            .set_column_dictionary_enabled(plain(&member), repeats)
            .set_column_encoding(plain(&member), Encoding::DELTA_LENGTH_BYTE_ARRAY);
    }
    properties.build()
}

/// When a window starts, by its name.
pub(crate) fn window_start_ns(name: &str) -> Option<i64> {
    let start = DateTime::strptime(WINDOW_NAME, name).ok()?.to_zoned(TimeZone::UTC).ok()?;
    i64::try_from(start.timestamp().as_nanosecond()).ok()
}

/// A time as RFC 3339's basic form, such as `20261121T014000Z`.
fn window_name(ns: i64) -> String {
    Timestamp::from_nanosecond(i128::from(ns)).unwrap_or_default().strftime(WINDOW_NAME).to_string()
}
