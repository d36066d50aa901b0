//! Questions about calls: SQL over live rows and segments together, trees, limits. The only crate that names DataFusion.
//!
//! ```text
//! statement -> Engine -> waiting line -> plan -> Store::snapshot() -> live batches + running calls + segments -> Rows
//! ```
//!
//! A question sees one moment of the store: each acknowledged call once, whether it still lies in memory or already in
//! a segment. Every question has a limit on time, memory and rows; an answer that is not whole says why.

mod calls;
mod docs;
mod engine;
mod settings;
mod tables;

pub use calls::calls;
pub use docs::schema;
pub use engine::{Engine, QueryStats, Sources};
pub use settings::QuerySettings;
pub use tables::Tables;
