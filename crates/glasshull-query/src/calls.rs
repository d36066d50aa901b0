//! The table `calls`: live batches, running calls and segments of one snapshot of the store, each call once.

mod columns;
mod convert;
mod narrow;
mod needs;
mod provider;
mod prune;
mod segments;

pub use convert::calls;
pub(crate) use provider::CallsTable;
pub(crate) use segments::{FILTER_FAILED, Unreadable};
