//! For tests only: real hubs and instances on free ports, and a clock that stands until it is told to go.
//!
//! Things here panic where a test would anyway: what a test relies on must hold.

#![allow(clippy::expect_used, clippy::disallowed_methods, reason = "for tests: deadlines are by the machine's clock")]

mod clock;
mod eventually;
mod http;
mod hub;
mod instance;

pub use clock::ManualClock;
pub use eventually::{PATIENCE, eventually};
pub use http::{Answer, Http};
pub use hub::TestHub;
pub use instance::{Calls, TestInstance};
