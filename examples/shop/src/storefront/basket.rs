//! What lies in the basket.

use crate::order::Line;

/// One line for each SKU, in the order in which they were put in.
#[glasshull::trace]
pub fn merge(lines: Vec<Line>) -> Vec<Line> {
    let mut merged: Vec<Line> = Vec::with_capacity(lines.len());
    for line in lines {
        match merged.iter_mut().find(|other| other.sku == line.sku) {
            Some(other) => other.quantity += line.quantity,
            None => merged.push(line),
        }
    }
    merged
}
