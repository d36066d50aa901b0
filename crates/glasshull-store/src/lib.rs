//! Calls at rest: journal, live table, segments, their merging, retention.
//!
//! The way of one batch: [`Store::append`] checks it, turns it into rows, and hands it to the journal's one writer, who
//! collects what waits, writes it, syncs once, and only then shows the rows in the live table and answers. A
//! publication closes the journal's file, writes its rows into Parquet segments, one or more for each time window,
//! and exchanges the two in the catalog (one transaction) and in memory (one lock): whoever takes a [`Snapshot`] sees
//! each call once. Then the journal's file is deleted. Whatever step a crash falls on, each acknowledged call is there
//! once after the restart. Segments of one window are merged in the background, with the same exchange.

#![warn(missing_docs)]

mod append;
mod arrival;
mod background;
mod copied;
mod copies;
mod durable;
mod error;
mod folder;
mod footer;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
mod gather;
pub mod index;
mod journal;
mod lanes;
mod live;
mod merge;
mod object_log;
mod objects;
mod publish;
mod record;
mod retention;
mod rows;
mod running;
pub mod schema;
mod segment;
mod settings;
mod shared;
mod source;
mod stats;
mod store;
pub mod summary;
mod tenure;
#[cfg(test)]
mod tests;
pub mod values;
mod windows;

pub use copied::{COPY_EVERY, CopiedCatalog};
pub use copies::CatalogCopies;
pub use error::StoreError;
pub use folder::{DataFolder, MIN_FREE_BYTES};
pub use merge::MergedSegments;
pub use objects::FolderObjects;
pub use retention::SNAPSHOT_GRACE;
pub use running::MAX_RUNNING;
pub use settings::{Clock, Components, Durability, RELAXED_SYNC_EVERY, StoreSettings, SystemClock};
pub use shared::{MAX_SUBSCRIBED_BATCHES, MAX_SUBSCRIBED_ROWS};
pub use source::Source;
pub use stats::{StoreStats, TIMING_BOUNDS_NS, Timing};
pub use store::{Appended, PublishedCalls, Snapshot, Store};
pub use tenure::Tenure;
