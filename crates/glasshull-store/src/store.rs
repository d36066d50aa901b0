use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use arrow::record_batch::RecordBatch;
use glasshull_catalog::{InstanceId, SegmentRow};
use glasshull_wire::v1::CallBatch;
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::journal::disk::{Disk, Folder};
use crate::journal::objects::Objects;
use crate::journal::replay::replay;
use crate::journal::writer::{MAX_QUEUED_ORDERS, Order, Writer};
use crate::merge::{MergedSegments, Merger};
use crate::object_log::LogError;
use crate::publish::Publisher;
use crate::retention::{Journal, Retention};
use crate::running::lasting_until;
use crate::settings::RELAXED_SYNC_EVERY;
use crate::shared::Shared;
use crate::stats::{StoreStats, count};
use crate::{Components, Durability, Source, StoreError, StoreSettings};

/// How often retention looks for windows that have become too old.
const RETENTION_EVERY: Duration = Duration::from_secs(60);

/// How long a merge that failed waits at most before the next: what reads and writes segments is ill.
const LAST_MERGE_RETRY: Duration = Duration::from_secs(10 * 60);

/// How often a journal that could not be written is tried: what a person who has made room waits for.
const TRY_JOURNAL_EVERY: Duration = Duration::from_secs(1);

/// How long a failed publication waits before it is tried again, at first and at most.
const FIRST_RETRY: Duration = Duration::from_millis(250);
const LAST_RETRY: Duration = Duration::from_secs(30);

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
    /// Calls that are not yet in a segment and have ended, with the columns of [`crate::schema::rows`], in no order.
    pub live: Vec<Arc<RecordBatch>>,
    /// Calls that have not ended, with the columns of [`crate::schema::calls`].
    pub running: RecordBatch,
    /// The segments. Those that retention takes or that are merged stay readable for [`crate::SNAPSHOT_GRACE`].
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
pub struct Store {
    pub(crate) shared: Arc<Shared>,
    publisher: tokio::sync::Mutex<Publisher>,
    retention: tokio::sync::Mutex<Retention>,
    pub(crate) merger: tokio::sync::Mutex<Merger>,
    publish_error: Mutex<Option<String>>,
    writer: Mutex<Option<WriterHandle>>,
    closed: AtomicBool,
}

struct WriterHandle {
    orders: mpsc::Sender<Order>,
    thread: JoinHandle<()>,
}

impl Store {
    /// Opens the store: reads what the journal holds that is not published, and begins to write it.
    ///
    /// # Errors
    /// [`StoreError::Catalog`] and [`StoreError::Folder`]. An object store that cannot be reached is no obstacle where the
    /// journal is not in it, else [`StoreError::ObjectStore`].
    pub async fn open(settings: StoreSettings, components: Components) -> Result<Arc<Self>, StoreError> {
        if let Some(tenure) = components.tenure.clone() {
            let journal = Objects::open(tenure).await?;
            // Each group is a put, and nothing can be acknowledged before.
            let settings = StoreSettings { durability: Durability::Journal, ..settings };
            return Self::open_on(Arc::new(journal), settings, components).await;
        }
        let path = settings.data.join("journal");
        let disk = Folder::open(path.clone()).map_err(|e| StoreError::folder(&path, &e))?;
        Self::open_on(Arc::new(disk), settings, components).await
    }

    /// As [`Self::open`], with the journal on `disk`.
    pub(crate) async fn open_on(
        disk: Arc<dyn Disk>,
        settings: StoreSettings,
        components: Components,
    ) -> Result<Arc<Self>, StoreError> {
        check_hub(&settings)?;
        let published = components.catalog.published(&settings.hub).await?;
        let segments = components.catalog.segments().await?;
        let shared = Arc::new(Shared::new(settings, components.clock.clone(), components.tenure.clone()));
        let mut retention = Retention::new(shared.clone(), components.clone());
        retention.resume().await?;
        let journal = Journal { checkpoint: published.checkpoint, files: journal_files(disk.clone(), &shared).await? };
        let largest = retention.delete_leftovers(&segments, &journal).await;
        shared.live.set_segments(segments);
        let (reading, from) = (shared.clone(), disk.clone());
        let replayed = tokio::task::spawn_blocking(move || replay(&*from, &reading, published)).await;
        let at = replayed.map_err(|e| unstartable(&shared, &e))??.above(largest);
        let writer = Writer::new(disk.clone(), shared.clone(), at);
        let (orders, inbox) = mpsc::channel(MAX_QUEUED_ORDERS);
        let thread = std::thread::Builder::new().name("glasshull-journal".into()).spawn(move || writer.run(inbox));
        let thread = thread.map_err(|e| unstartable(&shared, &e))?;
        Ok(Arc::new(Self {
            merger: Merger::new(shared.clone(), &components).into(),
            publisher: Publisher::new(shared.clone(), components, disk).into(),
            retention: retention.into(),
            publish_error: Mutex::default(),
            writer: Mutex::new(Some(WriterHandle { orders, thread })),
            closed: AtomicBool::new(false),
            shared,
        }))
    }

