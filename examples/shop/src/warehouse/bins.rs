//! Shelf bins, and the way past them.

use serde::Serialize;

use crate::goods;

/// A way past the shelves.
#[derive(Debug, PartialEq, Serialize)]
pub struct Walk {
    /// Bins it passes.
    pub bins: u32,
    /// How often two bins were compared to plan it.
    pub comparisons: u64,
}

/// Why nothing was put aside.
#[derive(Debug, thiserror::Error)]
#[error("no shelf holds {sku}")]
pub struct NotInStock {
    sku: String,
}

/// Plans a way past enough bins to gather `quantity` pieces, each bin at most once.
///
/// "At most once" is seen to by looking through all bins chosen so far. That is quick for goods that share a bin.
#[glasshull::trace]
pub fn plan_walk(sku: &str, quantity: u32) -> Result<Walk, NotInStock> {
    let good = goods::find(sku).ok_or_else(|| NotInStock { sku: sku.into() })?;
    let wanted = quantity.div_ceil(good.per_bin);
    let mut chosen = Vec::new();
    let mut comparisons = 0;
    for bin in 0..wanted {
        let seen = chosen.iter().any(|other| {
            comparisons += 1;
            *other == bin
        });
        if !seen {
            chosen.push(bin);
        }
    }
    Ok(Walk { bins: chosen.len() as u32, comparisons })
}
