//! Which rows of which segments a question's filters leave over, by the indexes inside the segments.

use std::fmt;
use std::panic::AssertUnwindSafe;

use datafusion::common::Result;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::ParquetFileReaderFactory;
use datafusion::parquet::arrow::arrow_reader::{RowSelection, RowSelector};
use datafusion::parquet::arrow::async_reader::AsyncFileReader;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use futures::{FutureExt, StreamExt};
use glasshull_catalog::SegmentRow;
use glasshull_store::index::{Index, Key, Lookup, METADATA_KEY};

use super::needs::Need;
use super::readers::place;

/// Segments whose indexes are read at a time.
const READ_AT_A_TIME: usize = 16;

/// Keys that are looked for in a segment: each costs a read. Further ones rule nothing out.
const MAX_KEYS: usize = 64;

/// A segment, and which of its rows may be wanted; all where nothing is said.
pub(super) struct Narrowed {
    pub(super) segment: SegmentRow,
    pub(super) rows: Option<RowSelection>,
}

impl Narrowed {
    /// How many rows may be wanted.
    pub(super) fn rows(&self) -> usize {
        self.rows.as_ref().map_or(self.segment.calls as usize, RowSelection::row_count)
    }
}

/// How much was ruled out, for `EXPLAIN`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Pruned {
    /// Segments there are.
    pub(super) segments: usize,
    /// Segments left over by when their calls started.
    pub(super) by_time: usize,
    /// Of these, segments left over by their indexes.
    pub(super) by_index: usize,
    /// Rows of the segments left over by time, and of them, rows left over by the indexes.
    pub(super) rows: usize,
    pub(super) rows_by_index: usize,
    /// Where summaries were asked: segments left over by these as well. `rows_by_index` then counts their rows.
    pub(super) by_summary: Option<usize>,
}

/// What is left of segments, in their order. An index that is missing or cannot be read rules nothing out.
pub(super) async fn narrowed(
    segments: Vec<SegmentRow>,
    need: &Need,
    readers: &dyn ParquetFileReaderFactory,
    footer_bytes: usize,
) -> Vec<Narrowed> {
    let mut keys = need.keys();
    keys.sort();
    keys.dedup();
    keys.truncate(MAX_KEYS);
    if keys.is_empty() {
        return segments.into_iter().map(|segment| Narrowed { segment, rows: None }).collect();
    }
    let looked = futures::stream::iter(segments).map(async |segment: SegmentRow| {
        let file = PartitionedFile::new(&segment.path, segment.bytes);
        let reader = readers.create_reader(0, file, Some(footer_bytes), &ExecutionPlanMetricsSet::new());
        // Damaged files make their readers panic; the scan says so where it meets one.
        let wanted = AssertUnwindSafe(wanted(&segment, reader, &keys, need)).catch_unwind().await;
        let rows = wanted.ok().and_then(Result::ok).flatten();
        Narrowed { segment, rows }
    });
    let left = looked.buffered(READ_AT_A_TIME);
    left.filter(|narrowed| std::future::ready(narrowed.rows.as_ref().is_none_or(RowSelection::selects_any)))
        .collect()
        .await
}

/// The rows that may be wanted; `None` where all may be.
async fn wanted(
    segment: &SegmentRow,
    reader: Result<Box<dyn AsyncFileReader + Send>>,
    keys: &[Key],
    need: &Need,
) -> Result<Option<RowSelection>> {
    let mut reader = reader?;
    let rows = usize::try_from(segment.calls).unwrap_or(usize::MAX);
    let parse = |told: &str| Index::parse(told, rows);
    let Some(index) = place(segment.index.as_deref(), &mut *reader, METADATA_KEY, parse).await? else {
        return Ok(None);
    };
    let mut lookup = Lookup::default();
    let places = keys.iter().map(|&key| index.place(key)).collect();
    let read = reader.get_byte_ranges(places).await?;
    let damaged = keys.iter().zip(read).filter(|(key, bytes)| !lookup.add(**key, bytes)).count();
    if damaged > 0 {
        let segment = &segment.path;
        tracing::warn!(segment, damaged, "the index of a segment is damaged: more of it is read than would be needed");
    }
    let chosen = (0..index.granules()).filter(|&granule| need.may_be_in(granule, &lookup));
    Ok(selection(chosen.map(|granule| index.rows(granule)), index.total_rows()))
}

fn selection(chosen: impl Iterator<Item = std::ops::Range<usize>>, all: usize) -> Option<RowSelection> {
    let selection = selected(chosen, all);
    (selection.row_count() < all).then_some(selection)
}

/// Single rows of a segment, in their order.
pub(super) fn rows(segment: SegmentRow, rows: &[u64]) -> Narrowed {
    let all = segment.calls as usize;
    let rows = rows.iter().map(|&row| row as usize..row as usize + 1);
    Narrowed { rows: Some(selected(rows, all)), segment }
}

fn selected(chosen: impl Iterator<Item = std::ops::Range<usize>>, all: usize) -> RowSelection {
    let (mut selectors, mut at) = (Vec::new(), 0);
    for rows in chosen {
        selectors.push(RowSelector::skip(rows.start - at));
        selectors.push(RowSelector::select(rows.len()));
        at = rows.end;
    }
    selectors.push(RowSelector::skip(all - at));
    RowSelection::from(selectors)
}

impl fmt::Display for Pruned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { segments, by_time, by_index, rows, rows_by_index, by_summary } = self;
        write!(f, "segments={segments}, in_time={by_time}, by_index={by_index}, ")?;
        let Some(by_summary) = by_summary else { return write!(f, "rows={rows}, rows_by_index={rows_by_index}") };
        write!(f, "by_summary={by_summary}, rows={rows}, rows_by_summary={rows_by_index}")
    }
}