    /// Makes a batch durable (synced to disk, unless [`StoreSettings::durability`] says otherwise) and queryable, or says why not. A batch whose `sequence` is not above
    /// the highest one stored of its instance is [`Appended::Repeated`]. Batches of one instance are taken in the
    /// order in which this is called; a caller that goes away leaves a batch either stored or not, never half.
    ///
    /// A gap in the sequences is taken for what the instance dropped. Where a batch was refused for now
    /// ([`StoreError::Busy`], [`StoreError::JournalUnwritable`]), those behind it are [`StoreError::Busy`] until it
    /// is stored or a session begins anew with [`Self::durable_sequence`]: else it would count as repeated when
    /// it comes again.
    ///
    /// # Errors
    /// [`StoreError::Batch`], [`StoreError::Ahead`], [`StoreError::Source`]: never send it again;
    /// [`StoreError::Busy`], [`StoreError::JournalUnwritable`]: send it again later; [`StoreError::Closed`].
    pub async fn append(&self, source: &Source, batch: CallBatch) -> Result<Appended, StoreError> {
        let orders = self.orders()?;
        let appended = crate::append::append(&self.shared, &orders, source, batch).await;
        self.count_outcome(&appended);
        appended
    }

    /// The highest sequence stored of an instance; 0 where there is none. Ask once when a session begins: the instance
    /// sends what is above it, and a batch that was refused before holds up the others no longer, as it may have been
    /// dropped.
    pub fn durable_sequence(&self, instance: InstanceId) -> u64 {
        self.shared.lanes.begin_anew(instance)
    }

    /// The last batches of an instance that were refused for good since the store was opened, oldest first; at most
    /// [`limits::MAX_REFUSED_TOLD`](glasshull_wire::limits::MAX_REFUSED_TOLD). Batches behind them may be stored, so that
    /// [`Self::durable_sequence`] is no word of them.
    pub fn refused_sequences(&self, instance: InstanceId) -> Vec<u64> {
        self.shared.lanes.refused_for_good(instance)
    }

    /// What there is now. Running calls have lasted until now.
    pub fn snapshot(&self) -> Snapshot {
        let mut snapshot = self.shared.live.snapshot();
        snapshot.running = lasting_until(self.shared.clock.now_ns(), snapshot.running);
        snapshot
    }

    /// Everything that is acknowledged from now on, running calls too, with the columns of [`crate::schema::calls`].
    /// They come in batches of at most [`crate::MAX_SUBSCRIBED_ROWS`].
    /// A reader that lags by more than [`crate::MAX_SUBSCRIBED_BATCHES`] loses the oldest batches and is told how many.
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<RecordBatch>> {
        self.shared.subscribers.subscribe()
    }

    /// Publishes what is live into segments now.
    ///
    /// # Errors
    /// [`StoreError::ObjectStore`], [`StoreError::Catalog`]: nothing is lost, the next publication goes on from there.
    pub async fn publish(&self) -> Result<PublishedCalls, StoreError> {
        self.check_tenure()?;
        let mut publisher = self.publisher.lock().await;
        let (answer, below) = oneshot::channel();
        let orders = self.writer_orders().ok_or(StoreError::Closed)?;
        orders.send(Order::Seal(answer)).await.map_err(|_| StoreError::Closed)?;
        let below = below.await.map_err(|_| StoreError::Closed)?;
        let publishing = self.shared.begin_publishing();
        let published = publisher.publish(below).await;
        drop(publishing);
        *self.publish_error.lock().unwrap_or_else(PoisonError::into_inner) =
            published.as_ref().err().map(ToString::to_string);
        if published.is_err() {
            count(&self.shared.counters.publish_failures, 1);
        }
        published
    }

