//! Sessions with SDKs: one for each connected process, on `GET /sdk/v1`.

mod admit;
mod convert;
mod session;
mod socket;

use std::sync::Arc;

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use glasshull_api::{Code, Failure};
use glasshull_wire::limits::MAX_MESSAGE_BYTES;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::TaskTracker;

use crate::http::Refused;
use crate::http::serve::Place;
use crate::hub::Parts;
use crate::limits::{MAX_HANDSHAKES, SESSION_READ_BYTES};
use crate::settings::Settings;

/// Compressed bytes of all batches on their way to the disk that a semaphore can count; what there is by the settings is
/// less as a rule. Further ones wait in their sockets.
const MAX_BATCH_BYTES: usize = u32::MAX as usize >> 1;

/// What sessions share: places, and who is still there.
#[derive(Debug)]
pub(crate) struct Gates {
    handshakes: Arc<Semaphore>,
    instances: Arc<Semaphore>,
    batch_bytes: Arc<Semaphore>,
    max_batch_bytes: usize,
    /// Knows the open sessions.
    pub(crate) sessions: TaskTracker,
}

impl Gates {
    pub(crate) fn new(settings: &Settings) -> Self {
        // At least one batch comes through.
        let batches = usize::try_from(settings.shares().batches).unwrap_or(usize::MAX);
        let max_batch_bytes = batches.clamp(MAX_MESSAGE_BYTES, MAX_BATCH_BYTES);
        Self {
            handshakes: Arc::new(Semaphore::new(MAX_HANDSHAKES)),
            instances: Arc::new(Semaphore::new(settings.max_instances)),
            batch_bytes: Arc::new(Semaphore::new(max_batch_bytes)),
            max_batch_bytes,
            sessions: TaskTracker::new(),
        }
    }

    /// Compressed bytes of the batches that are on their way to the disk.
    pub(crate) fn batch_bytes_under_way(&self) -> u64 {
        (self.max_batch_bytes - self.batch_bytes.available_permits()) as u64
    }
}

/// `GET /sdk/v1`.
pub(crate) async fn open(
    State(parts): State<Arc<Parts>>,
    Extension(place): Extension<Place>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    match begin(&parts, &headers) {
        Ok(handshake) => match upgrade {
            Ok(upgrade) => accept(parts, upgrade, handshake, place),
            Err(rejection) => refuse(&parts, no_upgrade(&rejection)),
        },
        Err(failure) => refuse(&parts, failure),
    }
}

/// A place among those who have not said `Hello`. SDKs are no browsers: whoever says where his page came from is none.
fn begin(parts: &Parts, headers: &HeaderMap) -> Result<OwnedSemaphorePermit, Failure> {
    if parts.stopping.is_cancelled() {
        return Err(Failure::new(Code::Stopping, "The hub is stopping."));
    }
    if headers.contains_key(header::ORIGIN) {
        return Err(Failure::new(Code::KeyRefused, "Sessions are for SDKs, not for pages in browsers."));
    }
    parts.gates.handshakes.clone().try_acquire_owned().map_err(|_| {
        Failure::new(Code::TooManyInstances, format!("{MAX_HANDSHAKES} other connections have not said Hello yet."))
    })
}

fn accept(parts: Arc<Parts>, upgrade: WebSocketUpgrade, handshake: OwnedSemaphorePermit, place: Place) -> Response {
    let token = parts.gates.sessions.token();
    upgrade
        .read_buffer_size(SESSION_READ_BYTES)
        .write_buffer_size(0)
        .max_message_size(MAX_MESSAGE_BYTES)
        .max_frame_size(MAX_MESSAGE_BYTES)
        .on_upgrade(move |socket| async move {
            session::run(parts, socket, handshake).await;
            drop((token, place));
        })
}

fn refuse(parts: &Parts, failure: Failure) -> Response {
    parts.metrics.refused(&failure);
    Refused(failure).into_response()
}

fn no_upgrade(rejection: &WebSocketUpgradeRejection) -> Failure {
    Failure::new(
        Code::RequestMalformed,
        format!("This path takes WebSocket connections only: {}.", rejection.body_text()),
    )
    .hint("SDKs connect here; people open `/`.")
}
