//! What people and the hub say to each other: the types of the HTTP API, failure codes, and the statement language.
//!
//! Types here are for the edge: the hub converts its own into them, clients (the command line, the page through the
//! OpenAPI document, anybody's program) build on nothing else. Additions are compatible, removals need a deprecation.
//!
//! Times are RFC 3339 text in UTC with nanoseconds, durations whole nanoseconds, ids lower-case hexadecimal text.

pub mod answers;
pub mod failure;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
#[allow(missing_docs, clippy::panic)]
pub mod fuzzing;
pub mod statement;

pub use failure::{Code, Failure, Position};

/// Every path of the API begins with this.
pub const API: &str = "/api/v1";
