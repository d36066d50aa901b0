//! What is too old goes: first from the catalog and from sight, later from the object store.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use futures::TryStreamExt;
use glasshull_catalog::{Catalog, CatalogError, Merge, SegmentRow};
use glasshull_wire::limits::MAX_AHEAD_NS;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};

use crate::segment::{self, Name};
use crate::shared::Shared;
use crate::stats::count;
use crate::{Components, StoreError};

/// How long an object stays after its segment was taken out of sight: longer than a query with an older snapshot runs.
pub const SNAPSHOT_GRACE: Duration = Duration::from_secs(120);

/// How long looking for leftovers may hold up a start; what was not found stays until the next one.
const LEFTOVERS_WITHIN: Duration = Duration::from_secs(30);

/// How far the clock may run ahead of what retention expects before it is doubted.
const MAX_AHEAD: Duration = Duration::from_secs(60 * 60);

/// How far a call may begin after its batch came.
const MAX_CALL_AHEAD: Duration = Duration::from_nanos(MAX_AHEAD_NS.unsigned_abs());

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
    /// Objects out of sight, with when they are to be deleted, by the clock that never jumps. After a crash those that
    /// were merged are in the catalog, those that were too old are found by their age.
    doomed: Vec<(Duration, Path)>,
    /// Objects that were about to become segments when this hub died.
    unfinished: Vec<Path>,
    /// A merge that the catalog was asked to carry out and that may have been or not.
    merging: Option<Merge>,
    calendar: Calendar,
    /// When what was not heard of was forgotten last, by the clock that never jumps.
    forgotten: Option<Duration>,
}

impl Retention {
    pub(crate) fn new(shared: Arc<Shared>, components: Components) -> Self {
        let Components { object_store, catalog, .. } = components;
        Self {
            shared,
            catalog,
            object_store,
            doomed: Vec::new(),
            unfinished: Vec::new(),
            merging: None,
            calendar: Calendar::default(),
            forgotten: None,
        }
    }

    /// Goes on from when it ran last, before the last start.
    pub(crate) async fn resume(&mut self) -> Result<(), StoreError> {
        let monotonic = self.shared.clock.monotonic();
        self.calendar.believed = self.catalog.expired_at_ns().await?.map(|at_ns| (at_ns, monotonic));
        let now_ns = self.now_ns();
        for object in self.catalog.doomed(&self.shared.settings.hub).await? {
            let path = Path::from(object.path);
            if object.unfinished {
                self.unfinished.push(path);
                continue;
            }
            // Other hubs may still read it. What a clock says that was set since is not waited for.
            let since = Duration::from_nanos(now_ns.saturating_sub(object.at_ns).max(0).unsigned_abs());
            self.doomed.push((monotonic + SNAPSHOT_GRACE.saturating_sub(since), path));
        }
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
        self.forget_lanes(KNOWN_FOR);
        self.shared.lanes.keep_newest(MAX_KNOWN);
        self.forgotten = Some(monotonic);
        Ok(())
    }

    /// Takes windows out of sight that ended longer ago than calls are kept; how many segments that were. Deletes the
    /// objects of those that were taken longer than [`SNAPSHOT_GRACE`] ago. Windows from `pending_from_ns` on belong to
    /// a publication whose fate is unknown, and stay; those before go even where a full disk lets nothing be published.
    pub(crate) async fn expire(&mut self, pending_from_ns: Option<i64>) -> Result<u64, StoreError> {
        self.delete_doomed().await;
        let Some(keep) = self.shared.settings.retention else { return Ok(0) };
        let now_ns = self.now_ns();
        let merging_from_ns = self.merging.as_ref().map(|merge| merge.output.window_start_ns);
        let pending_ns = [pending_from_ns, merging_from_ns].into_iter().flatten().min().unwrap_or(i64::MAX);
        let before_ns = now_ns.saturating_sub(nanoseconds(keep)).min(pending_ns);
        let expired = self.catalog.expire(before_ns, now_ns).await?;
        // What the catalog forgot before, though its answer was lost, is only known here.
        let gone = self.shared.live.expire(before_ns, &expired);
        self.forget_lanes(keep);
        self.doom(gone.iter().map(String::as_str));
        count(&self.shared.counters.expired_segments, gone.len() as u64);
        Ok(gone.len() as u64)
    }

    /// Forgets the sequences of instances whose calls are all gone: a batch that came again would be stored again. Calls
    /// may begin after they came, and their window ends still later.
    fn forget_lanes(&self, kept_for: Duration) {
        let Shared { lanes, live, clock, .. } = &*self.shared;
        let after = MAX_CALL_AHEAD + Duration::from_nanos(self.shared.window_ns().unsigned_abs());
        lanes.expire(clock.monotonic().saturating_sub(kept_for.saturating_add(after)), &live.instances());
    }

    /// Exchanges segments for what was made of them, in the catalog and in sight; whether that happened. If not, some of
    /// them are gone, as retention took them, and what was made of them is deleted.
    ///
    /// # Errors
    /// [`StoreError::Catalog`]: it may have happened or not, and is tried again by [`Self::settle`].
    pub(crate) async fn merge(&mut self, merge: Merge) -> Result<Option<(Merge, bool)>, StoreError> {
        self.merging = Some(merge);
        self.settle().await
    }