    /// Takes windows out of sight that ended longer ago than `retention` says; how many segments that were. Their
    /// objects are deleted [`crate::SNAPSHOT_GRACE`] later. A clock that has jumped ahead is not believed for a day.
    /// Forgets instances, functions, sequences and probes of which nothing was heard for a month, now and then.
    ///
    /// # Errors
    /// [`StoreError::Catalog`]: nothing was deleted.
    pub async fn expire(&self) -> Result<u64, StoreError> {
        self.check_tenure()?;
        // No publication may be under way: it could bring segments of the windows that are about to go.
        let publisher = self.publisher.lock().await;
        let mut retention = self.retention.lock().await;
        if let Err(error) = retention.forget().await {
            tracing::warn!(%error, "what was not heard of for long could not be forgotten; it is tried again");
        }
        retention.expire(publisher.pending_from_ns()).await
    }

    /// Merges the segments of one window into one, if there are any that should be; others go on meanwhile. Segments that
    /// are damaged stay as they are.
    ///
    /// # Errors
    /// [`StoreError::ObjectStore`], [`StoreError::Catalog`]: nothing is lost, the next merge goes on from there.
    pub async fn merge(&self) -> Result<MergedSegments, StoreError> {
        self.check_tenure()?;
        let mut merger = self.merger.lock().await;
        let merged = merger.merge(&self.retention).await;
        if merged.is_err() {
            count(&self.shared.counters.merge_failures, 1);
        }
        if !merger.is_outdated() {
            return merged;
        }
        let publisher = self.publisher.lock().await;
        let _retention = self.retention.lock().await;
        merger.look_again(publisher.pending_segments()).await?;
        merged
    }

    /// Publishes and merges when it is time and lets retention run, until `stop`; then returns without a last publication.
    pub async fn run(&self, stop: CancellationToken) {
        let background = async {
            tokio::join!(
                self.keep_publishing(),
                self.keep_merging(),
                self.keep_expiring(),
                self.keep_trying(),
                self.keep_syncing()
            )
        };
        tokio::select! {
            () = stop.cancelled() => {}
            _ = background => {}
        }
    }

    async fn keep_publishing(&self) {
        let mut retry = FIRST_RETRY;
        loop {
            tokio::select! {
                () = sleep(self.shared.settings.publish_after) => {}
                () = self.shared.much_is_live.notified() => {}
            }
            while let Err(error) = self.publish().await {
                tracing::warn!(%error, retry_in = ?retry, "publishing failed; what is live stays in the journal");
                sleep(retry).await;
                retry = (2 * retry).min(LAST_RETRY);
            }
            retry = FIRST_RETRY;
        }
    }

    async fn keep_merging(&self) {
        let every = self.shared.settings.merge_every;
        let mut wait = every;
        loop {
            sleep(wait).await;
            wait = match self.merge().await {
                Ok(merged) if merged.segments > 0 => Duration::ZERO,
                Ok(_) => every,
                Err(error) => {
                    wait = (2 * wait).max(every).min(LAST_MERGE_RETRY);
                    tracing::warn!(%error, retry_in = ?wait, "segments could not be merged; they stay as they are");
                    wait
                }
            };
        }
    }

    async fn keep_expiring(&self) {
        loop {
            sleep(RETENTION_EVERY).await;
            if let Err(error) = self.expire().await {
                tracing::error!(%error, "retention failed and deletes nothing; it is tried again");
            }
        }
    }

    /// What was acknowledged before it was synced is synced, also where nobody sends.
    async fn keep_syncing(&self) {
        if self.shared.settings.durability != Durability::Relaxed {
            return;
        }
        loop {
            sleep(RELAXED_SYNC_EVERY).await;
            if let Some(orders) = self.writer_orders() {
                let _ = orders.send(Order::Sync).await;
            }
        }
    }

