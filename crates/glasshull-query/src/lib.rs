//! Questions about calls: SQL over live rows and segments together, trees, limits. The only crate that names DataFusion.
//!
//! ```text
//! Engine -> waiting line -> Asking (session, snapshot, tables) -> plan -> batches -> Rows, Columns or Tree
//! ```
//!
//! A question sees one moment of the store: each acknowledged call once, whether it still lies in memory or already in
//! a segment. Every question has a limit on time, memory and rows; an answer that is not whole says why. Questions can
//! only ask: no statement writes, and none reaches a file that is not a segment.

mod answer;
mod arrows;
mod asking;
mod calls;
mod columnar;
mod dialect;
mod difference;
mod docs;
mod engine;
mod exact;
mod failure;
mod interrupt;
mod line;
mod memory;
mod mentions;
mod percentile;
mod session;
mod settings;
mod show;
mod sql;
mod state;
mod tables;
mod threads;
mod time;
mod tree;
mod under_way;

pub use calls::calls;
pub use columnar::{Columns, ELAPSED_MS, KIND, PARTIAL};
pub use docs::schema;
pub use engine::{Engine, QueryStats, Sources};
pub use settings::QuerySettings;
pub use show::question;
pub use tables::Tables;
pub use under_way::Question;
