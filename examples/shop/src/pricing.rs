//! The service `pricing`: what an order costs.

pub mod catalogue;
pub mod discount;
pub mod gift_card;
pub mod quote;
pub mod tax;

use std::sync::Arc;

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};

use crate::order::{Quote, QuoteRequest};
use crate::peer::Peer;
use crate::service::Refused;

/// What answers `POST /quotes`.
pub struct Pricing {
    warehouse: Peer,
}

/// The service's routes; gift cards are kept by `warehouse`.
pub fn routes(warehouse: Peer) -> Router {
    Router::new().route("/quotes", post(quote)).with_state(Arc::new(Pricing { warehouse }))
}

async fn quote(State(pricing): State<Arc<Pricing>>, Json(request): Json<QuoteRequest>) -> Result<Json<Quote>, Refused> {
    pricing.quote(request).await.map(Json).map_err(|error| Refused::bad_gateway("quote unavailable", &error))
}
