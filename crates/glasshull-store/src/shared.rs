//! What the journal's writer, the publisher and those who ask have in common.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use arrow::record_batch::RecordBatch;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, broadcast};

use crate::arrival::Arrival;
use crate::lanes::Lanes;
use crate::live::Live;
use crate::stats::{Counters, StoreStats, count};
use crate::windows::{Held, Windows};
use crate::{Clock, Durability, StoreSettings, Tenure, rows, segment};

/// Batches of at most [`MAX_SUBSCRIBED_ROWS`] a subscriber may lag behind before it loses the oldest: they stay in
/// memory after they were published.
pub const MAX_SUBSCRIBED_BATCHES: usize = 64;

/// Rows of one batch as subscribers get it; larger ones come in parts.
pub const MAX_SUBSCRIBED_ROWS: usize = 1_024;

/// How full the live table is, from 0 to 1, when room is short: senders are asked to wait, and merging all but rests. A
/// publication begins at a third, and what is live grows by what comes in meanwhile: by a fifth at half the rate a hub can take.
pub(crate) const SHORT_FROM: f64 = 0.55;

/// What a batch takes of the live table's limits until it is published.
#[derive(Debug)]
pub(crate) struct Room {
    pub(crate) bytes: OwnedSemaphorePermit,
    /// `None`: it was acknowledged before the last start, and comes in whatever there is.
    pub(crate) windows: Option<Held>,
}

impl Room {
    /// Takes what the other takes, too.
    pub(crate) fn merge(&mut self, other: Self) {
        self.bytes.merge(other.bytes);
        match (&mut self.windows, other.windows) {
            (Some(held), Some(more)) => held.merge(more),
            (held, more) => *held = held.take().or(more),
        }
    }
}

/// Rows are being published as long as this lives.
pub(crate) struct Publishing<'s>(&'s AtomicBool);

impl Drop for Publishing<'_> {
    fn drop(&mut self) {
        self.0.store(false, Relaxed);
    }
}

/// Bytes of one permit of [`Shared::room`]: semaphores count in 32 bits.
pub(crate) const ROOM_UNIT_BYTES: usize = 1_024;

pub(crate) struct Shared {
    pub(crate) settings: StoreSettings,
    /// What the names of this store's segments begin with: the hub's name, with who it is where another may take over while
    /// this one still writes.
    pub(crate) name: String,
    /// `Some`: the journal is in the object store.
    pub(crate) tenure: Option<Tenure>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) counters: Counters,
    pub(crate) live: Live,
    pub(crate) lanes: Lanes,
    /// Windows of what is live.
    pub(crate) windows: Arc<Windows>,
    /// Free room in the live table.
    pub(crate) room: Arc<Semaphore>,
    pub(crate) room_units: usize,
    pub(crate) subscribers: broadcast::Sender<Arc<RecordBatch>>,
    /// So much is live that it should be published now.
    pub(crate) much_is_live: Notify,
    /// Whether rows are being published.
    pub(crate) publishing: AtomicBool,
}

impl Shared {
    pub(crate) fn new(settings: StoreSettings, clock: Arc<dyn Clock>, tenure: Option<Tenure>) -> Self {
        let room_units = (settings.live_bytes / ROOM_UNIT_BYTES).clamp(1, u32::MAX as usize);
        Self {
            name: segment::writer(&settings.hub, tenure.as_ref().map(Tenure::number)),
            tenure,
            clock,
            counters: Counters::default(),
            live: Live::default(),
            lanes: Lanes::default(),
            windows: Arc::default(),
            room: Arc::new(Semaphore::new(room_units)),
            room_units,
            subscribers: broadcast::Sender::new(MAX_SUBSCRIBED_BATCHES),
            much_is_live: Notify::new(),
            publishing: AtomicBool::new(false),
            settings,
        }
    }

    /// Seconds name a window, so that none is shorter.
    pub(crate) fn window_ns(&self) -> i64 {
        const SECOND_NS: i64 = 1_000_000_000;
        i64::try_from(self.settings.window.as_nanos()).unwrap_or(i64::MAX).max(SECOND_NS) / SECOND_NS * SECOND_NS
    }

    /// Permits for so many bytes: at least one, at most all.
    pub(crate) fn units(&self, bytes: usize) -> u32 {
        bytes.div_ceil(ROOM_UNIT_BYTES).clamp(1, self.room_units) as u32
    }

    /// How full the live table is, from 0 to 1.
    pub(crate) fn fullness(&self) -> f64 {
        1.0 - self.room.available_permits() as f64 / self.room_units as f64
    }

