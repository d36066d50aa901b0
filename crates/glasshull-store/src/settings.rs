use std::path::PathBuf;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use glasshull_catalog::Catalog;
use object_store::ObjectStore;

use crate::Tenure;

/// With [`Durability::Relaxed`], how long something written to the journal stays unsynced at most while the disk follows:
/// what a power cut costs.
pub const RELAXED_SYNC_EVERY: Duration = Duration::from_secs(1);

/// When a batch is acknowledged.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Durability {
    /// When it is synced to the journal's disk.
    #[default]
    Journal,
    /// When it is written to the journal, which is synced at most [`RELAXED_SYNC_EVERY`] later. A crash of the process
    /// loses nothing; one of the machine loses the end of what was acknowledged since.
    Relaxed,
}

/// How the store works: plain data, all of it with defaults but where it lives.
#[derive(Clone, Debug)]
pub struct StoreSettings {
    /// The data folder; the journal lies in its `journal` folder, or where there is a [`Components::tenure`] in that of the
    /// object store.
    pub data: PathBuf,
    /// Whose journal this is: [`crate::DataFolder::hub_id`]. Part of each segment's name.
    pub hub: String,
    /// When a batch is acknowledged.
    pub durability: Durability,
    /// The time windows that no segment straddles.
    pub window: Duration,
    /// How long a call stays in the live table before it is published into a segment.
    pub publish_after: Duration,
    /// Bytes of live rows at which a publication does not wait for `publish_after`.
    pub publish_bytes: usize,
    /// Bytes of live rows (and of batches on their way there) at which senders must wait.
    pub live_bytes: usize,
    /// Where the journal is in the object store, how long after one put to the journal the next begins at the earliest: what comes
    /// meanwhile goes together.
    pub put_every: Duration,
    /// Bytes at which a new journal file is begun.
    pub journal_file_bytes: u64,
    /// Memory a merge may take, in bytes; where values are very large, a merge of two segments takes more.
    pub merge_bytes: usize,
    /// How often it is looked for segments to merge.
    pub merge_every: Duration,
    /// How old a window becomes before it is deleted; `None`: it is kept.
    pub retention: Option<Duration>,
    /// How long a batch may wait for room in the live table before it is refused as [`crate::StoreError::Busy`].
    pub append_within: Duration,
    /// How long [`crate::Store::close`] may take to publish what is live.
    pub close_within: Duration,
}

impl StoreSettings {
    /// The defaults, for a hub's data folder.
    pub fn new(data: impl Into<PathBuf>, hub: impl Into<String>) -> Self {
        Self {
            data: data.into(),
            hub: hub.into(),
            durability: Durability::Journal,
            window: Duration::from_secs(10 * 60),
            publish_after: Duration::from_secs(60),
            publish_bytes: 128 << 20,
            live_bytes: 512 << 20,
            put_every: Duration::from_millis(100),
            journal_file_bytes: 64 << 20,
            merge_bytes: 256 << 20,
            merge_every: Duration::from_secs(10),
            retention: None,
            append_within: Duration::from_secs(5),
            close_within: Duration::from_secs(10),
        }
    }
}

/// What the store works with: passed in, so that tests can pass something else.
#[derive(Clone)]
pub struct Components {
    /// Where segments lie. What it has accepted must survive a power cut: for a local folder
    /// [`crate::FolderObjects`], not `object_store`'s own, which does not sync.
    pub object_store: Arc<dyn ObjectStore>,
    /// Which segments exist.
    pub catalog: Arc<dyn Catalog>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// The journal is in the object store, which is this store's for so long: a batch is acknowledged when it is there. The
    /// catalog is to be a [`crate::CopiedCatalog`] of the same tenure. `None`: the journal is on the disk.
    pub tenure: Option<Tenure>,
}

/// The wall clock.
pub trait Clock: Send + Sync + 'static {
    /// Nanoseconds since 1970-01-01 UTC.
    fn now_ns(&self) -> i64;

    /// Time since some moment, for measuring how long something takes. A clock that never jumps need not tell it apart
    /// from [`Self::now_ns`].
    fn monotonic(&self) -> Duration {
        Duration::from_nanos(self.now_ns().unsigned_abs())
    }
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

// This is the clock that others are passed.
#[allow(clippy::disallowed_methods)]
impl Clock for SystemClock {
    fn now_ns(&self) -> i64 {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
    }

    fn monotonic(&self) -> Duration {
        static FIRST: LazyLock<Instant> = LazyLock::new(Instant::now);
        FIRST.elapsed()
    }
}
