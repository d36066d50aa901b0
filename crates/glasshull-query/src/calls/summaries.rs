//! The summaries of segments: read where they are asked for, and kept as long as there is room.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use datafusion::common::Result;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::ParquetFileReaderFactory;
use datafusion::parquet::arrow::async_reader::AsyncFileReader;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use futures::{FutureExt, StreamExt};
use glasshull_catalog::SegmentRow;
use glasshull_store::summary::{METADATA_KEY, Place, Summary};

use super::kept::Kept;
use super::provider::FOOTER_BYTES;
use super::readers::place;

/// Summaries that are read at a time.
const READ_AT_A_TIME: usize = 16;

/// Reads summaries, and keeps those that were asked for last.
#[derive(Debug)]
pub(crate) struct Summaries {
    readers: Arc<dyn ParquetFileReaderFactory>,
    kept: Kept<Summary>,
}

impl Summaries {
    /// Keeps so many bytes at most.
    pub(crate) fn new(readers: Arc<dyn ParquetFileReaderFactory>, max_bytes: usize) -> Self {
        Self { readers, kept: Kept::new(max_bytes) }
    }

    /// The summary of each segment; `None` for one that has none, or whose cannot be read.
    pub(super) async fn of(&self, segments: &[SegmentRow]) -> Vec<Option<Arc<Summary>>> {
        let read = futures::stream::iter(segments.to_vec()).map(async |segment| self.of_one(&segment).await);
        read.buffered(READ_AT_A_TIME).collect().await
    }

    async fn of_one(&self, segment: &SegmentRow) -> Option<Arc<Summary>> {
        if let Some(kept) = self.kept.get(&segment.path) {
            return Some(kept);
        }
        let file = PartitionedFile::new(&segment.path, segment.bytes);
        let reader = self.readers.create_reader(0, file, Some(FOOTER_BYTES), &ExecutionPlanMetricsSet::new());
        // Damaged files make their readers panic; the scan says so where it meets one.
        let read = AssertUnwindSafe(read(segment, reader)).catch_unwind().await;
        let summary = Arc::new(read.ok().and_then(Result::ok).flatten()?);
        self.kept.keep(&segment.path, summary.clone(), summary.memory_bytes());
        Some(summary)
    }
}

async fn read(segment: &SegmentRow, reader: Result<Box<dyn AsyncFileReader + Send>>) -> Result<Option<Summary>> {
    let mut reader = reader?;
    let parse = |told: &str| Place::parse(told, segment.calls);
    let Some(place) = place(segment.summary.as_deref(), &mut *reader, METADATA_KEY, parse).await? else {
        return Ok(None);
    };
    let bytes = reader.get_bytes(place.bytes()).await?;
    let summary = Summary::read(&place, &bytes);
    if summary.is_none() {
        let segment = &segment.path;
        tracing::warn!(segment, "the summary of a segment is damaged: more of it is read than would be needed");
    }
    Ok(summary)
}
