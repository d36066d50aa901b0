//! The service `storefront`: takes orders, asks the other services, charges the customer.

pub mod basket;
pub mod checkout;
pub mod customers;
pub mod payment;

use std::sync::Arc;

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};

use crate::order::{Order, Receipt};
use crate::peer::Peer;
use crate::service::Refused;
use checkout::Checkout;

/// The service's routes. Pricing runs more than once; an order's id says which instance is asked.
pub fn routes(pricing: Vec<Peer>, warehouse: Peer) -> Router {
    Router::new().route("/orders", post(place_order)).with_state(Arc::new(Checkout { pricing, warehouse }))
}

async fn place_order(
    State(checkout): State<Arc<Checkout>>,
    Json(order): Json<Order>,
) -> Result<Json<Receipt>, Refused> {
    let sorry = "your order could not be taken, please try again";
    checkout.place(order).await.map(Json).map_err(|error| Refused::bad_gateway(sorry, &error))
}
