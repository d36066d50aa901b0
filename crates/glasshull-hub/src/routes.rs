//! Every path of the hub's one port.

mod document;
mod events;
mod health;
mod lists;
mod statements;
mod tail;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use glasshull_api::{API, Code};
use glasshull_wire::SESSION_PATH;

use crate::http::refused::no_such_method;
use crate::http::{Refused, access, page};
use crate::hub::Parts;
use crate::sessions;

pub use document::document;

/// All of them. What is neither API, session nor health is the page's.
pub(crate) fn all(parts: Arc<Parts>) -> Router {
    let guarded = Router::new()
        .nest(API, api(&parts))
        .route(SESSION_PATH, get(sessions::open))
        .route("/metrics", get(health::metrics))
        .route("/api", get(no_such_path))
        .route("/api/{*path}", get(no_such_path).post(no_such_path))
        .route_layer(from_fn_with_state(parts.clone(), access::check));
    let open = Router::new()
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .fallback(page::file)
        .layer(from_fn_with_state(parts.clone(), access::check_host));
    guarded.merge(open).method_not_allowed_fallback(no_such_method).with_state(parts)
}

fn api(parts: &Arc<Parts>) -> Router<Arc<Parts>> {
    Router::new()
        .route("/statements", post(statements::statement))
        .route("/differences", post(statements::differences))
        .route("/functions", get(lists::functions))
        .route("/instances", get(lists::instances))
        .route("/probes", get(lists::probes))
        .route("/schema", get(lists::schema))
        .route("/status", get(lists::status))
        .route("/live", get(events::live))
        .route("/tail", get(tail::tail))
        .route("/openapi.json", get(document::openapi))
        .fallback(no_such_path)
        .layer(from_fn_with_state(parts.clone(), while_up))
}

/// A hub that stops takes no new work.
async fn while_up(State(parts): State<Arc<Parts>>, request: Request, next: Next) -> Response {
    if parts.stopping.is_cancelled() {
        return refuse(&parts, Refused::new(Code::Stopping, "The hub is stopping."));
    }
    next.run(request).await
}

fn refuse(parts: &Parts, refused: Refused) -> Response {
    parts.metrics.refused(&refused.0);
    refused.into_response()
}

async fn no_such_path() -> Refused {
    let refused = Refused::new(Code::NoSuchPath, "There is no such path in the API.");
    Refused(refused.0.hint("/api/v1/openapi.json lists them all."))
}
