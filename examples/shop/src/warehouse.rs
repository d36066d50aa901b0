//! The service `warehouse`: what is on the shelves, how it is sent, and the ledger of gift cards.

pub mod bins;
pub mod carrier;
pub mod ledger;
pub mod parcels;
pub mod reserve;

use std::sync::Arc;

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};

use crate::order::{Reservation, ReserveRequest};
use crate::service::Refused;
use carrier::Carrier;

/// What answers `POST /reservations`.
pub struct Warehouse {
    carrier: Carrier,
}

/// The service's routes.
pub fn routes(carrier: Carrier) -> Router {
    Router::new()
        .route("/reservations", post(reserve))
        .route("/ledger/balance", post(balance))
        .with_state(Arc::new(Warehouse { carrier }))
}

async fn reserve(
    State(warehouse): State<Arc<Warehouse>>,
    Json(request): Json<ReserveRequest>,
) -> Result<Json<Reservation>, Refused> {
    warehouse.reserve(request).await.map(Json).map_err(|error| Refused::conflict("not in stock", &error))
}

async fn balance(Json(code): Json<String>) -> Result<Json<u64>, Refused> {
    ledger::balance(&code).map(Json).map_err(|error| Refused::internal("ledger unavailable", &error))
}
