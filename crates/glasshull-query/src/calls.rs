//! The table `calls`: live batches, running calls and segments of one snapshot of the store, each call once.

mod asked;
mod columns;
mod convert;
mod kept;
mod narrow;
mod needs;
mod provider;
mod prune;
mod readers;
mod rules;
mod segments;
mod slowest;
mod summaries;
#[cfg(test)]
mod tests;
mod told;
mod totals;
mod values;

pub use convert::calls;
pub(crate) use provider::CallsTable;
pub(crate) use readers::SegmentReaders;
pub(crate) use rules::{SlowestBySummary, TotalsBySummary};
pub(crate) use segments::{FILTER_FAILED, Unreadable};
pub(crate) use summaries::Summaries;
