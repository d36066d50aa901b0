//! A crate of the edition of 2015, without the standard library.
#![no_std]
#![deny(missing_docs)]

extern crate core as basis;

mod speed;
mod words;

/// Knots, from metres in a second.
///
/// ```
/// assert_eq!(old::knots(5), 10);
/// ```
pub fn knots(metres: u32) -> u32 {
    ::speed::factor() * words::same(metres)
}

/// A shape.
pub trait Shape {
    /// Its area.
    fn area(&self) -> u32;
    /// Twice that.
    fn twice(&self) -> u32 { self.area() * 2 }
}

impl Shape for u32 {
    fn area(&self) -> u32 { ::basis::cmp::max(*self, 1) }
}
