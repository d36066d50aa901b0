//! List prices.

use crate::goods;
use crate::order::Line;

/// Nobody sells this.
#[derive(Debug, thiserror::Error)]
#[error("there is no such good as {sku}")]
pub struct UnknownSku {
    sku: String,
}

/// What the lines cost at list price, in cents.
#[glasshull::trace]
pub fn subtotal(lines: &[Line]) -> Result<u64, UnknownSku> {
    lines.iter().map(|line| Ok(list_price(&line.sku)? * u64::from(line.quantity))).sum()
}

/// What one piece costs, in cents.
#[glasshull::trace]
pub fn list_price(sku: &str) -> Result<u64, UnknownSku> {
    goods::find(sku).map(|good| good.price).ok_or_else(|| UnknownSku { sku: sku.into() })
}
