//! From order to receipt.

use super::{basket, customers, payment};
use crate::order::{Order, OrderId, Payment, Quote, QuoteRequest, Receipt, Reservation, ReserveRequest};
use crate::peer::{Peer, PeerError};

/// Takes orders.
pub struct Checkout {
    pub(super) pricing: Vec<Peer>,
    pub(super) warehouse: Peer,
}

/// Why an order was not taken.
#[derive(Debug, thiserror::Error)]
pub enum CheckoutError {
    #[error("no price")]
    Quote(#[source] PeerError),
    #[error("no goods")]
    Reserve(#[source] PeerError),
}

#[glasshull::trace]
impl Checkout {
    /// Takes one order.
    pub async fn place(&self, order: Order) -> Result<Receipt, CheckoutError> {
        customers::sign_in(&order.customer.email, &order.customer.password);
        let order = Order { lines: basket::merge(order.lines), ..order };
        let quote = self.quote(&order).await?;
        let reservation = self.reserve(&order).await?;
        let charged = quote.total + reservation.postage;
        payment::charge(&order.id, &order.payment, charged);
        Ok(Receipt { order_id: order.id, charged, collection: reservation.collection })
    }

    async fn quote(&self, order: &Order) -> Result<Quote, CheckoutError> {
        let request = QuoteRequest {
            order_id: order.id.clone(),
            lines: order.lines.clone(),
            coupon: order.coupon.clone(),
            country: order.customer.country.clone(),
            gift_card: gift_card(&order.payment),
        };
        self.pricing_for(&order.id).ask("/quotes", &request).await.map_err(CheckoutError::Quote)
    }

    async fn reserve(&self, order: &Order) -> Result<Reservation, CheckoutError> {
        let request = ReserveRequest {
            order_id: order.id.clone(),
            lines: order.lines.clone(),
            country: order.customer.country.clone(),
        };
        self.warehouse.ask("/reservations", &request).await.map_err(CheckoutError::Reserve)
    }
}

impl Checkout {
    /// The instance of pricing that serves this order: always the same for one id.
    fn pricing_for(&self, id: &OrderId) -> &Peer {
        let sum: usize = id.0.bytes().map(usize::from).sum();
        &self.pricing[sum % self.pricing.len()]
    }
}

fn gift_card(payment: &Payment) -> Option<String> {
    match payment {
        Payment::GiftCard { code } => Some(code.clone()),
        Payment::Card { .. } | Payment::Invoice { .. } => None,
    }
}
