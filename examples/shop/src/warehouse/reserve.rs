//! Reservations.

use super::{Warehouse, bins, parcels};
use crate::goods;
use crate::order::{Line, OrderId, Reservation, ReserveRequest};

/// Why nothing was put aside.
#[derive(Debug, thiserror::Error)]
#[error("no shelf holds {sku}")]
pub struct NotInStock {
    sku: String,
}

#[glasshull::trace]
impl Warehouse {
    /// Puts an order's goods aside and has them collected.
    pub async fn reserve(&self, request: ReserveRequest) -> Result<Reservation, NotInStock> {
        let mut bins = 0;
        for line in &request.lines {
            bins += put_aside(&request.order_id, line)?;
        }
        let grams = request.lines.iter().map(grams).sum();
        let parcels = parcels::pack(grams);
        let postage = parcels::postage(&request.country, grams);
        let collection = self.carrier.book(&request.order_id, &request.country, parcels).await;
        Ok(Reservation { order_id: request.order_id, bins, parcels, postage, collection })
    }
}

/// Takes one line's pieces from the shelves; returns the number of bins they lay in.
#[glasshull::trace]
pub fn put_aside(order_id: &OrderId, line: &Line) -> Result<u32, NotInStock> {
    let good = goods::find(&line.sku).ok_or_else(|| NotInStock { sku: line.sku.clone() })?;
    let walk = bins::plan_walk(good.sku, line.quantity, good.per_bin);
    Ok(walk.bins)
}

fn grams(line: &Line) -> u32 {
    goods::find(&line.sku).map_or(0, |good| good.grams * line.quantity)
}
