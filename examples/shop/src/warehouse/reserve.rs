//! Reservations.

use super::bins::NotInStock;
use super::{Warehouse, bins, parcels};
use crate::goods;
use crate::order::{Line, Reservation, ReserveRequest};

#[glasshull::trace]
impl Warehouse {
    /// Puts an order's goods aside and has them collected.
    pub async fn reserve(&self, request: ReserveRequest) -> Result<Reservation, NotInStock> {
        let mut bins = 0;
        for line in &request.lines {
            bins += put_aside(line)?;
        }
        let grams = request.lines.iter().map(grams).sum();
        let parcels = parcels::pack(grams);
        let postage = parcels::postage(&request.country, grams);
        let collection = self.carrier.book(&request.order_id, &request.country, parcels).await;
        Ok(Reservation { order_id: request.order_id, bins, postage, collection })
    }
}

/// Takes one line's pieces from the shelves; returns the number of bins they lay in.
#[glasshull::trace]
pub fn put_aside(line: &Line) -> Result<u32, NotInStock> {
    Ok(bins::plan_walk(&line.sku, line.quantity)?.bins)
}

fn grams(line: &Line) -> u32 {
    goods::find(&line.sku).map_or(0, |good| good.grams * line.quantity)
}
