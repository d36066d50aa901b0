//! Calls at rest: journal, live table, segments, retention.
//!
//! The way of one batch: [`Store::append`] checks it, turns it into rows, and hands it to the journal's one writer, who
//! collects what waits, writes it, syncs once, and only then shows the rows in the live table and answers. A
//! publication closes the journal's file, writes its rows into Parquet segments, one or more for each time window,
//! and exchanges the two in the catalog (one transaction) and in memory (one lock): whoever takes a [`Snapshot`] sees
//! each call once. Then the journal's file is deleted. Whatever step a crash falls on, each acknowledged call is there
//! once after the restart.

#![warn(missing_docs)]

mod error;
mod folder;
mod objects;
pub mod schema;
mod settings;
mod source;
mod stats;
mod store;

pub use error::StoreError;
pub use folder::DataFolder;
pub use objects::FolderObjects;
pub use settings::{Clock, Components, StoreSettings, SystemClock};
pub use source::Source;
pub use stats::{StoreStats, TIMING_BOUNDS_NS, Timing};
pub use store::{Appended, PublishedCalls, Snapshot, Store};
