//! What is too old goes: first from the catalog and from sight, later from the object store.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use futures::TryStreamExt;
use glasshull_catalog::{Catalog, SegmentRow};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};

use crate::segment;
use crate::shared::Shared;
use crate::stats::count;
use crate::{Components, StoreError};

/// How long an object stays after its segment was taken out of sight: longer than a query with an older snapshot runs.
pub const SNAPSHOT_GRACE: Duration = Duration::from_secs(120);

/// How long looking for leftovers may hold up a start; what was not found stays until the next one.
const LEFTOVERS_WITHIN: Duration = Duration::from_secs(30);

/// How far the clock may run ahead of what retention expects before it is doubted.
const MAX_AHEAD: Duration = Duration::from_secs(60 * 60);

/// How long a clock is doubted that stands ahead: time for a person to see it and set it right. After that it is
/// believed, as what must go has to go at last.
const DOUBTED_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// How often people are told that the clock is doubted.
const TOLD_EVERY: Duration = Duration::from_secs(60 * 60);

/// Instances, functions, sequences and probes of which nothing was heard for so long are forgotten: no process sends a
/// batch again after that time.
const KNOWN_FOR: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// As many are known of each at most: some hundred megabytes in the catalog, and for sequences in memory.
const MAX_KNOWN: usize = 1_000_000;

/// How often what was not heard of is looked for.
const FORGET_EVERY: Duration = Duration::from_secs(60 * 60);

/// The time retention goes by: the clock's, but never further ahead than what has passed since it ran last. What a
/// wrong clock deletes never comes back.
#[derive(Debug, Default)]
struct Calendar {
    /// The last time that was believed, with when that was, by the clock that never jumps.
    believed: Option<(i64, Duration)>,
    /// Since when the clock is doubted, and when that was told last.
    doubted: Option<(Duration, Duration)>,
}

impl Calendar {
    /// What time it is to retention.
    fn now_ns(&mut self, clock_ns: i64, monotonic: Duration) -> i64 {
        let (at_ns, at) = *self.believed.get_or_insert((clock_ns, monotonic));
        let expected_ns = at_ns.saturating_add(nanoseconds(monotonic.saturating_sub(at)));
        let ahead_ns = clock_ns.saturating_sub(expected_ns);
        let (since, told) = self.doubted.unwrap_or((monotonic, monotonic));
        if ahead_ns <= nanoseconds(MAX_AHEAD) || monotonic.saturating_sub(since) >= DOUBTED_FOR {
            if self.doubted.take().is_some() {
                tracing::warn!("retention goes by the machine's clock again");
            }
            self.believed = Some((clock_ns, monotonic));
            return clock_ns;
        }
        if self.doubted.is_none() || monotonic.saturating_sub(told) >= TOLD_EVERY {
            self.doubted = Some((since, monotonic));
            let ahead = Duration::from_nanos(ahead_ns.unsigned_abs());
            tracing::error!(
                ?ahead,
                "the clock is ahead of when retention ran last: if it is wrong, set it; if the hub \
                was off or the machine slept, nothing is to be done. Meanwhile calls are kept longer, for a day at most"
            );
        }
        expected_ns
    }

    fn is_doubted(&self) -> bool {
        self.doubted.is_some()
    }
}

/// Deletes objects, and knows which are to be deleted.
pub(crate) struct Retention {
    shared: Arc<Shared>,
    catalog: Arc<dyn Catalog>,
    object_store: Arc<dyn ObjectStore>,
    /// Objects out of sight, with when they came to be, by the clock. After a crash they are found by their age.
    doomed: Vec<(i64, Path)>,
    calendar: Calendar,
    /// When what was not heard of was forgotten last, by the clock that never jumps.
    forgotten: Option<Duration>,
}

impl Retention {
    pub(crate) fn new(shared: Arc<Shared>, components: Components) -> Self {
        let Components { object_store, catalog, .. } = components;
        Self { shared, catalog, object_store, doomed: Vec::new(), calendar: Calendar::default(), forgotten: None }
    }

    /// Goes on from when it ran last, before the last start.
    pub(crate) async fn resume(&mut self) -> Result<(), StoreError> {
        let monotonic = self.shared.clock.monotonic();
        self.calendar.believed = self.catalog.expired_at_ns().await?.map(|at_ns| (at_ns, monotonic));
        self.now_ns();
        Ok(())
    }

    /// What time it is to retention.
    fn now_ns(&mut self) -> i64 {
        let clock = &self.shared.clock;
        let now_ns = self.calendar.now_ns(clock.now_ns(), clock.monotonic());
        self.shared.counters.clock_doubted.store(self.calendar.is_doubted().into(), Relaxed);
        now_ns
    }

    /// Forgets what was not heard of for [`KNOWN_FOR`], and what is more than [`MAX_KNOWN`].
    pub(crate) async fn forget(&mut self) -> Result<(), StoreError> {
        let monotonic = self.shared.clock.monotonic();
        if self.forgotten.is_some_and(|at| monotonic.saturating_sub(at) < FORGET_EVERY) {
            return Ok(());
        }
        let before_ns = self.now_ns().saturating_sub(nanoseconds(KNOWN_FOR));
        self.catalog.forget(before_ns, MAX_KNOWN).await?;
        self.shared.lanes.expire(before_ns);
        self.shared.lanes.keep_newest(MAX_KNOWN);
        self.forgotten = Some(monotonic);
        Ok(())
    }