    /// Whether the last write to the journal succeeded.
    pub(crate) fn journal_writable(&self) -> bool {
        self.counters.journal_broken.load(Relaxed) == 0
    }

    pub(crate) fn count_appended(&self, bytes: usize, calls: usize) {
        count(&self.counters.appended_batches, 1);
        count(&self.counters.appended_calls, calls as u64);
        count(&self.counters.appended_bytes, bytes as u64);
    }

    /// Says that rows are being published.
    pub(crate) fn begin_publishing(&self) -> Publishing<'_> {
        self.publishing.store(true, Relaxed);
        Publishing(&self.publishing)
    }

    /// Makes rows of journal file `generation` visible, all at once; whether it has as many now as are published at a time.
    pub(crate) fn show(&self, generation: u64, arrivals: Vec<(Arrival, Option<Room>)>, journal_bytes: u64) -> bool {
        let rows: Vec<_> = arrivals.iter().map(|(arrival, _)| arrival.rows.clone()).collect();
        let shown = self.live.show(generation, arrivals, journal_bytes);
        count(&self.counters.running_dropped, shown.forgotten);
        rows.iter().for_each(|rows| self.tell(rows));
        if self.live.bytes() >= self.settings.publish_bytes {
            self.much_is_live.notify_one();
        }
        shown.bytes >= self.settings.publish_bytes
    }

    /// Gives rows to those who listen, if anybody does.
    fn tell(&self, rows: &Arc<RecordBatch>) {
        if self.subscribers.receiver_count() == 0 {
            return;
        }
        let Ok(rows) = rows::table(rows) else { return };
        for from in (0..rows.num_rows()).step_by(MAX_SUBSCRIBED_ROWS) {
            let part = rows.slice(from, MAX_SUBSCRIBED_ROWS.min(rows.num_rows() - from));
            // The last one may have gone meanwhile.
            let _ = self.subscribers.send(Arc::new(part));
        }
    }

    pub(crate) fn stats(&self) -> StoreStats {
        let counters = &self.counters;
        let get = |counter: &AtomicU64| counter.load(Relaxed);
        let live = self.live.numbers();
        let segments = self.live.segments();
        let free = self.room.available_permits();
        StoreStats {
            appended_batches: get(&counters.appended_batches),
            appended_calls: get(&counters.appended_calls),
            appended_bytes: get(&counters.appended_bytes),
            repeated_batches: get(&counters.repeated_batches),
            refused_invalid: get(&counters.refused_invalid),
            refused_ahead: get(&counters.refused_ahead),
            refused_busy: get(&counters.refused_busy),
            refused_unwritable: get(&counters.refused_unwritable),
            journal_bytes: live.journal_bytes,
            journal_files: live.journal_files,
            journal_written_bytes: get(&counters.journal_written_bytes),
            journal_writable: self.journal_writable(),
            journal_lost_files: get(&counters.journal_lost_files),
            fsyncs: counters.fsyncs.read(),
            live_calls: live.calls,
            live_bytes: (self.room_units.saturating_sub(free) * ROOM_UNIT_BYTES) as u64,
            live_limit_bytes: (self.room_units * ROOM_UNIT_BYTES) as u64,
            running_calls: live.running,
            running_dropped: get(&counters.running_dropped),
            is_relaxed: self.settings.durability == Durability::Relaxed,
            segments: segments.len() as u64,
            segment_bytes: segments.iter().map(|segment| segment.bytes).sum(),
            segment_calls: segments.iter().map(|segment| segment.calls).sum(),
            publishes: counters.publishes.read(),
            publish_failures: get(&counters.publish_failures),
            publish_error: None,
            merges: counters.merges.read(),
            merged_segments: get(&counters.merged_segments),
            merge_read_bytes: get(&counters.merge_read_bytes),
            merge_written_bytes: get(&counters.merge_written_bytes),
            merge_failures: get(&counters.merge_failures),
            unmergeable_segments: get(&counters.unmergeable_segments),
            replayed_records: get(&counters.replayed_records),
            replayed_calls: get(&counters.replayed_calls),
            corrupt_records: get(&counters.corrupt_records),
            torn_bytes: get(&counters.torn_bytes),
            expired_segments: get(&counters.expired_segments),
            clock_doubted: get(&counters.clock_doubted) > 0,
            orphans_deleted: get(&counters.orphans_deleted),
            unknown_segments: get(&counters.unknown_segments),
            instances: self.lanes.len() as u64,
        }
    }
}
