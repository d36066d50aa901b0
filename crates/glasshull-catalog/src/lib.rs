//! The small transactional truth: which segments exist and how far the journal is published, which instances and
//! functions are known, which probes run. Nothing here grows with the number of calls.
//!
//! [`Catalog`] says what a hub asks of it; [`sqlite`] keeps it in one file. No other crate names a database.

mod error;
mod rows;
pub mod sqlite;

use async_trait::async_trait;

pub use error::CatalogError;
pub use rows::{
    DoomedObject, FunctionRow, InstanceId, InstanceRow, MAX_RUNNING_CALL_BYTES, Merge, ProbeCounts, ProbeEnd, ProbeRow,
    Publication, Published, RunningCall, SegmentRow,
};

/// What went wrong, or what was asked for.
pub type Result<T> = std::result::Result<T, CatalogError>;

/// The statements every backend must carry out, each as one transaction.
#[async_trait]
pub trait Catalog: Send + Sync + 'static {
    /// Adds an instance or, where its id is known, replaces what is known of it.
    async fn put_instance(&self, instance: &InstanceRow) -> Result<()>;

    /// Instances that were connected at or after `since_ns` (Unix time), the newest first, at most `limit`.
    async fn instances(&self, since_ns: i64, limit: usize) -> Result<Vec<InstanceRow>>;

    /// Adds functions of a service that were heard of at `seen_at_ns` (Unix time); of those with the same service,
    /// path, file and line the arguments are replaced.
    async fn put_functions(&self, functions: &[FunctionRow], seen_at_ns: i64) -> Result<()>;

    /// Functions by service, then path, at most `limit`.
    async fn functions(&self, limit: usize) -> Result<Vec<FunctionRow>>;

    /// Adds a probe and gives it its number (`p1`, `p2`, ..: never used twice).
    async fn add_probe(&self, probe: &ProbeRow) -> Result<String>;

    /// Ends a probe that has not ended; whether there was one.
    async fn end_probe(&self, id: &str, end: &ProbeEnd) -> Result<bool>;

    /// Adds to what a probe captured, left out and cost in all (so that a restarted hub goes on counting).
    async fn count_probe(&self, id: &str, more: &ProbeCounts) -> Result<()>;

    /// Probes, the newest first, at most `limit`; those that have ended only where asked for.
    async fn probes(&self, with_ended: bool, limit: usize) -> Result<Vec<ProbeRow>>;

    /// Makes segments exist and moves the journal's checkpoint: both or neither. A publication to the checkpoint where
    /// the journal stands already was carried out before, though its answer was lost: it changes nothing. A checkpoint
    /// that would move backwards is [`CatalogError::Damaged`].
    async fn publish(&self, publication: &Publication) -> Result<()>;

    /// How far a hub's journal is published, and what must be known to go on from there.
    async fn published(&self, hub: &str) -> Result<Published>;

    /// All segments, by start of their window.
    async fn segments(&self) -> Result<Vec<SegmentRow>>;

    /// Exchanges segments for the one that was made of them: all or nothing. The objects of those that go are doomed from
    /// now on, that of the one that comes is no longer.
    ///
    /// `false`: one of the segments that were to go is gone, and nothing has happened. A merge that was carried out
    /// before, though its answer was lost, changes nothing and is `true`. One whose segments lie in different windows, or
    /// have other calls in all than what comes, or whose new segment exists already, is [`CatalogError::Damaged`].
    async fn merge(&self, merge: &Merge) -> Result<bool>;

    /// Notes that an object is to be deleted, or that it will have to be if it does not become a segment; of one that a
    /// segment names nothing is noted.
    async fn doom(&self, object: &DoomedObject) -> Result<()>;

    /// What a hub is to delete, the oldest first. Nothing that a segment names is among it.
    async fn doomed(&self, hub: &str) -> Result<Vec<DoomedObject>>;

    /// Forgets doomed objects that have been deleted.
    async fn forget_doomed(&self, paths: &[String]) -> Result<()>;

    /// Forgets segments whose window ended at or before `before_ns` (Unix time), running calls that began and sequences
    /// that were published before it, and returns the segments: their objects may now be deleted. Notes that retention
    /// came as far as `now_ns`.
    async fn expire(&self, before_ns: i64, now_ns: i64) -> Result<Vec<SegmentRow>>;

    /// How far retention came when segments expired last, in Unix time; `None` where they never did.
    async fn expired_at_ns(&self) -> Result<Option<i64>>;

    /// Forgets instances that connected, functions that were heard of, sequences that were published and probes that
    /// ended before `before_ns` (Unix time); of what is left of each, all but about the newest `most`.
    async fn forget(&self, before_ns: i64, most: usize) -> Result<()>;
}
