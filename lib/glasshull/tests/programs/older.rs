//! A library that was built with another version of the SDK, in the edition of 2015.

extern crate glasshull;

pub use glasshull::{Guard, builder};

#[glasshull::trace]
pub fn works(n: u64) -> u64 {
    n
}

#[glasshull::trace]
pub fn within(then: fn(u64) -> u64) -> u64 {
    works(then(1))
}

pub fn is_captured() -> bool {
    asks()
}

#[glasshull::trace]
fn asks() -> bool {
    glasshull::Context::current().is_captured()
}
