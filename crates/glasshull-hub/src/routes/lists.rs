use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use glasshull_api::answers::{Functions, Instances, Probes, Schema, Status};
use glasshull_api::failure::FailureBody;

use crate::health;
use crate::http::Refused;
use crate::hub::Parts;

/// Functions that connected instances can trace, by service and path.
#[utoipa::path(
    get,
    path = "/api/v1/functions",
    operation_id = "functions",
    responses(
        (status = 200, description = "The functions", body = Functions),
        (status = "default", description = "A failure", body = FailureBody),
    )
)]
pub(super) async fn functions(State(parts): State<Arc<Parts>>) -> Json<Functions> {
    Json(parts.lists.list_functions())
}

/// Processes that are connected, and those that left within the last day.
#[utoipa::path(
    get,
    path = "/api/v1/instances",
    operation_id = "instances",
    responses(
        (status = 200, description = "The instances, the connected ones first", body = Instances),
        (status = "default", description = "A failure", body = FailureBody),
    )
)]
pub(super) async fn instances(State(parts): State<Arc<Parts>>) -> Result<Json<Instances>, Refused> {
    Ok(Json(parts.lists.list_instances().await?))
}

/// Running probes and the last that ended, with their status.
#[utoipa::path(
    get,
    path = "/api/v1/probes",
    operation_id = "probes",
    responses(
        (status = 200, description = "The probes, the newest first", body = Probes),
        (status = "default", description = "A failure", body = FailureBody),
    )
)]
pub(super) async fn probes(State(parts): State<Arc<Parts>>) -> Json<Probes> {
    Json(parts.lists.list_probes())
}

/// The tables SQL can ask and the statements beyond SQL, for completion and documentation.
#[utoipa::path(
    get,
    path = "/api/v1/schema",
    operation_id = "schema",
    responses(
        (status = 200, description = "Tables and statements", body = Schema),
        (status = "default", description = "A failure", body = FailureBody),
    )
)]
pub(super) async fn schema() -> Json<Schema> {
    Json(glasshull_query::schema())
}

/// The hub's own state.
#[utoipa::path(
    get,
    path = "/api/v1/status",
    operation_id = "status",
    responses(
        (status = 200, description = "The state", body = Status),
        (status = "default", description = "A failure", body = FailureBody),
    )
)]
pub(super) async fn status(State(parts): State<Arc<Parts>>) -> Json<Status> {
    Json(health::status(&parts))
}
