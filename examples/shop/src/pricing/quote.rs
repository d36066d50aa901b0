//! Quotes.

use super::{Pricing, catalogue, discount, gift_card, tax};
use crate::order::{Quote, QuoteRequest};
use crate::peer::PeerError;

/// Why there is no quote.
#[derive(Debug, thiserror::Error)]
pub enum QuoteError {
    #[error("the order cannot be priced")]
    Catalogue(#[from] catalogue::UnknownSku),
    #[error("the gift card's balance is not to be had")]
    GiftCard(#[from] PeerError),
}

#[glasshull::trace]
impl Pricing {
    /// Answers a request for a quote.
    pub async fn quote(&self, request: QuoteRequest) -> Result<Quote, QuoteError> {
        let price = price(&request)?;
        let vat = tax::vat(price, &request.country);
        let credit = match &request.gift_card {
            Some(code) => gift_card::balance(&self.warehouse, code).await?.min(price + vat),
            None => 0,
        };
        Ok(Quote { order_id: request.order_id, price, vat, credit, total: price + vat - credit })
    }
}

/// What the order costs before tax, in cents.
#[glasshull::trace]
pub fn price(order: &QuoteRequest) -> Result<u64, catalogue::UnknownSku> {
    let subtotal = catalogue::subtotal(&order.lines)?;
    Ok(order.coupon.as_ref().map_or(subtotal, |coupon| discount::apply(subtotal, coupon)))
}
