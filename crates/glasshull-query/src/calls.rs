//! The table `calls`: live batches, running calls and segments of one snapshot of the store, each call once.

mod asked;
mod columns;
mod convert;
mod narrow;
mod needs;
mod provider;
mod prune;
mod rules;
mod segments;
mod slowest;
mod summaries;
mod told;
mod totals;
mod values;

pub use convert::calls;
pub(crate) use provider::CallsTable;
pub(crate) use rules::{SlowestBySummary, TotalsBySummary};
pub(crate) use segments::{FILTER_FAILED, Unreadable};
pub(crate) use summaries::Summaries;
