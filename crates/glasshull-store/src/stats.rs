//! What the store counts, for `/metrics` and `/status`.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Upper bounds of [`Timing::buckets`], in nanoseconds; the last bucket is what took longer.
pub const TIMING_BOUNDS_NS: [u64; 11] = [
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    25_000_000,
    100_000_000,
    1_000_000_000,
    10_000_000_000,
];

/// How long something took, over all times it was done.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Timing {
    /// How often.
    pub count: u64,
    /// In all, in nanoseconds.
    pub sum_ns: u64,
    /// How many took at most each of [`TIMING_BOUNDS_NS`] and longer than the bound before; not cumulative.
    pub buckets: [u64; TIMING_BOUNDS_NS.len() + 1],
}

/// A consistent enough picture: each number is exact, they are not read in one instant.
/// Counters (they only grow, from 0 at start) are said to count; the others are gauges.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct StoreStats {
    /// Counts batches acknowledged as stored.
    pub appended_batches: u64,
    /// Counts calls in them.
    pub appended_calls: u64,
    /// Counts bytes of them, as received.
    pub appended_bytes: u64,
    /// Counts batches that were there already.
    pub repeated_batches: u64,
    /// Counts batches refused because they contradict themselves or exceed a limit.
    pub refused_invalid: u64,
    /// Counts batches refused because they lie in the future.
    pub refused_ahead: u64,
    /// Counts batches refused because there was no room.
    pub refused_busy: u64,
    /// Counts batches refused because the journal could not be written.
    pub refused_unwritable: u64,
    /// Bytes of journal files that are not published.
    pub journal_bytes: u64,
    /// Journal files that are not published.
    pub journal_files: u64,
    /// Counts bytes written to the journal.
    pub journal_written_bytes: u64,
    /// Whether the last write to the journal succeeded.
    pub journal_writable: bool,
    /// Whether calls are acknowledged before they are synced: [`crate::Durability::Relaxed`].
    pub is_relaxed: bool,
    /// Counts journal files given up after a failed write or sync.
    pub journal_lost_files: u64,
    /// Syncs of the journal.
    pub fsyncs: Timing,
    /// Calls in the live table.
    pub live_calls: u64,
    /// Bytes of the live table and of batches on their way there.
    pub live_bytes: u64,
    /// What [`StoreStats::live_bytes`] may reach.
    pub live_limit_bytes: u64,
    /// Calls that have not ended.
    pub running_calls: u64,
    /// Counts running calls forgotten because there are more than `MAX_RUNNING`, or left out of a publication because
    /// they are longer than the catalog takes.
    pub running_dropped: u64,
    /// Segments.
    pub segments: u64,
    /// Bytes of them.
    pub segment_bytes: u64,
    /// Calls in them.
    pub segment_calls: u64,
    /// Publications that succeeded.
    pub publishes: Timing,
    /// Counts publications that failed and are tried again.
    pub publish_failures: u64,
    /// Why the last publication failed; `None` if it did not.
    pub publish_error: Option<String>,
    /// Merges of segments that succeeded.
    pub merges: Timing,
    /// Counts segments that became part of others.
    pub merged_segments: u64,
    /// Counts bytes of them.
    pub merge_read_bytes: u64,
    /// Counts bytes of the segments that were made of them.
    pub merge_written_bytes: u64,
    /// Counts merges that failed; those are tried again but for damaged segments.
    pub merge_failures: u64,
    /// Segments that cannot be merged as they are damaged, or too large to be read together with others.
    pub unmergeable_segments: u64,
    /// Journal records read at start.
    pub replayed_records: u64,
    /// Calls in them.
    pub replayed_calls: u64,
    /// Journal records found damaged at start: calls that had been acknowledged may be lost.
    pub corrupt_records: u64,
    /// Bytes of a last write that a crash had cut, found at start; it had not been acknowledged.
    pub torn_bytes: u64,
    /// Counts segments deleted by retention.
    pub expired_segments: u64,
    /// Whether the clock stands so far ahead of when retention ran last that retention does not go by it.
    pub clock_doubted: bool,
    /// Objects without a catalog row, deleted at start.
    pub orphans_deleted: u64,
    /// Segments of this hub without a catalog row, found at start and kept: an older catalog may have been restored.
    pub unknown_segments: u64,
    /// Instances whose highest sequence is known.
    pub instances: u64,
}

/// A [`Timing`] that is being taken.
#[derive(Debug, Default)]
pub(crate) struct Stopwatch {
    sum_ns: AtomicU64,
    buckets: [AtomicU64; TIMING_BOUNDS_NS.len() + 1],
}

impl Stopwatch {
    pub(crate) fn record(&self, took: Duration) {
        let ns = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let bucket = TIMING_BOUNDS_NS.partition_point(|&bound| bound < ns);
        self.sum_ns.fetch_add(ns, Relaxed);
        self.buckets[bucket].fetch_add(1, Relaxed);
    }

    pub(crate) fn read(&self) -> Timing {
        let buckets = std::array::from_fn(|i| self.buckets[i].load(Relaxed));
        Timing { count: buckets.iter().sum(), sum_ns: self.sum_ns.load(Relaxed), buckets }
    }
}

/// What only grows, counted where it happens.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) appended_batches: AtomicU64,
    pub(crate) appended_calls: AtomicU64,
    pub(crate) appended_bytes: AtomicU64,
    pub(crate) repeated_batches: AtomicU64,
    pub(crate) refused_invalid: AtomicU64,
    pub(crate) refused_ahead: AtomicU64,
    pub(crate) refused_busy: AtomicU64,
    pub(crate) refused_unwritable: AtomicU64,
    pub(crate) journal_written_bytes: AtomicU64,
    pub(crate) journal_lost_files: AtomicU64,
    pub(crate) journal_broken: AtomicU64,
    pub(crate) fsyncs: Stopwatch,
    pub(crate) running_dropped: AtomicU64,
    pub(crate) publishes: Stopwatch,
    pub(crate) publish_failures: AtomicU64,
    pub(crate) merges: Stopwatch,
    pub(crate) merged_segments: AtomicU64,
    pub(crate) merge_read_bytes: AtomicU64,
    pub(crate) merge_written_bytes: AtomicU64,
    pub(crate) merge_failures: AtomicU64,
    pub(crate) unmergeable_segments: AtomicU64,
    pub(crate) replayed_records: AtomicU64,
    pub(crate) replayed_calls: AtomicU64,
    pub(crate) corrupt_records: AtomicU64,
    pub(crate) torn_bytes: AtomicU64,
    pub(crate) expired_segments: AtomicU64,
    pub(crate) clock_doubted: AtomicU64,
    pub(crate) orphans_deleted: AtomicU64,
    pub(crate) unknown_segments: AtomicU64,
}

/// Adds to a counter.
pub(crate) fn count(counter: &AtomicU64, by: u64) {
    counter.fetch_add(by, Relaxed);
}
