//! What Glasshull's SDK and its hub say to each other: messages, limits, and the packing of calls into columns.
//! No I/O happens here.
//!
//! The messages are described in `proto/glasshull/v1/session.proto`, which is all another language needs; [`v1`] is
//! generated from it. [`BatchWriter`] packs calls into a [`v1::CallBatch`], [`Calls::decode`] unpacks one that comes
//! from outside and believes none of its numbers before it has checked them.
//!
//! ```
//! use glasshull_wire::{BatchWriter, CallRow, Calls, v1};
//!
//! let mut writer = BatchWriter::default();
//! let function = writer.function(7, || v1::Function { index: 7, path: "shop::price".into(), ..Default::default() });
//! let thread = writer.thread(1, || "main".into());
//! writer.push(&CallRow { function, thread, call_id: 1, outcome: v1::Outcome::Returned as i32, ..CallRow::default() });
//! let batch = writer.finish(1);
//!
//! let calls = Calls::decode(&batch).unwrap();
//! assert_eq!(calls.row(0).call_id, 1);
//! ```

mod columns;
pub mod entries;
mod error;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
pub mod limits;
pub mod markers;
pub mod pattern;
#[rustfmt::skip]
#[allow(clippy::all, missing_docs)]
pub mod v1;

pub use columns::{BatchWriter, CallRow, Calls, Texts};
pub use error::BatchError;
pub use prost::Message;

/// The protocol version this crate speaks.
pub const PROTOCOL: u32 = 1;

/// Where the hub takes SDK sessions, on its one port.
pub const SESSION_PATH: &str = "/sdk/v1";

#[cfg(test)]
mod tests;