    /// Carries out the merge whose fate is unknown, if there is one; whether it happened.
    pub(crate) async fn settle(&mut self) -> Result<Option<(Merge, bool)>, StoreError> {
        let now_ns = self.now_ns();
        let Some(merge) = &mut self.merging else { return Ok(None) };
        merge.at_ns = now_ns;
        let merged = match self.catalog.merge(merge).await {
            // It has not happened, and never will.
            Err(error @ (CatalogError::Damaged(_) | CatalogError::TooLong { .. })) => {
                self.merging = None;
                return Err(error.into());
            }
            answer => answer?,
        };
        let Some(merge) = self.merging.take() else { return Ok(None) };
        if merged {
            self.shared.live.merge(&merge.inputs, &merge.output);
            self.doom(merge.inputs.iter().map(String::as_str));
        } else {
            self.delete_unfinished(&merge.output.path).await;
        }
        Ok(Some((merge, merged)))
    }

    /// Deletes an object that never became a segment. One that stays is found at the next start.
    pub(crate) async fn delete_unfinished(&self, path: &str) {
        let deleted = match self.delete(&Path::from(path)).await {
            Ok(()) => self.catalog.forget_doomed(&[path.to_owned()]).await.map_err(StoreError::from),
            Err(error) => Err(error.into()),
        };
        if let Err(error) = deleted {
            tracing::warn!(path, %error, "what was to become a segment could not be deleted; it is tried again at the next start");
        }
    }

    /// Objects that nobody new sees are deleted when nobody reads them any more.
    fn doom<'p>(&mut self, paths: impl Iterator<Item = &'p str>) {
        let due = self.shared.clock.monotonic() + SNAPSHOT_GRACE;
        self.doomed.extend(paths.map(|path| (due, Path::from(path))));
    }

    async fn delete_doomed(&mut self) {
        let monotonic = self.shared.clock.monotonic();
        let due: Vec<_> = self.doomed.extract_if(.., |(due, _)| *due <= monotonic).collect();
        let mut deleted = Vec::new();
        for (at, path) in due {
            if let Err(error) = self.delete(&path).await {
                tracing::warn!(%path, %error, "a segment out of sight could not be deleted; it is tried again");
                self.doomed.push((at, path));
            } else {
                deleted.push(path.to_string());
            }
        }
        if !deleted.is_empty()
            && let Err(error) = self.catalog.forget_doomed(&deleted).await
        {
            tracing::warn!(%error, "the catalog still names objects that were deleted; it is told again at the next start");
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
        let numbers = known.iter().filter_map(|path| self.name_of(path)).map(|name| name.number);
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
        *largest = paths.iter().filter_map(|path| self.name_of(path)).map(|name| name.number).fold(*largest, u64::max);
        let mut goes: HashSet<Path> = self.doomed.iter().map(|(_, path)| path.clone()).collect();
        goes.extend(self.delete_what_was_unfinished(known, &paths).await);
        let mut kept = 0;
        for path in paths.iter().filter(|path| !known.contains(path) && !goes.contains(path)) {
            let Some(name) = self.name_of(path).filter(|name| !self.is_later(*name)) else { continue };
            if journal.makes_again(name) || self.is_superseded(name) || self.is_expired(path) {
                self.delete_leftover(path).await?;
            } else {
                kept += 1;
                count(&self.shared.counters.unknown_segments, 1);
            }
        }
        Ok(kept)
    }

    /// Deletes what a crash left of merges; what that was. Where segments are missing that stand beside it in the catalog,
    /// an older catalog was restored: then it may be all that is left of them, and stays.
    async fn delete_what_was_unfinished(&mut self, known: &HashSet<Path>, found: &[Path]) -> Vec<Path> {
        let found: HashSet<&Path> = found.iter().collect();
        let window = |path: &Path| path.parts().nth(1).map(|window| window.as_ref().to_owned());
        let missing: HashSet<_> = known.iter().filter(|path| !found.contains(path)).map(window).collect();
        let unfinished = std::mem::take(&mut self.unfinished);
        let left: Vec<Path> = unfinished.into_iter().filter(|path| !missing.contains(&window(path))).collect();
        for path in &left {
            self.delete_unfinished(path.as_ref()).await;
            count(&self.shared.counters.orphans_deleted, u64::from(found.contains(path)));
        }
        left
    }

    async fn delete_leftover(&self, path: &Path) -> object_store::Result<()> {
        self.delete(path).await?;
        count(&self.shared.counters.orphans_deleted, 1);
        tracing::info!(%path, "deleted an object that no catalog row names");
        Ok(())
    }

    fn name_of(&self, path: &Path) -> Option<Name> {
        segment::name_of_hub(path.filename()?, &self.shared.settings.hub)
    }

    /// Whether an object was made by a hub that has taken over from this one, which may not know it yet.
    fn is_later(&self, name: Name) -> bool {
        let Shared { tenure, .. } = &*self.shared;
        tenure.as_ref().zip(name.tenure).is_some_and(|(tenure, made_in)| made_in > tenure.number())
    }

    /// Whether an object was made by a hub that was taken over from before it counted.
    fn is_superseded(&self, name: Name) -> bool {
        let Shared { tenure, .. } = &*self.shared;
        tenure.as_ref().zip(name.tenure).is_some_and(|(tenure, made_in)| tenure.knows_all_of(made_in))
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
    /// Whether a segment will be made again from its files.
    fn makes_again(&self, name: Name) -> bool {
        !name.merged && name.number >= self.checkpoint && self.files.contains(&name.number)
    }
}

fn nanoseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}
