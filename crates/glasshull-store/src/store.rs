use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use glasshull_catalog::{InstanceId, SegmentRow};
use glasshull_wire::v1::CallBatch;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use crate::stats::StoreStats;
use crate::{Components, Source, StoreError, StoreSettings};

/// What became of a batch.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Appended {
    /// It is on disk and can be queried.
    Stored {
        /// How many calls were in it.
        calls: u64,
        /// How long its sender is asked to wait before the next one, in milliseconds; 0: not at all.
        wait_ms: u32,
    },
    /// It had been stored before; it is on disk.
    Repeated,
}

/// What there was at one instant: each acknowledged call is in exactly one of the three.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Calls that are not yet in a segment, with the columns of [`crate::schema::calls`], in no order.
    pub live: Vec<Arc<RecordBatch>>,
    /// Calls that have not ended, with the same columns.
    pub running: RecordBatch,
    /// The segments. Those retention takes stay readable for `SNAPSHOT_GRACE` after it took them.
    pub segments: Arc<Vec<SegmentRow>>,
}

/// What a publication did.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct PublishedCalls {
    /// Calls that are in segments now.
    pub calls: u64,
    /// Segments it made.
    pub segments: u64,
}

/// Calls at rest.
#[derive(Debug)]
pub struct Store {}

impl Store {
    /// Opens the store: reads what the journal holds that is not published.
    ///
    /// # Errors
    /// [`StoreError::Catalog`] and [`StoreError::Folder`]. An object store that cannot be reached is no obstacle.
    pub async fn open(settings: StoreSettings, components: Components) -> Result<Arc<Self>, StoreError> {
        let _ = (settings, components);
        Err(StoreError::Closed)
    }

    /// Makes a batch durable (synced to disk) and queryable, or says why not. A batch whose `sequence` is not above
    /// the highest one stored of its instance is [`Appended::Repeated`]. Batches of one instance are taken in the
    /// order in which this is called; a caller that goes away leaves a batch either stored or not, never half.
    ///
    /// # Errors
    /// [`StoreError::Batch`], [`StoreError::Ahead`], [`StoreError::Source`]: never send it again;
    /// [`StoreError::Busy`], [`StoreError::JournalUnwritable`]: send it again later; [`StoreError::Closed`].
    pub async fn append(&self, source: &Source, batch: CallBatch) -> Result<Appended, StoreError> {
        let _ = (source, batch);
        Err(StoreError::Closed)
    }

    /// The highest sequence stored of an instance; 0 where there is none.
    pub fn durable_sequence(&self, instance: InstanceId) -> u64 {
        let _ = instance;
        0
    }

    /// What there is now.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            live: Vec::new(),
            running: RecordBatch::new_empty(crate::schema::calls()),
            segments: Arc::default(),
        }
    }

    /// Everything that is acknowledged from now on, running calls too, with the columns of [`crate::schema::calls`].
    /// A reader that lags by more than `MAX_SUBSCRIBED_BATCHES` batches loses the oldest and is told how many.
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<RecordBatch>> {
        broadcast::channel(1).1
    }

    /// Publishes what is live into segments now.
    ///
    /// # Errors
    /// [`StoreError::ObjectStore`], [`StoreError::Catalog`]: nothing is lost, the next publication goes on from there.
    pub async fn publish(&self) -> Result<PublishedCalls, StoreError> {
        Err(StoreError::Closed)
    }

    /// Publishes when it is time and lets retention run, until `stop`; then returns without a last publication.
    pub async fn run(&self, stop: CancellationToken) {
        stop.cancelled().await;
    }

    /// Refuses further batches, finishes those under way and publishes what is live, as far as `close_within` allows.
    /// What is not published then is in the journal.
    pub async fn close(&self) {}

    /// What was counted.
    pub fn stats(&self) -> StoreStats {
        StoreStats::default()
    }
}