    /// Takes windows out of sight that ended longer ago than calls are kept; how many segments that were. Deletes the
    /// objects of those that were taken longer than [`SNAPSHOT_GRACE`] ago. Windows from `pending_from_ns` on belong to
    /// a publication whose fate is unknown, and stay; those before go even where a full disk lets nothing be published.
    pub(crate) async fn expire(&mut self, pending_from_ns: Option<i64>) -> Result<u64, StoreError> {
        let Some(keep) = self.shared.settings.retention else { return Ok(0) };
        let now_ns = self.now_ns();
        self.delete_doomed(now_ns).await;
        let before_ns = now_ns.saturating_sub(nanoseconds(keep)).min(pending_from_ns.unwrap_or(i64::MAX));
        let expired = self.catalog.expire(before_ns, now_ns).await?;
        self.shared.live.expire(before_ns, &expired);
        self.shared.lanes.expire(before_ns);
        self.doomed.extend(expired.iter().map(|segment| (now_ns, Path::from(segment.path.as_str()))));
        count(&self.shared.counters.expired_segments, expired.len() as u64);
        Ok(expired.len() as u64)
    }

    async fn delete_doomed(&mut self, now_ns: i64) {
        let due_ns = now_ns.saturating_sub(nanoseconds(SNAPSHOT_GRACE));
        let due: Vec<_> = self.doomed.extract_if(.., |(at_ns, _)| *at_ns <= due_ns).collect();
        for (at_ns, path) in due {
            if let Err(error) = self.delete(&path).await {
                tracing::warn!(%path, %error, "an expired segment could not be deleted; it is tried again");
                self.doomed.push((at_ns, path));
            }
        }
    }

    async fn delete(&self, path: &Path) -> object_store::Result<()> {
        match self.object_store.delete(path).await {
            Err(object_store::Error::NotFound { .. }) => Ok(()),
            other => other,
        }
    }

    /// Looks for objects of this hub that the catalog does not know, and deletes those of which it is certain that
    /// nothing is lost: what an unfinished publication left behind is made again, what is older than calls are kept
    /// was about to be deleted. All others stay: an older catalog may have been restored, and they hold what was
    /// published since. Others' objects are not touched: they may be about to be published.
    ///
    /// Returns the largest number of a journal file in the names of this hub's segments, as far as they were found.
    pub(crate) async fn delete_leftovers(&mut self, known: &[SegmentRow], journal: &Journal) -> u64 {
        let known: HashSet<Path> = known.iter().map(|segment| Path::from(segment.path.as_str())).collect();
        let numbers = known.iter().filter_map(|path| self.number_of(path));
        let mut largest = numbers.max().unwrap_or(0);
        let deleting = tokio::time::timeout(LEFTOVERS_WITHIN, self.try_delete_leftovers(&known, journal, &mut largest));
        match deleting.await {
            Ok(Ok(0)) => {}
            Ok(Ok(kept)) => tracing::error!(
                objects = kept,
                "segments of this hub stand in the object store that the catalog does not know, as after an older \
                 catalog was restored: their calls cannot be queried; they are kept, restore a later catalog to see them"
            ),
            Ok(Err(error)) => tracing::warn!(%error, "objects without a catalog row could not be looked for"),
            Err(_) => tracing::warn!("looking for objects without a catalog row took too long and was given up"),
        }
        largest
    }

    /// How many objects the catalog does not know that were kept.
    async fn try_delete_leftovers(
        &mut self,
        known: &HashSet<Path>,
        journal: &Journal,
        largest: &mut u64,
    ) -> object_store::Result<u64> {
        let objects: Vec<ObjectMeta> = self.object_store.list(Some(&Path::from("calls"))).try_collect().await?;
        let paths: Vec<Path> = objects.into_iter().map(|object| object.location).collect();
        *largest = paths.iter().filter_map(|path| self.number_of(path)).fold(*largest, u64::max);
        let mut kept = 0;
        for path in paths.iter().filter(|path| !known.contains(path)) {
            let Some(number) = self.number_of(path) else { continue };
            if journal.makes_again(number) || self.is_expired(path) {
                self.delete(path).await?;
                count(&self.shared.counters.orphans_deleted, 1);
                tracing::info!(%path, "deleted an object that no catalog row names");
            } else {
                kept += 1;
                count(&self.shared.counters.unknown_segments, 1);
            }
        }
        Ok(kept)
    }

    fn number_of(&self, path: &Path) -> Option<u64> {
        segment::number_of_hub(path.filename()?, &self.shared.settings.hub)
    }

    /// Whether an object's window ended longer ago than calls are kept.
    fn is_expired(&mut self, path: &Path) -> bool {
        let Some(keep) = self.shared.settings.retention else { return false };
        let start_ns = path.parts().nth(1).and_then(|window| segment::window_start_ns(window.as_ref()));
        let before_ns = self.now_ns().saturating_sub(nanoseconds(keep));
        start_ns.is_some_and(|start_ns| start_ns.saturating_add(self.shared.window_ns()) <= before_ns)
    }
}

/// Where the journal stands before it is read.
#[derive(Debug)]
pub(crate) struct Journal {
    /// The first file that is not published, by the catalog.
    pub(crate) checkpoint: u64,
    /// The files there are.
    pub(crate) files: Vec<u64>,
}

impl Journal {
    /// Whether a segment that begins with file `number` will be made again.
    fn makes_again(&self, number: u64) -> bool {
        number >= self.checkpoint && self.files.contains(&number)
    }
}

fn nanoseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}
