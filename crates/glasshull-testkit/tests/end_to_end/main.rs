//! The programs as people run them: the real hub, the real shop, the SDK in a real process, on free ports.
//!
//! The programs must have been built (`cargo build --profile quick --workspace --bins`); `cargo xtask test` sees to it.

#![allow(clippy::disallowed_methods, reason = "deadlines of tests are by the machine's clock")]

mod absent;
mod audit;
mod chance;
mod deaf_hub;
mod documents;
mod full_disk;
mod governor;
mod hub_process;
mod killed;
mod losses;
mod lost_machine;
mod network;
mod s3;
mod shop_process;
mod small_disk;
mod three_hubs;
mod tour;
mod value_limits;
