//! What the ring is built of: std's. Its model (`model/` in the repository) takes the ring's source with loom's in this place.

use std::cell::UnsafeCell;

pub(crate) use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// The bytes of a ring.
pub(crate) type Bytes = Box<[UnsafeCell<u8>]>;

/// Tells a model that so many bytes from a place on are the writer's now.
macro_rules! claims {
    ($bytes:expr, $from:expr, $length:expr) => {};
}

/// Tells a model that so many bytes from a place on are read now.
macro_rules! reads {
    ($bytes:expr, $from:expr, $length:expr) => {};
}

pub(crate) use {claims, reads};
