//! Readers of segments, which keep footers, each with the places of all pages.
//!
//! DataFusion asks for these places only where a filter rules pages out by their statistics. Who wants some rows without knowing
//! where pages lie fetches whole columns to find them.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use datafusion::common::Result;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::ParquetFileReaderFactory;
use datafusion::datasource::physical_plan::parquet::DefaultParquetFileReaderFactory;
use datafusion::parquet::arrow::arrow_reader::ArrowReaderOptions;
use datafusion::parquet::arrow::async_reader::AsyncFileReader;
use datafusion::parquet::errors::Result as ParquetResult;
use datafusion::parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use futures::FutureExt;
use futures::future::BoxFuture;
use object_store::ObjectStore;

use super::kept::Kept;

/// Makes readers that share the footers they read.
#[derive(Debug)]
pub(crate) struct SegmentReaders {
    files: DefaultParquetFileReaderFactory,
    footers: Arc<Kept<ParquetMetaData>>,
}

impl SegmentReaders {
    /// Keeps so many bytes of footers at most.
    pub(crate) fn new(object_store: Arc<dyn ObjectStore>, max_bytes: usize) -> Self {
        Self { files: DefaultParquetFileReaderFactory::new(object_store), footers: Arc::new(Kept::new(max_bytes)) }
    }
}

impl ParquetFileReaderFactory for SegmentReaders {
    fn create_reader(
        &self,
        partition: usize,
        file: PartitionedFile,
        footer_bytes: Option<usize>,
        metrics: &ExecutionPlanMetricsSet,
    ) -> Result<Box<dyn AsyncFileReader + Send>> {
        let (path, bytes) = (file.path().to_string(), file.object_meta.size);
        let file = self.files.create_reader(partition, file, footer_bytes, metrics)?;
        Ok(Box::new(SegmentReader { file, path, bytes, footer_bytes, footers: self.footers.clone() }))
    }
}

struct SegmentReader {
    file: Box<dyn AsyncFileReader + Send>,
    path: String,
    /// The file's.
    bytes: u64,
    /// How many bytes at its end are read first.
    footer_bytes: Option<usize>,
    footers: Arc<Kept<ParquetMetaData>>,
}

impl SegmentReader {
    async fn footer(&mut self) -> ParquetResult<Arc<ParquetMetaData>> {
        if let Some(kept) = self.footers.get(&self.path) {
            return Ok(kept);
        }
        let reader = ParquetMetaDataReader::new()
            .with_prefetch_hint(self.footer_bytes)
            .with_column_index_policy(PageIndexPolicy::Skip)
            .with_offset_index_policy(PageIndexPolicy::Optional);
        let bytes = self.bytes;
        let footer = Arc::new(reader.load_and_finish(&mut *self, bytes).await?);
        self.footers.keep(&self.path, footer.clone(), footer.memory_size());
        Ok(footer)
    }
}

impl AsyncFileReader for SegmentReader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, ParquetResult<Bytes>> {
        self.file.get_bytes(range)
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, ParquetResult<Vec<Bytes>>> {
        self.file.get_byte_ranges(ranges)
    }

    fn get_metadata<'a>(
        &'a mut self,
        _: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, ParquetResult<Arc<ParquetMetaData>>> {
        self.footer().boxed()
    }
}

/// Where a part of a segment lies: as the catalog says, else the footer under this key. `None` where neither says so in words
/// that can be parsed.
pub(super) async fn place<T>(
    known: Option<&str>,
    reader: &mut dyn AsyncFileReader,
    key: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>> {
    let known = known.and_then(&parse);
    if known.is_some() {
        return Ok(known);
    }
    let footer = reader.get_metadata(None).await?;
    let told = footer.file_metadata().key_value_metadata();
    let told = told.and_then(|told| told.iter().find(|told| told.key == key)?.value.as_deref());
    Ok(told.and_then(parse))
}
