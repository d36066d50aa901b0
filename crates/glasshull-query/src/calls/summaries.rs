//! The summaries of segments: read where they are asked for, and kept as long as there is room.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};

use datafusion::common::Result;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::ParquetFileReaderFactory;
use datafusion::parquet::arrow::async_reader::AsyncFileReader;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use futures::{FutureExt, StreamExt};
use glasshull_catalog::SegmentRow;
use glasshull_store::summary::{METADATA_KEY, Place, Summary};

use super::provider::FOOTER_BYTES;

/// Summaries that are read at a time.
const READ_AT_A_TIME: usize = 16;

/// Reads summaries, and keeps those that were asked for last. What a segment's says never changes.
#[derive(Debug)]
pub(crate) struct Summaries {
    readers: Arc<dyn ParquetFileReaderFactory>,
    max_bytes: usize,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    by_path: HashMap<String, (Arc<Summary>, u64)>,
    bytes: usize,
    /// Counts what was asked for.
    asked: u64,
}

impl Summaries {
    /// Keeps so many bytes at most.
    pub(crate) fn new(readers: Arc<dyn ParquetFileReaderFactory>, max_bytes: usize) -> Self {
        Self { readers, max_bytes, kept: Mutex::default() }
    }

    /// The summary of each segment; `None` for one that has none, or whose cannot be read.
    pub(super) async fn of(&self, segments: &[SegmentRow]) -> Vec<Option<Arc<Summary>>> {
        let read = futures::stream::iter(segments.to_vec()).map(async |segment| self.of_one(&segment).await);
        read.buffered(READ_AT_A_TIME).collect().await
    }

    async fn of_one(&self, segment: &SegmentRow) -> Option<Arc<Summary>> {
        if let Some(kept) = self.lock().get(&segment.path) {
            return Some(kept);
        }
        let file = PartitionedFile::new(&segment.path, segment.bytes);
        let reader = self.readers.create_reader(0, file, Some(FOOTER_BYTES), &ExecutionPlanMetricsSet::new());
        // Damaged files make their readers panic; the scan says so where it meets one.
        let read = AssertUnwindSafe(read(segment, reader)).catch_unwind().await;
        let summary = Arc::new(read.ok().and_then(Result::ok).flatten()?);
        self.lock().keep(&segment.path, summary.clone(), self.max_bytes);
        Some(summary)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn read(segment: &SegmentRow, reader: Result<Box<dyn AsyncFileReader + Send>>) -> Result<Option<Summary>> {
    let mut reader = reader?;
    let metadata = reader.get_metadata(None).await?;
    let told = metadata.file_metadata().key_value_metadata();
    let told = told.and_then(|told| told.iter().find(|told| told.key == METADATA_KEY)?.value.as_deref());
    let Some(place) = told.and_then(|told| Place::parse(told, segment.calls)) else { return Ok(None) };
    let bytes = reader.get_bytes(place.bytes()).await?;
    let summary = Summary::read(&place, &bytes);
    if summary.is_none() {
        let segment = &segment.path;
        tracing::warn!(segment, "the summary of a segment is damaged: more of it is read than would be needed");
    }
    Ok(summary)
}

impl Kept {
    fn get(&mut self, path: &str) -> Option<Arc<Summary>> {
        self.asked += 1;
        let (summary, asked) = self.by_path.get_mut(path)?;
        *asked = self.asked;
        Some(summary.clone())
    }

    fn keep(&mut self, path: &str, summary: Arc<Summary>, max_bytes: usize) {
        self.bytes += cost(path, &summary);
        if let Some((before, _)) = self.by_path.insert(path.into(), (summary, self.asked)) {
            self.bytes -= cost(path, &before);
        }
        while self.bytes > max_bytes {
            let Some(oldest) = self.by_path.iter().min_by_key(|(_, (_, asked))| *asked) else { break };
            let oldest = oldest.0.clone();
            if let Some((gone, _)) = self.by_path.remove(&oldest) {
                self.bytes -= cost(&oldest, &gone);
            }
        }
    }
}

fn cost(path: &str, summary: &Summary) -> usize {
    path.len() + summary.memory_bytes()
}