    /// A journal that could not be written is tried again, also where nobody sends.
    async fn keep_trying(&self) {
        loop {
            sleep(TRY_JOURNAL_EVERY).await;
            if !self.shared.journal_writable()
                && let Some(orders) = self.writer_orders()
            {
                let _ = orders.send(Order::Try).await;
            }
        }
    }

    /// Refuses further batches, finishes those under way and publishes what is live, as far as `close_within` allows.
    /// What is not published then is in the journal.
    pub async fn close(&self) {
        self.closed.store(true, Ordering::Release);
        match timeout(self.shared.settings.close_within, self.publish()).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::warn!(%error, "not everything could be published; it stays in the journal"),
            Err(_) => tracing::warn!("publishing took too long; what is live stays in the journal"),
        }
        if let Some(stopping) = self.stop_writer() {
            // The writer ends as soon as it has answered what it was asked.
            let _ = tokio::task::spawn_blocking(move || stopping.join()).await;
        }
    }

    /// What was counted.
    pub fn stats(&self) -> StoreStats {
        let publish_error = self.publish_error.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let stats = self.shared.stats();
        StoreStats { publish_error, journal_writable: stats.journal_writable && self.writer_lives(), ..stats }
    }

    /// Whoever has taken over does it: what this one did would count for nothing.
    fn check_tenure(&self) -> Result<(), StoreError> {
        match &self.shared.tenure {
            Some(tenure) if tenure.is_over() => Err(StoreError::ObjectStore(LogError::TakenOver.to_string())),
            _ => Ok(()),
        }
    }

    fn count_outcome(&self, appended: &Result<Appended, StoreError>) {
        let counters = &self.shared.counters;
        match appended {
            Ok(Appended::Repeated) => count(&counters.repeated_batches, 1),
            Err(StoreError::Batch(_) | StoreError::Source(_)) => count(&counters.refused_invalid, 1),
            Err(StoreError::Ahead { .. }) => count(&counters.refused_ahead, 1),
            Err(StoreError::Busy { .. }) => count(&counters.refused_busy, 1),
            // Counted by the writer, who knows of callers that went away too.
            _ => {}
        }
    }

    fn orders(&self) -> Result<mpsc::Sender<Order>, StoreError> {
        if self.closed.load(Ordering::Acquire) {
            return Err(StoreError::Closed);
        }
        self.writer_orders().ok_or(StoreError::Closed)
    }

    fn writer_orders(&self) -> Option<mpsc::Sender<Order>> {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        writer.as_ref().map(|writer| writer.orders.clone())
    }

    /// A writer that panicked leaves its orders to nobody.
    fn writer_lives(&self) -> bool {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        writer.as_ref().is_some_and(|writer| !writer.thread.is_finished())
    }

    fn stop_writer(&self) -> Option<JoinHandle<()>> {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        writer.map(|writer| writer.thread)
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("settings", &self.shared.settings).finish_non_exhaustive()
    }
}

impl Drop for Store {
    /// Waits for the writer, so that whoever opens the folder next finds nobody writing there. Of an object store it will
    /// be known who has it, and an answer may take long.
    fn drop(&mut self) {
        if let Some(thread) = self.stop_writer()
            && self.shared.tenure.is_none()
        {
            let _ = thread.join();
        }
    }
}

async fn journal_files(disk: Arc<dyn Disk>, shared: &Shared) -> Result<Vec<u64>, StoreError> {
    let numbers = tokio::task::spawn_blocking(move || disk.numbers().map_err(|e| disk.failed(&e))).await;
    numbers.map_err(|e| unstartable(shared, &e))?
}

/// The hub's name becomes part of paths.
fn check_hub(settings: &StoreSettings) -> Result<(), StoreError> {
    const MAX_HUB_BYTES: usize = 64;
    let hub = &settings.hub;
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if hub.is_empty() || hub.len() > MAX_HUB_BYTES || !hub.chars().all(plain) {
        let why = format!("the hub's name {hub:?} is not 1 to {MAX_HUB_BYTES} letters, digits, - and _");
        return Err(StoreError::Folder { path: settings.data.join("hub-id"), why });
    }
    Ok(())
}

fn unstartable(shared: &Shared, error: &dyn std::fmt::Display) -> StoreError {
    StoreError::Folder { path: shared.settings.data.clone(), why: error.to_string() }
}
