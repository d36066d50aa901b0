//! The hub as others meet it: real sockets, a real data folder, and callers who do not mean well.

#![allow(clippy::expect_used, clippy::disallowed_methods, reason = "for tests")]

mod batches;
mod columns;
mod costs;
mod events;
mod http;
mod losses;
mod page;
mod probes;
mod restart;
mod start;
mod wire;
