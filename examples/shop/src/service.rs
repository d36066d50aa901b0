//! What the three services have in common: listening, refusing, surviving a panic, stopping.

use std::error::Error;
use std::future::Future;
use std::time::Duration;

use axum::Router;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use tokio::net::TcpListener;
use tower_http::catch_panic::CatchPanicLayer;

/// How long a stopping service waits for what is under way. Shorter than the carrier's patience: nobody waits a minute
/// for a prompt.
const STOP_GRACE: Duration = Duration::from_secs(1);

/// An answer that is not a success. It says little on purpose: the cause is for the log, not for the customer.
#[derive(Debug)]
pub struct Refused(StatusCode, &'static str);

impl Refused {
    pub fn bad_gateway(message: &'static str, cause: &dyn Error) -> Self {
        Self::new(StatusCode::BAD_GATEWAY, message, cause)
    }

    pub fn conflict(message: &'static str, cause: &dyn Error) -> Self {
        Self::new(StatusCode::CONFLICT, message, cause)
    }

    pub fn internal(message: &'static str, cause: &dyn Error) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, message, cause)
    }

    fn new(status: StatusCode, message: &'static str, _nobody_logs_this: &dyn Error) -> Self {
        Self(status, message)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.0, self.1).into_response()
    }
}

/// The routes as every service runs them: requests join their caller's trace, a panic is answered with status 500.
pub fn dressed(routes: Router) -> Router {
    routes.layer(glasshull::tower::TraceContextLayer).layer(CatchPanicLayer::new())
}

/// Serves until `stop` is ready, then a little longer for what is under way.
///
/// # Errors
/// When the listener fails.
pub async fn serve(listener: TcpListener, routes: Router, stop: impl Future<Output = ()>) -> std::io::Result<()> {
    let serving = axum::serve(listener, dressed(routes)).into_future();
    tokio::select! {
        ended = serving => ended,
        () = async { stop.await; tokio::time::sleep(STOP_GRACE).await } => Ok(()),
    }
}
