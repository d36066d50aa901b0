use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use glasshull_api::{Code, Failure};

use crate::failures;
use crate::http::Refused;
use crate::hub::Parts;
use crate::metrics::{self, Gauges};
use crate::settings::Durability;

/// What a hub says of itself that acknowledges before the disk has what it acknowledges.
const READY_BUT_RELAXED: &str = "ready\n\
    durability is relaxed: a power cut loses the last second or so of what was acknowledged\n";

/// `GET /healthz`: the process lives and answers.
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: it takes new work, and can keep what it takes.
pub(super) async fn readyz(State(parts): State<Arc<Parts>>) -> Response {
    match ready(&parts).await {
        Ok(()) if parts.settings.durability == Durability::Relaxed => {
            (StatusCode::OK, READY_BUT_RELAXED).into_response()
        }
        Ok(()) => (StatusCode::OK, "ready\n").into_response(),
        Err(refused) => refused.into_response(),
    }
}

async fn ready(parts: &Parts) -> Result<(), Refused> {
    if parts.stopping.is_cancelled() {
        return Err(Refused::new(Code::Stopping, "The hub is stopping."));
    }
    if !parts.store.stats().journal_writable {
        return Err(Refused::new(Code::JournalUnwritable, "The journal cannot be written; nothing is acknowledged."));
    }
    if let Some(task) = parts.tasks.failed().first() {
        let message = format!("The hub's task `{task}` has ended by a fault of the hub's own.");
        return Err(Failure::new(Code::Internal, message).hint("Restart the hub; its log tells more.").into());
    }
    parts.catalog.probes(false, 1).await?;
    Ok(())
}

/// `GET /metrics`.
pub(super) async fn metrics(State(parts): State<Arc<Parts>>) -> Response {
    match parts.metrics.render(&parts.store.stats(), gauges(&parts)) {
        Ok(text) => ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response(),
        Err(error) => Refused(failures::internal(&error)).into_response(),
    }
}

fn gauges(parts: &Parts) -> Gauges {
    let (instances, functions) = parts.instances.counts();
    Gauges {
        instances: instances as u64,
        functions: functions as u64,
        probes: parts.probes.running() as u64,
        cut_back_probes: parts.probes.cut_back(&parts.instances) as u64,
        listeners: parts.live.listeners() as u64,
        connections: parts.connections.len() as u64,
        batch_bytes_under_way: parts.gates.batch_bytes_under_way(),
        drops: parts.instances.drops(),
        failed_tasks: parts.tasks.failed().len() as u64,
    }
}
