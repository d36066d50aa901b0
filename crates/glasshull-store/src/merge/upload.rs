//! A segment on its way into the object store, in parts, so that it is never in memory as a whole.

use std::sync::Arc;

use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, WriteMultipart};

use super::Failed;

/// Bytes that are sent at a time. Object stores want 5 MiB at least, and 10,000 parts at most.
pub(super) const PART_BYTES: usize = 8 << 20;

/// Parts that are under way at a time.
const MAX_PARTS: usize = 1;

/// What was written and not yet sent is the caller's.
pub(super) struct Upload {
    store: Arc<dyn ObjectStore>,
    path: Path,
    part_bytes: usize,
    /// `None` until there is a whole part.
    parts: Option<WriteMultipart>,
    bytes: u64,
}

impl Upload {
    pub(super) fn new(store: Arc<dyn ObjectStore>, path: &str, part_bytes: usize) -> Self {
        Self { store, path: path.into(), part_bytes, parts: None, bytes: 0 }
    }

    /// Takes what was written, where that is enough for a part, and sends it.
    pub(super) async fn send(&mut self, written: &mut Vec<u8>) -> Result<(), Failed> {
        if written.len() < self.part_bytes {
            return Ok(());
        }
        if self.parts.is_none() {
            let upload = self.store.put_multipart(&self.path).await?;
            self.parts = Some(WriteMultipart::new_with_chunk_size(upload, self.part_bytes));
        }
        self.bytes += written.len() as u64;
        if let Some(parts) = &mut self.parts {
            parts.put(std::mem::take(written).into());
            parts.wait_for_capacity(MAX_PARTS).await?;
        }
        Ok(())
    }

    /// Sends the rest; how many bytes the whole has.
    pub(super) async fn finish(mut self, mut rest: Vec<u8>) -> Result<u64, Failed> {
        self.send(&mut rest).await?;
        let bytes = self.bytes + rest.len() as u64;
        match self.parts.take() {
            Some(mut parts) => {
                parts.put(rest.into());
                parts.finish().await?;
            }
            None => drop(self.store.put(&self.path, rest.into()).await?),
        }
        Ok(bytes)
    }

    /// Forgets what was sent.
    pub(super) async fn abort(self) {
        if let Some(parts) = self.parts
            && let Err(error) = parts.abort().await
        {
            tracing::debug!(%error, "what was sent of a segment could not be taken back");
        }
    }
}
